/* SPDX-License-Identifier: MIT */
/* The sender's part of a rich handover, one step at a time, against receivers of every kind. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/deadline.h"
#include "base/fd.h"
#include "descriptors.h"
#include "driving.h"
#include "raw.h"
#include "rawrich.h"
#include "suite.h"
#include "wire/offer.h"
#include "wire/richsend.h"

static struct outgoing outgoing;
static struct fdpass_set *set;
static unsigned char *header;
static enum fdpass_proof proof;
static int peer;

/* Our end, begun, with so many descriptors, all of /dev/null; the last one has this name. */
static void offer(size_t count, const char *name, enum fdpass_confirm confirm)
{
	int pair[2], fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	size_t size;

	raw_pair(pair);
	peer = pair[1];
	ck_assert_int_eq(fdpass_set_new(&set), 0);
	ck_assert_int_eq(fdpass_set_take(set, fd), 0);
	for (size_t i = 1; i < count; i++)
		ck_assert_int_eq(fdpass_set_borrow(set, fd), 0);
	if (name != NULL)
		ck_assert_int_eq(fdpass_set_rename(set, count - 1, name), 0);
	size = fdpass_offer_size(set);
	header = malloc(size);
	ck_assert_ptr_nonnull(header);
	fdpass_offer_encode(set, header);
	proof = (enum fdpass_proof)99;
	ck_assert_int_eq(fdpass_outgoing_begin(&outgoing, pair[0], confirm), 0);
	fdpass_outgoing_offer(&outgoing, header, size);
}

