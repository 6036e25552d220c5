/* SPDX-License-Identifier: MIT */
/* A receiver with connections that were handed to it one by one: the caller's, and perhaps shared. */
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

static struct receiving receiving;
static struct fdpass_error error;
static int pair[2];

static int add(int fd)
{
	error = (struct fdpass_error)FDPASS_ERROR_INIT;
	return fdpass_receiver_add_connection(receiving.receiver, fd, &error);
}

static void begin(void)
{
	raw_pair(pair);
	receiving_begin(&receiving, NULL, 1);
	ck_assert_int_eq(add(pair[0]), 1);
	ck_assert_int_eq(error.step, FDPASS_STEP_NONE);
	ck_assert(raw_has_greeting(pair[1]));
}

static void end(void)
{
	fdpass_receiver_free(receiving.receiver);
	/* They are still the caller's. */
	ck_assert(fdpass_fd_is_open(pair[0]));
	close(pair[0]);
	fdpass_fd_close(pair[1]);
}

START_TEST(one_handover)
{
	struct fdpass_handover *handover;
	char byte;

	receiving_idle(&receiving);
	ck_assert_int_eq(raw_send_one(pair[1]), 1);
	handover = receiving_next(&receiving, 1000);
	ck_assert_ptr_nonnull(handover);
	ck_assert_int_eq(fdpass_handover_index(handover), 1);
	ck_assert_int_eq(fdpass_handover_peer(handover).pid, getpid());
	ck_assert_uint_eq(fdpass_set_count(fdpass_handover_set(handover)), 1);
	fdpass_handover_accept(handover, 1);
	ck_assert(raw_has_record(pair[1], 'A', 1, ""));
	fdpass_handover_free(handover);
	/* The connection lives on, as it was. */
	ck_assert_int_eq(fcntl(pair[0], F_GETFL) & O_NONBLOCK, 0);
	ck_assert_int_eq(raw_send(pair[1], "y", 1, NULL, 0), 1);
	ck_assert_int_eq(raw_read(pair[0], &byte, 1), 1);
	/* And is no concern of the receiver's: it neither reads it nor wakes for it. */
	ck_assert_int_eq(raw_send(pair[1], "z", 1, NULL, 0), 1);
	receiving_idle(&receiving);
	ck_assert_int_eq(raw_read(pair[0], &byte, 1), 1);
}
END_TEST

/* Nobody can come in its place, so its end is told. */
START_TEST(its_end_is_an_error)
{
	struct fdpass_wait wait = {0, -1};
	struct fdpass_handover *handover;

	if (_i == 1)
		ck_assert_int_eq(raw_send(pair[1], "words", 5, NULL, 0), 5);
	close(pair[1]);
	pair[1] = FD_NONE;
	ck_assert_int_eq(fdpass_receiver_next(receiving.receiver, &wait, &handover, &error),
			 _i == 1 ? -EBADMSG : -ECONNRESET);
	ck_assert_int_eq(error.step, FDPASS_STEP_RECEIVE);
	ck_assert_int_eq(error.fd, 1);
	ck_assert_str_eq(error.text, _i == 1 ? "no descriptor came with it" : "nothing came");
	/* Once. */
	receiving_idle(&receiving);
}
END_TEST

START_TEST(it_is_never_crowded_out)
{
	int callers[100];

	for (int i = 0; i < 100; i++)
		callers[i] = raw_connect("s0");
	receiving_idle(&receiving);
	ck_assert_int_eq(receiving.events[FDPASS_EVENT_CROWDED_OUT], 101 - FDPASS_CALLERS_MAX);
	ck_assert_int_eq(raw_send_one(pair[1]), 1);
	fdpass_handover_free(receiving_next(&receiving, 1000));
	ck_assert(raw_has_record(pair[1], 'R', 0, "the receiver gave up"));
	for (int i = 0; i < 100; i++)
		close(callers[i]);
}
END_TEST

START_TEST(what_cannot_be_added)
{
	static const int codes[] = {-EBADF, -ENOTSOCK, -ENOTCONN, -EPROTOTYPE};
	int fd = -1, other[2] = {-1, -1};

	if (_i == 1)
		fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (_i == 2)
		fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (_i == 3) {
		ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, other), 0);
		fd = other[0];
	}
	ck_assert_int_eq(add(fd), codes[_i]);
	ck_assert_int_eq(error.step, FDPASS_STEP_CONNECT);
	ck_assert_int_eq(error.fd, fd);
	fdpass_fd_close(fd);
	fdpass_fd_close(other[1]);
}
END_TEST

START_TEST(whoever_made_it_is_judged)
{
	struct fdpass_receiver *receiver;
	struct fdpass_rule *rule;

	ck_assert_int_eq(fdpass_rule_new(&rule), 0);
	ck_assert_int_eq(fdpass_rule_admit_user(rule, geteuid() + 1), 0);
	ck_assert_int_eq(fdpass_receiver_new(rule, NULL, NULL, &receiver), 0);
	error = (struct fdpass_error)FDPASS_ERROR_INIT;
	ck_assert_int_eq(fdpass_receiver_add_connection(receiver, pair[0], &error), -EPERM);
	ck_assert_int_eq(error.step, FDPASS_STEP_PEER);
	ck_assert_int_eq(error.peer.pid, getpid());
	ck_assert_uint_eq(error.peer.uid, geteuid());
	fdpass_receiver_free(receiver);
	fdpass_rule_free(rule);
}
END_TEST

START_TEST(there_are_so_many_places)
{
	for (int i = 2; i <= FDPASS_CALLERS_MAX; i++)
		ck_assert_int_eq(add(pair[0]), i);
	ck_assert_int_eq(add(pair[0]), -EMFILE);
	fdpass_receiver_drop(receiving.receiver, 5);
	ck_assert_int_ge(add(pair[0]), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("receiver-connection");
	TCase *tcase = descriptors_tcase("receiver-connection");

	scratch_add(tcase);
	tcase_add_checked_fixture(tcase, begin, end);
	tcase_add_test(tcase, one_handover);
	tcase_add_loop_test(tcase, its_end_is_an_error, 0, 2);
	tcase_add_test(tcase, it_is_never_crowded_out);
	tcase_add_loop_test(tcase, what_cannot_be_added, 0, 4);
	tcase_add_test(tcase, whoever_made_it_is_judged);
	tcase_add_test(tcase, there_are_so_many_places);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
