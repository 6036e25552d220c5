/* SPDX-License-Identifier: MIT */
#ifndef CHECK_H
#define CHECK_H

/*
 * The part of Check's interface that our unit tests use, in one header.
 *
 * Debian has Check for its own C library only. The flavours that build for another one (musl, 32-bit)
 * take this instead: one process per test, a time limit, fixtures, and the same closing line.
 */

#include <inttypes.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define CK_SOME __attribute__((unused)) static

typedef void (*SFun)(void);

typedef struct TTest {
	const char *name;
	void (*run)(int);
} TTest;

struct ck_test {
	const TTest *test;
	int from, to; /* loop */
	int signal, status;
	struct ck_test *next;
};

typedef struct TCase {
	const char *name;
	double timeout;
	SFun before_all[8], after_all[8], before[8], after[8];
	struct ck_test *tests;
	struct TCase *next;
} TCase;

typedef struct Suite {
	const char *name;
	TCase *cases;
	struct Suite *next;
} Suite;

typedef struct SRunner {
	Suite *suites;
	int checks, failures, errors;
} SRunner;

enum print_output { CK_SILENT, CK_MINIMAL, CK_NORMAL, CK_VERBOSE, CK_ENV };
enum fork_status { CK_FORK_GETENV, CK_FORK, CK_NOFORK };

#define START_TEST(NAME)                                                                           \
	static void NAME##_fn(int _i);                                                             \
	static const TTest NAME##_test = {#NAME, NAME##_fn};                                       \
	static const TTest *const NAME = &NAME##_test;                                             \
	static void NAME##_fn(int _i __attribute__((unused)))
#define END_TEST

/* A failed assertion ends the test's process with this status. */
#define CK_FAILED 93

#define ck_abort_msg(...)                                                                          \
	do {                                                                                       \
		printf("%s:%d: ", __FILE__, __LINE__);                                             \
		printf("" __VA_ARGS__);                                                            \
		putchar('\n');                                                                     \
		fflush(stdout);                                                                    \
		_exit(CK_FAILED);                                                                  \
	} while (0)
#define ck_abort() ck_abort_msg("Failed")
#define ck_assert_msg(COND, ...)                                                                   \
	do {                                                                                       \
		if (!(COND))                                                                       \
			ck_abort_msg(__VA_ARGS__);                                                 \
	} while (0)
#define ck_assert(COND) ck_assert_msg(COND, "Assertion '%s' failed", #COND)

