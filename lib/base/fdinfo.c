/* SPDX-License-Identifier: MIT */
/* What the kernel says of one descriptor. */
#include "base/fdinfo.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"

/* The lines that are read come first; what follows them may be long. */
#define FDINFO_MAX 4096

/* What follows `name` in the text, or NULL. */
static const char *field(const char *text, const char *name)
{
	const char *found = strstr(text, name);

	return found != NULL ? found + strlen(name) : NULL;
}

int fdpass_fdinfo_read(int directory, const char *name, struct fdpass_fdinfo *ret_info)
{
	fd_owned int fd = openat(directory, name, O_RDONLY | O_CLOEXEC);
	char text[FDINFO_MAX];
	const char *flags, *mount, *inode;
	ssize_t length;

	if (fd < 0)
		return -errno;
	length = read(fd, text, sizeof(text) - 1);
	if (length < 0)
		return -errno;
	text[length] = '\0';
	flags = field(text, "flags:\t");
	mount = field(text, "mnt_id:\t");
	inode = field(text, "ino:\t");
	if (flags == NULL)
		return -EPROTO;
	ret_info->flags = (int)strtoul(flags, NULL, 8);
	ret_info->mount = mount != NULL ? strtol(mount, NULL, 10) : -1;
	ret_info->inode = inode != NULL ? strtoull(inode, NULL, 10) : 0;
	return 0;
}

int fdpass_fdinfo_own(int fd, struct fdpass_fdinfo *ret_info)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/thread-self/fdinfo/%d", fd);
	return fdpass_fdinfo_read(AT_FDCWD, path, ret_info);
}
