/* SPDX-License-Identifier: MIT */
/* LIST, and the bounded numbers that it is made of. */
#include <check.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "cli/list.h"
#include "cli/number.h"
#include "descriptors.h"
#include "fdpass.h"
#include "suite.h"

static const struct {
	const char *text;
	size_t count;
	int numbers[8];
} good[] = {
	{"3", 1, {3}},
	{"0,1,2", 3, {0, 1, 2}},
	{"4-9", 6, {4, 5, 6, 7, 8, 9}},
	{"7,4-6,0", 5, {7, 4, 5, 6, 0}},
	{"5-5", 1, {5}},
	{"3,3,3", 3, {3, 3, 3}},
	{"007", 1, {7}},
	{"2147483647", 1, {INT_MAX}},
	{"2147483646-2147483647", 2, {INT_MAX - 1, INT_MAX}},
};

START_TEST(numbers_in_the_order_written)
{
	struct cli_list list = CLI_LIST_INIT;
	struct cli_list_part part;

	ck_assert_int_eq(cli_list_parse(&list, good[_i].text, &part), CLI_LIST_OK);
	ck_assert_uint_eq(list.count, good[_i].count);
	for (size_t i = 0; i < list.count; i++)
		ck_assert_int_eq(list.numbers[i], good[_i].numbers[i]);
	cli_list_clear(&list);
	ck_assert_ptr_null(list.numbers);
	ck_assert_uint_eq(list.count, 0);
}
END_TEST

#define MALFORMED(list)                                                                            \
	{                                                                                          \
		list, CLI_LIST_MALFORMED,                                                          \
			"'" list "' is not a list of descriptors, such as 3 or 0,1,2 or 4-9"       \
	}

static const struct {
	const char *text;
	enum cli_list_status status;
	const char *explanation;
} bad[] = {
	MALFORMED(""),
	MALFORMED("3-"),
	MALFORMED("-3"),
	MALFORMED("-"),
	MALFORMED(","),
	MALFORMED("3,"),
	MALFORMED(",3"),
	MALFORMED("1,,2"),
	MALFORMED("1-2-3"),
	MALFORMED("1--2"),
	MALFORMED(" 3"),
	MALFORMED("3 "),
	MALFORMED("1, 2"),
	MALFORMED("+3"),
	MALFORMED("0x3"),
	MALFORMED("3.0"),
	MALFORMED("name"),
	MALFORMED("3\n"),
#define BAD_NAME(list, name)                                                                       \
	{                                                                                          \
		list, CLI_LIST_BAD_NAME,                                                           \
			"'" name "' is not a name: 1 to 255 printable ASCII characters without "   \
			"':'"                                                                      \
	}
	BAD_NAME("=3", ""),
	BAD_NAME("1,=3", ""),
	BAD_NAME("a:b=3", "a:b"),
	BAD_NAME("a\t=3", "a\t"),
	MALFORMED("a="),
	MALFORMED("a=b=3"),
	MALFORMED("a=1-"),
	{"a=9-4", CLI_LIST_REVERSED, "'9-4' runs backwards"},
	{"99999999999", CLI_LIST_TOO_LARGE, "99999999999 is too large"},
	{"2147483648", CLI_LIST_TOO_LARGE, "2147483648 is too large"},
	{"1,2-2147483648,3", CLI_LIST_TOO_LARGE, "2147483648 is too large"},
	{"18446744073709551619", CLI_LIST_TOO_LARGE, "18446744073709551619 is too large"},
	{"1,9-4", CLI_LIST_REVERSED, "'9-4' runs backwards"},
	{"0-2147483647", CLI_LIST_TOO_MANY, "'0-2147483647' makes more than 1048576 descriptors"},
	{"0-1048576", CLI_LIST_TOO_MANY, "'0-1048576' makes more than 1048576 descriptors"},
	{"0-1048572,7,8", CLI_LIST_TOO_MANY, "'8' makes more than 1048576 descriptors"},
};

