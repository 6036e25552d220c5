/* SPDX-License-Identifier: MIT */
/* The receiver's end of a handover, one step at a time, against peers of every kind. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "descriptors.h"
#include "raw.h"
#include "suite.h"
#include "wire/incoming.h"

/* A rich handover's, of one descriptor. */
#define HEAD                                                                                       \
	OFFER_MAGIC "\x01"                                                                         \
		    "\0\0\0\x01"                                                                   \
		    "\0\0\0\0"

/* Our end, begun, and the peer's, from which the greeting was not read. */
static int begin(struct incoming *incoming)
{
	int pair[2], on = 1;

	raw_pair(pair);
	ck_assert_int_eq(setsockopt(pair[0], SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)), 0);
	ck_assert_int_eq(fdpass_incoming_begin(incoming, pair[0], INCOMING_OWN), 0);
	return pair[1];
}

/* Admits as `*context` says, and counts in the second number how often it was asked. */
static int admit(void *context, const struct ucred *writer)
{
	int *verdict = context;

	ck_assert_int_eq(writer->pid, getpid());
	ck_assert_uint_eq(writer->uid, geteuid());
	verdict[1]++;
	return verdict[0];
}

static int step(struct incoming *incoming, const char **ret_reason)
{
	int verdict[2] = {1, 0};

	*ret_reason = NULL;
	return fdpass_incoming_step(incoming, admit, verdict, ret_reason);
}

/* A step that has to fail with this code and a reason, and close what came. */
static void assert_refused(struct incoming *incoming, int code)
{
	const char *reason;

	ck_assert_int_eq(step(incoming, &reason), code);
	ck_assert_ptr_nonnull(reason);
	ck_assert_uint_eq(fdpass_set_count(incoming->set), 0);
}

/* A pipe's write end is sent and closed here, so that the returned read end tells who has it. */
static int send_pipe(int socket, const char *bytes, size_t size)
{
	int fds[2];

	ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
	ck_assert_int_eq(raw_send(socket, bytes, size, &fds[1], 1), (ssize_t)size);
	close(fds[1]);
	return fds[0];
}

START_TEST(it_greets_before_it_reads)
{
	struct incoming incoming;
	const char *reason;
	int peer = begin(&incoming);
	char byte;

	ck_assert(raw_has_greeting(peer));
	ck_assert_int_eq(recv(peer, &byte, 1, MSG_DONTWAIT), -1);
	ck_assert_int_eq(step(&incoming, &reason), 0);
	ck_assert_int_eq(step(&incoming, &reason), 0);
	ck_assert_ptr_null(reason);
	fdpass_incoming_end(&incoming);
	fdpass_incoming_end(&incoming);
	ck_assert_int_eq(raw_read(peer, &byte, 1), 0);
	close(peer);
}
END_TEST

START_TEST(a_caller_that_is_gone_may_have_left_its_message)
{
	struct incoming incoming;
	const char *reason;
	int pair[2], witness, on = 1;

	raw_pair(pair);
	ck_assert_int_eq(setsockopt(pair[0], SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)), 0);
	witness = send_pipe(pair[1], "x", 1);
	close(pair[1]);
	signal(SIGPIPE, SIG_DFL);
	ck_assert_int_eq(fdpass_incoming_begin(&incoming, pair[0], INCOMING_OWN), 0);
	ck_assert_int_eq(step(&incoming, &reason), 1);
	ck_assert_uint_eq(fdpass_set_count(incoming.set), 1);
	fdpass_incoming_answer(&incoming, FRAME_ACCEPTED, 1, "");
	ck_assert(!raw_is_at_end(witness));
	fdpass_incoming_end(&incoming);
	ck_assert(raw_is_at_end(witness));
	close(witness);
}
END_TEST

/* Whatever the payload: it is read to its end, so that closing does not look like "unread". */
START_TEST(any_payload_does)
{
	static const size_t sizes[] = {1, 2, 8, 4095, 4096, 4097, 20000};
	static char bytes[20000];
	struct incoming incoming;
	const char *reason;
	int peer = begin(&incoming), witness;

	witness = send_pipe(peer, bytes, sizes[_i]);
	ck_assert_int_eq(step(&incoming, &reason), 1);
	ck_assert_uint_eq(fdpass_set_count(incoming.set), 1);
	ck_assert_int_eq(incoming.writer.pid, getpid());
	ck_assert_uint_eq(incoming.writer.uid, geteuid());
	fdpass_incoming_answer(&incoming, FRAME_ACCEPTED, 1, "");
	fdpass_incoming_end(&incoming);
	ck_assert(raw_is_at_end(witness));
	ck_assert(raw_has_greeting(peer));
	ck_assert(raw_has_record(peer, 'A', 1, ""));
	ck_assert_int_eq(raw_read(peer, bytes, 1), 0);
	close(witness);
	close(peer);
}
END_TEST

