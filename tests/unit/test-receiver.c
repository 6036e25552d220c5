/* SPDX-License-Identifier: MIT */
/* A receiver and its callers: in which order they are taken, who is turned away, and what they are told. */
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "descriptors.h"
#include "raw.h"
#include "receiving.h"
#include "scratch.h"
#include "suite.h"

static struct receiving receiving;

static void finish(void)
{
	receiving.receiver = fdpass_receiver_free(receiving.receiver);
	ck_assert_int_eq(access("s0", F_OK), -1);
}

static void take(int64_t milliseconds, int index)
{
	struct fdpass_handover *handover = receiving_next(&receiving, milliseconds);

	ck_assert_ptr_nonnull(handover);
	ck_assert_int_eq(fdpass_handover_index(handover), index);
	ck_assert_uint_eq(fdpass_set_count(fdpass_handover_set(handover)), 1);
	fdpass_handover_accept(handover, 1);
	fdpass_handover_free(handover);
}

static int call(const char *path)
{
	int fd = raw_connect(path);

	ck_assert_int_ge(fd, 0);
	return fd;
}

/* The caller was told this, and then the end came. Closes its end. */
static void assert_told(int caller, char type, const char *text)
{
	char byte;

	ck_assert(raw_has_greeting(caller));
	ck_assert(raw_has_record(caller, type, 0, text));
	ck_assert_int_le(raw_read(caller, &byte, 1), 0);
	close(caller);
}

/* Nothing more than the greeting, so far. */
static void assert_waits(int caller)
{
	char byte;

	ck_assert(raw_has_greeting(caller));
	ck_assert_int_eq(recv(caller, &byte, 1, MSG_DONTWAIT), -1);
	ck_assert_int_eq(errno, EAGAIN);
}

START_TEST(one_handover)
{
	struct fdpass_handover *handover;
	int caller;

	receiving_begin(&receiving, NULL, 1);
	receiving_idle(&receiving);
	caller = call("s0");
	ck_assert_int_eq(raw_send_one(caller), 1);
	handover = receiving_next(&receiving, 1000);
	ck_assert_ptr_nonnull(handover);
	ck_assert_int_eq(fdpass_handover_index(handover), 0);
	ck_assert_int_eq(fdpass_handover_peer(handover).pid, getpid());
	ck_assert_uint_eq(fdpass_handover_peer(handover).uid, geteuid());
	ck_assert_uint_eq(fdpass_set_count(fdpass_handover_set(handover)), 1);
	ck_assert_int_eq(receiving.events[FDPASS_EVENT_CONNECTED], 1);
	ck_assert_int_eq(receiving.last, getpid());
	fdpass_handover_accept(handover, 1);
	ck_assert(raw_has_greeting(caller));
	ck_assert(raw_has_record(caller, 'A', 1, ""));
	/* It outlives the receiver. */
	finish();
	fdpass_handover_fail(handover, "later");
	ck_assert(raw_has_record(caller, 'F', 0, "later"));
	fdpass_handover_free(handover);
	close(caller);
}
END_TEST

START_TEST(the_order_is_that_of_completion)
{
	static const int order[] = {2, 0, 1};
	static const char *const names[] = {"s0", "s1", "s2"};
	int callers[3];

	receiving_begin(&receiving, NULL, 3);
	for (int i = 0; i < 3; i++) {
		callers[i] = call(names[i]);
		ck_assert_int_eq(raw_send(callers[i], "x", 1, NULL, 0), 1);
	}
	receiving_idle(&receiving);
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(raw_send_one(callers[order[i]]), 1);
		take(1000, order[i]);
	}
	receiving_idle(&receiving);
	finish();
	for (int i = 0; i < 3; i++)
		close(callers[i]);
}
END_TEST

START_TEST(nobody_is_lost_when_many_are_complete)
{
	int callers[100];

	receiving_begin(&receiving, NULL, 1);
	for (int i = 0; i < 100; i++) {
		callers[i] = call("s0");
		ck_assert_int_eq(raw_send_one(callers[i]), 1);
	}
	for (int i = 0; i < 100; i++)
		take(1000, 0);
	receiving_idle(&receiving);
	finish();
	for (int i = 0; i < 100; i++) {
		ck_assert(raw_has_greeting(callers[i]));
		ck_assert(raw_has_record(callers[i], 'A', 1, ""));
		close(callers[i]);
	}
}
END_TEST

