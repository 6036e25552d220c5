/* SPDX-License-Identifier: MIT */
/* Reading uid_map: whether every id has a name, whatever stands in the file. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "descriptors.h"
#include "peer/idmap.h"
#include "suite.h"

static const struct {
	const char *text;
	int whole;
} maps[] = {
	/* What the initial namespace, and one that is mapped to all of it, show. */
	{"         0          0 4294967295\n", 1},
	{"0 0 4294967295", 1},
	{"0 0 4294967295\n", 1},
	{"0\t0\t4294967295 \n", 1},
	/* Lines that add up, in any order; outside they may lie anywhere. */
	{"0 0 1\n1 1 4294967294\n", 1},
	{"1 1 4294967294\n0 0 1\n", 1},
	{"0 100000 1000\n1000 0 1\n1001 5000 4294966294\n", 1},
	{"2147483648 0 2147483647\n0 2147483648 2147483648\n", 1},
	{"0 0 2000\n1000 7000 4294966295\n", 1},
	/* A hole at the start, in the middle, at the end. */
	{"1 1 4294967294\n", 0},
	{"0 0 1000\n1001 1001 4294966294\n", 0},
	{"0 0 4294967294\n", 0},
	{"0 0 1\n", 0},
	{"0 100000 65536\n", 0},
	{"1000 1000 1\n", 0},
	{"0 1000 1\n1 100000 65536\n", 0},
	{"0 0 2147483648\n2147483649 2147483649 2147483646\n", 0},
	/* Nothing, or not a map. */
	{"", 0},
	{"\n", 0},
	{" ", 0},
	{"garbage\n", 0},
	{"0 0\n", 0},
	{"0\n", 0},
	{"0 0 4294967295 0\n", 0},
	{"0 0 4294967295x\n", 0},
	{"0 0 4294967295\n\n", 0},
	{"0 0 4294967295\ngarbage\n", 0},
	{"0 0 4294967296\n", 0},
	{"1 1 4294967295\n", 0},
	{"0 0 99999999999999999999999999\n", 0},
	{"18446744073709551616 0 4294967295\n", 0},
	{"0 0 4294967295\n5 0 4294967295\n", 0},
	{"4294967296 0 1\n", 0},
	{"-1 0 4294967295\n", 0},
	{"0 0 -1\n", 0},
	{"0 0 0\n", 0},
	{"0 0 4294967295\n5 5 0\n", 0},
	{"0,0,4294967295\n", 0},
	{"0 0 0xffffffff\n", 0},
	{"0 0 4294967295\r\n", 0},
};

START_TEST(a_map)
{
	/* In exactly as much memory as it takes, for the sanitizer to guard. */
	size_t length = strlen(maps[_i].text);
	char *text = malloc(length + (length == 0));

	ck_assert_ptr_nonnull(text);
	memcpy(text, maps[_i].text, length);
	ck_assert_msg(fdpass_idmap_is_whole(text, length) == maps[_i].whole, "map: %s",
		      maps[_i].text);
	free(text);
}
END_TEST

START_TEST(a_nul_is_garbage)
{
	ck_assert(!fdpass_idmap_is_whole("0 0 4294967295\n\0", 16));
	ck_assert(!fdpass_idmap_is_whole("0 0\0 4294967295\n", 16));
}
END_TEST

START_TEST(every_cut_of_a_whole_map_is_not_whole)
{
	const char *text = "0 100000 1000\n1000 0 1\n1001 5000 4294966294";
	size_t length;

	ck_assert(fdpass_idmap_is_whole(text, strlen(text)));
	for (length = 0; length < strlen(text); length++)
		ck_assert_msg(!fdpass_idmap_is_whole(text, length), "cut at %zu", length);
}
END_TEST

/* The kernel allows 340 lines. */
START_TEST(as_many_lines_as_there_can_be)
{
	char text[342 * 40];
	int lines, length, i;

	for (lines = 340; lines <= 341; lines++) {
		for (i = 0, length = 0; i < lines; i++)
			length +=
				sprintf(text + length, "%10u %10u %10u\n", (unsigned)i, (unsigned)i,
					i < lines - 1 ? 1U : 4294967295U - (unsigned)i);
		ck_assert_int_eq(fdpass_idmap_is_whole(text, (size_t)length), lines == 340);
	}
}
END_TEST

START_TEST(a_number)
{
	ck_assert_uint_eq(fdpass_idmap_number("65534\n", 6, 1), 65534);
	ck_assert_uint_eq(fdpass_idmap_number("65534", 5, 1), 65534);
	ck_assert_uint_eq(fdpass_idmap_number("0\n", 2, 1), 0);
	ck_assert_uint_eq(fdpass_idmap_number("4294967295\n", 11, 1), 4294967295U);
	ck_assert_uint_eq(fdpass_idmap_number("4294967296\n", 11, 1), 1);
	ck_assert_uint_eq(fdpass_idmap_number("", 0, 7), 7);
	ck_assert_uint_eq(fdpass_idmap_number("\n", 1, 7), 7);
	ck_assert_uint_eq(fdpass_idmap_number("-1\n", 3, 7), 7);
	ck_assert_uint_eq(fdpass_idmap_number("12 13\n", 6, 7), 7);
	ck_assert_uint_eq(fdpass_idmap_number("12\n13\n", 6, 7), 7);
	ck_assert_uint_eq(fdpass_idmap_number("nobody\n", 7, 7), 7);
}
END_TEST

/* The kernel's own files are understood: our map is one line that covers all, or it does not. */
START_TEST(our_own_namespace)
{
	static const char *const paths[] = {"/proc/self/uid_map", "/proc/self/gid_map"};
	static const enum fdpass_idmap_kind kinds[] = {FDPASS_IDMAP_USERS, FDPASS_IDMAP_GROUPS};
	int i;

	for (i = 0; i < 2; i++) {
		FILE *file = fopen(paths[i], "re");
		unsigned inside = 1, outside, count = 0;

		if (file == NULL)
			continue;
		ck_assert_int_eq(fscanf(file, "%u %u %u", &inside, &outside, &count), 3);
		fclose(file);
		if (inside == 0 && count == 4294967295U)
			ck_assert(fdpass_idmap_covers_all(kinds[i]));
	}
	ck_assert_uint_le(fdpass_idmap_overflow(FDPASS_IDMAP_USERS), 65535);
	ck_assert_uint_le(fdpass_idmap_overflow(FDPASS_IDMAP_GROUPS), 65535);
}
END_TEST

START_TEST(no_descriptor_is_left)
{
	struct rlimit limit, low;
	int r;

	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	low = limit;
	low.rlim_cur = 0;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &low), 0);
	r = fdpass_idmap_covers_all(FDPASS_IDMAP_USERS);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	ck_assert_int_eq(r, -EMFILE);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("idmap");
	TCase *tcase = descriptors_tcase("idmap");

	tcase_add_loop_test(tcase, a_map, 0, (int)(sizeof(maps) / sizeof(maps[0])));
	tcase_add_test(tcase, a_nul_is_garbage);
	tcase_add_test(tcase, every_cut_of_a_whole_map_is_not_whole);
	tcase_add_test(tcase, as_many_lines_as_there_can_be);
	tcase_add_test(tcase, a_number);
	tcase_add_test(tcase, our_own_namespace);
	tcase_add_test(tcase, no_descriptor_is_left);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
