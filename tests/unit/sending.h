/* SPDX-License-Identifier: MIT */
#ifndef TESTS_UNIT_SENDING_H
#define TESTS_UNIT_SENDING_H

/* One call of fdpass_send() and all that it says; or, with $SENDING_IN_STEPS, the same by fdpass_sending_step(). */

#include "fdpass.h"

struct sending {
	struct fdpass_send_options options;
	struct fdpass_wait wait; /* five seconds, so that a failing test ends */
	struct fdpass_delivery delivery;
	struct fdpass_error error;
	int events[FDPASS_EVENT_STARTED + 1]; /* how often each was reported */
	int tell;                             /* unless negative: written to ... */
	enum fdpass_event_kind tell_of;       /* ... when this is reported */
};

void sending_init(struct sending *sending);

/* Sends `set` to the path, or to the abstract name behind '@'. On success the record must be untouched,
 * on failure the delivery, and the result and the record must agree. */
int sending_run(struct sending *sending, const char *where, const struct fdpass_set *set);

/* The same with one descriptor. */
int sending_one(struct sending *sending, const char *where);

#endif