START_TEST(who_does_wrong_is_told_and_the_wait_goes_on)
{
	static const char rich[] = "\x89"
				   "fdpass\x02\0\0\0\1\0\0\0";
	int silent, words, half, gone, magic;

	receiving_begin(&receiving, NULL, 1);
	silent = call("s0");
	words = call("s0");
	ck_assert_int_eq(raw_send(words, "GET / HTTP/1.0\r\n\r\n", 18, NULL, 0), 18);
	half = call("s0");
	ck_assert_int_eq(shutdown(half, SHUT_WR), 0);
	gone = call("s0");
	close(gone);
	magic = call("s0");
	ck_assert_int_eq(raw_send(magic, rich, sizeof(rich), NULL, 0), (ssize_t)sizeof(rich));
	receiving_idle(&receiving);
	ck_assert_int_eq(receiving.events[FDPASS_EVENT_CONNECTED], 5);
	ck_assert_int_eq(receiving.events[FDPASS_EVENT_DISCONNECTED], 2);
	ck_assert_int_eq(receiving.events[FDPASS_EVENT_TURNED_AWAY], 1);
	assert_told(magic, 'R', "this receiver is older than the sender's handover");
	ck_assert_int_eq(shutdown(words, SHUT_WR), 0);
	receiving_idle(&receiving);
	ck_assert_int_eq(receiving.events[FDPASS_EVENT_TURNED_AWAY], 2);
	assert_told(words, 'R', "no descriptor came with it");
	assert_waits(silent);
	ck_assert_int_eq(raw_send_one(silent), 1);
	take(1000, 0);
	finish();
	close(silent);
	close(half);
}
END_TEST

static void call_a_lot(void *context)
{
	(void)context;
	raw_become_nobody();
	for (int i = 0; i < 100; i++) {
		int caller = raw_connect("s0");

		raw_check(caller >= 0);
		raw_send_one(caller);
		raw_check(raw_has_greeting(caller));
		raw_check(raw_has_record(caller, 'R', 0, "the receiver does not admit this user"));
		close(caller);
	}
}

/* Root's callers fill the room and wait; a stranger is told at once, and none of them has to go.
 * Without root, everybody here is a stranger to a rule that admits somebody else. */
START_TEST(a_stranger_never_costs_a_place)
{
	int idle[FDPASS_CALLERS_MAX], count = geteuid() == 0 ? FDPASS_CALLERS_MAX : 0;
	struct fdpass_rule *rule;
	pid_t child;

	scratch_open_to_others();
	ck_assert_int_eq(fdpass_rule_new(&rule), 0);
	if (count == 0)
		ck_assert_int_eq(fdpass_rule_admit_user(rule, geteuid() + 1), 0);
	receiving_begin(&receiving, rule, 1);
	for (int i = 0; i < count; i++)
		idle[i] = call("s0");
	receiving_idle(&receiving);
	child = raw_fork(call_a_lot, NULL);
	while (receiving.events[FDPASS_EVENT_NOT_ADMITTED] < 100)
		ck_assert_ptr_null(receiving_next(&receiving, 1));
	raw_join(child);
	ck_assert_int_eq(receiving.last, child);
	ck_assert_int_eq(receiving.events[FDPASS_EVENT_CROWDED_OUT], 0);
	ck_assert_int_eq(receiving.events[FDPASS_EVENT_CONNECTED], count);
	for (int i = 0; i < count; i++) {
		assert_waits(idle[i]);
		close(idle[i]);
	}
	finish();
	fdpass_rule_free(rule);
}
END_TEST

static void write_to(void *context)
{
	raw_become_nobody();
	raw_check(raw_send_one(*(int *)context) == 1);
}

/* The connection is an admitted caller's, and somebody else writes to it. */
START_TEST(the_writer_counts)
{
	int caller;

	receiving_begin(&receiving, NULL, 1);
	caller = call("s0");
	receiving_idle(&receiving);
	raw_join(raw_fork(write_to, &caller));
	if (geteuid() == 0) {
		receiving_idle(&receiving);
		ck_assert_int_eq(receiving.events[FDPASS_EVENT_NOT_ADMITTED], 1);
		assert_told(caller, 'R', "the process that wrote the message is not admitted");
	} else {
		take(1000, 0); /* its child is the same user */
		close(caller);
	}
	finish();
}
END_TEST

