/* SPDX-License-Identifier: MIT */
/* Socket addresses of any length, through a descriptor and /proc/self/fd. */
#include "sockfile/sockpath.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* The caller checked that the text was not cut: snprintf's result is below the size. */
static int finish(struct sockaddr_un *un, int length)
{
	if (length < 0 || (size_t)length >= sizeof(un->sun_path))
		return -ENAMETOOLONG;
	un->sun_family = AF_UNIX;
	return (int)offsetof(struct sockaddr_un, sun_path) + length + 1;
}

static int has_proc(void)
{
	return access("/proc/self/fd", X_OK) == 0;
}

int fdpass_sockpath_plain(const char *path, struct sockaddr_un *un)
{
	size_t length = strlen(path);

	if (length >= sizeof(un->sun_path))
		return -ENAMETOOLONG;
	memcpy(un->sun_path, path, length + 1);
	return finish(un, (int)length);
}

int fdpass_sockpath_in(int fd, const char *directory, const char *name, struct sockaddr_un *un)
{
	int length =
		has_proc() ? snprintf(un->sun_path, sizeof(un->sun_path), "/proc/self/fd/%d/%s", fd,
				      name)
			   : snprintf(un->sun_path, sizeof(un->sun_path), "%s/%s", directory, name);

	return finish(un, length);
}

int fdpass_sockpath_of(int fd, const char *path, struct sockaddr_un *un)
{
	if (!has_proc())
		return fdpass_sockpath_plain(path, un);
	return finish(un, snprintf(un->sun_path, sizeof(un->sun_path), "/proc/self/fd/%d", fd));
}

int fdpass_sockpath_to(const char *path, struct sockaddr_un *un, int *ret_inode)
{
	int length = fdpass_sockpath_plain(path, un);

	if (length != -ENAMETOOLONG)
		return length;
	*ret_inode = open(path, O_PATH | O_CLOEXEC);
	return *ret_inode < 0 ? -errno : fdpass_sockpath_of(*ret_inode, path, un);
}

socklen_t fdpass_sockpath_abstract(const char *name, struct sockaddr_un *un)
{
	size_t length = strlen(name);

	memset(un, 0, sizeof(*un));
	un->sun_family = AF_UNIX;
	memcpy(un->sun_path + 1, name, length);
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + length);
}