START_TEST(plain_bytes_may_come_first)
{
	struct incoming incoming;
	const char *reason;
	int peer = begin(&incoming), witness;

	for (int i = 0; i < 100; i++) {
		ck_assert_int_eq(raw_send(peer, "F", 1, NULL, 0), 1);
		ck_assert_int_eq(step(&incoming, &reason), 0);
	}
	ck_assert_int_eq(raw_send(peer, "xx", 2, NULL, 0), 2);
	witness = send_pipe(peer, "aa", 2);
	ck_assert_int_eq(step(&incoming, &reason), 1);
	fdpass_incoming_end(&incoming);
	ck_assert(raw_is_at_end(witness));
	close(witness);
	close(peer);
}
END_TEST

/* Just as many bytes as are allowed, and one more. */
START_TEST(plain_bytes_are_bounded)
{
	static const char bytes[4096];
	struct incoming incoming;
	const char *reason;
	int peer = begin(&incoming);

	for (int i = 0; i < INCOMING_BYTES_MAX / 4096; i++) {
		ck_assert_int_eq(raw_send(peer, bytes, sizeof(bytes), NULL, 0), 4096);
		ck_assert_int_eq(step(&incoming, &reason), 0);
	}
	if (_i == 0) {
		close(send_pipe(peer, "x", 1));
		ck_assert_int_eq(step(&incoming, &reason), 1);
	} else {
		ck_assert_int_eq(raw_send(peer, "x", 1, NULL, 0), 1);
		assert_refused(&incoming, -EBADMSG);
	}
	fdpass_incoming_end(&incoming);
	close(peer);
}
END_TEST

/* The caller closes: with or without having written, with or without having read the greeting. */
START_TEST(an_end_without_descriptors)
{
	int wrote = _i & 1, read_greeting = _i >> 1 & 1;
	struct incoming incoming;
	int peer = begin(&incoming);

	if (wrote)
		ck_assert_int_eq(raw_send(peer, "GET /", 5, NULL, 0), 5);
	if (read_greeting)
		ck_assert(raw_has_greeting(peer));
	close(peer);
	assert_refused(&incoming, wrote ? -EBADMSG : -ECONNRESET);
	fdpass_incoming_end(&incoming);
}
END_TEST

START_TEST(a_half_closed_caller_is_answered)
{
	struct incoming incoming;
	const char *reason;
	int peer = begin(&incoming), witness = send_pipe(peer, "x", 1);

	ck_assert_int_eq(shutdown(peer, SHUT_WR), 0);
	ck_assert_int_eq(step(&incoming, &reason), 1);
	fdpass_incoming_answer(&incoming, FRAME_REFUSED, 0, "no");
	ck_assert(raw_has_greeting(peer));
	ck_assert(raw_has_record(peer, 'R', 0, "no"));
	fdpass_incoming_end(&incoming);
	close(witness);
	close(peer);
}
END_TEST

START_TEST(a_writer_that_is_not_admitted_gives_nothing)
{
	static const int verdicts[] = {0, -EIO};
	int verdict[2] = {verdicts[_i], 0};
	struct incoming incoming;
	const char *reason = NULL;
	int peer = begin(&incoming), witness = send_pipe(peer, "x", 1);

	ck_assert_int_eq(fdpass_incoming_step(&incoming, admit, verdict, &reason),
			 _i == 0 ? -EPERM : -EIO);
	ck_assert_int_eq(verdict[1], 1);
	ck_assert_ptr_nonnull(reason);
	ck_assert(raw_is_at_end(witness));
	ck_assert_int_eq(incoming.writer.pid, getpid());
	fdpass_incoming_end(&incoming);
	close(witness);
	close(peer);
}
END_TEST

START_TEST(the_writer_of_plain_bytes_is_judged_too)
{
	int verdict[2] = {0, 0};
	struct incoming incoming;
	const char *reason;
	int peer = begin(&incoming);

	ck_assert_int_eq(raw_send(peer, "x", 1, NULL, 0), 1);
	ck_assert_int_eq(fdpass_incoming_step(&incoming, admit, verdict, &reason), -EPERM);
	fdpass_incoming_end(&incoming);
	close(peer);
}
END_TEST

static int admit_nameless(void *context, const struct ucred *writer)
{
	(void)context;
	return writer->pid == 0 && writer->uid == (uid_t)-1 && writer->gid == (gid_t)-1;
}

