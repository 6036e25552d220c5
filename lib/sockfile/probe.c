/* SPDX-License-Identifier: MIT */
/* Whether a socket file still has a socket behind it. */
#include "sockfile/probe.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "sockfile/sockpath.h"

/* Connecting a datagram socket does not reach the listener of a stream socket (EPROTOTYPE), but finds
 * out whether there is one: with nobody behind the inode it is ECONNREFUSED. Everything else, EACCES
 * included, counts as live: what we cannot tell about is not ours to remove. */
static enum probe_result probe_inode(int inode, const char *path)
{
	struct sockaddr_un un;
	int length = fdpass_sockpath_of(inode, path, &un);
	fd_owned int probe = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (probe < 0 || length < 0)
		return PROBE_LIVE;
	if (connect(probe, (struct sockaddr *)&un, (socklen_t)length) == 0)
		return PROBE_LIVE;
	return errno == ECONNREFUSED ? PROBE_STALE : PROBE_LIVE;
}

enum probe_result fdpass_probe(int fd, const char *directory, const char *name,
			       struct stat *ret_status)
{
	char path[PATH_MAX + NAME_MAX + 2];
	fd_owned int inode = openat(fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);

	if (inode < 0)
		return errno == ENOENT ? PROBE_GONE : PROBE_LIVE;
	if (fstat(inode, ret_status) < 0)
		return PROBE_LIVE;
	if (!S_ISSOCK(ret_status->st_mode))
		return PROBE_OTHER;
	snprintf(path, sizeof(path), "%s/%s", directory, name);
	return probe_inode(inode, path);
}

int fdpass_probe_unlink(int fd, const char *name, const struct stat *status)
{
	struct stat now;

	if (fstatat(fd, name, &now, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	if (now.st_dev != status->st_dev || now.st_ino != status->st_ino)
		return -ESTALE;
	return unlinkat(fd, name, 0) < 0 ? -errno : 0;
}
