/* SPDX-License-Identifier: MIT */
/*
 * The order of placement, checked against a model of a descriptor table: every mapping of up to five
 * sources onto six targets, whatever they share.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "descriptors.h"
#include "place/order.h"
#include "suite.h"

enum {
	TARGETS = 6, /* the numbers 0 to 5 */
	PAIRS = 5,
	NUMBERS = TARGETS + PAIRS, /* sources may also be 6 to 10 */
	TABLE = NUMBERS + 2,       /* and there are two more, for the spare */
	CLOSED = -1,
};

struct entry {
	int file;
	int inherited;
};

static unsigned long checked;

static int is_target(const struct fdpass_pair *pairs, size_t count, int fd)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (pairs[i].target == fd)
			return 1;
	return 0;
}

static int is_source(const struct fdpass_pair *pairs, size_t count, int fd)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (pairs[i].source == fd)
			return 1;
	return 0;
}

static const char *show(const struct fdpass_pair *pairs, size_t count)
{
	static char text[PAIRS * 32];
	size_t i;
	int at = 0;

	text[0] = '\0';
	for (i = 0; i < count; i++)
		at += sprintf(text + at, " %d>%d", pairs[i].source, pairs[i].target);
	return text;
}

#define ensure(condition)                                                                          \
	do {                                                                                       \
		if (!(condition))                                                                  \
			ck_abort_msg("%s:%s, closed: %#x", #condition, show(pairs, count),         \
				     closed);                                                      \
	} while (0)

/* Carries the steps out on a table in which every number refers to a file of its own, but those of
 * 0 to 2 in `closed`, and compares with what was asked for. */
static void check(const struct fdpass_pair *pairs, size_t count, unsigned closed)
{
	struct fdpass_order_step *steps = NULL;
	struct entry table[TABLE];
	int spare = -1, fd;
	size_t step_count, i;

	for (fd = 0; fd < TABLE; fd++)
		table[fd] = (struct entry){fd < NUMBERS && !(closed >> fd & 1) ? fd : CLOSED, 0};
	ensure(fdpass_order_make(pairs, count, &steps, &step_count) == 0);
	ensure(step_count <= 3 * count);
	for (i = 0; i < step_count; i++) {
		int from = steps[i].from, to = steps[i].to;

		switch (steps[i].verb) {
		case FDPASS_ORDER_DUP:
			ensure(from != to && table[from].file != CLOSED);
			table[to] = (struct entry){table[from].file, 1};
			break;
		case FDPASS_ORDER_SHARE:
			ensure(from == to && table[from].file != CLOSED);
			table[from].inherited = 1;
			break;
		case FDPASS_ORDER_SPARE:
			ensure(from == to && table[from].file != CLOSED);
			if (spare < 0) {
				/* As fcntl(2): the lowest free one. It must be in nobody's way. */
				for (spare = 0; table[spare].file != CLOSED; spare++)
					ensure(spare + 1 < TABLE);
				ensure(!is_target(pairs, count, spare));
			}
			table[spare] = (struct entry){table[from].file, 0};
			break;
		case FDPASS_ORDER_RESTORE:
			ensure(spare >= 0);
			table[to] = (struct entry){table[spare].file, 1};
			break;
		case FDPASS_ORDER_CLOSE:
			ensure(from <= to);
			for (fd = from; fd <= to; fd++) {
				ensure(table[fd].file != CLOSED);
				table[fd].file = CLOSED;
			}
			break;
		}
	}
	if (spare >= 0)
		table[spare].file = CLOSED;
	free(steps);

	for (i = 0; i < count; i++) {
		ensure(table[pairs[i].target].file == pairs[i].source);
		ensure(table[pairs[i].target].inherited);
	}
	for (fd = 0; fd < TABLE; fd++) {
		if (is_target(pairs, count, fd))
			continue;
		if (is_source(pairs, count, fd) || fd >= NUMBERS || closed >> fd & 1)
			ensure(table[fd].file == CLOSED);
		else
			ensure(table[fd].file == fd && !table[fd].inherited);
	}
	checked++;
}

