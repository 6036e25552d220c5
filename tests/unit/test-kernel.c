/* SPDX-License-Identifier: MIT */
/*
 * What the kernel does, and the library is built on: unix(7) says some of it, the rest was measured.
 * Plain system calls only. When one of these fails, a promise of the library needs another basis.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "descriptors.h"
#include "raw.h"
#include "scratch.h"
#include "suite.h"

static int unread(int socket)
{
	int bytes = -1;

	ck_assert_int_eq(ioctl(socket, TIOCOUTQ, &bytes), 0);
	return bytes;
}

/* Events of `epoll` that are there now, or 0. */
static uint32_t events_of(int epoll)
{
	struct epoll_event event;

	return epoll_wait(epoll, &event, 1, 0) == 1 ? event.events : 0;
}

START_TEST(reading_is_seen_and_peeking_is_not)
{
	struct epoll_event interest = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET};
	struct raw_message message;
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	int pair[2];

	raw_pair(pair);
	ck_assert_int_eq(raw_send_one(pair[0]), 1);
	ck_assert_int_eq(epoll_ctl(epoll, EPOLL_CTL_ADD, pair[0], &interest), 0);
	ck_assert_uint_eq(events_of(epoll), EPOLLOUT);
	ck_assert_uint_eq(events_of(epoll), 0);
	ck_assert_int_gt(unread(pair[0]), 0);

	raw_receive(pair[1], 1, MSG_PEEK, &message);
	ck_assert_int_eq(message.size, 1);
	raw_close_all(&message);
	ck_assert_int_gt(unread(pair[0]), 0);
	ck_assert_uint_eq(events_of(epoll), 0);

	raw_receive(pair[1], 1, 0, &message);
	ck_assert_uint_eq(message.count, 1);
	raw_close_all(&message);
	ck_assert_int_eq(unread(pair[0]), 0);
	ck_assert_uint_eq(events_of(epoll), EPOLLOUT);
	close(epoll);
	close(pair[0]);
	close(pair[1]);
}
END_TEST

START_TEST(closing_tells_read_from_unread)
{
	struct raw_message message;
	char byte;
	int pair[2];

	raw_pair(pair);
	ck_assert_int_eq(raw_send_one(pair[0]), 1);
	if (_i > 0) {
		raw_receive(pair[1], 1, _i == 1 ? MSG_PEEK : 0, &message);
		raw_close_all(&message);
	}
	close(pair[1]);
	/* Also when it was not read: SIOCOUTQ alone proves nothing. */
	ck_assert_int_eq(unread(pair[0]), 0);
	ck_assert_int_eq(raw_read(pair[0], &byte, 1), _i == 2 ? 0 : -ECONNRESET);
	close(pair[0]);
}
END_TEST

/* End of file alone proves nothing either: it comes when the other end only shuts down. */
START_TEST(a_half_closed_reader_has_not_read)
{
	char byte;
	int pair[2];

	raw_pair(pair);
	ck_assert_int_eq(raw_send_one(pair[0]), 1);
	ck_assert_int_eq(shutdown(pair[1], _i == 0 ? SHUT_WR : SHUT_RDWR), 0);
	ck_assert_int_eq(raw_read(pair[0], &byte, 1), 0);
	ck_assert_int_gt(unread(pair[0]), 0);
	close(pair[1]);
	ck_assert_int_eq(raw_read(pair[0], &byte, 1), -ECONNRESET);
	close(pair[0]);
}
END_TEST

START_TEST(a_listener_that_closes_resets_its_backlog)
{
	int listener = raw_listen("s", 4);
	int fd = raw_connect("s");
	char byte;

	ck_assert_int_eq(raw_send_one(fd), 1);
	close(listener);
	ck_assert_int_eq(raw_read(fd, &byte, 1), -ECONNRESET);
	close(fd);
}
END_TEST

