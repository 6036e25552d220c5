/* SPDX-License-Identifier: MIT */
/* The sender's end of a handover, one step at a time, against receivers of every kind. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/deadline.h"
#include "base/fd.h"
#include "descriptors.h"
#include "driving.h"
#include "raw.h"
#include "suite.h"
#include "wire/outgoing.h"
#include "wire/packet.h"

static struct outgoing outgoing;
static struct fdpass_set *set;
static enum fdpass_proof proof;

/* Our end, begun; returns the receiver's. */
static int begin(enum fdpass_confirm confirm)
{
	int pair[2], fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	raw_pair(pair);
	ck_assert_int_eq(fdpass_set_new(&set), 0);
	ck_assert_int_eq(fdpass_set_take(set, fd), 0);
	proof = (enum fdpass_proof)99;
	ck_assert_int_eq(fdpass_outgoing_begin(&outgoing, pair[0], confirm), 0);
	return pair[1];
}

static void end(int peer)
{
	fdpass_fd_close(peer);
	fdpass_outgoing_end(&outgoing);
	set = fdpass_set_free(set);
}

static int step(void)
{
	return fdpass_outgoing_step(&outgoing, set, &proof);
}

static int wait_ms(int64_t milliseconds)
{
	struct fdpass_wait wait = {fdpass_deadline_in(milliseconds * NSEC_PER_MSEC), -1};

	return driving_outgoing(&outgoing, &wait);
}

/* Takes what the kernel reports by itself, so that after this only news wakes. */
static void settle(void)
{
	for (int i = 0; wait_ms(0) == 0; i++) {
		ck_assert_int_lt(i, 4);
		ck_assert_int_eq(step(), 0);
	}
}

static void take(int peer, int flags)
{
	struct raw_message message;

	raw_receive(peer, 1, flags, &message);
	ck_assert_int_eq(message.size, 1);
	ck_assert_uint_eq(message.count, 1);
	raw_close_all(&message);
}

static void say(int peer, const char *bytes, size_t size)
{
	ck_assert_int_eq(raw_send(peer, bytes, size, NULL, 0), (ssize_t)size);
}

static size_t record(enum frame_type type, uint32_t count, const char *text, char *bytes)
{
	unsigned char encoded[FRAME_RECORD_MAX];
	size_t size = fdpass_frame_encode(type, count, text, encoded);

	memcpy(bytes, FRAME_GREETING, FRAME_GREETING_SIZE);
	memcpy(bytes + FRAME_GREETING_SIZE, encoded, size);
	return FRAME_GREETING_SIZE + size;
}

START_TEST(a_silent_reader_is_known_at_once)
{
	int peer = begin(FDPASS_CONFIRM_BEST);

	ck_assert_int_eq(step(), 0);
	settle();
	take(peer, MSG_PEEK);
	ck_assert_int_eq(wait_ms(0), -ETIMEDOUT);
	ck_assert_int_eq(step(), 0);
	take(peer, 0);
	/* The event is there already, and the connection stays open. */
	ck_assert_int_eq(wait_ms(0), 0);
	ck_assert_int_eq(step(), 1);
	ck_assert_int_eq(proof, FDPASS_PROOF_READ);
	end(peer);
}
END_TEST

/* Reads (or peeks, or neither) and closes, before or after we look. */
START_TEST(closing_without_a_word)
{
	int looked = _i % 2, how = _i / 2;
	int peer = begin(FDPASS_CONFIRM_BEST);

	ck_assert_int_eq(step(), 0);
	if (looked)
		settle();
	if (how > 0)
		take(peer, how == 1 ? MSG_PEEK : 0);
	close(peer);
	ck_assert_int_eq(wait_ms(0), 0);
	ck_assert_int_eq(step(), how == 2 ? 1 : -ECONNRESET);
	ck_assert_int_eq(proof, how == 2 ? FDPASS_PROOF_READ : 99);
	end(FD_NONE);
}
END_TEST

/* What only shuts down has not read: end of file alone must not count as a receipt. */
START_TEST(half_closing_is_not_reading)
{
	static const int how[] = {SHUT_WR, SHUT_RDWR};
	int peer = begin(FDPASS_CONFIRM_BEST);

	ck_assert_int_eq(step(), 0);
	settle();
	ck_assert_int_eq(shutdown(peer, how[_i % 2]), 0);
	ck_assert_int_eq(wait_ms(0), 0);
	ck_assert_int_eq(step(), 0);
	settle();
	if (_i < 2) {
		close(peer);
		ck_assert_int_eq(wait_ms(0), 0);
		ck_assert_int_eq(step(), -ECONNRESET);
		end(FD_NONE);
		return;
	}
	take(peer, 0);
	ck_assert_int_eq(wait_ms(0), 0);
	ck_assert_int_eq(step(), 1);
	ck_assert_int_eq(proof, FDPASS_PROOF_READ);
	end(peer);
}
END_TEST

