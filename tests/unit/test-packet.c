/* SPDX-License-Identifier: MIT */
/* One message with descriptors: what arrives, who owns it, and that nothing leaks when it goes wrong. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/socket.h"
#include "descriptors.h"
#include "raw.h"
#include "suite.h"
#include "wire/packet.h"

static struct fdpass_set *new_set(void)
{
	struct fdpass_set *set;

	ck_assert_int_eq(fdpass_set_new(&set), 0);
	return set;
}

static void turn_on(int socket, int option)
{
	int on = 1;

	ck_assert_int_eq(setsockopt(socket, SOL_SOCKET, option, &on, sizeof(on)), 0);
}

START_TEST(what_cannot_be_sent)
{
	int pair[2], many[254], bad = 1000000, closed;

	raw_pair(pair);
	for (int i = 0; i < 254; i++)
		many[i] = pair[0];
	closed = dup(pair[0]);
	close(closed);
	ck_assert_int_eq(fdpass_packet_send(pair[0], "x", 0, pair, 1), -EINVAL);
	ck_assert_int_eq(fdpass_packet_send(pair[0], "x", 1, many, 254), -EINVAL);
	ck_assert_int_eq(fdpass_packet_send(pair[0], "x", 1, &bad, 1), -EBADF);
	ck_assert_int_eq(fdpass_packet_send(pair[0], "x", 1, &closed, 1), -EBADF);
	bad = FD_NONE;
	ck_assert_int_eq(fdpass_packet_send(pair[0], "x", 1, &bad, 1), -EBADF);
	ck_assert_int_eq(fdpass_packet_send(closed, "x", 1, NULL, 0), -EBADF);
	ck_assert_int_eq(recv(pair[1], many, 1, MSG_DONTWAIT), -1);
	close(pair[0]);
	close(pair[1]);
}
END_TEST

/* Files that can be told apart by their size. */
static void make_files(int *fds, int count)
{
	for (int i = 0; i < count; i++) {
		fds[i] = memfd_create("unit", MFD_CLOEXEC);
		ck_assert_int_ge(fds[i], 0);
		ck_assert_int_eq(ftruncate(fds[i], i + 1), 0);
	}
}

START_TEST(every_count_arrives_in_order_and_close_on_exec)
{
	static const int counts[] = {0, 1, 2, 3, 8, 252, 253};
	int count = counts[_i], pair[2], fds[253];
	struct fdpass_set *set = new_set();
	struct packet packet;
	char bytes[8];

	raw_pair(pair);
	make_files(fds, count);
	/* A set that owns something already keeps it. */
	ck_assert_int_eq(fdpass_set_dup(set, pair[0]), 0);
	ck_assert_int_eq(fdpass_packet_send(pair[0], "abc", 3, fds, (size_t)count), 3);
	for (int i = 0; i < count; i++)
		close(fds[i]);
	ck_assert_int_eq(fdpass_packet_receive(pair[1], bytes, sizeof(bytes), set, &packet), 0);
	ck_assert_int_eq(packet.size, 3);
	ck_assert_mem_eq(bytes, "abc", 3);
	ck_assert_uint_eq(packet.flags, 0);
	ck_assert_int_eq(packet.pidfd, FD_NONE);
	ck_assert_uint_eq(fdpass_set_count(set), (size_t)count + 1);
	for (int i = 0; i < count; i++) {
		int fd = fdpass_set_get(set, (size_t)i + 1);
		struct stat status;

		ck_assert_int_eq(fstat(fd, &status), 0);
		ck_assert_int_eq(status.st_size, i + 1);
		ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
	}
	fdpass_set_free(set);
	close(pair[0]);
	close(pair[1]);
}
END_TEST

START_TEST(credentials_and_the_rest_fit_beside_253)
{
	int pair[2], fds[253], on = 1, has_pidfd;
	struct fdpass_set *set = new_set();
	struct packet packet;
	char byte;

	raw_pair(pair);
	turn_on(pair[1], SO_PASSCRED);
	/* Linux 6.5. */
	has_pidfd = setsockopt(pair[1], SOL_SOCKET, SO_PASSPIDFD, &on, sizeof(on)) == 0;
	for (int i = 0; i < 253; i++)
		fds[i] = pair[0];
	ck_assert_int_eq(fdpass_packet_send(pair[0], "x", 1, fds, 253), 1);
	ck_assert_int_eq(fdpass_packet_receive(pair[1], &byte, 1, set, &packet), 0);
	ck_assert_uint_eq(packet.flags, PACKET_CREDENTIALS);
	ck_assert_int_eq(packet.writer.pid, getpid());
	ck_assert_uint_eq(packet.writer.uid, geteuid());
	ck_assert_uint_eq(packet.writer.gid, getegid());
	ck_assert_uint_eq(fdpass_set_count(set), 253);
	ck_assert_int_eq(packet.pidfd >= 0, has_pidfd);
	if (has_pidfd)
		ck_assert_int_eq(fcntl(packet.pidfd, F_GETFD), FD_CLOEXEC);
	fdpass_fd_close(packet.pidfd);
	fdpass_set_free(set);
	close(pair[0]);
	close(pair[1]);
}
END_TEST

static void write_as_nobody(void *context)
{
	raw_become_nobody();
	raw_check(raw_send_one(*(int *)context) == 1);
}