START_TEST(last_words_come_before_the_reset)
{
	char bytes[8];
	int pair[2];

	raw_pair(pair);
	ck_assert_int_eq(raw_send_one(pair[0]), 1);
	ck_assert_int_eq(raw_send(pair[1], "bye", 3, NULL, 0), 3);
	close(pair[1]);
	ck_assert_int_eq(recv(pair[0], bytes, sizeof(bytes), 0), 3);
	ck_assert_int_eq(raw_read(pair[0], bytes, 1), -ECONNRESET);
	close(pair[0]);
}
END_TEST

/* Who closes with something unread resets the other; what that one had sent before is still there. */
START_TEST(a_reset_does_not_cost_what_was_sent)
{
	struct raw_message message;
	int pair[2];

	raw_pair(pair);
	ck_assert_int_eq(raw_send(pair[1], "hello", 5, NULL, 0), 5);
	ck_assert_int_eq(raw_send_one(pair[0]), 1);
	close(pair[0]);
	raw_receive(pair[1], 1, 0, &message);
	ck_assert_int_eq(message.size, 1);
	ck_assert_uint_eq(message.count, 1);
	raw_close_all(&message);
	raw_receive(pair[1], 1, 0, &message);
	ck_assert_int_eq(message.size, -ECONNRESET);
	close(pair[1]);
}
END_TEST

START_TEST(plain_bytes_are_glued_to_the_descriptors_behind_them)
{
	struct raw_message message;
	int pair[2];

	raw_pair(pair);
	ck_assert_int_eq(raw_send(pair[0], "xx", 2, NULL, 0), 2);
	ck_assert_int_eq(raw_send(pair[0], "aa", 2, pair, 1), 2);
	ck_assert_int_eq(raw_send(pair[0], "bb", 2, pair, 2), 2);
	raw_receive(pair[1], 64, 0, &message);
	ck_assert_int_eq(message.size, 4);
	ck_assert_mem_eq(message.bytes, "xxaa", 4);
	ck_assert_uint_eq(message.count, 1);
	raw_close_all(&message);
	raw_receive(pair[1], 64, 0, &message);
	ck_assert_int_eq(message.size, 2);
	ck_assert_uint_eq(message.count, 2);
	raw_close_all(&message);
	close(pair[0]);
	close(pair[1]);
}
END_TEST

START_TEST(a_partial_read_delivers_all_and_its_tail_is_glued_on)
{
	struct raw_message message;
	int pair[2];

	raw_pair(pair);
	ck_assert_int_eq(raw_send(pair[0], "abc", 3, pair, 2), 3);
	ck_assert_int_eq(raw_send(pair[0], "def", 3, pair, 1), 3);
	raw_receive(pair[1], 1, 0, &message);
	ck_assert_int_eq(message.size, 1);
	ck_assert_uint_eq(message.count, 2);
	raw_close_all(&message);
	raw_receive(pair[1], 64, 0, &message);
	ck_assert_int_eq(message.size, 5);
	ck_assert_mem_eq(message.bytes, "bcdef", 5);
	ck_assert_uint_eq(message.count, 1);
	raw_close_all(&message);
	close(pair[0]);
	close(pair[1]);
}
END_TEST

