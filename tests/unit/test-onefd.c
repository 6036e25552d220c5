/* SPDX-License-Identifier: MIT */
/* Stevens' pair: what his programs expect of it, and what the kernel does to those who copied it. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/socket.h"
#include "descriptors.h"
#include "fdpass.h"
#include "raw.h"
#include "suite.h"

static const int types[] = {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET};
enum { STREAM, DGRAM, SEQPACKET, TYPES };

static int pair[2];
static char word[] = "word";

static void begin(int type)
{
	ck_assert_int_eq(socketpair(AF_UNIX, types[type] | SOCK_CLOEXEC, 0, pair), 0);
}

static void end(void)
{
	close(pair[0]);
	close(pair[1]);
}

START_TEST(one_descriptor_goes_with_the_bytes)
{
	char bytes[16];
	int marks[2], got = 77;

	begin(_i);
	ck_assert_int_eq(pipe2(marks, O_CLOEXEC), 0);
	ck_assert_int_eq(fdpass_write_fd(pair[0], word, 4, marks[1]), 4);
	/* It stays the caller's. */
	close(marks[1]);
	ck_assert_int_eq(fdpass_read_fd(pair[1], bytes, sizeof(bytes), &got), 4);
	ck_assert_mem_eq(bytes, word, 4);
	ck_assert_int_eq(fcntl(got, F_GETFD), FD_CLOEXEC);
	close(got);
	ck_assert(raw_is_at_end(marks[0]));
	close(marks[0]);
	end();
}
END_TEST

START_TEST(none_is_minus_one)
{
	char bytes[16];
	int got = 77;

	begin(_i);
	ck_assert_int_eq(raw_send(pair[0], word, 4, NULL, 0), 4);
	ck_assert_int_eq(fdpass_read_fd(pair[1], bytes, sizeof(bytes), &got), 4);
	ck_assert_int_eq(got, -1);
	end();
}
END_TEST

START_TEST(the_end_of_file_is_zero)
{
	char bytes[16];
	int got = 77;

	begin(_i);
	shutdown(pair[0], SHUT_WR);
	ck_assert_int_eq(fdpass_read_fd(pair[1], bytes, sizeof(bytes), &got), 0);
	ck_assert_int_eq(got, -1);
	end();
}
END_TEST

START_TEST(of_several_the_first)
{
	int marks[2], fds[5], got = 77;
	char bytes[16];

	begin(_i);
	ck_assert_int_eq(pipe2(marks, O_CLOEXEC), 0);
	fds[0] = 0;
	/* Two fit where one was expected: the padding has room for it. A socket among them, too. */
	for (int i = 1; i < 4; i++)
		fds[i] = marks[1];
	fds[4] = pair[0];
	ck_assert_int_eq(raw_send(pair[0], word, 4, fds, 5), 4);
	close(marks[1]);
	ck_assert_int_eq(fdpass_read_fd(pair[1], bytes, sizeof(bytes), &got), 4);
	ck_assert_int_ge(got, 0);
	ck_assert(raw_is_at_end(marks[0]));
	close(got);
	close(marks[0]);
	end();
}
END_TEST

START_TEST(a_lost_one_is_an_error)
{
	char bytes[16];
	int got = 77, top;

	begin(_i);
	ck_assert_int_eq(fdpass_write_fd(pair[0], word, 4, 0), 4);
	top = dup(0);
	close(top);
	raw_set_table(top);
	errno = 0;
	ck_assert_int_eq(fdpass_read_fd(pair[1], bytes, sizeof(bytes), &got), -1);
	ck_assert_int_eq(errno, EMFILE);
	ck_assert_int_eq(got, -1);
	end();
}
END_TEST

START_TEST(they_block_as_the_socket_does)
{
	static char bytes[4096];
	ssize_t sent = 1;
	int got = 77;

	begin(_i);
	fcntl(pair[0], F_SETFL, O_NONBLOCK);
	fcntl(pair[1], F_SETFL, O_NONBLOCK);
	errno = 0;
	ck_assert_int_eq(fdpass_read_fd(pair[1], bytes, sizeof(bytes), &got), -1);
	ck_assert_int_eq(errno, EAGAIN);
	ck_assert_int_eq(got, -1);
	for (int i = 0; i < 100000 && sent > 0; i++)
		sent = fdpass_write_fd(pair[0], bytes, sizeof(bytes), 0);
	ck_assert_int_eq(sent, -1);
	ck_assert_int_eq(errno, EAGAIN);
	end();
}
END_TEST

