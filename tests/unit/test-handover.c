/* SPDX-License-Identifier: MIT */
/* A complete handover: what its sender reads of each answer, and who owns what came. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "descriptors.h"
#include "handover/handover.h"
#include "raw.h"
#include "suite.h"

static struct fdpass_handover *handover;
static int peer, witness; /* the sender's end; the read end of the pipe that it sent */

static int admit(void *context, const struct ucred *writer)
{
	(void)context;
	(void)writer;
	return 1;
}

static void receive(void)
{
	struct incoming incoming;
	const char *reason;
	int pair[2], fds[2], on = 1;

	raw_pair(pair);
	peer = pair[1];
	ck_assert_int_eq(setsockopt(pair[0], SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)), 0);
	ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
	witness = fds[0];
	ck_assert_int_eq(raw_send(peer, "x", 1, &fds[1], 1), 1);
	close(fds[1]);
	ck_assert_int_eq(fdpass_incoming_begin(&incoming, pair[0], INCOMING_OWN), 0);
	ck_assert_int_eq(fdpass_incoming_step(&incoming, admit, NULL, &reason), 1);
	ck_assert_int_eq(fdpass_handover_new(&incoming, 7, &handover), 0);
	ck_assert_int_lt(incoming.socket, 0);
	ck_assert_ptr_null(incoming.set);
	ck_assert(raw_has_greeting(peer));
}

static void finish(void)
{
	fdpass_fd_close(peer);
	close(witness);
}

static int peer_is_at_end(void)
{
	char byte;

	return raw_read(peer, &byte, 1) == 0;
}

START_TEST(what_it_is)
{
	struct fdpass_peer writer = fdpass_handover_peer(handover);

	ck_assert_int_eq(fdpass_handover_index(handover), 7);
	ck_assert_int_eq(writer.pid, getpid());
	ck_assert_uint_eq(writer.uid, geteuid());
	ck_assert_uint_eq(writer.gid, getegid());
	ck_assert_uint_eq(fdpass_set_count(fdpass_handover_set(handover)), 1);
	ck_assert_int_eq(fcntl(fdpass_handover_fd(handover), F_GETFD), FD_CLOEXEC);
	fdpass_handover_free(handover);
}
END_TEST

START_TEST(accepted)
{
	fdpass_handover_accept(handover, 0x010203);
	ck_assert(raw_has_record(peer, 'A', 0x010203, ""));
	/* They stay until it is freed. */
	ck_assert(!raw_is_at_end(witness));
	ck_assert_ptr_null(fdpass_handover_free(handover));
	ck_assert(peer_is_at_end());
	ck_assert(raw_is_at_end(witness));
}
END_TEST

START_TEST(accepted_and_failed)
{
	fdpass_handover_accept(handover, 1);
	fdpass_handover_fail(handover, "no such command");
	fdpass_handover_free(handover);
	ck_assert(raw_has_record(peer, 'A', 1, ""));
	ck_assert(raw_has_record(peer, 'F', 0, "no such command"));
	ck_assert(peer_is_at_end());
}
END_TEST

START_TEST(passed_on_and_accepted)
{
	fdpass_handover_passed_on(handover, FDPASS_PROOF_ANSWER, 3);
	fdpass_handover_accept(handover, 1);
	fdpass_handover_free(handover);
	ck_assert(raw_has_record(peer, 'A', 3, ""));
	ck_assert(raw_has_record(peer, 'P', 0, ""));
	ck_assert(peer_is_at_end());
}
END_TEST

START_TEST(passed_on_and_read)
{
	fdpass_handover_passed_on(handover, FDPASS_PROOF_READ, 3);
	fdpass_handover_refuse(handover, "after all");
	fdpass_handover_free(handover);
	ck_assert(raw_has_record(peer, 'P', 0, ""));
	ck_assert(peer_is_at_end());
	ck_assert(raw_is_at_end(witness));
}
END_TEST

START_TEST(refused)
{
	fdpass_handover_refuse(handover, "not today");
	/* What came is closed at once, while the connection is still there. */
	ck_assert(raw_is_at_end(witness));
	ck_assert_uint_eq(fdpass_set_count(fdpass_handover_set(handover)), 0);
	fdpass_handover_free(handover);
	ck_assert(raw_has_record(peer, 'R', 0, "not today"));
	ck_assert(peer_is_at_end());
}
END_TEST

