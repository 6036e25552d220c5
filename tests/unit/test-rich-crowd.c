/* SPDX-License-Identifier: MIT */
/* Rich handovers side by side, and callers who announce much, send a part, and keep what they have. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "descriptors.h"
#include "handover/room.h"
#include "raw.h"
#include "rawrich.h"
#include "receiving.h"
#include "scratch.h"
#include "suite.h"

#define TOO_MANY "too many callers, and this one was idle longest"

static struct receiving receiving;
static int callers[200];
static int witness[2];

static void begin(void)
{
	ck_assert_int_eq(pipe2(witness, O_CLOEXEC), 0);
	receiving_begin(&receiving, NULL, 1);
}

static void end(void)
{
	receiving.receiver = fdpass_receiver_free(receiving.receiver);
	for (int i = 0; i < 200; i++) {
		if (callers[i] > 0)
			close(callers[i]);
	}
	close(witness[0]);
	fdpass_fd_close(witness[1]);
}

/* Calls, offers so many, and is told to go on. */
static void offer(int caller, uint32_t count)
{
	callers[caller] = raw_connect("s0");
	ck_assert_int_ge(callers[caller], 0);
	rawrich_offer(callers[caller], count, NULL, 0);
	receiving_idle(&receiving);
	ck_assert(rawrich_may_go_on(callers[caller]));
}

static void pass(int caller, size_t count)
{
	rawrich_pass_all(callers[caller], witness[1], count);
}

static void take(size_t count)
{
	struct fdpass_handover *handover = receiving_next(&receiving, 1000);

	ck_assert_ptr_nonnull(handover);
	ck_assert_uint_eq(fdpass_set_count(fdpass_handover_set(handover)), count);
	fdpass_handover_accept(handover, (uint32_t)count);
	fdpass_handover_free(handover);
}

/* The one that began first, and idles, keeps nobody from being served. */
START_TEST(a_slow_one_keeps_nobody_waiting)
{
	begin();
	raw_set_table(4096);
	offer(0, 3000);
	pass(0, 300);
	receiving_idle(&receiving);
	callers[1] = raw_connect("s0");
	ck_assert_int_eq(raw_send_one(callers[1]), 1);
	take(1);
	offer(2, 1000);
	pass(2, 1000);
	take(1000);
	/* And is served when it goes on. */
	pass(0, 2700);
	take(3000);
	ck_assert(raw_has_record(callers[0], 'A', 3000, ""));
	ck_assert_int_eq(receiving.events[FDPASS_EVENT_CROWDED_OUT], 0);
	end();
}
END_TEST

START_TEST(side_by_side_in_pieces)
{
	begin();
	raw_set_table(4096);
	for (int i = 0; i < 8; i++)
		offer(i, 400);
	for (int piece = 0; piece < 4; piece++) {
		for (int i = 0; i < 8; i++) {
			if (piece == 3)
				break;
			ck_assert_int_eq(rawrich_pass(callers[i], witness[1], 100), 1);
			receiving_idle(&receiving);
		}
	}
	for (int i = 7; i >= 0; i--) {
		ck_assert_int_eq(rawrich_pass(callers[i], witness[1], 100), 1);
		take(400);
		ck_assert(raw_has_record(callers[i], 'A', 400, ""));
	}
	end();
}
END_TEST

/* They hold what numbers there are, and then idle: who has something to say gets them. */
START_TEST(idle_holders_go_when_numbers_are_needed)
{
	int many[FDPASS_MESSAGE_MAX], first = 0;

	begin();
	for (int i = 0; i < FDPASS_MESSAGE_MAX; i++)
		many[i] = witness[1];
	raw_set_table(1000);
	for (int i = 0; i < 10; i++) {
		offer(i, 900);
		pass(i, 200);
		receiving_idle(&receiving);
	}
	ck_assert_int_ge(receiving.events[FDPASS_EVENT_CROWDED_OUT], 6);
	/* In their order. */
	for (; first < receiving.events[FDPASS_EVENT_CROWDED_OUT]; first++)
		ck_assert(raw_has_record(callers[first], 'B', 0, TOO_MANY));
	callers[10] = raw_connect("s0");
	ck_assert_int_eq(raw_send(callers[10], "x", 1, many, FDPASS_MESSAGE_MAX), 1);
	take(FDPASS_MESSAGE_MAX);
	offer(11, 900);
	pass(11, 900);
	take(900);
	ck_assert(raw_has_record(callers[11], 'A', 900, ""));
	ck_assert_int_eq(receiving.events[FDPASS_EVENT_TURNED_AWAY], 0);
	end();
}
END_TEST