START_TEST(what_is_wrong_is_named)
{
	struct cli_list list = CLI_LIST_INIT;
	struct cli_list_part part;
	char text[128];

	ck_assert_int_eq(cli_list_parse(&list, "8,9", &part), CLI_LIST_OK);
	ck_assert_int_eq(cli_list_parse(&list, bad[_i].text, &part), bad[_i].status);
	ck_assert_str_eq(cli_list_explain(bad[_i].status, &part, text, sizeof text),
			 bad[_i].explanation);

	/* And the list is as it was. */
	ck_assert_uint_eq(list.count, 2);
	ck_assert_int_eq(list.numbers[0], 8);
	ck_assert_int_eq(list.numbers[1], 9);
	cli_list_clear(&list);
}
END_TEST

static const struct {
	const char *text;
	size_t count;
	const char *names[6];
} named[] = {
	{"web=3", 1, {"web"}},
	{"web=3,4", 2, {"web", NULL}},
	{"4,web=3", 2, {NULL, "web"}},
	{"web=3-5", 3, {"web", "web", "web"}},
	{"a=1,b=2,a=3", 3, {"a", "b", "a"}},
	{"a b=1", 1, {"a b"}},
	{"3=4", 1, {"3"}},
	{"-=4", 1, {"-"}},
};

START_TEST(names)
{
	struct cli_list list = CLI_LIST_INIT;
	struct cli_list_part part;

	ck_assert_int_eq(cli_list_parse(&list, named[_i].text, &part), CLI_LIST_OK);
	ck_assert_uint_eq(list.count, named[_i].count);
	for (size_t i = 0; i < list.count; i++) {
		if (named[_i].names[i] != NULL)
			ck_assert_str_eq(list.names[i], named[_i].names[i]);
		else
			ck_assert_ptr_null(list.names[i]);
	}
	/* Those that are appended have none, however many. */
	ck_assert_int_eq(cli_list_parse(&list, "0-99", &part), CLI_LIST_OK);
	for (size_t i = named[_i].count; i < list.count; i++)
		ck_assert_ptr_null(list.names[i]);
	cli_list_clear(&list);
	ck_assert_ptr_null(list.names);
}
END_TEST

START_TEST(a_name_has_bounds)
{
	struct cli_list list = CLI_LIST_INIT;
	struct cli_list_part part;
	char text[300];

	for (int length = 250; length < 265; length++) {
		memset(text, 'x', (size_t)length);
		strcpy(text + length, "=3");
		ck_assert_int_eq(cli_list_parse(&list, text, &part),
				 length <= FDPASS_NAME_MAX ? CLI_LIST_OK : CLI_LIST_BAD_NAME);
	}
	cli_list_clear(&list);
}
END_TEST

START_TEST(lists_append)
{
	struct cli_list list = CLI_LIST_INIT;
	struct cli_list_part part;

	ck_assert_int_eq(cli_list_parse(&list, "5", &part), CLI_LIST_OK);
	ck_assert_int_eq(cli_list_parse(&list, "0-99", &part), CLI_LIST_OK);
	ck_assert_uint_eq(list.count, 101);
	ck_assert_int_eq(list.numbers[0], 5);
	ck_assert_int_eq(list.numbers[100], 99);
	cli_list_clear(&list);
}
END_TEST

START_TEST(limit_holds_for_the_whole_list)
{
	struct cli_list list = CLI_LIST_INIT;
	struct cli_list_part part;

	ck_assert_int_eq(cli_list_parse(&list, "0-1048575", &part), CLI_LIST_OK);
	ck_assert_uint_eq(list.count, FDPASS_HANDOVER_MAX);
	ck_assert_int_eq(list.numbers[FDPASS_HANDOVER_MAX - 1], 1048575);
	ck_assert_int_eq(cli_list_parse(&list, "3", &part), CLI_LIST_TOO_MANY);
	cli_list_clear(&list);
}
END_TEST