#define CK_COMPARE(TYPE, FORMAT, X, OP, Y)                                                         \
	do {                                                                                       \
		TYPE ck_x = (X);                                                                   \
		TYPE ck_y = (Y);                                                                   \
		ck_assert_msg(ck_x OP ck_y, "Assertion '%s %s %s' failed: %" FORMAT ", %" FORMAT,  \
			      #X, #OP, #Y, ck_x, ck_y);                                            \
	} while (0)
#define ck_assert_int_eq(X, Y) CK_COMPARE(intmax_t, PRIdMAX, X, ==, Y)
#define ck_assert_int_ne(X, Y) CK_COMPARE(intmax_t, PRIdMAX, X, !=, Y)
#define ck_assert_int_lt(X, Y) CK_COMPARE(intmax_t, PRIdMAX, X, <, Y)
#define ck_assert_int_le(X, Y) CK_COMPARE(intmax_t, PRIdMAX, X, <=, Y)
#define ck_assert_int_gt(X, Y) CK_COMPARE(intmax_t, PRIdMAX, X, >, Y)
#define ck_assert_int_ge(X, Y) CK_COMPARE(intmax_t, PRIdMAX, X, >=, Y)
#define ck_assert_uint_eq(X, Y) CK_COMPARE(uintmax_t, PRIuMAX, X, ==, Y)
#define ck_assert_uint_ne(X, Y) CK_COMPARE(uintmax_t, PRIuMAX, X, !=, Y)
#define ck_assert_uint_lt(X, Y) CK_COMPARE(uintmax_t, PRIuMAX, X, <, Y)
#define ck_assert_uint_le(X, Y) CK_COMPARE(uintmax_t, PRIuMAX, X, <=, Y)
#define ck_assert_uint_gt(X, Y) CK_COMPARE(uintmax_t, PRIuMAX, X, >, Y)
#define ck_assert_uint_ge(X, Y) CK_COMPARE(uintmax_t, PRIuMAX, X, >=, Y)
#define ck_assert_ptr_eq(X, Y) CK_COMPARE(const void *, "p", X, ==, Y)
#define ck_assert_ptr_ne(X, Y) CK_COMPARE(const void *, "p", X, !=, Y)
#define ck_assert_ptr_null(X) ck_assert_ptr_eq(X, NULL)
#define ck_assert_ptr_nonnull(X) ck_assert_ptr_ne(X, NULL)

#define CK_COMPARE_TEXT(X, OP, Y)                                                                  \
	do {                                                                                       \
		const char *ck_x = (X), *ck_y = (Y);                                               \
		ck_assert_msg(ck_x &&ck_y &&strcmp(ck_x, ck_y) OP 0,                               \
			      "Assertion '%s %s %s' failed: \"%s\", \"%s\"", #X, #OP, #Y,          \
			      ck_x ? ck_x : "(null)", ck_y ? ck_y : "(null)");                     \
	} while (0)
#define ck_assert_str_eq(X, Y) CK_COMPARE_TEXT(X, ==, Y)
#define ck_assert_str_ne(X, Y) CK_COMPARE_TEXT(X, !=, Y)
#define ck_assert_mem_eq(X, Y, SIZE)                                                               \
	ck_assert_msg(memcmp(X, Y, SIZE) == 0, "Assertion '%s == %s' failed", #X, #Y)
#define ck_assert_mem_ne(X, Y, SIZE)                                                               \
	ck_assert_msg(memcmp(X, Y, SIZE) != 0, "Assertion '%s != %s' failed", #X, #Y)

CK_SOME void *ck_new(size_t size)
{
	void *made = calloc(1, size);

	if (made == NULL)
		abort();
	return made;
}

CK_SOME Suite *suite_create(const char *name)
{
	Suite *suite = ck_new(sizeof(*suite));

	suite->name = name;
	return suite;
}

CK_SOME TCase *tcase_create(const char *name)
{
	TCase *tc = ck_new(sizeof(*tc));

	tc->name = name;
	tc->timeout = 4;
	return tc;
}

/* Nothing is left out. */
CK_SOME void tcase_set_tags(TCase *tc, const char *tags)
{
	(void)tc;
	(void)tags;
}

CK_SOME void suite_add_tcase(Suite *suite, TCase *tc)
{
	TCase **end = &suite->cases;

	while (*end != NULL)
		end = &(*end)->next;
	*end = tc;
}

CK_SOME void tcase_set_timeout(TCase *tc, double seconds)
{
	tc->timeout = seconds;
}

CK_SOME void ck_append(SFun *list, SFun function)
{
	size_t i = 0;

	while (list[i] != NULL)
		i++;
	if (i == 7)
		abort();
	if (function != NULL)
		list[i] = function;
}

CK_SOME void tcase_add_checked_fixture(TCase *tc, SFun before, SFun after)
{
	ck_append(tc->before, before);
	ck_append(tc->after, after);
}

CK_SOME void tcase_add_unchecked_fixture(TCase *tc, SFun before, SFun after)
{
	ck_append(tc->before_all, before);
	ck_append(tc->after_all, after);
}

CK_SOME void ck_add(TCase *tc, const TTest *test, int from, int to, int by_signal, int status)
{
	struct ck_test **end = &tc->tests, *added = ck_new(sizeof(*added));

	*added = (struct ck_test){test, from, to, by_signal, status, NULL};
	while (*end != NULL)
		end = &(*end)->next;
	*end = added;
}

#define tcase_add_test(TC, TEST) ck_add(TC, TEST, 0, 1, 0, 0)
#define tcase_add_loop_test(TC, TEST, FROM, TO) ck_add(TC, TEST, FROM, TO, 0, 0)
#define tcase_add_test_raise_signal(TC, TEST, SIGNAL) ck_add(TC, TEST, 0, 1, SIGNAL, 0)
#define tcase_add_exit_test(TC, TEST, STATUS) ck_add(TC, TEST, 0, 1, 0, STATUS)

CK_SOME SRunner *srunner_create(Suite *suite)
{
	SRunner *runner = ck_new(sizeof(*runner));

	runner->suites = suite;
	return runner;
}

CK_SOME void srunner_add_suite(SRunner *runner, Suite *suite)
{
	Suite **end = &runner->suites;

	while (*end != NULL)
		end = &(*end)->next;
	*end = suite;
}

CK_SOME void srunner_set_fork_status(SRunner *runner, enum fork_status status)
{
	(void)runner;
	(void)status;
}

CK_SOME void ck_call(const SFun *list, int backwards)
{
	size_t count = 0;

	while (list[count] != NULL)
		count++;
	for (size_t i = 0; i < count; i++)
		list[backwards ? count - 1 - i : i]();
}

/* The test's process: its own group, so that what it leaves behind ends with it. */
__attribute__((noreturn)) CK_SOME void ck_child(const TCase *tc, const struct ck_test *test, int i)
{
	const char *multiplier = getenv("CK_TIMEOUT_MULTIPLIER");
	double seconds = tc->timeout * (multiplier != NULL ? atof(multiplier) : 1);

	setpgid(0, 0);
	if (seconds > 0)
		alarm((unsigned)seconds + 1);
	ck_call(tc->before, 0);
	test->test->run(i);
	ck_call(tc->after, 1);
	fflush(NULL);
	_exit(0);
}

CK_SOME void ck_run(SRunner *runner, const TCase *tc, const struct ck_test *test, int i)
{
	int status = 0;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (pid == 0)
		ck_child(tc, test, i);
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		abort();
	kill(-pid, SIGKILL);
	runner->checks++;
	if (test->signal != 0 ? WIFSIGNALED(status) && WTERMSIG(status) == test->signal
			      : WIFEXITED(status) && WEXITSTATUS(status) == test->status)
		return;
	if (WIFEXITED(status) && WEXITSTATUS(status) == CK_FAILED) {
		runner->failures++;
		printf("F:%s:%s:%d\n", tc->name, test->test->name, i);
	} else {
		runner->errors++;
		printf("E:%s:%s:%d: %s %d\n", tc->name, test->test->name, i,
		       WIFSIGNALED(status) ? "killed by signal" : "ended with status",
		       WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
	}
}

CK_SOME void srunner_run_all(SRunner *runner, enum print_output output)
{
	(void)output;
	for (const Suite *suite = runner->suites; suite != NULL; suite = suite->next) {
		printf("Running suite(s): %s\n", suite->name);
		for (const TCase *tc = suite->cases; tc != NULL; tc = tc->next) {
			ck_call(tc->before_all, 0);
			for (const struct ck_test *test = tc->tests; test != NULL;
			     test = test->next)
				for (int i = test->from; i < test->to; i++)
					ck_run(runner, tc, test, i);
			ck_call(tc->after_all, 1);
		}
	}
	printf("%d%%: Checks: %d, Failures: %d, Errors: %d\n",
	       runner->checks == 0 ? 0
				   : 100 * (runner->checks - runner->failures - runner->errors) /
					     runner->checks,
	       runner->checks, runner->failures, runner->errors);
}

CK_SOME int srunner_ntests_failed(const SRunner *runner)
{
	return runner->failures + runner->errors;
}

CK_SOME int srunner_ntests_run(const SRunner *runner)
{
	return runner->checks;
}

CK_SOME void srunner_free(SRunner *runner)
{
	while (runner->suites != NULL) {
		Suite *suite = runner->suites;

		runner->suites = suite->next;
		while (suite->cases != NULL) {
			TCase *tc = suite->cases;

			suite->cases = tc->next;
			while (tc->tests != NULL) {
				struct ck_test *test = tc->tests;

				tc->tests = test->next;
				free(test);
			}
			free(tc);
		}
		free(suite);
	}
	free(runner);
}

#endif
