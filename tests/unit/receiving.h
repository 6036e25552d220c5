/* SPDX-License-Identifier: MIT */
#ifndef TESTS_UNIT_RECEIVING_H
#define TESTS_UNIT_RECEIVING_H

/* A receiver under test: listeners at ./s0, ./s1, ... and a count of what it reports. */

#include "fdpass.h"

struct receiving {
	struct fdpass_receiver *receiver;
	int events[FDPASS_EVENT_STARTED + 1]; /* how often each kind was reported */
	int index;                            /* of the last one, ... */
	pid_t last;                           /* ... and the process that it was about */
};

/* `rule` may be NULL; the sockets' mode is 0666. */
void receiving_begin(struct receiving *receiving, const struct fdpass_rule *rule, int listeners);

/* Waits for at most so many milliseconds; NULL when the time ran out, anything else is a failure. */
struct fdpass_handover *receiving_next(struct receiving *receiving, int64_t milliseconds);

/* Lets it see to whoever is there; nothing must be complete. */
void receiving_idle(struct receiving *receiving);

#endif
