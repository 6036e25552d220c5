/* SPDX-License-Identifier: MIT */
/* The receiver's part of a rich handover, one step at a time, against senders of every kind. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "descriptors.h"
#include "raw.h"
#include "rawrich.h"
#include "suite.h"
#include "wire/richtake.h"

static struct incoming incoming;
static int peer, witness[2];

/* Our end, begun, the peer's, and a pipe whose write end is what is sent: its read end tells who has it. */
static void begin(void)
{
	int pair[2], on = 1;

	raw_pair(pair);
	peer = pair[1];
	ck_assert_int_eq(pipe2(witness, O_CLOEXEC), 0);
	ck_assert_int_eq(setsockopt(pair[0], SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)), 0);
	ck_assert_int_eq(fdpass_incoming_begin(&incoming, pair[0], INCOMING_OWN), 0);
}

static void end(void)
{
	fdpass_incoming_end(&incoming);
	fdpass_fd_close(peer);
	fdpass_fd_close(witness[0]);
	fdpass_fd_close(witness[1]);
}

static int admit(void *context, const struct ucred *writer)
{
	const int *refused_at = context;
	static int asked;

	ck_assert_int_eq(writer->pid, getpid());
	return refused_at == NULL || ++asked != *refused_at;
}

static const char *reason;

static int step(void)
{
	reason = NULL;
	return fdpass_incoming_step(&incoming, admit, NULL, &reason);
}

/* It has to fail with this code and reason, and to have closed what came. */
static void assert_refused(int code, const char *why)
{
	ck_assert_int_eq(step(), code);
	ck_assert_ptr_nonnull(reason);
	ck_assert_str_eq(reason, why);
	ck_assert_uint_eq(fdpass_set_count(incoming.set), 0);
	fdpass_incoming_end(&incoming);
	witness[1] = fdpass_fd_close(witness[1]);
	ck_assert(raw_is_at_end(witness[0]));
}

static void offer(uint32_t count, const char *names, uint32_t size)
{
	rawrich_offer(peer, count, names, size);
	ck_assert_int_eq(step(), INCOMING_OFFER);
	ck_assert_uint_eq(incoming.offer.count, count);
	ck_assert_int_eq(fdpass_incoming_go_on(&incoming), 0);
	ck_assert(rawrich_may_go_on(peer));
}

static void pass(size_t count)
{
	ck_assert_int_eq(rawrich_pass(peer, witness[1], count), 1);
}

START_TEST(nothing_is_taken_before_it_was_judged)
{
	rawrich_offer(peer, 3, "a\0\0b", 5);
	ck_assert_int_eq(step(), INCOMING_OFFER);
	ck_assert_uint_eq(incoming.offer.count, 3);
	ck_assert_str_eq(incoming.offer.list[0], "a");
	ck_assert_ptr_null(incoming.offer.list[1]);
	ck_assert_str_eq(incoming.offer.list[2], "b");
	/* Only the greeting so far. */
	ck_assert(raw_has_greeting(peer));
	ck_assert_int_eq(recv(peer, (char[1]){0}, 1, MSG_DONTWAIT), -1);
	ck_assert_int_eq(fdpass_incoming_go_on(&incoming), 0);
	ck_assert(raw_has_record(peer, 'G', 0, ""));
	ck_assert_int_eq(step(), INCOMING_NOT_YET);
	pass(3);
	ck_assert_int_eq(step(), INCOMING_COMPLETE);
	ck_assert_uint_eq(fdpass_set_count(incoming.set), 3);
	ck_assert_str_eq(fdpass_set_name(incoming.set, 0), "a");
	ck_assert_ptr_null(fdpass_set_name(incoming.set, 1));
	ck_assert_str_eq(fdpass_set_name(incoming.set, 2), "b");
	for (size_t i = 0; i < 3; i++)
		ck_assert_int_eq(fcntl(fdpass_set_get(incoming.set, i), F_GETFD), FD_CLOEXEC);
}
END_TEST

/* The head and the names, cut at every byte. */
START_TEST(a_header_in_two_pieces)
{
	static const char names[] = "first\0second";
	unsigned char bytes[RAWRICH_HEAD + sizeof(names)];

	rawrich_head(bytes, 2, sizeof(names));
	memcpy(bytes + RAWRICH_HEAD, names, sizeof(names));
	ck_assert_int_eq(raw_send(peer, bytes, (size_t)_i, NULL, 0), _i);
	ck_assert_int_eq(step(), INCOMING_NOT_YET);
	ck_assert_int_eq(raw_send(peer, bytes + _i, sizeof(bytes) - (size_t)_i, NULL, 0) + _i,
			 (int)sizeof(bytes));
	if (_i >= RAWRICH_HEAD) {
		ck_assert_int_eq(step(), INCOMING_OFFER);
		ck_assert_str_eq(incoming.offer.list[1], "second");
		return;
	}
	/* The first read did not have all of the head: it is a plain handover's bytes. */
	ck_assert_int_eq(step(), INCOMING_NOT_YET);
	ck_assert_int_eq(incoming.phase, INCOMING_FIRST);
	pass(1);
	ck_assert_int_eq(step(), INCOMING_COMPLETE);
}
END_TEST