static void check_with_any_closed(const struct fdpass_pair *pairs, size_t count)
{
	unsigned closed;

	for (closed = 0; closed < 8; closed++) {
		int fd, used = 0;

		for (fd = 0; fd < 3; fd++)
			used |= closed >> fd & 1 && is_source(pairs, count, fd);
		if (!used)
			check(pairs, count, closed);
	}
}

/* Goes through every source of pair `at` and those after it. Sources that are no targets are as good
 * as each other, so they are taken in order: 6 first, 7 only after 6. */
static void each_source(struct fdpass_pair *pairs, size_t count, size_t at, int outside)
{
	int source;

	if (at == count) {
		check_with_any_closed(pairs, count);
		return;
	}
	for (source = 0; source <= outside && source < NUMBERS; source++) {
		pairs[at].source = source;
		each_source(pairs, count, at + 1, source == outside ? outside + 1 : outside);
	}
}

/* Goes through every choice of targets, in every order. */
static void each_target(struct fdpass_pair *pairs, size_t count, size_t at)
{
	int target;

	if (at == count) {
		each_source(pairs, count, 0, TARGETS);
		return;
	}
	for (target = 0; target < TARGETS; target++) {
		if (is_target(pairs, at, target))
			continue;
		pairs[at].target = target;
		each_target(pairs, count, at + 1);
	}
}

START_TEST(every_mapping)
{
	struct fdpass_pair pairs[PAIRS];

	each_target(pairs, (size_t)_i, 0);
	ck_assert_uint_gt(checked, 0);
}
END_TEST

/* Five pairs: every choice of targets, in ascending and in descending order. */
static void each_choice(struct fdpass_pair *pairs, int descending)
{
	int missing, i, at;

	for (missing = 0; missing < TARGETS; missing++) {
		for (i = 0, at = 0; i < TARGETS; i++)
			if (i != missing)
				pairs[descending ? PAIRS - 1 - at++ : at++].target = i;
		each_source(pairs, PAIRS, 0, TARGETS);
	}
}

START_TEST(every_mapping_of_five)
{
	struct fdpass_pair pairs[PAIRS];

	each_choice(pairs, _i);
	ck_assert_uint_gt(checked, 100000);
}
END_TEST

START_TEST(nothing)
{
	struct fdpass_order_step one, *steps = &one;
	size_t count = 1;

	ck_assert_int_eq(fdpass_order_make(NULL, 0, &steps, &count), 0);
	ck_assert_ptr_null(steps);
	ck_assert_uint_eq(count, 0);
}
END_TEST

START_TEST(two_sources_for_one_target)
{
	struct fdpass_pair pairs[] = {{3, 10}, {4, 11}, {5, 10}};
	struct fdpass_order_step *steps = NULL;
	size_t count = 7;

	ck_assert_int_eq(fdpass_order_make(pairs, 3, &steps, &count), -EEXIST);
	ck_assert_ptr_null(steps);
	ck_assert_uint_eq(count, 7);
}
END_TEST

START_TEST(neighbours_are_closed_at_once)
{
	struct fdpass_pair pairs[] = {{5, 20}, {4, 21}, {6, 22}, {9, 23}, {4, 24}, {21, 25}};
	struct fdpass_order_step *steps;
	size_t count;

	ck_assert_int_eq(fdpass_order_make(pairs, 6, &steps, &count), 0);
	ck_assert_uint_eq(count, 8);
	ck_assert_int_eq(steps[6].verb, FDPASS_ORDER_CLOSE);
	ck_assert_int_eq(steps[6].from, 4);
	ck_assert_int_eq(steps[6].to, 6);
	ck_assert_int_eq(steps[7].verb, FDPASS_ORDER_CLOSE);
	ck_assert_int_eq(steps[7].from, 9);
	ck_assert_int_eq(steps[7].to, 9);
	free(steps);
}
END_TEST

