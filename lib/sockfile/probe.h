/* SPDX-License-Identifier: MIT */
#ifndef FDPASS_SOCKFILE_PROBE_H
#define FDPASS_SOCKFILE_PROBE_H

/* Whether a socket file still has a socket behind it, without disturbing that socket. */

#include <sys/stat.h>
#include <sys/types.h>

enum probe_result {
	PROBE_GONE,  /* there is no such name (any more) */
	PROBE_STALE, /* a socket that nobody has bound any more */
	PROBE_LIVE,  /* a socket that somebody has, or that we cannot tell about */
	PROBE_OTHER, /* not a socket: a file, a directory, a symbolic link */
};

/* Looks at `name` in the directory open as `fd` (its path is `directory`). `ret_status` is what
 * lstat(2) says of the inode that was probed; unset when it is gone. */
enum probe_result fdpass_probe(int fd, const char *directory, const char *name,
			       struct stat *ret_status);

/* Removes `name` if it still is the inode of `status`: 0, or -ESTALE when it is not, or -errno. */
int fdpass_probe_unlink(int fd, const char *name, const struct stat *status);

#endif
