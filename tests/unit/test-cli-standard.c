/* SPDX-License-Identifier: MIT */
/* Closed standard descriptors. Check's own pipes are elsewhere, and each test is its own process. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cli/standard.h"
#include "suite.h"

/* What 0, 1 and 2 are is decided here and not by who runs the tests. */
static void standard_open(void)
{
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	for (int number = 0; number <= 2; number++)
		ck_assert_int_eq(dup2(fd, number), number);
	if (fd > 2)
		close(fd);
}

START_TEST(every_combination_is_filled_and_remembered)
{
	int fd;

	standard_open();
	for (int number = 0; number <= 2; number++)
		if (_i >> number & 1)
			close(number);
	ck_assert_int_eq(cli_standard_reserve(), _i);
	for (int number = 0; number <= 2; number++) {
		int closed = _i >> number & 1;

		ck_assert_int_eq(cli_standard_was_closed(number), closed);
		ck_assert_int_eq(fcntl(number, F_GETFD), closed ? FD_CLOEXEC : 0);
	}
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_gt(fd, 2);
	close(fd);
}
END_TEST

START_TEST(filled_behaves_as_closed)
{
	char byte = 'x';

	standard_open();
	close(0);
	close(1);
	ck_assert_int_eq(cli_standard_reserve(), 3);
	errno = 0;
	ck_assert_int_eq(read(0, &byte, 1), -1);
	ck_assert_int_eq(errno, EBADF);
	errno = 0;
	ck_assert_int_eq(write(1, &byte, 1), -1);
	ck_assert_int_eq(errno, EBADF);
}
END_TEST

START_TEST(other_numbers_are_not_standard)
{
	standard_open();
	close(0);
	close(1);
	close(2);
	ck_assert_int_eq(cli_standard_reserve(), 7);
	ck_assert_int_eq(cli_standard_was_closed(-1), 0);
	ck_assert_int_eq(cli_standard_was_closed(3), 0);
	ck_assert_int_eq(cli_standard_was_closed(64), 0);
}
END_TEST

START_TEST(failure_is_reported)
{
	struct rlimit limit, low;
	int result;

	standard_open();
	close(1);
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	low = limit;
	low.rlim_cur = 1;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &low), 0);
	result = cli_standard_reserve();
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	ck_assert_int_eq(result, -EMFILE);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("cli-standard");
	TCase *tcase = tcase_create("standard");

	tcase_add_loop_test(tcase, every_combination_is_filled_and_remembered, 0, 8);
	tcase_add_test(tcase, filled_behaves_as_closed);
	tcase_add_test(tcase, other_numbers_are_not_standard);
	tcase_add_test(tcase, failure_is_reported);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
