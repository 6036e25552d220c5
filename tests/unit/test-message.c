/* SPDX-License-Identifier: MIT */
/* One message of the public interface, over each kind of Unix socket, with what goes wrong made an error. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/socket.h"
#include "descriptors.h"
#include "fdpass.h"
#include "raw.h"
#include "suite.h"

static const int types[] = {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET};
enum { STREAM, DGRAM, SEQPACKET, TYPES };

/* What the tests begin with: a connected pair, and an empty set. */
static int pair[2];
static struct fdpass_set *set;

static void begin(int type)
{
	ck_assert_int_eq(socketpair(AF_UNIX, types[type] | SOCK_CLOEXEC, 0, pair), 0);
	ck_assert_int_eq(fdpass_set_new(&set), 0);
}

static void end(void)
{
	set = fdpass_set_free(set);
	close(pair[0]);
	if (pair[1] >= 0)
		close(pair[1]);
}

static struct fdpass_wait soon(void)
{
	return (struct fdpass_wait){fdpass_deadline_in(5000000000), -1};
}

/* A set that borrows `fd` so many times. */
static struct fdpass_set *many(int fd, size_t count)
{
	struct fdpass_set *made;

	ck_assert_int_eq(fdpass_set_new(&made), 0);
	for (size_t i = 0; i < count; i++)
		ck_assert_int_eq(fdpass_set_borrow(made, fd), 0);
	return made;
}

static int receive(void *bytes, size_t size, struct fdpass_message *message)
{
	const struct fdpass_wait wait = soon();

	return fdpass_message_receive(pair[1], bytes, size, set, &wait, message);
}

static const struct fdpass_wait at_once = {0, -1};

START_TEST(data_and_descriptors_arrive)
{
	static const size_t counts[] = {0, 1, 2, 253};
	size_t count = counts[_i % 4];
	struct fdpass_message message;
	struct fdpass_set *sent;
	char bytes[16];
	int marks[2];

	begin(_i / 4);
	ck_assert_int_eq(pipe2(marks, O_CLOEXEC), 0);
	sent = many(marks[1], count);
	/* A set that has something keeps it. */
	ck_assert_int_eq(fdpass_set_dup(set, pair[0]), 0);
	ck_assert_int_eq(fdpass_message_send(pair[0], "hello", 5, sent, NULL), 5);
	close(marks[1]);
	ck_assert_int_eq(receive(bytes, sizeof(bytes), &message), 1);
	ck_assert_uint_eq(message.size, 5);
	ck_assert_mem_eq(bytes, "hello", 5);
	ck_assert_uint_eq(message.count, count);
	ck_assert(message.writer.uid == (uid_t)-1);
	ck_assert_uint_eq(fdpass_set_count(set), count + 1);
	for (size_t i = 1; i <= count; i++)
		ck_assert_int_eq(fcntl(fdpass_set_get(set, i), F_GETFD), FD_CLOEXEC);
	/* All that came is in the set: without it nobody holds the pipe's end. */
	fdpass_set_truncate(set, 1);
	ck_assert(raw_is_at_end(marks[0]));
	fdpass_set_free(sent);
	close(marks[0]);
	end();
}
END_TEST

START_TEST(no_set_is_no_descriptors)
{
	struct fdpass_message message;
	char bytes[16];

	begin(_i);
	ck_assert_int_eq(fdpass_message_send(pair[0], "hello", 5, NULL, NULL), 5);
	ck_assert_int_eq(receive(bytes, sizeof(bytes), &message), 1);
	ck_assert_uint_eq(message.count, 0);
	end();
}
END_TEST