static void end(void)
{
	fdpass_outgoing_end(&outgoing);
	set = fdpass_set_free(set);
	free(header);
	peer = fdpass_fd_close(peer);
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

static void say(const char *bytes, size_t size)
{
	ck_assert_int_eq(raw_send(peer, bytes, size, NULL, 0), (ssize_t)size);
}

static void greet(void)
{
	say("fdpass/1", 8);
}

static uint32_t read_offer(void)
{
	char names[1024];
	uint32_t size;

	return rawrich_read_offer(peer, names, sizeof(names), &size);
}

START_TEST(no_descriptor_leaves_before_go_on)
{
	static struct raw_message message;

	offer(300, "last", FDPASS_CONFIRM_BEST);
	ck_assert_int_eq(step(), 0);
	greet();
	ck_assert_int_eq(step(), 0);
	ck_assert_uint_eq(read_offer(), 300);
	ck_assert_int_eq(step(), 0);
	ck_assert_int_eq(recv(peer, message.bytes, 1, MSG_DONTWAIT), -1);
	settle();
	rawrich_say(peer, 'G', 0);
	ck_assert_int_eq(wait_ms(0), 0);
	ck_assert_int_eq(step(), 0);
	ck_assert_int_eq(outgoing.sent, 1);
	ck_assert_uint_eq(outgoing.passed, 300);
	rawrich_take(peer, 300, NULL, NULL);
	settle();
	rawrich_say(peer, 'A', 300);
	ck_assert_int_eq(wait_ms(0), 0);
	ck_assert_int_eq(step(), 1);
	ck_assert_int_eq(proof, FDPASS_PROOF_ANSWER);
	ck_assert_uint_eq(outgoing.answer.count, 300);
	end();
}
END_TEST

/* Everything that a receiver writes, cut at every byte. */
START_TEST(what_it_says_may_be_cut_anywhere)
{
	static const char words[] = "fdpass/1G\0\0\0\0\0\0\0A\0\0\0\0\0\0\2";
	int last = 0;

	offer(2, "x", FDPASS_CONFIRM_BEST);
	for (int i = 0; i < 23; i++) {
		if (i == _i)
			continue;
		say(words + last, (size_t)(i - last + 1));
		last = i + 1;
		ck_assert_int_eq(step(), 0);
	}
	ck_assert_int_eq(outgoing.sent, 1);
	ck_assert_uint_eq(read_offer(), 2);
	rawrich_take(peer, 2, NULL, NULL);
	say(words + last, (size_t)(24 - last));
	ck_assert_int_eq(step(), 1);
	ck_assert_uint_eq(outgoing.answer.count, 2);
	end();
}
END_TEST

/* Receivers that do not know it: they read all of the header, or a part, or nothing; they close, or keep
 * the connection open. */
START_TEST(old_receivers)
{
	static const int results[] = {
		-EPROTONOSUPPORT, -EPROTONOSUPPORT, -EPROTONOSUPPORT, -EPROTONOSUPPORT, 0, 0};
	static const size_t reads[] = {0, 1, OFFER_HEAD_SIZE, OFFER_HEAD_SIZE, 0, 1};
	char bytes[OFFER_HEAD_SIZE];
	int closes = _i < 3;

	offer(300, NULL, _i % 2 == 0 ? FDPASS_CONFIRM_BEST : FDPASS_CONFIRM_NONE);
	ck_assert_int_eq(step(), 0);
	settle();
	if (reads[_i] > 0)
		ck_assert_int_eq(raw_read(peer, bytes, reads[_i]), (ssize_t)reads[_i]);
	if (closes)
		peer = fdpass_fd_close(peer);
	ck_assert_int_eq(wait_ms(0), results[_i] == 0 ? -ETIMEDOUT : 0);
	ck_assert_int_eq(step(), results[_i]);
	ck_assert_uint_eq(outgoing.passed, 0);
	end();
}
END_TEST

/* The same, closed before anything was sent. */
START_TEST(closed_before_the_header)
{
	static const int results[] = {-EPROTONOSUPPORT, -EPROTONOSUPPORT, -EBUSY, -EREMOTEIO};

	offer(300, NULL, FDPASS_CONFIRM_BEST);
	if (_i > 0)
		greet();
	if (_i == 2)
		rawrich_say(peer, 'B', 0);
	if (_i == 3)
		say("R\0\0\2\0\0\0\0no", 10);
	peer = fdpass_fd_close(peer);
	ck_assert_int_eq(step(), results[_i]);
	ck_assert_str_eq(outgoing.answer.text, _i == 3 ? "no" : "");
	end();
}
END_TEST

/* What it may say at each of three points: before the header was read, after, and after "go on". */
START_TEST(every_word_at_every_point)
{
	static const char types[] = {'G', 'A', 'R', 'B', 'F', 'P'};
	static const int results[3][6] = {
		{0, -EPROTO, -EREMOTEIO, -EBUSY, -EPROTO, -EPROTO},
		{0, -EPROTO, -EREMOTEIO, -EBUSY, -EPROTO, -EPROTO},
		{-EPROTO, 1, -EREMOTEIO, -EBUSY, -EPROTO, -EPROTO},
	};
	int point = _i / 6, which = _i % 6;

	offer(3, "x", FDPASS_CONFIRM_BEST);
	greet();
	ck_assert_int_eq(step(), 0);
	if (point > 0)
		ck_assert_uint_eq(read_offer(), 3);
	if (point > 1) {
		rawrich_say(peer, 'G', 0);
		ck_assert_int_eq(step(), 0);
		ck_assert_int_eq(outgoing.sent, 1);
	}
	rawrich_say(peer, types[which], 3);
	ck_assert_int_eq(step(), results[point][which]);
	ck_assert_int_eq(proof, results[point][which] == 1 ? FDPASS_PROOF_ANSWER : 99);
	ck_assert_uint_eq(outgoing.passed, point > 1 || which == 0 ? 3 : 0);
	end();
}
END_TEST

/* It closes at each of the same points, with something unread or not: never a success. */
START_TEST(it_ends_at_every_point)
{
	static const int results[] = {-EPROTONOSUPPORT, -EPROTONOSUPPORT, -ECONNABORTED,
				      -ECONNABORTED, -ECONNABORTED};

	offer(600, NULL, FDPASS_CONFIRM_BEST);
	greet();
	ck_assert_int_eq(step(), 0);
	if (_i > 0)
		ck_assert_uint_eq(read_offer(), 600);
	if (_i > 1)
		rawrich_say(peer, 'G', 0);
	if (_i > 2)
		ck_assert_int_eq(step(), 0);
	if (_i == 3)
		rawrich_take(peer, 253, NULL, NULL);
	if (_i == 4)
		rawrich_take(peer, 600, NULL, NULL);
	peer = fdpass_fd_close(peer);
	ck_assert_int_eq(step(), results[_i]);
	ck_assert_int_eq(proof, 99);
	end();
}
END_TEST

START_TEST(garbage_is_found_at_its_first_byte)
{
	static const char words[] = "fdpass/1G";

	offer(300, NULL, FDPASS_CONFIRM_BEST);
	say(words, (size_t)_i);
	ck_assert_int_eq(step(), 0);
	say("?", 1);
	ck_assert_int_eq(step(), -EPROTO);
	ck_assert_uint_eq(outgoing.passed, 0);
	end();
}
END_TEST

/* Without a confirmation it still has to be asked for them. */
START_TEST(no_confirmation_waits_for_no_answer)
{
	offer(300, NULL, FDPASS_CONFIRM_NONE);
	ck_assert_int_eq(step(), 0);
	greet();
	ck_assert_uint_eq(read_offer(), 300);
	ck_assert_int_eq(step(), 0);
	rawrich_say(peer, 'G', 0);
	ck_assert_int_eq(step(), 1);
	ck_assert_int_eq(proof, FDPASS_PROOF_NONE);
	fdpass_outgoing_end(&outgoing);
	rawrich_take(peer, 300, NULL, NULL);
	end();
}
END_TEST

/* Names that no socket buffer holds, and more messages than that: each is waited out on its event. */
START_TEST(a_full_socket_is_waited_out)
{
	static char names[1 << 21], expected[256];
	size_t count = 20000;
	uint32_t size = 0, got = 0;
	char head[OFFER_HEAD_SIZE];

	memset(expected, 'n', 250);
	offer(count, NULL, FDPASS_CONFIRM_BEST);
	for (size_t i = 0; i < 4000; i++)
		ck_assert_int_eq(fdpass_set_rename(set, i, expected), 0);
	free(header);
	size = (uint32_t)fdpass_offer_size(set);
	header = malloc(size);
	ck_assert_ptr_nonnull(header);
	fdpass_offer_encode(set, header);
	fdpass_outgoing_offer(&outgoing, header, size);
	greet();
	ck_assert_int_eq(step(), 0);
	ck_assert_uint_lt(outgoing.header_sent, size);
	ck_assert_int_eq(raw_read(peer, head, sizeof(head)), OFFER_HEAD_SIZE);
	while (got < size - OFFER_HEAD_SIZE) {
		ssize_t piece = recv(peer, names + got, sizeof(names) - got, MSG_DONTWAIT);

		if (piece > 0) {
			got += (uint32_t)piece;
			continue;
		}
		ck_assert_int_eq(errno, EAGAIN);
		ck_assert_int_eq(wait_ms(1000), 0);
		ck_assert_int_eq(step(), 0);
	}
	ck_assert_mem_eq(names, expected, 251);
	rawrich_say(peer, 'G', 0);
	/* Until nothing more goes. */
	while (outgoing.resume == 0 || outgoing.passed == 0) {
		ck_assert_int_eq(wait_ms(1000), 0);
		ck_assert_int_eq(step(), 0);
	}
	settle();
	for (size_t taken = 0; taken < count;) {
		uint32_t part = (uint32_t)(outgoing.passed - taken);

		ck_assert_uint_gt(part, 0);
		rawrich_take(peer, part, NULL, NULL);
		taken += part;
		while (taken < count && outgoing.passed == taken) {
			ck_assert_int_eq(wait_ms(1000), 0);
			ck_assert_int_eq(step(), 0);
		}
	}
	rawrich_say(peer, 'A', (uint32_t)count);
	ck_assert_int_eq(step(), 1);
	end();
}
END_TEST

/* A step that sends much comes back in between, and is to be called again at once. */
START_TEST(a_step_is_bounded)
{
	offer(FDPASS_MESSAGE_MAX * (RICHSEND_MESSAGES_MAX + 1), NULL, FDPASS_CONFIRM_BEST);
	greet();
	ck_assert_int_eq(step(), 0);
	rawrich_say(peer, 'G', 0);
	ck_assert_int_eq(step(), 0);
	ck_assert_int_eq(outgoing.sent, 0);
	ck_assert_uint_eq(outgoing.passed, FDPASS_MESSAGE_MAX * RICHSEND_MESSAGES_MAX);
	ck_assert_int_eq(wait_ms(1000), 0);
	ck_assert_int_eq(wait_ms(1000), 0);
	ck_assert_int_eq(step(), 0);
	ck_assert_int_eq(outgoing.sent, 1);
	settle();
	end();
}
END_TEST

START_TEST(what_the_kernel_does_not_send)
{
	int off = 0, expected = -EBADF;

	offer(600, NULL, FDPASS_CONFIRM_BEST);
	greet();
	ck_assert_int_eq(step(), 0);
	if (_i < 2)
		/* In the first message, or in the last. */
		fdpass_set_steal(set, _i == 0 ? 252 : 599);
	else
		expected = setsockopt(peer, SOL_SOCKET, SO_PASSRIGHTS, &off, sizeof(off)) == 0
				   ? -EPERM
				   : 0; /* before Linux 6.16 */
	rawrich_say(peer, 'G', 0);
	ck_assert_int_eq(step(), expected);
	ck_assert_int_eq(outgoing.unsendable, expected != 0);
	ck_assert_int_eq(outgoing.sent, expected == 0);
	end();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("richsend");
	TCase *tcase = descriptors_tcase("richsend");

	tcase_add_test(tcase, no_descriptor_leaves_before_go_on);
	tcase_add_loop_test(tcase, what_it_says_may_be_cut_anywhere, 0, 23);
	tcase_add_loop_test(tcase, old_receivers, 0, 6);
	tcase_add_loop_test(tcase, closed_before_the_header, 0, 4);
	tcase_add_loop_test(tcase, every_word_at_every_point, 0, 18);
	tcase_add_loop_test(tcase, it_ends_at_every_point, 0, 5);
	tcase_add_loop_test(tcase, garbage_is_found_at_its_first_byte, 0, 9);
	tcase_add_test(tcase, no_confirmation_waits_for_no_answer);
	tcase_add_test(tcase, a_full_socket_is_waited_out);
	tcase_add_test(tcase, a_step_is_bounded);
	tcase_add_loop_test(tcase, what_the_kernel_does_not_send, 0, 3);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