START_TEST(a_long_reason_is_cut)
{
	char reason[400], cut[FDPASS_REASON_MAX + 1];

	memset(reason, 'r', sizeof(reason) - 1);
	reason[sizeof(reason) - 1] = '\0';
	memset(cut, 'r', FDPASS_REASON_MAX);
	cut[FDPASS_REASON_MAX] = '\0';
	fdpass_handover_refuse(handover, reason);
	fdpass_handover_free(handover);
	ck_assert(raw_has_record(peer, 'R', 0, cut));
	ck_assert(peer_is_at_end());
}
END_TEST

START_TEST(not_answered)
{
	fdpass_handover_free(handover);
	ck_assert(raw_is_at_end(witness));
	ck_assert(raw_has_record(peer, 'R', 0, "the receiver gave up"));
	ck_assert(peer_is_at_end());
}
END_TEST

START_TEST(a_second_answer_is_not_sent)
{
	if (_i == 0)
		fdpass_handover_accept(handover, 1);
	fdpass_handover_refuse(handover, "after all");
	/* What came is closed all the same. */
	ck_assert(raw_is_at_end(witness));
	fdpass_handover_accept(handover, 2);
	fdpass_handover_refuse(handover, "again");
	fdpass_handover_free(handover);
	ck_assert(_i == 0 ? raw_has_record(peer, 'A', 1, "")
			  : raw_has_record(peer, 'R', 0, "after all"));
	ck_assert(peer_is_at_end());
}
END_TEST

START_TEST(what_was_stolen_is_kept)
{
	int fd = fdpass_set_steal(fdpass_handover_set(handover), 0);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
	fdpass_handover_accept(handover, 1);
	fdpass_handover_free(handover);
	ck_assert(!raw_is_at_end(witness));
	close(fd);
	ck_assert(raw_is_at_end(witness));
}
END_TEST

/* A child answers; the parent has closed its copies by then, without a word. */
static void answer(void *context)
{
	(void)context;
	fdpass_handover_accept(handover, 1);
	fdpass_handover_free(handover);
}

START_TEST(released)
{
	pid_t child = raw_fork(answer, NULL);

	ck_assert_ptr_null(fdpass_handover_release(handover));
	raw_join(child);
	ck_assert(raw_has_record(peer, 'A', 1, ""));
	ck_assert(peer_is_at_end());
	ck_assert_ptr_null(fdpass_handover_release(NULL));
}
END_TEST

START_TEST(released_by_all)
{
	fdpass_handover_release(handover);
	ck_assert(peer_is_at_end());
	ck_assert(raw_is_at_end(witness));
}
END_TEST

START_TEST(moved)
{
	int before = fdpass_handover_fd(handover), after;

	ck_assert_int_eq(fdpass_handover_move(handover, 200), 0);
	after = fdpass_handover_fd(handover);
	ck_assert_int_ge(after, 200);
	ck_assert_int_eq(fcntl(after, F_GETFD), FD_CLOEXEC);
	ck_assert(!fdpass_fd_is_open(before));
	ck_assert_int_eq(fdpass_handover_move(handover, 100), 0);
	ck_assert_int_eq(fdpass_handover_fd(handover), after);
	ck_assert_int_eq(fdpass_handover_move(handover, 1 << 30), -EINVAL);
	ck_assert_int_eq(fdpass_handover_fd(handover), after);
	fdpass_handover_accept(handover, 1);
	ck_assert(raw_has_record(peer, 'A', 1, ""));
	fdpass_handover_free(handover);
	ck_assert(peer_is_at_end());
}
END_TEST

START_TEST(a_sender_that_has_gone_is_no_failure)
{
	peer = fdpass_fd_close(peer);
	fdpass_handover_accept(handover, 1);
	fdpass_handover_fail(handover, "nobody hears this");
	fdpass_handover_free(handover);
	ck_assert_ptr_null(fdpass_handover_free(NULL));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("handover");
	TCase *tcase = descriptors_tcase("handover");

	tcase_add_checked_fixture(tcase, receive, finish);
	tcase_add_test(tcase, what_it_is);
	tcase_add_test(tcase, accepted);
	tcase_add_test(tcase, accepted_and_failed);
	tcase_add_test(tcase, passed_on_and_accepted);
	tcase_add_test(tcase, passed_on_and_read);
	tcase_add_test(tcase, refused);
	tcase_add_test(tcase, a_long_reason_is_cut);
	tcase_add_test(tcase, not_answered);
	tcase_add_loop_test(tcase, a_second_answer_is_not_sent, 0, 2);
	tcase_add_test(tcase, what_was_stolen_is_kept);
	tcase_add_test(tcase, moved);
	tcase_add_test(tcase, released);
	tcase_add_test(tcase, released_by_all);
	tcase_add_test(tcase, a_sender_that_has_gone_is_no_failure);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
