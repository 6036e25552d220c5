/* SPDX-License-Identifier: MIT */
/*
 * What a full table of open files does to messages and those who exchange them, and to socket files.
 *
 * Not for valgrind, which only pretends when a process sets its own limit.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/deadline.h"
#include "base/fd.h"
#include "callers.h"
#include "descriptors.h"
#include "driving.h"
#include "opening.h"
#include "raw.h"
#include "rawrich.h"
#include "receiving.h"
#include "scratch.h"
#include "suite.h"
#include "wire/incoming.h"
#include "wire/outgoing.h"

static struct receiving receiving;
static int callers[200];

static struct fdpass_set *new_set(void)
{
	struct fdpass_set *set;

	raw_check(fdpass_set_new(&set) == 0);
	return set;
}

START_TEST(a_full_table_truncates_and_says_so_only_there)
{
	struct raw_message message;
	int pair[2], many[5];

	raw_pair(pair);
	for (int i = 0; i < 5; i++)
		many[i] = pair[0];
	ck_assert_int_eq(raw_send(pair[0], "x", 1, many, 5), 1);
	raw_set_table(pair[1] + 1 + _i);
	raw_receive(pair[1], 1, 0, &message);
	raw_set_table(512);
	ck_assert_int_eq(message.size, 1);
	ck_assert((message.flags & MSG_CTRUNC) != 0);
	ck_assert_uint_le(message.count, (size_t)_i);
	raw_close_all(&message);
	close(pair[0]);
	close(pair[1]);
}
END_TEST

/* With room for 0 to 4 of 5: what came is the set's, and it is said that more was lost. */
START_TEST(a_truncated_message_is_flagged_and_owned)
{
	struct fdpass_set *set = new_set();
	struct packet message;
	int pair[2], many[5], r;
	char byte;

	raw_pair(pair);
	for (int i = 0; i < 5; i++)
		many[i] = pair[0];
	ck_assert_int_eq(fdpass_packet_send(pair[0], "x", 1, many, 5), 1);
	raw_set_table(pair[1] + 1 + _i);
	r = fdpass_packet_receive(pair[1], &byte, 1, set, &message);
	raw_set_table(512);
	ck_assert_int_eq(r, 0);
	ck_assert_int_eq(message.size, 1);
	ck_assert_uint_eq(message.flags, PACKET_TRUNCATED);
	ck_assert_uint_le(fdpass_set_count(set), (size_t)_i);
	fdpass_set_free(set);
	close(pair[0]);
	close(pair[1]);
}
END_TEST

static int admit(void *context, const struct ucred *writer)
{
	(void)context;
	(void)writer;
	return 1;
}

START_TEST(lost_descriptors_are_an_error_and_the_rest_is_closed)
{
	struct incoming incoming;
	const char *reason;
	int pair[2], many[5], witness[2], r;

	raw_pair(pair);
	ck_assert_int_eq(fdpass_incoming_begin(&incoming, pair[0], INCOMING_OWN), 0);
	ck_assert_int_eq(pipe2(witness, O_CLOEXEC), 0);
	for (int i = 0; i < 5; i++)
		many[i] = witness[1];
	ck_assert_int_eq(raw_send(pair[1], "x", 1, many, 5), 1);
	raw_set_table(witness[1] + 1 + _i);
	r = fdpass_incoming_step(&incoming, admit, NULL, &reason);
	raw_set_table(512);
	ck_assert_int_eq(r, -EMFILE);
	ck_assert_ptr_nonnull(reason);
	ck_assert_uint_eq(fdpass_set_count(incoming.set), 0);
	close(witness[1]);
	ck_assert(raw_is_at_end(witness[0]));
	close(witness[0]);
	fdpass_incoming_end(&incoming);
	close(pair[1]);
}
END_TEST

