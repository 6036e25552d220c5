/* SPDX-License-Identifier: MIT */
/* One descriptor: closing, owning in a scope, giving away, moving. */
#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/fd.h"
#include "descriptors.h"
#include "suite.h"

static int open_null(void)
{
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	return fd;
}

START_TEST(closing_gives_none_and_keeps_errno)
{
	int fd = open_null();

	errno = ENOTTY;
	ck_assert_int_eq(fdpass_fd_close(fd), FD_NONE);
	ck_assert_int_eq(errno, ENOTTY);
	/* Already closed, or never one: close(2) would set errno. */
	ck_assert_int_eq(fdpass_fd_close(fd), FD_NONE);
	ck_assert_int_eq(fdpass_fd_close(-1), FD_NONE);
	ck_assert_int_eq(fdpass_fd_close(FD_NONE), FD_NONE);
	ck_assert_int_eq(errno, ENOTTY);
	ck_assert(!fdpass_fd_is_open(fd));
}
END_TEST

START_TEST(a_scope_closes_what_it_owns)
{
	int number;

	{
		fd_owned int fd = open_null();
		number = fd;
		ck_assert(fdpass_fd_is_open(number));
	}
	ck_assert(!fdpass_fd_is_open(number));
}
END_TEST

START_TEST(what_was_given_away_stays_open)
{
	int number;

	{
		fd_owned int fd = open_null();
		number = fd_give(&fd);
		ck_assert_int_eq(fd, FD_NONE);
	}
	ck_assert(fdpass_fd_is_open(number));
	close(number);
}
END_TEST

START_TEST(negative_numbers_are_not_open)
{
	ck_assert(!fdpass_fd_is_open(-1));
	ck_assert(!fdpass_fd_is_open(FD_NONE));
	ck_assert(!fdpass_fd_is_open(AT_FDCWD));
}
END_TEST

START_TEST(raising_moves_up_and_only_up)
{
	int fd = open_null(), low = fd;

	ck_assert_int_eq(fdpass_fd_raise(&fd, low), 0);
	ck_assert_int_eq(fd, low);
	ck_assert_int_eq(fdpass_fd_raise(&fd, 50), 0);
	ck_assert_int_ge(fd, 50);
	ck_assert(!fdpass_fd_is_open(low));
	ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
	close(fd);
	fd = FD_NONE;
	ck_assert_int_eq(fdpass_fd_raise(&fd, 50), 0);
	ck_assert_int_eq(fd, FD_NONE);
}
END_TEST

START_TEST(raising_that_fails_changes_nothing)
{
	struct rlimit limit, low;
	int fd = open_null(), before = fd;

	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	low = limit;
	low.rlim_cur = 64;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &low), 0);
	ck_assert_int_lt(fdpass_fd_raise(&fd, 64), 0);
	ck_assert_int_eq(fd, before);
	ck_assert(fdpass_fd_is_open(fd));
	setrlimit(RLIMIT_NOFILE, &limit);
	close(fd);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("fd");
	TCase *tcase = descriptors_tcase("fd");

	tcase_add_test(tcase, closing_gives_none_and_keeps_errno);
	tcase_add_test(tcase, a_scope_closes_what_it_owns);
	tcase_add_test(tcase, what_was_given_away_stays_open);
	tcase_add_test(tcase, negative_numbers_are_not_open);
	tcase_add_test(tcase, raising_moves_up_and_only_up);
	tcase_add_test(tcase, raising_that_fails_changes_nothing);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