START_TEST(the_end_of_file_is_no_error)
{
	struct fdpass_message message = {.size = 77};
	char bytes[16];
	int on = 1;

	begin(_i / 2 == 0 ? STREAM : SEQPACKET);
	/* The kernel may give credentials at the end of a stream, too: nobody's. */
	if (_i % 2 == 1)
		ck_assert_int_eq(setsockopt(pair[1], SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)), 0);
	ck_assert_int_eq(fdpass_message_send(pair[0], "last", 4, NULL, NULL), 4);
	ck_assert_int_eq(shutdown(pair[0], SHUT_WR), 0);
	ck_assert_int_eq(receive(bytes, sizeof(bytes), &message), 1);
	message.size = 77;
	ck_assert_int_eq(receive(bytes, sizeof(bytes), &message), 0);
	ck_assert_uint_eq(message.size, 77);
	ck_assert_uint_eq(fdpass_set_count(set), 0);
	end();
}
END_TEST

START_TEST(a_datagram_socket_that_was_shut_down_is_at_its_end)
{
	struct fdpass_message message = {.size = 77};
	char bytes[16];

	begin(DGRAM);
	ck_assert_int_eq(fdpass_message_send(pair[0], "last", 4, NULL, NULL), 4);
	ck_assert_int_eq(shutdown(pair[1], SHUT_RD), 0);
	ck_assert_int_eq(receive(bytes, sizeof(bytes), &message), 1);
	ck_assert_int_eq(receive(bytes, sizeof(bytes), &message), 0);
	end();
}
END_TEST

START_TEST(an_empty_datagram_is_a_message)
{
	struct fdpass_message message;
	struct fdpass_set *sent;
	char bytes[16];

	begin(_i);
	sent = many(pair[0], 1);
	ck_assert_int_eq(fdpass_message_send(pair[0], "", 0, sent, NULL), 0);
	ck_assert_int_eq(receive(bytes, sizeof(bytes), &message), 1);
	ck_assert_uint_eq(message.size, 0);
	ck_assert_uint_eq(message.count, 1);
	ck_assert_int_eq(fdpass_message_send(pair[0], "", 0, NULL, NULL), 0);
	if (_i == DGRAM) {
		ck_assert_int_eq(receive(bytes, sizeof(bytes), &message), 1);
		ck_assert_uint_eq(message.count, 0);
	}
	fdpass_set_free(sent);
	end();
}
END_TEST

START_TEST(an_empty_seqpacket_message_with_credentials_is_no_end)
{
	struct fdpass_message message;
	char bytes[16];
	int on = 1;

	begin(SEQPACKET);
	ck_assert_int_eq(setsockopt(pair[1], SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)), 0);
	ck_assert_int_eq(fdpass_message_send(pair[0], "", 0, NULL, NULL), 0);
	ck_assert_int_eq(receive(bytes, sizeof(bytes), &message), 1);
	ck_assert_uint_eq(message.size, 0);
	end();
}
END_TEST

START_TEST(what_the_kernel_would_lose_is_refused)
{
	struct fdpass_set *one, *too_many;
	char byte;
	int tcp;

	begin(STREAM);
	tcp = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	one = many(pair[0], 1);
	too_many = many(pair[0], 254);
	ck_assert_int_eq(fdpass_message_send(pair[0], "", 0, one, NULL), -EINVAL);
	ck_assert_int_eq(fdpass_message_send(pair[0], "", 0, NULL, NULL), -EINVAL);
	ck_assert_int_eq(fdpass_message_send(pair[0], "x", 1, too_many, NULL), -EINVAL);
	ck_assert_int_eq(fdpass_message_send(tcp, "x", 1, one, NULL), -EPROTOTYPE);
	ck_assert_int_eq(fdpass_message_send(-1, "x", 1, one, NULL), -EBADF);
	ck_assert_int_eq(fdpass_message_send(-1, "x", 1, NULL, NULL), -EBADF);
	ck_assert_int_eq(fdpass_set_steal(one, 0), pair[0]);
	ck_assert_int_eq(fdpass_message_send(pair[0], "x", 1, one, NULL), -EBADF);
	ck_assert_int_eq(recv(pair[1], &byte, 1, MSG_DONTWAIT), -1);
	fdpass_set_free(one);
	fdpass_set_free(too_many);
	close(tcp);
	end();
}
END_TEST