START_TEST(range_beyond_the_limit_is_not_allocated)
{
	struct cli_list list = CLI_LIST_INIT;
	struct cli_list_part part;

	ck_assert_int_eq(cli_list_parse(&list, "0-2147483647", &part), CLI_LIST_TOO_MANY);
	ck_assert_uint_eq(list.capacity, 0);
	ck_assert_ptr_null(list.numbers);
}
END_TEST

START_TEST(explanation_is_cut_to_its_room)
{
	struct cli_list_part part = {"123456789012345678901234567890", 30};
	char text[8];

	cli_list_explain(CLI_LIST_TOO_LARGE, &part, text, sizeof text);
	ck_assert_str_eq(text, "1234567");
}
END_TEST

START_TEST(number_at_its_bound)
{
	char largest[32];
	uint64_t number = 1;

	snprintf(largest, sizeof largest, "%llu", (unsigned long long)UINT64_MAX);
	ck_assert_int_eq(cli_number_parse(largest, UINT64_MAX, &number), CLI_NUMBER_OK);
	ck_assert(number == UINT64_MAX);
	ck_assert_int_eq(cli_number_parse("18446744073709551616", UINT64_MAX, &number),
			 CLI_NUMBER_TOO_LARGE);
	ck_assert_int_eq(cli_number_parse("10", 10, &number), CLI_NUMBER_OK);
	ck_assert(number == 10);
	ck_assert_int_eq(cli_number_parse("11", 10, &number), CLI_NUMBER_TOO_LARGE);
	ck_assert_int_eq(cli_number_parse("5", 3, &number), CLI_NUMBER_TOO_LARGE);
	ck_assert(number == 10);
	ck_assert_int_eq(cli_number_parse("0", 0, &number), CLI_NUMBER_OK);
	ck_assert(number == 0);
}
END_TEST

START_TEST(number_is_digits_only)
{
	static const char *const texts[] = {"", "-1", "+1", " 1", "1 ", "0x1", "1e1", "11x"};
	uint64_t number = 42;

	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
		ck_assert_int_eq(cli_number_parse(texts[i], 10, &number), CLI_NUMBER_MALFORMED);
	ck_assert(number == 42);
}
END_TEST

START_TEST(number_scan_stops_behind_the_digits)
{
	const char *text = "123,4";
	const char *cursor = text;
	uint64_t number = 0;

	ck_assert_int_eq(cli_number_scan(&cursor, 1000, &number), CLI_NUMBER_OK);
	ck_assert(number == 123);
	ck_assert_ptr_eq(cursor, text + 3);
	ck_assert_int_eq(cli_number_scan(&cursor, 1000, &number), CLI_NUMBER_MALFORMED);
	ck_assert_ptr_eq(cursor, text + 3);
	cursor = text;
	ck_assert_int_eq(cli_number_scan(&cursor, 9, &number), CLI_NUMBER_TOO_LARGE);
	ck_assert_ptr_eq(cursor, text + 3);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("cli-list");
	TCase *tcase = descriptors_tcase("list");

	tcase_add_loop_test(tcase, numbers_in_the_order_written, 0, sizeof good / sizeof good[0]);
	tcase_add_loop_test(tcase, what_is_wrong_is_named, 0, sizeof bad / sizeof bad[0]);
	tcase_add_loop_test(tcase, names, 0, sizeof named / sizeof named[0]);
	tcase_add_test(tcase, a_name_has_bounds);
	tcase_add_test(tcase, lists_append);
	tcase_add_test(tcase, limit_holds_for_the_whole_list);
	tcase_add_test(tcase, range_beyond_the_limit_is_not_allocated);
	tcase_add_test(tcase, explanation_is_cut_to_its_room);
	tcase_add_test(tcase, number_at_its_bound);
	tcase_add_test(tcase, number_is_digits_only);
	tcase_add_test(tcase, number_scan_stops_behind_the_digits);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
