/* SPDX-License-Identifier: MIT */
#ifndef FDPASS_FDRECV_NONBLOCK_H
#define FDPASS_FDRECV_NONBLOCK_H

/*
 * O_NONBLOCK on the sockets of --listen-fds, for a command that takes what it is given as it is, and expects
 * what it makes itself. It belongs to the open file description, and so to everybody who has the same one.
 */

#include "tools/fdrecv/reception.h"

struct nonblock {
	int *numbers; /* owned; of the sockets that were blocking before */
	size_t count;
};

#define NONBLOCK_INIT                                                                              \
	{                                                                                          \
		NULL, 0                                                                            \
	}

/* Sets it where the dialect wants it; everything is in its place. 0, or a negative errno and nothing is
 * changed. `changed` is initialised with NONBLOCK_INIT. */
int fdrecv_nonblock_set(const struct reception *reception, struct nonblock *changed);

/* Notes the sockets that were taken from other processes and block, as their servers may count on; a command makes
 * them non-blocking for everybody. Their descriptors stay the reception's: whoever frees `blocking` by undoing it
 * closes none. 0 or -ENOMEM. */
int fdrecv_nonblock_note(const struct reception *reception, struct nonblock *blocking);

/* Takes it back, for those who go on without the command. */
void fdrecv_nonblock_undo(struct nonblock *changed);

#endif