START_TEST(credentials_name_the_writer_of_each_message)
{
	struct fdpass_set *set = new_set();
	struct packet packet;
	char bytes[8];
	pid_t child;
	int pair[2];

	raw_pair(pair);
	turn_on(pair[1], SO_PASSCRED);
	ck_assert_int_eq(raw_send_one(pair[0]), 1);
	child = raw_fork(write_as_nobody, &pair[0]);
	raw_join(child);
	/* Though nothing but a byte stands between them, they are not read as one. */
	ck_assert_int_eq(fdpass_packet_receive(pair[1], bytes, 8, set, &packet), 0);
	ck_assert_int_eq(packet.size, 1);
	ck_assert_int_eq(packet.writer.pid, getpid());
	ck_assert_int_eq(fdpass_packet_receive(pair[1], bytes, 8, set, &packet), 0);
	ck_assert_int_eq(packet.size, 1);
	ck_assert_int_eq(packet.writer.pid, child);
	ck_assert_uint_eq(packet.writer.uid, geteuid() == 0 ? 65534 : geteuid());
	ck_assert_uint_eq(fdpass_set_count(set), 2);
	fdpass_set_free(set);
	close(pair[0]);
	close(pair[1]);
}
END_TEST

START_TEST(nothing_an_end_and_a_reset_are_told_apart)
{
	struct packet packet = {.size = 77};
	struct fdpass_set *set = new_set();
	char bytes[8];
	int pair[2];

	raw_pair(pair);
	ck_assert_int_eq(fdpass_packet_receive(pair[1], bytes, 8, set, &packet), -EAGAIN);
	ck_assert_int_eq(fdpass_packet_read(pair[1], bytes, 8), -EAGAIN);
	ck_assert_int_eq(packet.size, 77);
	if (_i == 1)
		ck_assert_int_eq(raw_send(pair[1], "unread", 6, NULL, 0), 6);
	close(pair[0]);
	if (_i == 1) {
		ck_assert_int_eq(fdpass_packet_receive(pair[1], bytes, 8, set, &packet),
				 -ECONNRESET);
	} else {
		ck_assert_int_eq(fdpass_packet_receive(pair[1], bytes, 8, set, &packet), 0);
		ck_assert_int_eq(packet.size, 0);
		ck_assert_int_eq(fdpass_packet_read(pair[1], bytes, 8), 0);
	}
	fdpass_set_free(set);
	close(pair[1]);
}
END_TEST

START_TEST(a_closed_end_raises_no_signal)
{
	int pair[2];

	raw_pair(pair);
	signal(SIGPIPE, SIG_DFL);
	close(pair[1]);
	ck_assert_int_eq(fdpass_packet_send(pair[0], "x", 1, NULL, 0), -EPIPE);
	ck_assert_int_eq(fdpass_packet_send(pair[0], "x", 1, pair, 1), -EPIPE);
	close(pair[0]);
}
END_TEST

START_TEST(sending_and_receiving_never_block)
{
	char bytes[4096] = {0};
	ssize_t sent = 1;
	int pair[2];

	/* On blocking sockets. */
	raw_pair(pair);
	for (int i = 0; i < 100000 && sent > 0; i++)
		sent = fdpass_packet_send(pair[0], bytes, sizeof(bytes), NULL, 0);
	ck_assert_int_eq(sent, -EAGAIN);
	close(pair[0]);
	close(pair[1]);
}
END_TEST

START_TEST(reading_installs_nothing)
{
	int pair[2], fds[2];
	char bytes[8];

	raw_pair(pair);
	ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
	ck_assert_int_eq(raw_send(pair[0], "abc", 3, &fds[1], 1), 3);
	close(fds[1]);
	ck_assert_int_eq(fdpass_packet_read(pair[1], bytes, 8), 3);
	ck_assert_mem_eq(bytes, "abc", 3);
	ck_assert(raw_is_at_end(fds[0]));
	close(fds[0]);
	close(pair[0]);
	close(pair[1]);
}
END_TEST

START_TEST(descriptors_can_be_refused)
{
	int pair[2], on;
	socklen_t size = sizeof(on);

	raw_pair(pair);
	fdpass_socket_refuse_descriptors(pair[1]);
	if (getsockopt(pair[1], SOL_SOCKET, SO_PASSRIGHTS, &on, &size) == 0) {
		ck_assert_int_eq(on, 0);
		ck_assert_int_eq(fdpass_packet_send(pair[0], "x", 1, pair, 1), -EPERM);
	}
	ck_assert_int_eq(fdpass_packet_send(pair[0], "x", 1, NULL, 0), 1);
	close(pair[0]);
	close(pair[1]);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("packet");
	TCase *tcase = descriptors_tcase("packet");

	tcase_add_test(tcase, what_cannot_be_sent);
	tcase_add_loop_test(tcase, every_count_arrives_in_order_and_close_on_exec, 0, 7);
	tcase_add_test(tcase, credentials_and_the_rest_fit_beside_253);
	tcase_add_test(tcase, credentials_name_the_writer_of_each_message);
	tcase_add_loop_test(tcase, nothing_an_end_and_a_reset_are_told_apart, 0, 2);
	tcase_add_test(tcase, a_closed_end_raises_no_signal);
	tcase_add_test(tcase, sending_and_receiving_never_block);
	tcase_add_test(tcase, reading_installs_nothing);
	tcase_add_test(tcase, descriptors_can_be_refused);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