enum { MANY = 100000 };

/* The same numbers in another order, by a generator that gives the same every time. */
static struct fdpass_pair *shuffled(int offset)
{
	struct fdpass_pair *pairs = malloc(MANY * sizeof(*pairs));
	unsigned long long state = 88172645463325252ULL;
	int i;

	ck_assert_ptr_nonnull(pairs);
	for (i = 0; i < MANY; i++)
		pairs[i] = (struct fdpass_pair){i, i + offset};
	for (i = MANY - 1; i > 0; i--) {
		int other, target = pairs[i].target;

		state ^= state << 13;
		state ^= state >> 7;
		state ^= state << 17;
		other = (int)(state % (unsigned)(i + 1));
		pairs[i].target = pairs[other].target;
		pairs[other].target = target;
	}
	return pairs;
}

/* Permutations (cycles only), shifts (chains), and everything apart. */
START_TEST(a_hundred_thousand)
{
	static const int offsets[] = {0, 1, 777, MANY / 2, MANY};
	struct fdpass_pair *pairs = shuffled(offsets[_i]);
	int *table = calloc(2 * MANY, sizeof(*table)), spare = CLOSED, i;
	struct fdpass_order_step *steps;
	struct timespec start, end;
	size_t count, s;
	double seconds;

	ck_assert_ptr_nonnull(table);
	clock_gettime(CLOCK_MONOTONIC, &start);
	ck_assert_int_eq(fdpass_order_make(pairs, MANY, &steps, &count), 0);
	clock_gettime(CLOCK_MONOTONIC, &end);
	seconds =
		(double)(end.tv_sec - start.tv_sec) + 1e-9 * (double)(end.tv_nsec - start.tv_nsec);
	/* Quadratic would be minutes. */
	ck_assert_msg(seconds < 3, "took %f s", seconds);

	for (i = 0; i < 2 * MANY; i++)
		table[i] = i < MANY ? i : CLOSED;
	for (s = 0; s < count; s++) {
		const struct fdpass_order_step *step = &steps[s];

		if (step->verb == FDPASS_ORDER_DUP)
			table[step->to] = table[step->from];
		else if (step->verb == FDPASS_ORDER_SPARE)
			spare = table[step->from];
		else if (step->verb == FDPASS_ORDER_RESTORE)
			table[step->to] = spare;
		else if (step->verb == FDPASS_ORDER_CLOSE)
			for (i = step->from; i <= step->to; i++)
				table[i] = CLOSED;
	}
	for (i = 0; i < MANY; i++)
		if (table[pairs[i].target] != pairs[i].source)
			ck_abort_msg("%d is not at %d", pairs[i].source, pairs[i].target);
	for (i = 0; i < offsets[_i]; i++)
		if (table[i] != CLOSED)
			ck_abort_msg("%d was not closed", i);
	free(steps);
	free(table);
	free(pairs);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("order");
	TCase *tcase = descriptors_tcase("order");
	TCase *timed = descriptors_tcase_tagged("timed");
	TCase *exhaustive = descriptors_tcase_tagged("exhaustive");

	tcase_set_timeout(tcase, 60);
	tcase_set_timeout(timed, 60);
	tcase_set_timeout(exhaustive, 60);
	tcase_add_loop_test(exhaustive, every_mapping, 1, 5);
	tcase_add_loop_test(exhaustive, every_mapping_of_five, 0, 2);
	tcase_add_test(tcase, nothing);
	tcase_add_test(tcase, two_sources_for_one_target);
	tcase_add_test(tcase, neighbours_are_closed_at_once);
	tcase_add_loop_test(timed, a_hundred_thousand, 0, 5);
	suite_add_tcase(suite, tcase);
	suite_add_tcase(suite, timed);
	suite_add_tcase(suite, exhaustive);
	return suite_run(suite);
}
