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
#include "raw.h"
#include "rendezvous/dialer.h"
#include "scratch.h"
#include "suite.h"

static struct dialer dialer;
static struct fdpass_address *address;

static void begin(enum fdpass_address_kind kind, const char *text)
{
	ck_assert_int_eq(fdpass_address_parse(kind, text, &address, NULL), 0);
	fdpass_dialer_init(&dialer, address);
}

static void end(void)
{
	fdpass_dialer_end(&dialer);
	address = fdpass_address_free(address);
}

static void assert_try(int code)
{
	struct fdpass_error error = FDPASS_ERROR_INIT;

	ck_assert_int_eq(fdpass_dialer_try(&dialer, &error), code);
	ck_assert_int_eq(error.step, FDPASS_STEP_CONNECT);
	ck_assert_int_eq(error.code, -code);
}

static void assert_connects(void)
{
	int fd = fdpass_dialer_try(&dialer, NULL);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
	ck_assert_int_ne(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
	close(fd);
}

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
	begin(FDPASS_ADDRESS_NAMED, paths[_i]);
	assert_try(codes[_i]);
	ck_assert(fdpass_dialer_can_wait(&dialer, codes[_i]));
	end();
	close(datagram);
	close(bound);
}
END_TEST

START_TEST(a_socket_serves_until_it_connects)
{
	int first, fd, listener;

	begin(FDPASS_ADDRESS_NAMED, "./late");
	assert_try(-ENOENT);
	first = dialer.socket;
	ck_assert_int_ge(first, 0);
	assert_try(-ENOENT);
	ck_assert_int_eq(dialer.socket, first);
	listener = raw_listen("late", 1);
	fd = fdpass_dialer_try(&dialer, NULL);
	ck_assert_int_eq(fd, first);
	ck_assert_int_lt(dialer.socket, 0);
	/* The next one is another. */
	ck_assert_int_eq(unlink("late"), 0);
	assert_try(-ENOENT);
	ck_assert_int_ne(dialer.socket, fd);
	close(fd);
	close(listener);
	end();
}
END_TEST

START_TEST(what_is_not_worth_waiting_for)
{
	static const int codes[] = {0, -EMFILE, -ENFILE, -ENOMEM, -EPERM, -EINVAL, -ETIMEDOUT, 1};

	begin(FDPASS_ADDRESS_NAMED, "./s");
	for (size_t i = 0; i < sizeof(codes) / sizeof(*codes); i++)
		ck_assert(!fdpass_dialer_can_wait(&dialer, codes[i]));
	ck_assert(fdpass_dialer_can_wait(&dialer, -EACCES));
	ck_assert(fdpass_dialer_can_wait(&dialer, -EAGAIN));
	end();
}
END_TEST

/* An inherited connection stays where it is; a duplicate is used. */
START_TEST(an_inherited_connection)
{
	char number[16];
	int pair[2], fd;

	raw_pair(pair);
	snprintf(number, sizeof(number), "%d", pair[0]);
	begin(FDPASS_ADDRESS_CONNECTED, number);
	fd = fdpass_dialer_try(&dialer, NULL);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_ne(fd, pair[0]);
	ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
	/* Its flags are those of everybody who holds it. */
	ck_assert_int_eq(fcntl(pair[0], F_GETFL) & O_NONBLOCK, 0);
	ck_assert(!fdpass_dialer_can_wait(&dialer, -ENOENT));
	ck_assert(!fdpass_dialer_can_wait(&dialer, -ECONNREFUSED));
	close(fd);
	close(pair[0]);
	assert_try(-EBADF);
	close(pair[1]);
	end();
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
	begin(FDPASS_ADDRESS_CONNECTED, number);
	assert_try(codes[_i]);
	end();
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
	begin(FDPASS_ADDRESS_NAMED, name);
	assert_try(-ENOENT);
	fd = raw_listen("s", 4);
	ck_assert_int_eq(rename("s", name), 0);
	assert_connects();
	close(fd);
	assert_try(-ECONNREFUSED);
	end();
}
END_TEST

START_TEST(an_unsafe_run_directory)
{
	struct fdpass_error error = FDPASS_ERROR_INIT;
	int fd;

	ck_assert_int_eq(mkdir("run", 0700), 0);
	fd = raw_listen("run/name", 4);
	ck_assert_int_eq(setenv("FDPASS_RUNTIME_DIR", scratch_path(), 1), 0);
	begin(FDPASS_ADDRESS_NAMED, "absent");
	assert_try(-ENOENT);
	ck_assert_int_eq(chmod(".", 0770), 0);
	ck_assert_int_eq(fdpass_dialer_try(&dialer, &error), -EPERM);
	ck_assert_int_eq(error.step, FDPASS_STEP_RUNDIR);
	ck_assert_int_eq(chmod(".", 0700), 0);
	end();
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
