/* SPDX-License-Identifier: MIT */
/* One try to connect: what there is to connect to, and what each failure is called. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "descriptors.h"
#include "dialing.h"
#include "raw.h"
#include "rendezvous/dialer.h"
#include "scratch.h"
#include "suite.h"

static struct dialing dialing;

START_TEST(codes_of_a_try)
{
	static const int codes[] = {-ENOENT,       -ENOENT,       -ENOTDIR,    -ECONNREFUSED,
				    -ECONNREFUSED, -ECONNREFUSED, -EPROTOTYPE, -ELOOP};
	static const char *const paths[] = {"./s",     "./no/s",  "file/s",     "./file",
					    "./stale", "./bound", "./datagram", "./loop"};
	struct sockaddr_un un = {.sun_family = AF_UNIX, .sun_path = "datagram"};
	int datagram = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int bound = raw_listen("bound", -1);

	ck_assert_int_eq(bind(datagram, (struct sockaddr *)&un, sizeof(un)), 0);
	close(open("file", O_CREAT | O_RDWR | O_CLOEXEC, 0600));
	close(raw_listen("stale", 1));
	ck_assert_int_eq(symlink("loop", "loop"), 0);
	dialing_begin(&dialing, FDPASS_ADDRESS_NAMED, paths[_i]);
	dialing_assert_fails(&dialing, codes[_i]);
	ck_assert(fdpass_dialer_can_wait(&dialing.dialer, codes[_i]));
	dialing_end(&dialing);
	close(datagram);
	close(bound);
}
END_TEST

START_TEST(a_socket_serves_until_it_connects)
{
	int first, fd, listener;

	dialing_begin(&dialing, FDPASS_ADDRESS_NAMED, "./late");
	dialing_assert_fails(&dialing, -ENOENT);
	first = dialing.dialer.socket;
	ck_assert_int_ge(first, 0);
	dialing_assert_fails(&dialing, -ENOENT);
	ck_assert_int_eq(dialing.dialer.socket, first);
	listener = raw_listen("late", 1);
	fd = fdpass_dialer_try(&dialing.dialer, NULL);
	ck_assert_int_eq(fd, first);
	ck_assert_int_lt(dialing.dialer.socket, 0);
	/* The next one is another. */
	ck_assert_int_eq(unlink("late"), 0);
	dialing_assert_fails(&dialing, -ENOENT);
	ck_assert_int_ne(dialing.dialer.socket, fd);
	close(fd);
	close(listener);
	dialing_end(&dialing);
}
END_TEST

START_TEST(what_is_not_worth_waiting_for)
{
	static const int codes[] = {0, -EMFILE, -ENFILE, -ENOMEM, -EPERM, -EINVAL, -ETIMEDOUT, 1};

	dialing_begin(&dialing, FDPASS_ADDRESS_NAMED, "./s");
	for (size_t i = 0; i < sizeof(codes) / sizeof(*codes); i++)
		ck_assert(!fdpass_dialer_can_wait(&dialing.dialer, codes[i]));
	ck_assert(fdpass_dialer_can_wait(&dialing.dialer, -EACCES));
	ck_assert(fdpass_dialer_can_wait(&dialing.dialer, -EAGAIN));
	dialing_end(&dialing);
}
END_TEST

/* An inherited connection stays where it is; a duplicate is used. */
START_TEST(an_inherited_connection)
{
	char number[16];
	int pair[2], fd;

	raw_pair(pair);
	snprintf(number, sizeof(number), "%d", pair[0]);
	dialing_begin(&dialing, FDPASS_ADDRESS_CONNECTED, number);
	fd = fdpass_dialer_try(&dialing.dialer, NULL);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_ne(fd, pair[0]);
	ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
	/* Its flags are those of everybody who holds it. */
	ck_assert_int_eq(fcntl(pair[0], F_GETFL) & O_NONBLOCK, 0);
	ck_assert(!fdpass_dialer_can_wait(&dialing.dialer, -ENOENT));
	ck_assert(!fdpass_dialer_can_wait(&dialing.dialer, -ECONNREFUSED));
	close(fd);
	close(pair[0]);
	dialing_assert_fails(&dialing, -EBADF);
	close(pair[1]);
	dialing_end(&dialing);
}
END_TEST

START_TEST(what_is_no_inherited_connection)
{
	static const int codes[] = {-ENOTSOCK, -ENOTCONN, -EPROTOTYPE, -EPROTOTYPE};
	char number[16];
	int pair[2] = {-1, -1}, fd;

	if (_i == 0)
		fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	else
		fd = socket(_i == 3 ? AF_INET : AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (_i == 2) {
		ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
		ck_assert_int_eq(dup2(pair[0], fd), fd);
	}
	snprintf(number, sizeof(number), "%d", fd);
	dialing_begin(&dialing, FDPASS_ADDRESS_CONNECTED, number);
	dialing_assert_fails(&dialing, codes[_i]);
	dialing_end(&dialing);
	fdpass_fd_close(pair[0]);
	fdpass_fd_close(pair[1]);
	close(fd);
}
END_TEST

START_TEST(a_long_path)
{
	char name[200] = "./";
	int fd;

	memset(name + 2, 'x', 150);
	dialing_begin(&dialing, FDPASS_ADDRESS_NAMED, name);
	dialing_assert_fails(&dialing, -ENOENT);
	fd = raw_listen("s", 4);
	ck_assert_int_eq(rename("s", name), 0);
	dialing_assert_connects(&dialing);
	close(fd);
	dialing_assert_fails(&dialing, -ECONNREFUSED);
	dialing_end(&dialing);
}
END_TEST

START_TEST(an_unsafe_run_directory)
{
	struct fdpass_error error = FDPASS_ERROR_INIT;
	int fd;

	ck_assert_int_eq(mkdir("run", 0700), 0);
	fd = raw_listen("run/name", 4);
	ck_assert_int_eq(setenv("FDPASS_RUNTIME_DIR", scratch_path(), 1), 0);
	dialing_begin(&dialing, FDPASS_ADDRESS_NAMED, "absent");
	dialing_assert_fails(&dialing, -ENOENT);
	ck_assert_int_eq(chmod(".", 0770), 0);
	ck_assert_int_eq(fdpass_dialer_try(&dialing.dialer, &error), -EPERM);
	ck_assert_int_eq(error.step, FDPASS_STEP_RUNDIR);
	ck_assert_int_eq(chmod(".", 0700), 0);
	dialing_end(&dialing);
	close(fd);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("dialer-try");
	TCase *tcase = descriptors_tcase("dialer-try");

	scratch_add(tcase);
	tcase_add_loop_test(tcase, codes_of_a_try, 0, 8);
	tcase_add_test(tcase, a_socket_serves_until_it_connects);
	tcase_add_test(tcase, what_is_not_worth_waiting_for);
	tcase_add_test(tcase, an_inherited_connection);
	tcase_add_loop_test(tcase, what_is_no_inherited_connection, 0, 4);
	tcase_add_test(tcase, a_long_path);
	tcase_add_test(tcase, an_unsafe_run_directory);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