START_TEST(a_complete_handover_makes_no_noise)
{
	struct fdpass_handover *handover;
	int caller, idle;
	int64_t used;

	receiving_begin(&receiving, NULL, 1);
	caller = call("s0");
	idle = call("s0");
	/* Complete when it is met, or only after it was given a place. */
	if (_i == 1)
		receiving_idle(&receiving);
	ck_assert_int_eq(raw_send_one(caller), 1);
	handover = receiving_next(&receiving, 1000);
	ck_assert_ptr_nonnull(handover);
	/* More of it, and its end, are no concern of the receiver's any more. */
	ck_assert_int_eq(raw_send(caller, "more", 4, NULL, 0), 4);
	close(caller);
	used = raw_cpu_ms();
	ck_assert_ptr_null(receiving_next(&receiving, 100));
	ck_assert_int_lt(raw_cpu_ms() - used, 30);
	fdpass_handover_free(handover);
	used = raw_cpu_ms();
	ck_assert_ptr_null(receiving_next(&receiving, 50));
	ck_assert_int_lt(raw_cpu_ms() - used, 30);
	close(idle);
	finish();
}
END_TEST

START_TEST(cancelling_wins)
{
	struct fdpass_wait wait = FDPASS_WAIT_INIT;
	struct fdpass_error error = FDPASS_ERROR_INIT;
	struct fdpass_handover *handover;
	int fds[2], caller;

	receiving_begin(&receiving, NULL, 1);
	caller = call("s0");
	ck_assert_int_eq(raw_send_one(caller), 1);
	ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
	close(fds[1]);
	wait.cancel_fd = fds[0];
	ck_assert_int_eq(fdpass_receiver_next(receiving.receiver, &wait, &handover, &error),
			 -ECANCELED);
	ck_assert_int_eq(error.step, FDPASS_STEP_WAIT);
	close(fds[0]);
	/* Nothing is lost by that. */
	take(1000, 0);
	finish();
	close(caller);
}
END_TEST

/* Those who were met and those in the backlog, whether they have sent something or not. */
START_TEST(dropping_a_listener_tells_its_callers)
{
	int met, met_and_sent, waiting, waiting_and_sent, elsewhere;

	receiving_begin(&receiving, NULL, 2);
	met = call("s0");
	met_and_sent = call("s0");
	elsewhere = call("s1");
	receiving_idle(&receiving);
	ck_assert_int_eq(raw_send_one(met_and_sent), 1);
	waiting = call("s0");
	waiting_and_sent = call("s0");
	ck_assert_int_eq(raw_send_one(waiting_and_sent), 1);

	fdpass_receiver_drop(receiving.receiver, 0);
	ck_assert_int_eq(raw_connect("s0"), -ENOENT);
	assert_told(met, 'B', "another sender was first");
	assert_told(met_and_sent, 'B', "another sender was first");
	assert_told(waiting, 'B', "another sender was first");
	assert_told(waiting_and_sent, 'B', "another sender was first");
	ck_assert_int_eq(receiving.events[FDPASS_EVENT_BUSY], 4);

	fdpass_receiver_drop(receiving.receiver, 0);
	fdpass_receiver_drop(receiving.receiver, -1);
	fdpass_receiver_drop(receiving.receiver, 2);
	assert_waits(elsewhere);
	ck_assert_int_eq(raw_send_one(elsewhere), 1);
	take(1000, 1);
	finish();
	ck_assert_int_eq(receiving.events[FDPASS_EVENT_BUSY], 4);
	close(elsewhere);
}
END_TEST

START_TEST(freeing_tells_everybody)
{
	int callers[100];

	receiving_begin(&receiving, NULL, 2);
	for (int i = 0; i < 100; i++) {
		callers[i] = call(i % 2 == 0 ? "s0" : "s1");
		if (i == 9)
			receiving_idle(&receiving);
	}
	finish();
	for (int i = 0; i < 100; i++)
		assert_told(callers[i], 'B', "the receiver has ended");
	ck_assert_int_eq(receiving.events[FDPASS_EVENT_BUSY], 100);
	ck_assert_ptr_null(fdpass_receiver_free(NULL));
}
END_TEST

START_TEST(without_listeners_it_waits)
{
	receiving_begin(&receiving, NULL, 0);
	ck_assert_ptr_null(receiving_next(&receiving, 5));
	finish();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("receiver");
	TCase *tcase = descriptors_tcase("receiver");

	scratch_add(tcase);
	tcase_add_test(tcase, one_handover);
	tcase_add_test(tcase, the_order_is_that_of_completion);
	tcase_add_test(tcase, nobody_is_lost_when_many_are_complete);
	tcase_add_test(tcase, who_does_wrong_is_told_and_the_wait_goes_on);
	tcase_add_test(tcase, a_stranger_never_costs_a_place);
	tcase_add_test(tcase, the_writer_counts);
	tcase_add_loop_test(tcase, a_complete_handover_makes_no_noise, 0, 2);
	tcase_add_test(tcase, cancelling_wins);
	tcase_add_test(tcase, dropping_a_listener_tells_its_callers);
	tcase_add_test(tcase, freeing_tells_everybody);
	tcase_add_test(tcase, without_listeners_it_waits);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