START_TEST(without_credentials_the_writer_is_nobody)
{
	struct incoming incoming;
	const char *reason;
	int pair[2];

	raw_pair(pair);
	ck_assert_int_eq(fdpass_incoming_begin(&incoming, pair[0], INCOMING_OWN), 0);
	ck_assert_int_eq(raw_send_one(pair[1]), 1);
	ck_assert_int_eq(fdpass_incoming_step(&incoming, admit_nameless, NULL, &reason), 1);
	fdpass_incoming_end(&incoming);
	close(pair[1]);
}
END_TEST

/* Only a whole header alone in the first message is one. */
START_TEST(what_only_resembles_a_rich_handover_is_plain)
{
	struct incoming incoming;
	const char *reason;
	int peer = begin(&incoming), witness = FD_NONE;

	switch (_i) {
	case 0: /* with descriptors, and a byte short */
		witness = send_pipe(peer, HEAD, OFFER_HEAD_SIZE - 1);
		break;
	case 1: /* behind other bytes */
		ck_assert_int_eq(raw_send(peer, "x", 1, NULL, 0), 1);
		ck_assert_int_eq(step(&incoming, &reason), 0);
		ck_assert_int_eq(raw_send(peer, HEAD, OFFER_HEAD_SIZE, NULL, 0), OFFER_HEAD_SIZE);
		ck_assert_int_eq(step(&incoming, &reason), 0);
		break;
	default: /* in two pieces */
		ck_assert_int_eq(raw_send(peer, HEAD, 15, NULL, 0), 15);
		ck_assert_int_eq(step(&incoming, &reason), 0);
		ck_assert_int_eq(raw_send(peer, &HEAD[15], 1, NULL, 0), 1);
		ck_assert_int_eq(step(&incoming, &reason), 0);
		break;
	}
	if (_i > 0)
		witness = send_pipe(peer, "y", 1);
	ck_assert_int_eq(step(&incoming, &reason), 1);
	fdpass_incoming_end(&incoming);
	close(witness);
	close(peer);
}
END_TEST

/* A connection that others hold as well is not shut down for them. */
START_TEST(a_shared_connection_goes_on)
{
	struct incoming incoming;
	const char *reason;
	int pair[2], on = 1, copy;

	raw_pair(pair);
	copy = fcntl(pair[0], F_DUPFD_CLOEXEC, 0);
	ck_assert_int_eq(setsockopt(pair[0], SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)), 0);
	ck_assert_int_eq(fdpass_incoming_begin(&incoming, pair[0], INCOMING_SHARED), 0);
	ck_assert_int_eq(raw_send_one(pair[1]), 1);
	ck_assert_int_eq(step(&incoming, &reason), 1);
	ck_assert_int_eq(raw_send(pair[1], "more", 4, NULL, 0), 4);
	fdpass_incoming_end(&incoming);
	ck_assert_int_eq(raw_send(pair[1], "still", 5, NULL, 0), 5);
	ck_assert_int_eq(raw_send(copy, "here", 4, NULL, 0), 4);
	close(copy);
	close(pair[1]);
}
END_TEST

START_TEST(a_peer_that_does_not_read_its_answers_blocks_nobody)
{
	struct incoming incoming;
	int peer = begin(&incoming);

	for (int i = 0; i < 10000; i++)
		fdpass_incoming_answer(&incoming, FRAME_REFUSED, 0, "again");
	fdpass_incoming_end(&incoming);
	close(peer);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("incoming");
	TCase *tcase = descriptors_tcase("incoming");

	tcase_add_test(tcase, it_greets_before_it_reads);
	tcase_add_test(tcase, a_caller_that_is_gone_may_have_left_its_message);
	tcase_add_loop_test(tcase, any_payload_does, 0, 7);
	tcase_add_test(tcase, plain_bytes_may_come_first);
	tcase_add_loop_test(tcase, plain_bytes_are_bounded, 0, 2);
	tcase_add_loop_test(tcase, an_end_without_descriptors, 0, 4);
	tcase_add_test(tcase, a_half_closed_caller_is_answered);
	tcase_add_loop_test(tcase, a_writer_that_is_not_admitted_gives_nothing, 0, 2);
	tcase_add_test(tcase, the_writer_of_plain_bytes_is_judged_too);
	tcase_add_test(tcase, without_credentials_the_writer_is_nobody);
	tcase_add_loop_test(tcase, what_only_resembles_a_rich_handover_is_plain, 0, 3);
	tcase_add_test(tcase, a_shared_connection_goes_on);
	tcase_add_test(tcase, a_peer_that_does_not_read_its_answers_blocks_nobody);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