/* The receiver is gone before the message was sent; what it said is still heard. */
START_TEST(closed_before_the_message)
{
	static const int expected[] = {-ECONNRESET, -EBUSY, -EREMOTEIO, -ECONNRESET, -ECONNRESET};
	char bytes[FRAME_GREETING_SIZE + FRAME_RECORD_MAX];
	int peer = begin(FDPASS_CONFIRM_BEST);

	if (_i == 1)
		say(peer, bytes, record(FRAME_BUSY, 0, "", bytes));
	if (_i == 2)
		say(peer, bytes, record(FRAME_REFUSED, 0, "too late", bytes));
	if (_i == 3)
		say(peer, "fdp", 3);
	/* Nothing was given, whatever it claims. */
	if (_i == 4)
		say(peer, bytes, record(FRAME_ACCEPTED, 1, "", bytes));
	close(peer);
	ck_assert_int_eq(step(), expected[_i]);
	ck_assert_int_eq(outgoing.sent, 0);
	ck_assert_str_eq(outgoing.answer.text, _i == 2 ? "too late" : "");
	end(FD_NONE);
}
END_TEST

static const struct {
	enum frame_type type;
	int result;
} answers[] = {
	{FRAME_ACCEPTED, 1},     {FRAME_REFUSED, -EREMOTEIO}, {FRAME_BUSY, -EBUSY},
	{FRAME_FAILED, -EPROTO}, {FRAME_GO_ON, -EPROTO},      {FRAME_PASSED_ON, 1},
};

/* Every answer, cut at every byte, with the message read or not: "accepted" is taken at its word. */
START_TEST(every_answer_cut_anywhere)
{
	char bytes[FRAME_GREETING_SIZE + FRAME_RECORD_MAX];
	size_t size = record(answers[_i].type, 7, "words", bytes);

	for (size_t cut = 0; cut <= size; cut++) {
		int peer = begin(FDPASS_CONFIRM_BEST);

		ck_assert_int_eq(step(), 0);
		settle();
		if (cut > 0) {
			say(peer, bytes, cut);
			ck_assert_int_eq(wait_ms(0), 0);
		}
		if (cut == size) {
			take(peer, 0);
		} else {
			ck_assert_int_eq(step(), 0);
			settle();
			say(peer, bytes + cut, size - cut);
			ck_assert_int_eq(wait_ms(0), 0);
		}
		ck_assert_int_eq(step(), answers[_i].result);
		ck_assert_str_eq(outgoing.answer.text, "words");
		ck_assert_uint_eq(outgoing.answer.count, 7);
		ck_assert_int_eq(proof, _i == 0                   ? FDPASS_PROOF_ANSWER
					: answers[_i].result == 1 ? FDPASS_PROOF_READ
								  : 99);
		end(peer);
	}
}
END_TEST

/* Written byte by byte, spoilt at `_i`: found at that very byte. */
START_TEST(garbage_is_found_at_its_first_byte)
{
	char bytes[FRAME_GREETING_SIZE + FRAME_RECORD_MAX];
	int peer = begin(FDPASS_CONFIRM_BEST);

	record(FRAME_ACCEPTED, 1, "", bytes);
	bytes[_i] = '?';
	ck_assert_int_eq(step(), 0);
	for (int i = 0; i < _i; i++) {
		say(peer, bytes + i, 1);
		ck_assert_int_eq(step(), 0);
	}
	say(peer, bytes + _i, 1);
	ck_assert_int_eq(step(), -EPROTO);
	end(peer);
}
END_TEST

/* Once it has spoken, reading is not enough; what follows decides. */
START_TEST(a_greeting_commits)
{
	size_t said = _i % 2 == 0 ? FRAME_GREETING_SIZE : 4;
	int reads = _i / 2;
	int peer = begin(FDPASS_CONFIRM_BEST);

	ck_assert_int_eq(step(), 0);
	say(peer, FRAME_GREETING, said);
	if (reads)
		take(peer, 0);
	ck_assert_int_eq(step(), 0);
	settle();
	ck_assert_int_eq(outgoing.spoke, 1);
	close(peer);
	ck_assert_int_eq(wait_ms(0), 0);
	ck_assert_int_eq(step(), reads ? -ECONNABORTED : -ECONNRESET);
	end(FD_NONE);
}
END_TEST