START_TEST(a_header_that_never_ends)
{
	static const char *const reasons[] = {"no descriptor came with it",
					      "the sender ended before everything had come",
					      "the sender ended before everything had come"};
	unsigned char bytes[RAWRICH_HEAD + 3] = {0};
	static const size_t sizes[] = {RAWRICH_HEAD - 1, RAWRICH_HEAD, RAWRICH_HEAD + 3};

	rawrich_head(bytes, 2, 4);
	ck_assert_int_eq(raw_send(peer, bytes, sizes[_i], NULL, 0), (ssize_t)sizes[_i]);
	ck_assert_int_eq(step(), INCOMING_NOT_YET);
	peer = fdpass_fd_close(peer);
	assert_refused(-EBADMSG, reasons[_i]);
}
END_TEST

#define EARLY "more came than the header, before it was asked for"
#define ASKED "descriptors came before they were asked for"
#define SAID "a message had not as many descriptors as it said"
#define MORE "more came than was announced"
#define SHORT "the sender ended before everything had come"

/* Before "go on": descriptors with the names; behind the head, which a stream glues to them; bytes; a second
 * header; descriptors with the head. */
START_TEST(what_comes_too_early)
{
	static const char *const reasons[] = {EARLY, ASKED, EARLY, EARLY, ASKED};
	unsigned char bytes[2 * RAWRICH_HEAD];

	rawrich_head(bytes, 2, _i == 0 ? 4 : 0);
	rawrich_head(bytes + RAWRICH_HEAD, 2, 0);
	ck_assert_int_eq(raw_send(peer, bytes, _i == 3 ? sizeof(bytes) : RAWRICH_HEAD, &witness[1],
				  _i == 4 ? 1 : 0),
			 _i == 3 ? (ssize_t)sizeof(bytes) : RAWRICH_HEAD);
	if (_i == 0) {
		ck_assert_int_eq(step(), INCOMING_NOT_YET);
		ck_assert_int_eq(raw_send(peer, "a\0b", 4, &witness[1], 1), 4);
	}
	if (_i == 1)
		pass(2);
	if (_i == 2)
		ck_assert_int_eq(raw_send(peer, "x", 1, NULL, 0), 1);
	assert_refused(-EBADMSG, reasons[_i]);
}
END_TEST

START_TEST(what_the_header_may_not_say)
{
	static const struct {
		uint32_t count, size;
		int code;
	} heads[] = {{0, 0, -EBADMSG},
		     {FDPASS_HANDOVER_MAX + 1, 0, -E2BIG},
		     {1, FDPASS_NAMES_MAX + 1, -E2BIG},
		     {UINT32_MAX, UINT32_MAX, -E2BIG},
		     {2, 1, -EBADMSG}};
	unsigned char bytes[RAWRICH_HEAD];

	rawrich_head(bytes, heads[_i].count, heads[_i].size);
	ck_assert_int_eq(raw_send(peer, bytes, sizeof(bytes), NULL, 0), RAWRICH_HEAD);
	ck_assert_int_eq(step(), heads[_i].code);
	ck_assert_ptr_nonnull(reason);
}
END_TEST

START_TEST(a_name_that_is_none)
{
	rawrich_offer(peer, 2, "a:b\0c", 6);
	assert_refused(-EBADMSG, "a name is longer than 255 bytes, or has characters that no name "
				 "may have");
}
END_TEST

/* After "go on", with one good message of 3 before it: bytes without descriptors, too many or too few of
 * them, more than announced, more bytes than one, an end. */
START_TEST(what_may_not_come_instead_of_descriptors)
{
	int fds[4];

	for (int i = 0; i < 4; i++)
		fds[i] = witness[1];
	offer(10, NULL, 0);
	pass(3);
	ck_assert_int_eq(step(), INCOMING_NOT_YET);
	ck_assert_uint_eq(fdpass_set_count(incoming.set), 3);
	switch (_i) {
	case 0:
		ck_assert_int_eq(raw_send(peer, "\3", 1, NULL, 0), 1);
		assert_refused(-EBADMSG, SAID);
		break;
	case 1:
		ck_assert_int_eq(raw_send(peer, "\3", 1, fds, 2), 1);
		assert_refused(-EBADMSG, SAID);
		break;
	case 2:
		ck_assert_int_eq(raw_send(peer, "\3", 1, fds, 4), 1);
		assert_refused(-EBADMSG, SAID);
		break;
	case 3:
		ck_assert_int_eq(raw_send(peer, "\0", 1, fds, 1), 1);
		assert_refused(-EBADMSG, SAID);
		break;
	case 4:
		ck_assert_int_eq(raw_send(peer, "\2\2", 2, fds, 2), 2);
		assert_refused(-EBADMSG, SAID);
		break;
	case 5:
		pass(8);
		assert_refused(-EBADMSG, MORE);
		break;
	case 6:
		pass(7);
		pass(1);
		assert_refused(-EBADMSG, MORE);
		break;
	case 7:
		pass(7);
		ck_assert_int_eq(raw_send(peer, "x", 1, NULL, 0), 1);
		assert_refused(-EBADMSG, MORE);
		break;
	case 8:
		peer = fdpass_fd_close(peer);
		assert_refused(-EBADMSG, SHORT);
		break;
	default:
		pass(6);
		ck_assert_int_eq(shutdown(peer, SHUT_WR), 0);
		assert_refused(-EBADMSG, SHORT);
		break;
	}
}
END_TEST

