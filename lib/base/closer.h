/* SPDX-License-Identifier: MIT */
#ifndef FDPASS_BASE_CLOSER_H
#define FDPASS_BASE_CLOSER_H

/* Closing files whose closing waits for somebody, without waiting for them. */

#include <stddef.h>

/* What may happen when a descriptor is closed. */
enum closing {
	CLOSING_IS_QUICK,
	CLOSING_MAY_LINGER, /* a socket: the last close, socket(7), SO_LINGER */
	CLOSING_MAY_WAIT, /* a file of FUSE or of a network: every close, for its daemon or server */
};

/* Does not wait itself. */
enum closing fdpass_closing(int fd);

/*
 * Closes `count` descriptors of the last kind. Every close of such a file waits (fs/open.c, filp_flush()), that of
 * exit and exec too, and a FUSE daemon that has been asked and does not answer cannot be left by any signal
 * (fs/fuse/dev.c, request_wait_answer()). But the number is free before that wait begins: so a process that shares
 * our table does it. One that waits for longer than a moment is left to itself, until its daemon answers or goes.
 * Where there can be no such process, or no number for its pidfd, they are closed here.
 */
void fdpass_closer_run(const int *fds, size_t count);

#endif
