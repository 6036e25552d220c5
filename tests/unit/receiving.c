/* SPDX-License-Identifier: MIT */
/* A receiver under test. */
#include "receiving.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>

static void count(void *context, const struct fdpass_event *event)
{
	struct receiving *receiving = context;

	receiving->events[event->kind]++;
	receiving->last = event->peer.pid;
	receiving->index = event->index;
}

void receiving_begin(struct receiving *receiving, const struct fdpass_rule *rule, int listeners)
{
	struct fdpass_listen_options options = FDPASS_LISTEN_OPTIONS_INIT;

	*receiving = (struct receiving){.receiver = NULL};
	options.mode = 0666;
	ck_assert_int_eq(fdpass_receiver_new(rule, count, receiving, &receiving->receiver), 0);
	for (int i = 0; i < listeners; i++) {
		struct fdpass_listener *listener;
		struct fdpass_address *address;
		char text[16];

		snprintf(text, sizeof(text), "./s%d", i);
		ck_assert_int_eq(fdpass_address_parse(FDPASS_ADDRESS_NAMED, text, &address, NULL),
				 0);
		ck_assert_int_eq(fdpass_listener_open(address, &options, &listener, NULL), 0);
		fdpass_address_free(address);
		ck_assert_int_eq(fdpass_receiver_add(receiving->receiver, listener), i);
	}
}

struct fdpass_handover *receiving_next(struct receiving *receiving, int64_t milliseconds)
{
	struct fdpass_wait wait = {fdpass_deadline_in(milliseconds * 1000000), -1};
	struct fdpass_handover *handover = NULL;
	struct fdpass_error error = FDPASS_ERROR_INIT;
	int r = fdpass_receiver_next(receiving->receiver, &wait, &handover, &error);

	if (r == 0) {
		ck_assert_ptr_nonnull(handover);
		ck_assert_int_eq(error.step, FDPASS_STEP_NONE);
		return handover;
	}
	ck_assert_int_eq(r, -ETIMEDOUT);
	ck_assert_int_eq(error.step, FDPASS_STEP_WAIT);
	ck_assert_ptr_null(handover);
	return NULL;
}

void receiving_idle(struct receiving *receiving)
{
	/* A deadline that has passed means one look, at a bounded number of events. */
	for (int i = 0; i < 16; i++)
		ck_assert_ptr_null(receiving_next(receiving, 0));
}
