/* SPDX-License-Identifier: MIT */
/* The table of open files: the command's limit, as a pure function, and what is done to the table. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "descriptors.h"
#include "raw.h"
#include "suite.h"
#include "tools/fdrecv/table.h"

static const struct {
	rlim_t soft, hard;
	int highest;
	size_t free;
	rlim_t expected;
} limits[] = {
	/* The inherited limit leaves 64 numbers free, however high the targets are. */
	{1024, 4096, 0, 1021, 1024},
	{1024, 4096, 9, 64, 1024},
	{67, 4096, 2, 64, 67},
	{1024, 4096, 2000, 1000, 1024},
	{1024, 1048576, 1000000, 64, 1024},
	{RLIM_INFINITY, RLIM_INFINITY, 10, 64, RLIM_INFINITY},
	/* One short of that: the highest and 256. */
	{66, 4096, 2, 63, 258},
	{1024, 4096, 1000, 63, 1256},
	{64, 4096, 50, 14, 306},
	{1024, 4096, 2000, 0, 2256},
	{3, 4096, -1, 0, 255},
	{0, 4096, 10, 0, 266},
	/* Never less than was inherited, ... */
	{1024, 4096, 500, 0, 1024},
	{RLIM_INFINITY, RLIM_INFINITY, 10, 0, RLIM_INFINITY},
	/* ... and at most the hard limit. */
	{1024, 1100, 1000, 63, 1100},
	{1024, 1024, 1023, 0, 1024},
	{64, 64, 10, 59, 64},
	{64, 200, 100, 11, 200},
	/* None at all. */
	{1024, RLIM_INFINITY, 5000, 0, 5256},
	{1024, RLIM_INFINITY, 2147483647, 0, 2147483903},
};

START_TEST(the_limit_for_the_command)
{
	struct table table = {.inherited = {limits[_i].soft, limits[_i].hard}};

	ck_assert_uint_eq(fdrecv_table_limit(&table, limits[_i].highest, limits[_i].free),
			  limits[_i].expected);
}
END_TEST

static void set_limit(rlim_t soft, rlim_t hard)
{
	struct rlimit limit = {soft, hard};

	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

static struct rlimit get_limit(void)
{
	struct rlimit limit;

	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	return limit;
}

START_TEST(it_is_raised_and_given_back)
{
	struct table table;

	set_limit(100, 1000);
	ck_assert_int_eq(fdrecv_table_open(&table, 500, 10), 0);
	ck_assert_uint_eq(table.inherited.rlim_cur, 100);
	ck_assert_uint_eq(table.inherited.rlim_max, 1000);
	ck_assert_uint_eq(get_limit().rlim_cur, 1000);
	ck_assert_uint_eq(get_limit().rlim_max, 1000);
	ck_assert_uint_eq(fdrecv_table_restore(&table, 500), 100);
	ck_assert_uint_eq(get_limit().rlim_cur, 100);
	ck_assert_uint_eq(get_limit().rlim_max, 1000);
}
END_TEST

/* Every number below the inherited limit that the command would find taken, counted as it is. */
static void fill_and_restore(void *context)
{
	struct table table;

	set_limit(100, 1000);
	raw_check(fdrecv_table_open(&table, 500, 10) == 0);
	for (int fd = 3; fd < 36; fd++)
		raw_check(dup2(0, fd) == fd);
	for (int fd = 36; fd < 100; fd++)
		close(fd);
	/* 64 are free, and then 63. What closes at exec counts as free. */
	raw_check(fdrecv_table_restore(&table, 500) == 100);
	raw_check(fcntl(0, F_DUPFD_CLOEXEC, 40) == 40);
	raw_check(fdrecv_table_restore(&table, 500) == 100);
	raw_check(dup2(0, 41) == 41);
	raw_check(fdrecv_table_restore(&table, 500) == 756);
	raw_check(get_limit().rlim_cur == 756 && get_limit().rlim_max == 1000);
	(void)context;
}

START_TEST(the_command_finds_room)
{
	raw_join(raw_fork(fill_and_restore, NULL));
}
END_TEST

START_TEST(what_does_not_fit)
{
	struct table table;

	set_limit(100, 200);
	ck_assert_int_eq(fdrecv_table_open(&table, 199, 0), 0);
	ck_assert_int_eq(fdrecv_table_open(&table, 200, 0), -EMFILE);
	ck_assert_int_eq(fdrecv_table_open(&table, 1000000, 0), -EMFILE);
	ck_assert_int_eq(fdrecv_table_open(&table, 5, 197), 0);
	ck_assert_int_eq(fdrecv_table_open(&table, 5, 198), -EMFILE);
	ck_assert_int_eq(fdrecv_table_open(&table, 5, 1000000), -EMFILE);
}
END_TEST

/* No target has a number of its own: -E and -l take what is free. */
START_TEST(without_targets)
{
	struct table table;

	set_limit(100, 200);
	ck_assert_int_eq(fdrecv_table_open(&table, _i == 0 ? 0 : 2, 0), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("table");
	TCase *tcase = descriptors_tcase("table");
	TCase *limited = descriptors_tcase_tagged("limits");

	tcase_add_loop_test(tcase, the_limit_for_the_command, 0, sizeof(limits) / sizeof(*limits));
	tcase_add_test(limited, it_is_raised_and_given_back);
	tcase_add_test(limited, the_command_finds_room);
	tcase_add_test(limited, what_does_not_fit);
	tcase_add_loop_test(limited, without_targets, 0, 2);
	suite_add_tcase(suite, tcase);
	suite_add_tcase(suite, limited);
	return suite_run(suite);
}