/* In the middle of a rich handover: what had come of it is closed, too. */
START_TEST(a_table_that_becomes_full_in_the_middle)
{
	struct incoming incoming;
	const char *reason;
	int pair[2], witness[2], r;

	raw_pair(pair);
	ck_assert_int_eq(pipe2(witness, O_CLOEXEC), 0);
	ck_assert_int_eq(fdpass_incoming_begin(&incoming, pair[0], INCOMING_OWN), 0);
	rawrich_offer(pair[1], 300, NULL, 0);
	ck_assert_int_eq(fdpass_incoming_step(&incoming, admit, NULL, &reason), INCOMING_OFFER);
	ck_assert_int_eq(fdpass_incoming_go_on(&incoming), 0);
	ck_assert_int_eq(rawrich_pass(pair[1], witness[1], 150), 1);
	ck_assert_int_eq(fdpass_incoming_step(&incoming, admit, NULL, &reason), INCOMING_NOT_YET);
	ck_assert_int_eq(rawrich_pass(pair[1], witness[1], 150), 1);
	raw_set_table(incoming.highest + 50);
	r = fdpass_incoming_step(&incoming, admit, NULL, &reason);
	raw_set_table(512);
	ck_assert_int_eq(r, -EMFILE);
	ck_assert_uint_eq(fdpass_set_count(incoming.set), 0);
	close(witness[1]);
	ck_assert(raw_is_at_end(witness[0]));
	close(witness[0]);
	fdpass_incoming_end(&incoming);
	close(pair[1]);
}
END_TEST

/* As a user without privileges, with more of its descriptors on their way than it may have open. */
static void send_too_many(void *context)
{
	struct fdpass_set *set = new_set();
	struct fdpass_wait wait = FDPASS_WAIT_INIT;
	enum fdpass_proof proof;
	struct outgoing outgoing;
	int stuffed[2], one[2], many[16], sent = 0, r;

	(void)context;
	raw_become_somebody();
	raw_pair(stuffed);
	raw_pair(one);
	raw_check(fdpass_set_dup(set, stuffed[0]) == 0);
	raw_set_table(24);
	for (int i = 0; i < 16; i++)
		many[i] = stuffed[0];
	while (raw_send(stuffed[0], "x", 1, many, 16) == 1)
		sent++;
	raw_check(sent >= 1);
	raw_check(fdpass_outgoing_begin(&outgoing, one[0], FDPASS_CONFIRM_NONE) == 0);
	raw_check(fdpass_outgoing_step(&outgoing, set, &proof) == 0);
	raw_check(outgoing.sent == 0 && outgoing.resume != FDPASS_NO_DEADLINE);
	wait.deadline = fdpass_deadline_in(3 * NSEC_PER_SEC);
	raw_check(driving_outgoing(&outgoing, &wait) == 0);
	raw_check(fdpass_outgoing_step(&outgoing, set, &proof) == 0);
	/* Others of this user may have some on their way for a moment. */
	close(stuffed[1]);
	while ((r = fdpass_outgoing_step(&outgoing, set, &proof)) == 0)
		raw_check(driving_outgoing(&outgoing, &wait) == 0);
	raw_check(r == 1);
}

START_TEST(too_many_on_their_way_are_waited_out)
{
	raw_join(raw_fork(send_too_many, NULL));
}
END_TEST

/* Idle callers never take the numbers that a handover needs to arrive on: half of a small table. */
START_TEST(a_small_table_keeps_room_for_a_handover)
{
	int many[160];

	for (int i = 0; i < 160; i++)
		many[i] = 0;
	raw_set_table(340);
	receiving_begin(&receiving, NULL, 1);
	callers_connect(callers, 0, 120);
	receiving_idle(&receiving);
	ck_assert_int_gt(receiving.events[FDPASS_EVENT_CROWDED_OUT], 120 - FDPASS_CALLERS_MAX);
	ck_assert_int_eq(raw_send(callers[119], "x", 1, many, 160), 1);
	callers_take_from(&receiving, callers[119], 160);
	ck_assert_int_eq(receiving.events[FDPASS_EVENT_TURNED_AWAY], 0);
	callers_end(&receiving, callers, 120);
}
END_TEST

/* The table is full and nobody is there who could go: it waits, without spinning, and goes on. */
START_TEST(a_full_table_is_waited_out)
{
	struct fdpass_handover *handover;
	int64_t used;

	receiving_begin(&receiving, NULL, 1);
	callers_connect(callers, 0, 1);
	ck_assert_int_eq(raw_send_one(callers[0]), 1);
	raw_set_table(callers[0] + 1);
	used = raw_cpu_ms();
	ck_assert_ptr_null(receiving_next(&receiving, 100));
	ck_assert_int_lt(raw_cpu_ms() - used, 30);
	raw_set_table(512);
	handover = receiving_next(&receiving, 3000);
	ck_assert_ptr_nonnull(handover);
	fdpass_handover_accept(handover, 1);
	fdpass_handover_free(handover);
	callers_end(&receiving, callers, 1);
}
END_TEST

