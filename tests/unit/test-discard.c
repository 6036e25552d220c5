/* SPDX-License-Identifier: MIT */
/* Closing what others made: at once, whatever they made, and without a trace in the program. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/closer.h"
#include "base/deadline.h"
#include "base/discard.h"
#include "base/fd.h"
#include "descriptors.h"
#include "fusing.h"
#include "lacking.h"
#include "raw.h"
#include "scratch.h"
#include "suite.h"

/* Seconds for which closing such a socket takes, and within which it has to be over here. */
#define LINGER 20
#define PROMPT 8

/* A TCP connection whose end 1 nobody reads: closing end 0 waits for what was written there. */
static void make_lingering(int ends[2])
{
	struct sockaddr_in address = {.sin_family = AF_INET};
	struct linger linger = {1, LINGER};
	socklen_t length = sizeof(address);
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	static const char bytes[65536];

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	ck_assert_int_eq(bind(listener, (struct sockaddr *)&address, length), 0);
	ck_assert_int_eq(listen(listener, 1), 0);
	ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&address, &length), 0);
	ends[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(connect(ends[0], (struct sockaddr *)&address, length), 0);
	ends[1] = accept(listener, NULL, NULL);
	ck_assert_int_ge(ends[1], 0);
	close(listener);
	ck_assert_int_eq(setsockopt(ends[0], SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)), 0);
	while (send(ends[0], bytes, sizeof(bytes), MSG_DONTWAIT) > 0)
		;
	ck_assert_int_eq(errno, EAGAIN);
}