START_TEST(padding_lets_one_more_in)
{
	union {
		char buffer[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control;
	char byte;
	struct iovec vector = {.iov_base = &byte, .iov_len = 1};
	struct msghdr header = {
		.msg_iov = &vector,
		.msg_iovlen = 1,
		.msg_control = control.buffer,
		.msg_controllen = sizeof(control.buffer),
	};
	int pair[2], fds[2];
	size_t room;

	raw_pair(pair);
	ck_assert_int_eq(raw_send(pair[0], "x", 1, pair, 2), 1);
	ck_assert_int_eq(recvmsg(pair[1], &header, MSG_CMSG_CLOEXEC), 1);
	room = sizeof(control.buffer) - CMSG_LEN(0);
	ck_assert_uint_eq(room, sizeof(size_t) == 8 ? 8 : 4);
	ck_assert_uint_eq(control.align.cmsg_len - CMSG_LEN(0), room);
	ck_assert_int_eq((header.msg_flags & MSG_CTRUNC) != 0, room == 4);
	memcpy(fds, CMSG_DATA(&control.align), room);
	for (size_t i = 0; i < room / sizeof(int); i++)
		close(fds[i]);
	close(pair[0]);
	close(pair[1]);
}
END_TEST

START_TEST(a_message_holds_253)
{
	struct raw_message message;
	int pair[2], many[254];

	raw_pair(pair);
	for (int i = 0; i < 254; i++)
		many[i] = pair[0];
	ck_assert_int_eq(raw_send(pair[0], "x", 1, many, 254), -EINVAL);
	ck_assert_int_eq(raw_send(pair[0], "x", 1, many, 253), 1);
	raw_receive(pair[1], 1, 0, &message);
	ck_assert_uint_eq(message.count, 253);
	ck_assert_int_eq(message.flags & MSG_CTRUNC, 0);
	raw_close_all(&message);
	close(pair[0]);
	close(pair[1]);
}
END_TEST

START_TEST(an_empty_message_loses_its_descriptors)
{
	int pair[2];
	char byte;

	raw_pair(pair);
	ck_assert_int_eq(raw_send(pair[0], "", 0, pair, 1), 0);
	ck_assert_int_eq(recv(pair[1], &byte, 1, MSG_DONTWAIT), -1);
	close(pair[0]);
	close(pair[1]);
}
END_TEST

START_TEST(without_a_control_buffer_nothing_is_installed)
{
	int pair[2], fds[2];
	char byte;

	raw_pair(pair);
	ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
	ck_assert_int_eq(raw_send(pair[0], "x", 1, &fds[1], 1), 1);
	close(fds[1]);
	ck_assert(!raw_is_at_end(fds[0]));
	ck_assert_int_eq(raw_read(pair[1], &byte, 1), 1);
	ck_assert(raw_is_at_end(fds[0]));
	close(fds[0]);
	close(pair[0]);
	close(pair[1]);
}
END_TEST

START_TEST(descriptors_can_be_refused_by_the_reading_end)
{
	struct raw_message message;
	int off = 0, pair[2];

	raw_pair(pair);
	ck_assert_int_eq(raw_send(pair[0], "x", 1, pair, 1), 1);
	if (setsockopt(pair[1], SOL_SOCKET, SO_PASSRIGHTS, &off, sizeof(off)) == 0) {
		ck_assert_int_eq(raw_send(pair[0], "y", 1, pair, 1), -EPERM);
		ck_assert_int_eq(raw_send(pair[0], "y", 1, NULL, 0), 1);
	} else {
		/* Before Linux 6.16. */
		ck_assert_int_eq(errno, ENOPROTOOPT);
	}
	/* What was queued before still arrives. */
	raw_receive(pair[1], 1, 0, &message);
	ck_assert_uint_eq(message.count, 1);
	raw_close_all(&message);
	close(pair[0]);
	close(pair[1]);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("kernel");
	TCase *tcase = descriptors_tcase("kernel");

	scratch_add(tcase);
	tcase_add_test(tcase, reading_is_seen_and_peeking_is_not);
	tcase_add_loop_test(tcase, closing_tells_read_from_unread, 0, 3);
	tcase_add_loop_test(tcase, a_half_closed_reader_has_not_read, 0, 2);
	tcase_add_test(tcase, a_listener_that_closes_resets_its_backlog);
	tcase_add_test(tcase, last_words_come_before_the_reset);
	tcase_add_test(tcase, a_reset_does_not_cost_what_was_sent);
	tcase_add_test(tcase, plain_bytes_are_glued_to_the_descriptors_behind_them);
	tcase_add_test(tcase, a_partial_read_delivers_all_and_its_tail_is_glued_on);
	tcase_add_test(tcase, padding_lets_one_more_in);
	tcase_add_test(tcase, a_message_holds_253);
	tcase_add_test(tcase, an_empty_message_loses_its_descriptors);
	tcase_add_test(tcase, without_a_control_buffer_nothing_is_installed);
	tcase_add_test(tcase, descriptors_can_be_refused_by_the_reading_end);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
