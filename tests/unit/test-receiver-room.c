/* SPDX-License-Identifier: MIT */
/* A receiver's room: who has to go when it is full, and what happens when the table of files is. */
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "descriptors.h"
#include "raw.h"
#include "receiving.h"
#include "scratch.h"
#include "suite.h"

#define TOO_MANY "too many callers, and this one was idle longest"

static struct receiving receiving;
static int callers[200];

static void finish(int count)
{
	receiving.receiver = fdpass_receiver_free(receiving.receiver);
	for (int i = 0; i < count; i++)
		fdpass_fd_close(callers[i]);
}

static void call(int first, int last)
{
	for (int i = first; i < last; i++) {
		callers[i] = raw_connect("s0");
		ck_assert_int_ge(callers[i], 0);
	}
}

static int was_crowded_out(int caller)
{
	return raw_has_greeting(caller) && raw_has_record(caller, 'B', 0, TOO_MANY);
}

static void assert_waits(int caller)
{
	char byte;

	ck_assert(raw_has_greeting(caller));
	ck_assert_int_eq(recv(caller, &byte, 1, MSG_DONTWAIT), -1);
	ck_assert_int_eq(errno, EAGAIN);
}

/* Takes what is complete, which has to be from this caller. */
static void take_from(int caller, size_t count)
{
	struct fdpass_handover *handover = receiving_next(&receiving, 1000);

	ck_assert_ptr_nonnull(handover);
	ck_assert_uint_eq(fdpass_set_count(fdpass_handover_set(handover)), count);
	fdpass_handover_accept(handover, 4711);
	fdpass_handover_free(handover);
	ck_assert(raw_has_greeting(caller));
	ck_assert(raw_has_record(caller, 'A', 4711, ""));
}

START_TEST(the_idle_make_room_in_their_order)
{
	receiving_begin(&receiving, NULL, 1);
	for (int i = 0; i < 200; i++) {
		call(i, i + 1);
		receiving_idle(&receiving);
	}
	ck_assert_int_eq(receiving.events[FDPASS_EVENT_CROWDED_OUT], 200 - FDPASS_CALLERS_MAX);
	for (int i = 0; i < 200; i++) {
		if (i < 200 - FDPASS_CALLERS_MAX)
			ck_assert(was_crowded_out(callers[i]));
		else
			assert_waits(callers[i]);
	}
	finish(200);
}
END_TEST

START_TEST(who_has_sent_something_is_less_idle)
{
	receiving_begin(&receiving, NULL, 1);
	call(0, FDPASS_CALLERS_MAX);
	receiving_idle(&receiving);
	ck_assert_int_eq(raw_send(callers[0], "x", 1, NULL, 0), 1);
	receiving_idle(&receiving);
	call(FDPASS_CALLERS_MAX, FDPASS_CALLERS_MAX + 1);
	receiving_idle(&receiving);
	ck_assert(was_crowded_out(callers[1]));
	assert_waits(callers[0]);
	finish(FDPASS_CALLERS_MAX + 1);
}
END_TEST

/* It called first, and its message is there; only that it was not looked at yet. */
START_TEST(who_has_sent_everything_is_not_idle)
{
	receiving_begin(&receiving, NULL, 1);
	call(0, 1);
	receiving_idle(&receiving);
	call(1, 200);
	ck_assert_int_eq(raw_send_one(callers[0]), 1);
	take_from(callers[0], 1);
	finish(200);
}
END_TEST

/* The same of many at once: with room for none of those who come after them. */
START_TEST(a_room_full_of_messages)
{
	int taken = 0;

	receiving_begin(&receiving, NULL, 1);
	call(0, FDPASS_CALLERS_MAX);
	receiving_idle(&receiving);
	call(FDPASS_CALLERS_MAX, 200);
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
	finish(200);
}
END_TEST

/* Whoever goes on sending without an end is turned away, however full it is. */
START_TEST(a_room_full_of_talkers)
{
	static const char bytes[4096];
	int told = 0;

	receiving_begin(&receiving, NULL, 1);
	call(0, FDPASS_CALLERS_MAX);
	for (int round = 0; round < 17; round++) {
		for (int i = 0; i < FDPASS_CALLERS_MAX; i++)
			raw_send(callers[i], bytes, sizeof(bytes), NULL, 0);
		receiving_idle(&receiving);
	}
	for (int i = 0; i < FDPASS_CALLERS_MAX; i++)
		told += raw_has_greeting(callers[i]) &&
			raw_has_record(callers[i], 'R', 0, "no descriptor came with it");
	ck_assert_int_eq(told, FDPASS_CALLERS_MAX);
	finish(FDPASS_CALLERS_MAX);
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