/* Nobody idles, and there is not enough for both: one of them is told to come again. */
START_TEST(two_that_do_not_fit)
{
	int busy = 0;

	begin();
	raw_set_table(1000);
	for (int i = 0; i < 2; i++)
		offer(i, 900);
	/* More messages than one step takes, so that the first still has some when it is the other's turn. An
	 * ordinary user may have no more on their way than the limit of who sends (ETOOMANYREFS). */
	raw_set_table(2000);
	for (int i = 0; i < 20; i++) {
		for (int caller = 0; caller < 2; caller++)
			ck_assert_int_eq(rawrich_pass(callers[caller], witness[1], 45), 1);
	}
	raw_set_table(1000);
	take(900);
	receiving_idle(&receiving);
	for (int i = 0; i < 2; i++) {
		char type;

		ck_assert_int_eq(raw_read(callers[i], &type, 1), 1);
		ck_assert(type == 'A' || type == 'B');
		busy += type == 'B';
	}
	ck_assert_int_eq(busy, 1);
	end();
}
END_TEST

/* Announcing costs nothing: neither numbers nor memory are set aside for what may never come. */
START_TEST(who_only_announces)
{
	begin();
	for (int i = 0; i < FDPASS_CALLERS_MAX; i++)
		offer(i, 900);
	callers[100] = raw_connect("s0");
	ck_assert_int_eq(raw_send_one(callers[100]), 1);
	take(1);
	/* The first of them had to go for it. */
	ck_assert_int_eq(receiving.events[FDPASS_EVENT_CROWDED_OUT], 1);
	ck_assert(raw_has_record(callers[0], 'B', 0, TOO_MANY));
	end();
}
END_TEST

/* Names are memory: all callers together may have sent so much of it. */
START_TEST(names_are_bounded)
{
	static char names[65536];
	unsigned char head[RAWRICH_HEAD];
	int fit = ROOM_NAMES_MAX / FDPASS_NAMES_MAX;

	memset(names, 'n', sizeof(names));
	begin();
	rawrich_head(head, 1, FDPASS_NAMES_MAX);
	for (int i = 0; i < fit + 3; i++) {
		size_t sent = 0;

		callers[i] = raw_connect("s0");
		ck_assert_int_eq(raw_send(callers[i], head, sizeof(head), NULL, 0), RAWRICH_HEAD);
		while (sent < FDPASS_NAMES_MAX - 1) {
			size_t part = FDPASS_NAMES_MAX - 1 - sent;
			ssize_t got =
				send(callers[i], names, part < sizeof(names) ? part : sizeof(names),
				     MSG_DONTWAIT | MSG_NOSIGNAL);

			if (got > 0)
				sent += (size_t)got;
			else
				receiving_idle(&receiving);
		}
		receiving_idle(&receiving);
	}
	ck_assert_int_eq(receiving.events[FDPASS_EVENT_CROWDED_OUT], 3);
	for (int i = 0; i < 3; i++) {
		ck_assert(raw_has_greeting(callers[i]));
		ck_assert(raw_has_record(callers[i], 'B', 0, TOO_MANY));
	}
	end();
}
END_TEST

/* Another one completes, and the listener is dropped: who was in the middle is told, and it is closed. */
START_TEST(dropping_the_listener_in_the_middle)
{
	begin();
	raw_set_table(4096);
	offer(0, 1000);
	pass(0, 500);
	receiving_idle(&receiving);
	callers[1] = raw_connect("s0");
	ck_assert_int_eq(raw_send_one(callers[1]), 1);
	take(1);
	fdpass_receiver_drop(receiving.receiver, 0);
	ck_assert(raw_has_record(callers[0], 'B', 0, "another sender was first"));
	witness[1] = fdpass_fd_close(witness[1]);
	ck_assert(raw_is_at_end(witness[0]));
	end();
}
END_TEST

/* What one step reads is bounded: a sender that never stops does not keep the others waiting. */
START_TEST(a_stream_that_does_not_end)
{
	struct fdpass_handover *handover;

	begin();
	raw_set_table(4096);
	offer(0, 3000);
	for (int i = 0; i < 200; i++)
		ck_assert_int_eq(rawrich_pass(callers[0], witness[1], 1), 1);
	callers[1] = raw_connect("s0");
	ck_assert_int_eq(raw_send_one(callers[1]), 1);
	handover = receiving_next(&receiving, 1000);
	ck_assert_ptr_nonnull(handover);
	ck_assert_uint_eq(fdpass_set_count(fdpass_handover_set(handover)), 1);
	fdpass_handover_free(handover);
	end();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("rich-crowd");
	TCase *tcase = descriptors_tcase("rich-crowd");
	TCase *limited = descriptors_tcase_tagged("limits");

	scratch_add(tcase);
	scratch_add(limited);
	tcase_set_timeout(tcase, 20);
	tcase_set_timeout(limited, 20);
	tcase_add_test(tcase, a_slow_one_keeps_nobody_waiting);
	tcase_add_test(tcase, side_by_side_in_pieces);
	tcase_add_test(tcase, idle_holders_go_when_numbers_are_needed);
	tcase_add_test(limited, two_that_do_not_fit);
	tcase_add_test(tcase, who_only_announces);
	tcase_add_test(tcase, names_are_bounded);
	tcase_add_test(tcase, dropping_the_listener_in_the_middle);
	tcase_add_test(tcase, a_stream_that_does_not_end);
	suite_add_tcase(suite, tcase);
	suite_add_tcase(suite, limited);
	return suite_run(suite);
}