START_TEST(a_greeting_that_came_before_the_message)
{
	int peer = begin(FDPASS_CONFIRM_BEST);

	say(peer, FRAME_GREETING, FRAME_GREETING_SIZE);
	ck_assert_int_eq(step(), 0);
	take(peer, 0);
	ck_assert_int_eq(step(), 0);
	say(peer, "A\0\0\0\0\0\0\1", 8);
	ck_assert_int_eq(step(), 1);
	ck_assert_int_eq(proof, FDPASS_PROOF_ANSWER);
	ck_assert_uint_eq(outgoing.answer.count, 1);
	end(peer);
}
END_TEST

START_TEST(an_answer_can_be_demanded)
{
	char bytes[FRAME_GREETING_SIZE + FRAME_RECORD_MAX];
	int peer = begin(FDPASS_CONFIRM_ANSWER);

	ck_assert_int_eq(step(), 0);
	take(peer, 0);
	if (_i == 2)
		say(peer, bytes, record(FRAME_ACCEPTED, 1, "", bytes));
	if (_i == 1) {
		close(peer);
		peer = FD_NONE;
	}
	ck_assert_int_eq(step(), _i == 2 ? 1 : -ENOMSG);
	end(peer);
}
END_TEST

START_TEST(no_confirmation_waits_for_nothing)
{
	int peer = begin(FDPASS_CONFIRM_NONE);

	ck_assert_int_eq(step(), 1);
	ck_assert_int_eq(proof, FDPASS_PROOF_NONE);
	fdpass_outgoing_end(&outgoing);
	take(peer, 0);
	end(peer);
}
END_TEST

START_TEST(what_the_kernel_does_not_send)
{
	int off = 0, peer = begin(FDPASS_CONFIRM_BEST);
	int expected = -EBADF;

	if (_i == 0)
		close(fdpass_set_steal(set, 0));
	else
		expected = setsockopt(peer, SOL_SOCKET, SO_PASSRIGHTS, &off, sizeof(off)) == 0
				   ? -EPERM
				   : 0; /* before Linux 6.16 */
	ck_assert_int_eq(step(), expected);
	ck_assert_int_eq(outgoing.sent, expected == 0);
	end(peer);
}
END_TEST

START_TEST(a_full_socket_is_waited_out)
{
	char bytes[4096] = {0};
	int peer = begin(FDPASS_CONFIRM_BEST);

	while (send(outgoing.socket, bytes, sizeof(bytes), MSG_DONTWAIT) > 0)
		;
	ck_assert_int_eq(step(), 0);
	settle();
	ck_assert_int_eq(outgoing.sent, 0);
	while (recv(peer, bytes, sizeof(bytes), MSG_DONTWAIT) > 0)
		;
	ck_assert_int_eq(wait_ms(0), 0);
	ck_assert_int_eq(step(), 0);
	ck_assert_int_eq(outgoing.sent, 1);
	take(peer, 0);
	ck_assert_int_eq(wait_ms(0), 0);
	ck_assert_int_eq(step(), 1);
	end(peer);
}
END_TEST

START_TEST(a_wait_can_be_cancelled)
{
	struct fdpass_wait wait = FDPASS_WAIT_INIT;
	int peer = begin(FDPASS_CONFIRM_BEST), fds[2];

	ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
	close(fds[1]);
	wait.cancel_fd = fds[0];
	ck_assert_int_eq(step(), 0);
	ck_assert_int_eq(driving_outgoing(&outgoing, &wait), -ECANCELED);
	close(fds[0]);
	end(peer);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("outgoing");
	TCase *tcase = descriptors_tcase("outgoing");

	tcase_add_test(tcase, a_silent_reader_is_known_at_once);
	tcase_add_loop_test(tcase, closing_without_a_word, 0, 6);
	tcase_add_loop_test(tcase, half_closing_is_not_reading, 0, 4);
	tcase_add_loop_test(tcase, closed_before_the_message, 0, 5);
	tcase_add_loop_test(tcase, every_answer_cut_anywhere, 0, 6);
	tcase_add_loop_test(tcase, garbage_is_found_at_its_first_byte, 0, FRAME_GREETING_SIZE + 1);
	tcase_add_loop_test(tcase, a_greeting_commits, 0, 4);
	tcase_add_test(tcase, a_greeting_that_came_before_the_message);
	tcase_add_loop_test(tcase, an_answer_can_be_demanded, 0, 3);
	tcase_add_test(tcase, no_confirmation_waits_for_nothing);
	tcase_add_loop_test(tcase, what_the_kernel_does_not_send, 0, 2);
	tcase_add_test(tcase, a_full_socket_is_waited_out);
	tcase_add_test(tcase, a_wait_can_be_cancelled);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
