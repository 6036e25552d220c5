/* SPDX-License-Identifier: MIT */
#ifndef TESTS_UNIT_DIALING_H
#define TESTS_UNIT_DIALING_H

/* A dialer under test, and the address that it has. */

#include "rendezvous/dialer.h"

struct dialing {
	struct dialer dialer;
	struct fdpass_address *address;
};

void dialing_begin(struct dialing *dialing, enum fdpass_address_kind kind, const char *text);
void dialing_end(struct dialing *dialing);

/* Tries to connect: that fails with `code`, or makes a good connection, which is closed. */
void dialing_assert_fails(struct dialing *dialing, int code);
void dialing_assert_connects(struct dialing *dialing);

#endif
