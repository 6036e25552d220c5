/* SPDX-License-Identifier: MIT */
/* A receiver's room: who has to go when it is full, and what happens when the table of files is. */
#include <sys/socket.h>

#include "base/fd.h"
#include "callers.h"
#include "descriptors.h"
#include "raw.h"
#include "receiving.h"
#include "scratch.h"
#include "suite.h"

static struct receiving receiving;
static int callers[200];

START_TEST(the_idle_make_room_in_their_order)
{
	receiving_begin(&receiving, NULL, 1);
	for (int i = 0; i < 200; i++) {
		callers_connect(callers, i, i + 1);
		receiving_idle(&receiving);
	}
	ck_assert_int_eq(receiving.events[FDPASS_EVENT_CROWDED_OUT], 200 - FDPASS_CALLERS_MAX);
	for (int i = 0; i < 200; i++) {
		if (i < 200 - FDPASS_CALLERS_MAX)
			ck_assert(callers_was_crowded_out(callers[i]));
		else
			callers_assert_waits(callers[i]);
	}
	callers_end(&receiving, callers, 200);
}
END_TEST

START_TEST(who_has_sent_something_is_less_idle)
{
	receiving_begin(&receiving, NULL, 1);
	callers_connect(callers, 0, FDPASS_CALLERS_MAX);
	receiving_idle(&receiving);
	ck_assert_int_eq(raw_send(callers[0], "x", 1, NULL, 0), 1);
	receiving_idle(&receiving);
	callers_connect(callers, FDPASS_CALLERS_MAX, FDPASS_CALLERS_MAX + 1);
	receiving_idle(&receiving);
	ck_assert(callers_was_crowded_out(callers[1]));
	callers_assert_waits(callers[0]);
	callers_end(&receiving, callers, FDPASS_CALLERS_MAX + 1);
}
END_TEST

/* It called first, and its message is there; only that it was not looked at yet. */
START_TEST(who_has_sent_everything_is_not_idle)
{
	receiving_begin(&receiving, NULL, 1);
	callers_connect(callers, 0, 1);
	receiving_idle(&receiving);
	callers_connect(callers, 1, 200);
	ck_assert_int_eq(raw_send_one(callers[0]), 1);
	callers_take_from(&receiving, callers[0], 1);
	callers_end(&receiving, callers, 200);
}
END_TEST

/* The same of many at once: with room for none of those who come after them. */
START_TEST(a_room_full_of_messages)
{
	int taken = 0;

	receiving_begin(&receiving, NULL, 1);
	callers_connect(callers, 0, FDPASS_CALLERS_MAX);
	receiving_idle(&receiving);
	callers_connect(callers, FDPASS_CALLERS_MAX, 200);
	for (int i = 0; i < FDPASS_CALLERS_MAX; i++)
		ck_assert_int_eq(raw_send_one(callers[i]), 1);
	for (int i = 0; i < FDPASS_CALLERS_MAX; i++) {
		struct fdpass_handover *handover = receiving_next(&receiving, 1000);

		ck_assert_ptr_nonnull(handover);
		fdpass_handover_accept(handover, 1);
		fdpass_handover_free(handover);
	}
	for (int i = 0; i < FDPASS_CALLERS_MAX; i++)
		taken += raw_has_greeting(callers[i]) && raw_has_record(callers[i], 'A', 1, "");
	ck_assert_int_eq(taken, FDPASS_CALLERS_MAX);
	receiving_idle(&receiving);
	callers_end(&receiving, callers, 200);
}
END_TEST

/* Whoever goes on sending without an end is turned away, however full it is. */
START_TEST(a_room_full_of_talkers)
{
	static const char bytes[4096];
	int told = 0;

	receiving_begin(&receiving, NULL, 1);
	callers_connect(callers, 0, FDPASS_CALLERS_MAX);
	for (int round = 0; round < 17; round++) {
		for (int i = 0; i < FDPASS_CALLERS_MAX; i++)
			raw_send(callers[i], bytes, sizeof(bytes), NULL, 0);
		receiving_idle(&receiving);
	}
	for (int i = 0; i < FDPASS_CALLERS_MAX; i++)
		told += raw_has_greeting(callers[i]) &&
			raw_has_record(callers[i], 'R', 0, "no descriptor came with it");
	ck_assert_int_eq(told, FDPASS_CALLERS_MAX);
	callers_end(&receiving, callers, FDPASS_CALLERS_MAX);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("receiver-room");
	TCase *tcase = descriptors_tcase("receiver-room");

	scratch_add(tcase);
	tcase_add_test(tcase, the_idle_make_room_in_their_order);
	tcase_add_test(tcase, who_has_sent_something_is_less_idle);
	tcase_add_test(tcase, who_has_sent_everything_is_not_idle);
	tcase_add_test(tcase, a_room_full_of_messages);
	tcase_add_test(tcase, a_room_full_of_talkers);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
