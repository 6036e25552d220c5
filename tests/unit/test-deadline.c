/* SPDX-License-Identifier: MIT */
/* Absolute moments: what has passed, what never comes, and what would overflow. */

#include "base/deadline.h"
#include "descriptors.h"
#include "suite.h"

START_TEST(a_moment_lies_where_it_should)
{
	int64_t before = fdpass_deadline_now();
	int64_t in = fdpass_deadline_in(5 * NSEC_PER_SEC);
	int64_t after = fdpass_deadline_now();

	ck_assert_int_le(before + 5 * NSEC_PER_SEC, in);
	ck_assert_int_le(in, after + 5 * NSEC_PER_SEC);
}
END_TEST

START_TEST(negative_counts_as_nothing)
{
	static const int64_t negative[] = {-1, -NSEC_PER_SEC, INT64_MIN, 0};

	for (size_t i = 0; i < sizeof(negative) / sizeof(*negative); i++) {
		int64_t before = fdpass_deadline_now();
		int64_t in = fdpass_deadline_in(negative[i]);

		ck_assert_int_le(before, in);
		ck_assert_int_le(in, fdpass_deadline_now());
	}
}
END_TEST

START_TEST(what_would_overflow_never_comes)
{
	ck_assert_int_eq(fdpass_deadline_in(INT64_MAX), FDPASS_NO_DEADLINE);
	ck_assert_int_eq(fdpass_deadline_in(INT64_MAX - 1), FDPASS_NO_DEADLINE);
	ck_assert_int_eq(fdpass_deadline_in(INT64_MAX - fdpass_deadline_now()), FDPASS_NO_DEADLINE);
	/* An hour below that is a moment like any other. */
	ck_assert_int_lt(
		fdpass_deadline_in(INT64_MAX - fdpass_deadline_now() - 3600 * NSEC_PER_SEC),
		FDPASS_NO_DEADLINE);
}
END_TEST

START_TEST(what_is_left)
{
	struct timespec left = {77, 77};

	ck_assert_ptr_null(fdpass_deadline_left(FDPASS_NO_DEADLINE, &left));
	ck_assert_int_eq(left.tv_sec, 77);
	ck_assert_ptr_eq(fdpass_deadline_left(fdpass_deadline_in(100 * NSEC_PER_SEC), &left),
			 &left);
	ck_assert_int_ge(left.tv_sec, 90);
	ck_assert_int_le(left.tv_sec, 100);
	ck_assert_int_ge(left.tv_nsec, 0);
	ck_assert_int_lt(left.tv_nsec, NSEC_PER_SEC);
}
END_TEST

/* Also the farthest past and the farthest future, whatever the clock says. */
START_TEST(the_extremes_are_times_that_ppoll_takes)
{
	static const int64_t past[] = {0, 1, -1, INT64_MIN, INT64_MIN + 1};
	struct timespec left;

	for (size_t i = 0; i < sizeof(past) / sizeof(*past); i++) {
		ck_assert_ptr_nonnull(fdpass_deadline_left(past[i], &left));
		ck_assert_int_eq(left.tv_sec, 0);
		ck_assert_int_eq(left.tv_nsec, 0);
	}
	ck_assert_ptr_nonnull(fdpass_deadline_left(FDPASS_NO_DEADLINE - 1, &left));
	ck_assert_int_gt(left.tv_sec, 0);
	ck_assert_int_ge(left.tv_nsec, 0);
	ck_assert_int_lt(left.tv_nsec, NSEC_PER_SEC);
}
END_TEST

START_TEST(the_earlier_of_two)
{
	ck_assert_int_eq(deadline_earlier(1, 2), 1);
	ck_assert_int_eq(deadline_earlier(2, 1), 1);
	ck_assert_int_eq(deadline_earlier(3, FDPASS_NO_DEADLINE), 3);
	ck_assert_int_eq(deadline_earlier(INT64_MIN, FDPASS_NO_DEADLINE), INT64_MIN);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("deadline");
	TCase *tcase = descriptors_tcase("deadline");

	tcase_add_test(tcase, a_moment_lies_where_it_should);
	tcase_add_test(tcase, negative_counts_as_nothing);
	tcase_add_test(tcase, what_would_overflow_never_comes);
	tcase_add_test(tcase, what_is_left);
	tcase_add_test(tcase, the_extremes_are_times_that_ppoll_takes);
	tcase_add_test(tcase, the_earlier_of_two);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
