/* SPDX-License-Identifier: MIT */
#ifndef FDPASS_BASE_WAIT_H
#define FDPASS_BASE_WAIT_H

/* The one place where the library blocks. */

#include <stdint.h>

#include "fdpass.h"

/*
 * Waits until `fd` has one of the poll(2) `events` (or an error), and returns 1; or until `until`,
 * and returns 0; or returns -ETIMEDOUT at the deadline and -ECANCELED when the wait is cancelled,
 * which wins over everything else, so that a stream of events cannot hold a signal off.
 *
 * `fd` may be negative: then it is a pause until `until`, which ends with 0. `wait` may be NULL.
 * EINTR is no reason to return: the time left is computed again.
 */
int fdpass_wait_for(const struct fdpass_wait *wait, int fd, short events, int64_t until);

/* What something waits for that goes on in steps: it is to be called again when `fd` has one of the poll(2)
 * `events` or an error, or at `until`, whichever comes first; or before that, which does no harm. */
struct interest {
	int fd; /* or FD_NONE; borrowed until then */
	short events;
	int64_t until;
};

/* Waits for that: as fdpass_wait_for(). */
static inline int wait_for_interest(const struct fdpass_wait *wait, const struct interest *interest)
{
	return fdpass_wait_for(wait, interest->fd, interest->events, interest->until);
}

/* -ECANCELED or -ETIMEDOUT when the wait is over already, else 0. For loops that have work at every
 * turn, so that nobody who provides it can hold the deadline off. */
int fdpass_wait_over(const struct fdpass_wait *wait);

/* A pause that grows: for what the kernel does not notify. Doubles from `first` up to `most`. */
struct fdpass_pause {
	int64_t first, most; /* nanoseconds */
	int64_t next;        /* 0: start with `first` */
};

/* The moment at which the next pause ends, counted from now. */
int64_t fdpass_pause_next(struct fdpass_pause *pause);

/* Begins again with the shortest pause: something has happened. */
static inline void pause_restart(struct fdpass_pause *pause)
{
	pause->next = 0;
}

#endif
