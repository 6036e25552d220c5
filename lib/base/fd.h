/* SPDX-License-Identifier: MIT */
#ifndef FDPASS_BASE_FD_H
#define FDPASS_BASE_FD_H

/*
 * One descriptor: closing it, owning it in a scope, giving it away, moving it.
 *
 * "No descriptor" is -EBADF, never -1 (which is -EPERM) and never 0 (which is stdin).
 */

#include <errno.h>
#include <sys/types.h>

#define FD_NONE (-EBADF)

/* Closes `fd` unless it is negative, keeps errno, and returns FD_NONE for `fd = fdpass_fd_close(fd)`.
 * EINTR is not retried: Linux has freed the number by then (close(2), NOTES). */
int fdpass_fd_close(int fd);

static inline void fd_close_scope(int *fd)
{
	*fd = fdpass_fd_close(*fd);
}

/* `fd_owned int fd = open(...)`: closed when the scope is left, unless it was given away. */
#define fd_owned __attribute__((cleanup(fd_close_scope)))

/* Gives the descriptor in `*fd` away: its new owner is whoever gets the result. */
static inline int fd_give(int *fd)
{
	int given = *fd;

	*fd = FD_NONE;
	return given;
}

/* Sets the mode of what `fd` is, which may have been opened with O_PATH: 0 or a negative errno. */
int fdpass_fd_chmod(int fd, mode_t mode);

/* 1 when `fd` is an open descriptor of this process, else 0. */
int fdpass_fd_is_open(int fd);

/* Replaces `*fd`, which the caller owns, by a close-on-exec duplicate on the lowest free number that
 * is at least `lowest`. On failure `*fd` is unchanged. Nothing to do when it is high enough already. */
int fdpass_fd_raise(int *fd, int lowest);

#endif