/* Somebody idle is there, and has to go. */
START_TEST(in_a_full_table_the_idle_make_room)
{
	struct fdpass_rule *rule;
	int fd;

	/* One that needs no number to find out who somebody is. */
	ck_assert_int_eq(fdpass_rule_new(&rule), 0);
	ck_assert_int_eq(fdpass_rule_admit_anyone(rule), 0);
	receiving_begin(&receiving, rule, 1);
	callers_connect(callers, 0, 2);
	/* The number that the first one is met on is the last one there is. */
	fd = dup(callers[1]);
	close(fd);
	raw_set_table(fd + 1);
	receiving_idle(&receiving);
	ck_assert_int_eq(receiving.events[FDPASS_EVENT_CROWDED_OUT], 1);
	ck_assert(callers_was_crowded_out(callers[0]));
	callers_assert_waits(callers[1]);
	raw_set_table(512);
	ck_assert_int_eq(raw_send_one(callers[1]), 1);
	callers_end(&receiving, callers, 2);
	fdpass_rule_free(rule);
}
END_TEST

/* There is no number left for what came: its sender is told, and nothing of it is kept. */
START_TEST(descriptors_that_do_not_fit)
{
	int fd, many[5] = {0, 0, 0, 0, 0};

	receiving_begin(&receiving, NULL, 1);
	callers_connect(callers, 0, 1);
	receiving_idle(&receiving);
	fd = dup(callers[0]);
	close(fd);
	raw_set_table(fd + 2);
	ck_assert_int_eq(raw_send(callers[0], "x", 1, many, 5), 1);
	receiving_idle(&receiving);
	raw_set_table(512);
	ck_assert_int_eq(receiving.events[FDPASS_EVENT_TURNED_AWAY], 1);
	ck_assert(raw_has_greeting(callers[0]));
	ck_assert(raw_has_record(callers[0], 'R', 0,
				 "descriptors were lost on the way: the receiver's table of open "
				 "files is full, or a security module denied one"));
	callers_end(&receiving, callers, 1);
}
END_TEST

/* A socket that is opened to be given away: the last step has no descriptor to work with, and what was
 * bound is removed again. */
START_TEST(what_cannot_be_finished_goes_again)
{
	struct fdpass_error error = FDPASS_ERROR_INIT;
	struct fdpass_listener *listener;
	struct rlimit limit;
	int first = open("/dev/null", O_RDONLY | O_CLOEXEC), r;
	rlim_t before;

	close(first);
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	before = limit.rlim_cur;
	/* One for the socket, one for its directory. */
	limit.rlim_cur = (rlim_t)first + 2;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	r = opening_try(_i == 0 ? "unix:made" : "unix-dgram:made", NULL, &listener, &error);
	limit.rlim_cur = before;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	ck_assert_int_eq(r, -EMFILE);
	ck_assert_int_eq(error.step, FDPASS_STEP_BIND);
	ck_assert_int_eq(access("made", F_OK), -1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("limits");
	TCase *tcase = descriptors_tcase("limits");

	scratch_add(tcase);
	tcase_add_loop_test(tcase, a_full_table_truncates_and_says_so_only_there, 0, 5);
	tcase_add_loop_test(tcase, a_truncated_message_is_flagged_and_owned, 0, 5);
	tcase_add_loop_test(tcase, lost_descriptors_are_an_error_and_the_rest_is_closed, 0, 5);
	tcase_add_test(tcase, a_table_that_becomes_full_in_the_middle);
	tcase_add_test(tcase, too_many_on_their_way_are_waited_out);
	tcase_add_test(tcase, a_small_table_keeps_room_for_a_handover);
	tcase_add_test(tcase, a_full_table_is_waited_out);
	tcase_add_test(tcase, in_a_full_table_the_idle_make_room);
	tcase_add_test(tcase, descriptors_that_do_not_fit);
	tcase_add_loop_test(tcase, what_cannot_be_finished_goes_again, 0, 2);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