/* Bytes before a descriptor message: a stream glues them together, and exact reads tell them apart. */
START_TEST(bytes_that_would_be_glued)
{
	offer(2, NULL, 0);
	ck_assert_int_eq(raw_send(peer, "\2", 1, NULL, 0), 1);
	pass(2);
	assert_refused(-EBADMSG, SAID);
}
END_TEST

/* Messages of every size, and an end at every message. */
START_TEST(it_may_end_at_every_message)
{
	size_t sent = 0;

	offer(2000, NULL, 0);
	for (int i = 0; i < _i; i++) {
		size_t count = (size_t)(i * 67 % 253) + 1;

		pass(count);
		sent += count;
		ck_assert_int_eq(step(), INCOMING_NOT_YET);
		ck_assert_uint_eq(fdpass_set_count(incoming.set), sent);
	}
	peer = fdpass_fd_close(peer);
	assert_refused(-EBADMSG, SHORT);
}
END_TEST

START_TEST(a_step_is_bounded)
{
	offer(1000, NULL, 0);
	for (int i = 0; i < 100; i++)
		pass(1);
	ck_assert_int_eq(step(), INCOMING_NOT_YET);
	ck_assert_uint_eq(fdpass_set_count(incoming.set), RICHTAKE_MESSAGES_MAX);
	ck_assert_int_eq(step(), INCOMING_NOT_YET);
	ck_assert_uint_eq(fdpass_set_count(incoming.set), 2 * (size_t)RICHTAKE_MESSAGES_MAX);
}
END_TEST

/* The writer of each message is judged: of the head, the names, each message. */
START_TEST(every_writer_is_judged)
{
	int at = _i + 1, r = INCOMING_NOT_YET;

	rawrich_offer(peer, 6, "\0\0\0\0\0\0", 6);
	reason = NULL;
	for (int i = 0; i < 4 && r >= 0; i++) {
		r = fdpass_incoming_step(&incoming, admit, &at, &reason);
		if (r == INCOMING_OFFER)
			ck_assert_int_eq(fdpass_incoming_go_on(&incoming), 0);
		if (r != INCOMING_NOT_YET || i > 0)
			pass(2);
	}
	ck_assert_int_eq(r, -EPERM);
	ck_assert_str_eq(reason, "the process that wrote the message is not admitted");
	ck_assert_uint_eq(fdpass_set_count(incoming.set), 0);
}
END_TEST

/* On a connection that others hold, what follows is theirs. */
START_TEST(what_follows_on_a_shared_connection_stays)
{
	char byte;

	incoming.sharing = INCOMING_SHARED;
	offer(2, "a\0b", 4);
	pass(2);
	ck_assert_int_eq(raw_send(peer, "x", 1, NULL, 0), 1);
	ck_assert_int_eq(step(), INCOMING_COMPLETE);
	ck_assert_str_eq(fdpass_set_name(incoming.set, 1), "b");
	ck_assert_int_eq(raw_read(incoming.socket, &byte, 1), 1);
	ck_assert_int_eq(byte, 'x');
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("richtake");
	TCase *tcase = descriptors_tcase("richtake");

	tcase_add_checked_fixture(tcase, begin, end);
	tcase_add_test(tcase, nothing_is_taken_before_it_was_judged);
	tcase_add_loop_test(tcase, a_header_in_two_pieces, 1, RAWRICH_HEAD + 13);
	tcase_add_loop_test(tcase, a_header_that_never_ends, 0, 3);
	tcase_add_loop_test(tcase, what_comes_too_early, 0, 5);
	tcase_add_loop_test(tcase, what_the_header_may_not_say, 0, 5);
	tcase_add_test(tcase, a_name_that_is_none);
	tcase_add_loop_test(tcase, what_may_not_come_instead_of_descriptors, 0, 10);
	tcase_add_test(tcase, bytes_that_would_be_glued);
	tcase_add_loop_test(tcase, it_may_end_at_every_message, 0, 16);
	tcase_add_test(tcase, a_step_is_bounded);
	tcase_add_loop_test(tcase, every_writer_is_judged, 0, 3);
	tcase_add_test(tcase, what_follows_on_a_shared_connection_stays);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