static void interrupted(int signal)
{
	(void)signal;
}

START_TEST(a_signal_ends_the_wait)
{
	struct sigaction action = {.sa_handler = interrupted};
	char byte;
	int got;

	begin(_i);
	sigaction(SIGALRM, &action, NULL);
	/* Again and again, since the first may come before the call. */
	ck_assert_int_eq(setitimer(ITIMER_REAL, &(struct itimerval){{0, 10000}, {0, 10000}}, NULL),
			 0);
	ck_assert_int_eq(fdpass_read_fd(pair[1], &byte, 1, &got), -1);
	ck_assert_int_eq(errno, EINTR);
	setitimer(ITIMER_REAL, &(struct itimerval){{0, 0}, {0, 0}}, NULL);
	end();
}
END_TEST

START_TEST(what_would_be_lost_is_refused)
{
	int tcp;

	begin(STREAM);
	tcp = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(fdpass_write_fd(pair[0], word, 0, 0), -1);
	ck_assert_int_eq(errno, EINVAL);
	ck_assert_int_eq(fdpass_write_fd(pair[0], word, 4, -1), -1);
	ck_assert_int_eq(errno, EBADF);
	ck_assert_int_eq(fdpass_write_fd(tcp, word, 4, 0), -1);
	ck_assert_int_eq(errno, EPROTOTYPE);
	ck_assert_int_eq(fdpass_write_fd(-1, word, 4, 0), -1);
	ck_assert_int_eq(errno, EBADF);
	close(tcp);
	end();
}
END_TEST

START_TEST(a_closed_end_raises_no_signal)
{
	begin(STREAM);
	signal(SIGPIPE, SIG_DFL);
	close(pair[1]);
	ck_assert_int_eq(fdpass_write_fd(pair[0], word, 4, 0), -1);
	ck_assert_int_eq(errno, EPIPE);
	close(pair[0]);
}
END_TEST

START_TEST(an_empty_datagram_can_have_one)
{
	char bytes[16];
	int got = 77;

	begin(_i);
	ck_assert_int_eq(fdpass_write_fd(pair[0], word, 0, 0), 0);
	ck_assert_int_eq(fdpass_read_fd(pair[1], bytes, sizeof(bytes), &got), 0);
	ck_assert_int_ge(got, 0);
	close(got);
	end();
}
END_TEST

START_TEST(nobody_else_asked_for_a_pidfd)
{
	char bytes[16];
	int got = 77, on = 1;

	begin(_i);
	/* Linux 6.5. */
	setsockopt(pair[1], SOL_SOCKET, SO_PASSPIDFD, &on, sizeof(on));
	ck_assert_int_eq(fdpass_write_fd(pair[0], word, 4, 0), 4);
	ck_assert_int_eq(fdpass_read_fd(pair[1], bytes, sizeof(bytes), &got), 4);
	close(got);
	end();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("onefd");
	TCase *tcase = descriptors_tcase("onefd");
	TCase *limited = descriptors_tcase_tagged("limits");

	tcase_add_loop_test(tcase, one_descriptor_goes_with_the_bytes, 0, TYPES);
	tcase_add_loop_test(tcase, none_is_minus_one, 0, TYPES);
	tcase_add_test(tcase, the_end_of_file_is_zero);
	tcase_add_loop_test(tcase, of_several_the_first, 0, TYPES);
	tcase_add_loop_test(limited, a_lost_one_is_an_error, 0, TYPES);
	tcase_add_loop_test(tcase, they_block_as_the_socket_does, 0, TYPES);
	tcase_add_loop_test(tcase, a_signal_ends_the_wait, 0, TYPES);
	tcase_add_test(tcase, what_would_be_lost_is_refused);
	tcase_add_test(tcase, a_closed_end_raises_no_signal);
	tcase_add_loop_test(tcase, an_empty_datagram_can_have_one, DGRAM, TYPES);
	tcase_add_loop_test(tcase, nobody_else_asked_for_a_pidfd, 0, TYPES);
	suite_add_tcase(suite, tcase);
	suite_add_tcase(suite, limited);
	return suite_run(suite);
}
