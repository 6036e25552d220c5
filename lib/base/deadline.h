/* SPDX-License-Identifier: MIT */
#ifndef FDPASS_BASE_DEADLINE_H
#define FDPASS_BASE_DEADLINE_H

/* Absolute moments of CLOCK_MONOTONIC, in nanoseconds. */

#include <stdint.h>
#include <time.h>

#include "fdpass.h"

#define NSEC_PER_SEC INT64_C(1000000000)
#define NSEC_PER_MSEC INT64_C(1000000)

int64_t fdpass_deadline_now(void);

/* Whichever comes first. */
static inline int64_t deadline_earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* What is left until `deadline` as a relative time for ppoll(2), 0 when it has passed; NULL, which
 * ppoll takes as "for ever", for FDPASS_NO_DEADLINE. */
const struct timespec *fdpass_deadline_left(int64_t deadline, struct timespec *storage);

#endif
