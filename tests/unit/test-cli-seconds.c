/* SPDX-License-Identifier: MIT */
/* Decimal seconds. */
#include <check.h>
#include <errno.h>
#include <stdint.h>

#include "cli/seconds.h"
#include "descriptors.h"
#include "suite.h"

static const struct {
	const char *text;
	int64_t nanoseconds;
} good[] = {
	{"0", 0},
	{"0.0", 0},
	{".0", 0},
	{"0.00000000000000000000", 0},
	{"5", 5000000000},
	{"0.25", 250000000},
	{"1.5", 1500000000},
	{".5", 500000000},
	{"00012.50", 12500000000},
	{"0.000000001", 1},
	{"0.123456789", 123456789},
	{"0.9999999999", 1000000000}, /* finer than a nanosecond: rounded up */
	{"0.0000000001", 1},          /* so that it does not become "no deadline" */
	{"1.0000000000", 1000000000},
	{"9223372036.854775806", INT64_MAX - 1},
	{"9223372036.854775807", INT64_MAX},
	{"9223372036.854775808", INT64_MAX},
	{"9223372037", INT64_MAX},
	{"9223372036854775807", INT64_MAX},
	{"9223372036854775808", INT64_MAX},
	{"99999999999999999999999999999999.5", INT64_MAX},
};

START_TEST(seconds_are_exact)
{
	int64_t nanoseconds = -1;

	ck_assert_int_eq(cli_seconds_parse(good[_i].text, &nanoseconds), 0);
	ck_assert_int_eq(nanoseconds, good[_i].nanoseconds);
}
END_TEST

static const char *const bad[] = {
	"",         ".",
	"5.",       "-1",
	"-0",       "+1",
	" 1",       "1 ",
	"1,5",      "1.2.3",
	"1..2",     "inf",
	"INFINITY", "nan",
	"0x5",      "1e3",
	"1.5e3",    "5s",
	"1.-5",     "five",
	"1.5\n",    "99999999999999999999999999x",
};

START_TEST(anything_else_is_refused)
{
	int64_t nanoseconds = 42;

	ck_assert_int_eq(cli_seconds_parse(bad[_i], &nanoseconds), -EINVAL);
	ck_assert_int_eq(nanoseconds, 42);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("cli-seconds");
	TCase *tcase = descriptors_tcase("seconds");

	tcase_add_loop_test(tcase, seconds_are_exact, 0, sizeof good / sizeof good[0]);
	tcase_add_loop_test(tcase, anything_else_is_refused, 0, sizeof bad / sizeof bad[0]);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