START_TEST(a_closed_end_raises_no_signal)
{
	begin(_i);
	signal(SIGPIPE, SIG_DFL);
	close(pair[1]);
	pair[1] = -1;
	ck_assert_int_eq(fdpass_message_send(pair[0], "x", 1, NULL, NULL),
			 _i == DGRAM ? -ECONNREFUSED : -EPIPE);
	end();
}
END_TEST

START_TEST(an_unread_byte_makes_the_end_a_reset)
{
	struct fdpass_message message;
	char bytes[16];

	begin(STREAM);
	ck_assert_int_eq(fdpass_message_send(pair[1], "unread", 6, NULL, NULL), 6);
	close(pair[0]);
	ck_assert_int_eq(receive(bytes, sizeof(bytes), &message), -ECONNRESET);
	pair[0] = pair[1];
	pair[1] = -1;
	end();
}
END_TEST

START_TEST(a_lost_descriptor_is_an_error_and_closes_the_others)
{
	struct fdpass_message message = {.size = 77};
	struct fdpass_set *sent;
	int marks[2], top;
	char bytes[16];

	begin(_i);
	ck_assert_int_eq(pipe2(marks, O_CLOEXEC), 0);
	sent = many(marks[1], 5);
	ck_assert_int_eq(fdpass_set_dup(set, pair[0]), 0);
	ck_assert_int_eq(fdpass_message_send(pair[0], "x", 1, sent, NULL), 1);
	/* Two numbers are free. */
	top = dup(pair[0]);
	close(top);
	raw_set_table(top + 2);
	close(marks[1]);
	ck_assert_int_eq(receive(bytes, sizeof(bytes), &message), -EMFILE);
	ck_assert_uint_eq(message.size, 77);
	ck_assert_uint_eq(fdpass_set_count(set), 1);
	ck_assert(raw_is_at_end(marks[0]));
	fdpass_set_free(sent);
	close(marks[0]);
	end();
}
END_TEST

START_TEST(a_cut_datagram_is_an_error_and_closes_everything)
{
	struct fdpass_message message = {.size = 77};
	struct fdpass_set *sent;
	char bytes[4];
	int marks[2];

	begin(_i);
	ck_assert_int_eq(pipe2(marks, O_CLOEXEC), 0);
	sent = many(marks[1], 2);
	ck_assert_int_eq(fdpass_message_send(pair[0], "too long", 8, sent, NULL), 8);
	ck_assert_int_eq(fdpass_message_send(pair[0], "next", 4, NULL, NULL), 4);
	close(marks[1]);
	ck_assert_int_eq(receive(bytes, sizeof(bytes), &message), -EMSGSIZE);
	ck_assert_uint_eq(fdpass_set_count(set), 0);
	ck_assert(raw_is_at_end(marks[0]));
	ck_assert_int_eq(receive(bytes, sizeof(bytes), &message), 1);
	ck_assert_mem_eq(bytes, "next", 4);
	fdpass_set_free(sent);
	close(marks[0]);
	end();
}
END_TEST

START_TEST(the_writer_is_told_where_the_socket_asks)
{
	struct fdpass_message message;
	struct fdpass_set *sent;
	char bytes[16];
	int on = 1;

	begin(_i);
	ck_assert_int_eq(setsockopt(pair[1], SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)), 0);
	/* That one's pidfd is not asked for by anybody, and must not stay open: Linux 6.5. */
	setsockopt(pair[1], SOL_SOCKET, SO_PASSPIDFD, &on, sizeof(on));
	sent = many(pair[0], 3);
	ck_assert_int_eq(fdpass_message_send(pair[0], "x", 1, sent, NULL), 1);
	ck_assert_int_eq(receive(bytes, sizeof(bytes), &message), 1);
	ck_assert_int_eq(message.writer.pid, getpid());
	ck_assert_uint_eq(message.writer.uid, geteuid());
	ck_assert_uint_eq(message.writer.gid, getegid());
	ck_assert_uint_eq(message.count, 3);
	fdpass_set_free(sent);
	end();
}
END_TEST