static void send_descriptor(int through, int fd)
{
	union {
		char buffer[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = {.align = {.cmsg_len = CMSG_LEN(sizeof(int)),
			       .cmsg_level = SOL_SOCKET,
			       .cmsg_type = SCM_RIGHTS}};
	char byte = 'x';
	struct iovec vector = {.iov_base = &byte, .iov_len = 1};
	struct msghdr header = {.msg_iov = &vector,
				.msg_iovlen = 1,
				.msg_control = control.buffer,
				.msg_controllen = sizeof(control.buffer)};

	memcpy(CMSG_DATA(&control.align), &fd, sizeof(int));
	ck_assert_int_eq(sendmsg(through, &header, MSG_NOSIGNAL), 1);
}

/* Nothing that the program has not asked for: neither a child to wait for, nor a signal. */
static void assert_no_trace(void)
{
	sigset_t pending;

	ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
	ck_assert_int_eq(errno, ECHILD);
	ck_assert_int_eq(sigpending(&pending), 0);
	ck_assert(!sigismember(&pending, SIGCHLD));
}

static void block_sigchld(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	ck_assert_int_eq(sigprocmask(SIG_BLOCK, &set, NULL), 0);
}

START_TEST(whatever_they_are_they_are_closed)
{
	int ends[2], fds[3];
	char byte;

	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	fds[0] = ends[1];
	fds[1] = FD_NONE;
	fds[2] = fcntl(ends[1], F_DUPFD_CLOEXEC, 0);
	errno = ENOTTY;
	fdpass_discard(fds, 3);
	ck_assert_int_eq(errno, ENOTTY);
	ck_assert(!fdpass_fd_is_open(fds[0]));
	ck_assert(!fdpass_fd_is_open(fds[2]));
	ck_assert_int_eq((int)read(ends[0], &byte, 1), 0);
	close(ends[0]);
	fdpass_discard(NULL, 0);
}
END_TEST

START_TEST(a_socket_that_lingers_is_not_waited_for)
{
	int64_t end = fdpass_deadline_in((int64_t)PROMPT * NSEC_PER_SEC);
	int ends[2];

	block_sigchld();
	make_lingering(ends);
	errno = ENOTTY;
	fdpass_discard(&ends[0], 1);
	ck_assert_int_eq(errno, ENOTTY);
	ck_assert_int_lt(fdpass_deadline_now(), end);
	ck_assert(!fdpass_fd_is_open(ends[0]));
	close(ends[1]);
	assert_no_trace();
}
END_TEST

/* The child takes two numbers, and may not need a third. */
START_TEST(nor_where_numbers_are_few)
{
	int64_t end = fdpass_deadline_in((int64_t)PROMPT * NSEC_PER_SEC);
	int ends[2], filling[64], count = 0;

	make_lingering(ends);
	raw_set_table(64);
	while ((filling[count] = dup(ends[1])) >= 0)
		count++;
	ck_assert_int_eq(errno, EMFILE);
	ck_assert_int_gt(count, 2);
	close(filling[--count]);
	close(filling[--count]);
	fdpass_discard(&ends[0], 1);
	ck_assert_int_lt(fdpass_deadline_now(), end);
	while (count > 0)
		close(filling[--count]);
	close(ends[1]);
}
END_TEST

START_TEST(nor_one_in_a_queue)
{
	int64_t end = fdpass_deadline_in((int64_t)PROMPT * NSEC_PER_SEC);
	int ends[2], pair[2];

	block_sigchld();
	make_lingering(ends);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	send_descriptor(pair[1], ends[0]);
	close(ends[0]);
	fdpass_discard_connection(pair[0]);
	ck_assert_int_lt(fdpass_deadline_now(), end);
	ck_assert(!fdpass_fd_is_open(pair[0]));
	close(pair[1]);
	close(ends[1]);
	assert_no_trace();
}
END_TEST

START_TEST(the_other_end_of_a_connection_sees_its_end)
{
	int pair[2];
	char byte = 'x';

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	ck_assert_int_eq((int)write(pair[0], &byte, 1), 1);
	fdpass_discard_connection(pair[0]);
	ck_assert_int_eq((int)read(pair[1], &byte, 1), 1);
	ck_assert_int_eq((int)read(pair[1], &byte, 1), 0);
	close(pair[1]);
}
END_TEST

/* Every close of it waits, and no signal ends that: not even this program could end. */
START_TEST(a_file_whose_daemon_does_not_answer)
{
	int64_t end = fdpass_deadline_in((int64_t)PROMPT * NSEC_PER_SEC);
	int fds[8], ends[2];
	struct fusing fusing;
	sigset_t pending;

	block_sigchld();
	make_lingering(ends);
	fds[0] = fusing_start(&fusing);
	ck_assert_int_ge(fds[0], 0);
	fds[1] = ends[0];
	for (int i = 2; i < 8; i++)
		fds[i] = fcntl(fds[0], F_DUPFD_CLOEXEC, 0);
	ck_assert_int_eq(fdpass_closing(fds[0]), CLOSING_MAY_WAIT);
	errno = ENOTTY;
	fdpass_discard(fds, 8);
	ck_assert_int_eq(errno, ENOTTY);
	ck_assert_int_lt(fdpass_deadline_now(), end);
	for (int i = 0; i < 8; i++)
		ck_assert(!fdpass_fd_is_open(fds[i]));
	ck_assert_int_eq(sigpending(&pending), 0);
	ck_assert(!sigismember(&pending, SIGCHLD));
	fusing_end(&fusing);
	close(ends[1]);
}
END_TEST

static int can_fuse(const char *test)
{
	int device;

	if (lacks_root(test))
		return 0;
	device = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	if (device < 0)
		return !lacking("/dev/fuse", test);
	close(device);
	return 1;
}

START_TEST(what_may_wait)
{
	int file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC), pair[2];
	int memory = memfd_create("file", MFD_CLOEXEC),
	    device = open("/dev/null", O_RDWR | O_CLOEXEC);

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	ck_assert_int_eq(fdpass_closing(memory), CLOSING_IS_QUICK);
	ck_assert_int_eq(fdpass_closing(device), CLOSING_IS_QUICK);
	ck_assert_int_eq(fdpass_closing(pair[0]), CLOSING_MAY_LINGER);
	ck_assert_int_eq(fdpass_closing(FD_NONE), CLOSING_IS_QUICK);
	/* Also of what need not wait. */
	fdpass_closer_run((int[]){file, pair[0]}, 2);
	ck_assert(!fdpass_fd_is_open(file));
	ck_assert(!fdpass_fd_is_open(pair[0]));
	close(pair[1]);
	close(memory);
	close(device);
	assert_no_trace();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("discard");
	TCase *tcase = descriptors_tcase("discard");
	/* valgrind has no clone3(2). */
	TCase *waiting = descriptors_tcase_tagged("limits");

	scratch_add(tcase);
	scratch_add(waiting);
	tcase_set_timeout(tcase, 3 * LINGER);
	tcase_add_test(tcase, whatever_they_are_they_are_closed);
	tcase_add_test(tcase, a_socket_that_lingers_is_not_waited_for);
	tcase_add_test(tcase, nor_one_in_a_queue);
	tcase_add_test(tcase, the_other_end_of_a_connection_sees_its_end);
	tcase_add_test(tcase, what_may_wait);
	tcase_set_timeout(waiting, 3 * LINGER);
	tcase_add_test(waiting, nor_where_numbers_are_few);
	if (can_fuse("a_file_whose_daemon_does_not_answer"))
		tcase_add_test(waiting, a_file_whose_daemon_does_not_answer);
	suite_add_tcase(suite, tcase);
	suite_add_tcase(suite, waiting);
	return suite_run(suite);
}
