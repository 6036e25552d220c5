/* SPDX-License-Identifier: MIT */
/*
 * Which file is at a path, in the numbers of the kernel's table of Unix sockets (net/unix/diag.c): those of the
 * inode itself and of the file system's superblock. stat(2) asks the file system, and some have others to say:
 * btrfs has a device for each subvolume, and overlayfs one for each layer where these are on several file
 * systems. /proc shows the kernel's own, of a descriptor and of its mount.
 */
#include "base/bound.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/fdinfo.h"

/* What there is no way around. */
static int is_fatal(int code)
{
	return code == -EMFILE || code == -ENFILE || code == -ENOMEM;
}

static uint32_t encode(unsigned device_major, unsigned device_minor)
{
	return (uint32_t)device_major << 20 | device_minor;
}

/* Not all mounts are listed: not the one that a process was put into by chroot(2), if its new root is just a
 * directory there, nor those of other mount namespaces, which /proc/PID/root leads to. */
static int read_mounts(long mount, uint32_t *ret_device)
{
	int fd = open("/proc/thread-self/mountinfo", O_RDONLY | O_CLOEXEC), found = 0;
	char *line = NULL;
	size_t room = 0;
	FILE *lines;
	int r;

	if (fd < 0)
		return -errno;
	lines = fdopen(fd, "r");
	if (lines == NULL) {
		fdpass_fd_close(fd);
		return -ENOMEM;
	}
	errno = 0;
	while (!found && getline(&line, &room, lines) > 0) {
		unsigned device_major, device_minor;
		long id;

		found = sscanf(line, "%ld %*d %u:%u", &id, &device_major, &device_minor) == 3 &&
			id == mount;
		if (found)
			*ret_device = encode(device_major, device_minor);
	}
	r = errno == ENOMEM ? -ENOMEM : 0;
	free(line);
	fclose(lines);
	return r;
}

int fdpass_bound_look(int directory, const char *path, struct fdpass_bound *ret_bound)
{
	fd_owned int fd = openat(directory, path, O_PATH | O_CLOEXEC);
	struct fdpass_bound bound;
	struct fdpass_fdinfo info = {.mount = -1};
	struct stat status;
	int r = fd >= 0 && fstat(fd, &status) == 0 ? 0 : -errno;

	if (r < 0)
		return is_fatal(r) ? r : 0;
	bound.inode = (uint32_t)status.st_ino;
	bound.device = encode(major(status.st_dev), minor(status.st_dev));
	/* Where /proc does not tell more, stat(2) is right on most file systems. */
	r = fdpass_fdinfo_own(fd, &info);
	if (r == 0 && info.inode != 0)
		bound.inode = (uint32_t)info.inode;
	if (r == 0 && info.mount >= 0)
		r = read_mounts(info.mount, &bound.device);
	if (is_fatal(r))
		return r;
	*ret_bound = bound;
	return 1;
}

int fdpass_bound_equal(const struct fdpass_bound *a, const struct fdpass_bound *b)
{
	return a->inode != 0 && a->inode == b->inode && a->device == b->device;
}