START_TEST(waiting_ends_at_the_deadline_and_when_cancelled)
{
	struct fdpass_wait wait = {fdpass_deadline_in(20000000), -1};
	struct fdpass_message message;
	char bytes[16];
	uint64_t one = 1;

	begin(_i);
	ck_assert_int_eq(
		fdpass_message_receive(pair[1], bytes, sizeof(bytes), set, &at_once, &message),
		-ETIMEDOUT);
	ck_assert_int_eq(fdpass_message_receive(pair[1], bytes, 0, set, &at_once, &message),
			 -EINVAL);
	ck_assert_int_eq(
		fdpass_message_receive(pair[1], bytes, sizeof(bytes), set, &wait, &message),
		-ETIMEDOUT);
	wait = (struct fdpass_wait){FDPASS_NO_DEADLINE, eventfd(0, EFD_CLOEXEC)};
	ck_assert_int_eq(write(wait.cancel_fd, &one, sizeof(one)), sizeof(one));
	ck_assert_int_eq(
		fdpass_message_receive(pair[1], bytes, sizeof(bytes), set, &wait, &message),
		-ECANCELED);
	/* With a deadline that has passed, what can be had at once is had. */
	ck_assert_int_eq(fdpass_message_send(pair[0], "x", 1, NULL, &at_once), 1);
	ck_assert_int_eq(
		fdpass_message_receive(pair[1], bytes, sizeof(bytes), set, &at_once, &message), 1);
	close(wait.cancel_fd);
	end();
}
END_TEST

START_TEST(a_full_socket_is_waited_for_and_never_blocked_on)
{
	static char bytes[4096];
	struct fdpass_wait wait;
	ssize_t sent = 1;

	begin(_i / 2);
	if (_i % 2 == 1)
		fcntl(pair[0], F_SETFL, O_NONBLOCK);
	for (int i = 0; i < 100000 && sent > 0; i++)
		sent = fdpass_message_send(pair[0], bytes, sizeof(bytes), NULL, &at_once);
	ck_assert_int_eq(sent, -ETIMEDOUT);
	wait = (struct fdpass_wait){fdpass_deadline_in(20000000), -1};
	ck_assert_int_eq(fdpass_message_send(pair[0], bytes, 1, NULL, &wait), -ETIMEDOUT);
	ck_assert_int_eq(fcntl(pair[0], F_GETFL) & O_NONBLOCK, _i % 2 == 1 ? O_NONBLOCK : 0);
	end();
}
END_TEST

#define LONG (4 << 20)

/* Sends more than a socket holds, with a descriptor. */
static void send_long(void *context)
{
	char *bytes = malloc(LONG);
	struct fdpass_set *sent = NULL;

	(void)context;
	raw_check(bytes != NULL && fdpass_set_new(&sent) == 0);
	raw_check(fdpass_set_borrow(sent, 0) == 0);
	for (size_t i = 0; i < LONG; i++)
		bytes[i] = (char)(i / 251);
	raw_check(fdpass_message_send(pair[0], bytes, LONG, sent, NULL) == LONG);
	fdpass_set_free(sent);
	free(bytes);
}

START_TEST(a_long_payload_goes_whole_and_its_descriptors_once)
{
	struct fdpass_message message;
	size_t got = 0, descriptors = 0;
	static char bytes[65536];
	pid_t child;

	begin(STREAM);
	if (_i == 1)
		fcntl(pair[0], F_SETFL, O_NONBLOCK);
	child = raw_fork(send_long, NULL);
	close(pair[0]);
	while (receive(bytes, sizeof(bytes), &message) > 0) {
		size_t wrong = 0;

		for (size_t i = 0; i < message.size; i++)
			wrong += bytes[i] != (char)((got + i) / 251);
		ck_assert_uint_eq(wrong, 0);
		if (got == 0)
			ck_assert_uint_eq(message.count, 1);
		got += message.size;
		descriptors += message.count;
	}
	ck_assert_uint_eq(got, LONG);
	ck_assert_uint_eq(descriptors, 1);
	raw_join(child);
	pair[0] = pair[1];
	pair[1] = -1;
	end();
}
END_TEST

