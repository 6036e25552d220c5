/* SPDX-License-Identifier: MIT */
/* Absolute moments of CLOCK_MONOTONIC: a wait that is resumed after a wake-up ends when it should. */
#include "base/deadline.h"

#define LEFT_MAX (INT32_MAX * NSEC_PER_SEC)

int64_t fdpass_deadline_now(void)
{
	struct timespec now;

	/* Cannot fail: the clock exists on every Linux, and the pointer is good. */
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * NSEC_PER_SEC + now.tv_nsec;
}

int64_t fdpass_deadline_in(int64_t nanoseconds)
{
	int64_t now = fdpass_deadline_now();

	if (nanoseconds < 0)
		nanoseconds = 0;
	return nanoseconds >= FDPASS_NO_DEADLINE - now ? FDPASS_NO_DEADLINE : now + nanoseconds;
}

const struct timespec *fdpass_deadline_left(int64_t deadline, struct timespec *storage)
{
	int64_t now = fdpass_deadline_now();
	int64_t left;

	if (deadline == FDPASS_NO_DEADLINE)
		return NULL;
	/* Compared before it is subtracted: the farthest past would overflow. */
	left = deadline > now ? deadline - now : 0;
	/* A time_t of 32 bits holds no more; a wait that ends early looks at the clock again. */
	if (left > LEFT_MAX)
		left = LEFT_MAX;
	storage->tv_sec = (time_t)(left / NSEC_PER_SEC);
	storage->tv_nsec = (long)(left % NSEC_PER_SEC);
	return storage;
}