START_TEST(what_went_of_a_stream_before_the_wait_ended_is_told)
{
	struct fdpass_set *sent;
	char *bytes = calloc(1, LONG);
	ssize_t r;

	begin(STREAM);
	sent = many(pair[0], 1);
	r = fdpass_message_send(pair[0], bytes, LONG, sent, &at_once);
	ck_assert_int_gt(r, 0);
	ck_assert_int_lt(r, LONG);
	/* The connection breaks in the middle. */
	close(pair[1]);
	pair[1] = -1;
	ck_assert_int_eq(fdpass_message_send(pair[0], bytes + r, (size_t)(LONG - r), NULL, NULL),
			 -EPIPE);
	fdpass_set_free(sent);
	free(bytes);
	end();
}
END_TEST

/* Has more descriptors on their way than its user may have. */
static void flood(void *context)
{
	struct fdpass_wait wait = {fdpass_deadline_in(10000000000), -1};
	struct fdpass_set *sent = context;

	raw_become_somebody();
	/* What other processes of this user have on their way counts, too, and may be gone the next moment: these
	 * alone are too many. */
	for (int i = 0; i < 3; i++)
		raw_check(fdpass_message_send(pair[0], "x", 1, sent, &wait) == 1);
	raw_set_table(64);
	raw_check(fdpass_message_send(pair[0], "x", 1, sent, &at_once) == -ETIMEDOUT);
	wait.deadline = fdpass_deadline_in(50000000);
	raw_check(fdpass_message_send(pair[0], "x", 1, sent, &wait) == -ETIMEDOUT);
	/* It is not the socket that is full. */
	raw_check(fdpass_message_send(pair[0], "x", 1, NULL, &at_once) == 1);
}

START_TEST(too_many_on_their_way_are_waited_for)
{
	struct fdpass_set *sent;

	begin(STREAM);
	sent = many(0, 32);
	raw_join(raw_fork(flood, sent));
	fdpass_set_free(sent);
	end();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("message");
	TCase *tcase = descriptors_tcase("message");
	TCase *limited = descriptors_tcase_tagged("limits");

	tcase_add_loop_test(tcase, data_and_descriptors_arrive, 0, 4 * TYPES);
	tcase_add_loop_test(tcase, no_set_is_no_descriptors, 0, TYPES);
	tcase_add_loop_test(tcase, the_end_of_file_is_no_error, 0, 4);
	tcase_add_test(tcase, a_datagram_socket_that_was_shut_down_is_at_its_end);
	tcase_add_loop_test(tcase, an_empty_datagram_is_a_message, DGRAM, TYPES);
	tcase_add_test(tcase, an_empty_seqpacket_message_with_credentials_is_no_end);
	tcase_add_test(tcase, what_the_kernel_would_lose_is_refused);
	tcase_add_loop_test(tcase, a_closed_end_raises_no_signal, 0, TYPES);
	tcase_add_test(tcase, an_unread_byte_makes_the_end_a_reset);
	tcase_add_loop_test(limited, a_lost_descriptor_is_an_error_and_closes_the_others, 0, TYPES);
	tcase_add_loop_test(tcase, a_cut_datagram_is_an_error_and_closes_everything, DGRAM, TYPES);
	tcase_add_loop_test(tcase, the_writer_is_told_where_the_socket_asks, 0, TYPES);
	tcase_add_loop_test(tcase, waiting_ends_at_the_deadline_and_when_cancelled, 0, TYPES);
	tcase_add_loop_test(tcase, a_full_socket_is_waited_for_and_never_blocked_on, 0, 2 * TYPES);
	tcase_add_loop_test(tcase, a_long_payload_goes_whole_and_its_descriptors_once, 0, 2);
	tcase_add_test(tcase, what_went_of_a_stream_before_the_wait_ended_is_told);
	tcase_add_test(limited, too_many_on_their_way_are_waited_for);
	suite_add_tcase(suite, tcase);
	suite_add_tcase(suite, limited);
	return suite_run(suite);
}
