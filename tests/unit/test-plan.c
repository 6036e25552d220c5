/* SPDX-License-Identifier: MIT */
/*
 * Placement with real descriptors: every mapping of up to five sources onto six targets, with any of
 * 0 to 2 closed at the start; and what happens when something is in the way.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "descriptors.h"
#include "fdpass.h"
#include "place/order.h"
#include "raw.h"
#include "suite.h"

enum {
	TARGETS = 6,
	PAIRS = 5,
	NUMBERS = TARGETS + PAIRS, /* the numbers 0 to 10 are played with */
	CHECKED = NUMBERS + 3,     /* and nothing may be left just above them */
	REFERENCE = 100,           /* where the originals are kept */
};

/* ------------------------------------------------------------ a child without a table of its own -- */

/* In a child that has closed everything, this is how it says what went wrong. */
static struct report {
	char text[512];
	unsigned long cases;
} * report;

static void __attribute__((noreturn, format(printf, 1, 2))) give_up(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(report->text, sizeof(report->text), format, arguments);
	va_end(arguments);
	raw_end(1);
}

/* Runs `body` in a child process with an empty descriptor table. */
static void in_child(void (*body)(int), int argument)
{
	int status;
	pid_t child;

	report = mmap(NULL, sizeof(*report), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	ck_assert_ptr_ne(report, MAP_FAILED);
	child = fork();
	if (child == 0) {
		struct rlimit limit;
		int fd;

		if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
			give_up("getrlimit");
		for (fd = 0; fd < (int)limit.rlim_cur && fd < 4096; fd++)
			close(fd);
		body(argument);
		raw_end(0);
	}
	ck_assert_int_gt(child, 0);
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_msg(status == 0, "%s (status %#x)", report->text, (unsigned)status);
	munmap(report, sizeof(*report));
}

static int file_of(int fd, ino_t *ret_inode)
{
	struct stat status;

	if (fstat(fd, &status) < 0)
		return -errno;
	*ret_inode = status.st_ino;
	return 0;
}

/* ----------------------------------------------------------------------------------- every mapping */

/* The numbers that stand for 0 to 5, which can be targets, and 6 to 10, which cannot. */
static const int layouts[][NUMBERS] = {
	{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10},
	{3, 4, 5, 6, 7, 8, 0, 1, 2, 9, 10},
};

static ino_t originals[NUMBERS];

static void make_originals(void)
{
	int i;

	for (i = 0; i < NUMBERS; i++) {
		int fd = (int)syscall(SYS_memfd_create, "original", 1U /* MFD_CLOEXEC */);

		if (fd < 0 || dup3(fd, REFERENCE + i, O_CLOEXEC) < 0)
			give_up("memfd_create: %s", strerror(errno));
		close(fd);
		if (file_of(REFERENCE + i, &originals[i]) < 0)
			give_up("fstat");
		if (i > 0 && originals[i] == originals[i - 1])
			give_up("memfds share an inode");
	}
}

static const char *show(const struct fdpass_pair *pairs, size_t count, unsigned closed)
{
	static char text[PAIRS * 32 + 32];
	size_t i;
	int at = sprintf(text, "closed %#x;", closed);

	for (i = 0; i < count; i++)
		at += sprintf(text + at, " %d>%d", pairs[i].source, pairs[i].target);
	return text;
}

/* Every number begins with its own original, close-on-exec, but those of 0 to 2 in `closed`. */
static void check(const struct fdpass_pair *pairs, size_t count, unsigned closed)
{
	struct fdpass_error error = FDPASS_ERROR_INIT;
	struct fdpass_plan *plan;
	int fd, r;
	size_t i;

	for (fd = 0; fd < NUMBERS; fd++) {
		if (closed >> fd & 1)
			close(fd);
		else if (dup3(REFERENCE + fd, fd, O_CLOEXEC) < 0)
			give_up("dup3: %s", strerror(errno));
	}
	if (fdpass_plan_new(&plan) < 0)
		give_up("plan_new");
	for (i = 0; i < count; i++)
		if (fdpass_plan_add(plan, pairs[i].source, pairs[i].target) < 0)
			give_up("plan_add: %s", show(pairs, count, closed));
	r = fdpass_plan_run(plan, &error);
	if (r != 0)
		give_up("plan_run: %s, %d: %s", strerror(-r), error.fd, show(pairs, count, closed));
	fdpass_plan_free(plan);

	for (fd = 0; fd < CHECKED; fd++) {
		int source = fd < NUMBERS && !(closed >> fd & 1) ? fd : -1, flags = FD_CLOEXEC;
		ino_t inode = 0;

		for (i = 0; i < count; i++)
			if (pairs[i].source == fd)
				source = -1;
		for (i = 0; i < count; i++)
			if (pairs[i].target == fd) {
				source = pairs[i].source;
				flags = 0;
			}
		r = file_of(fd, &inode);
		if (source < 0 && r == 0)
			give_up("%d is open: %s", fd, show(pairs, count, closed));
		if (source >= 0 && (r < 0 || inode != originals[source]))
			give_up("%d is not %d: %s", fd, source, show(pairs, count, closed));
		if (source >= 0 && fcntl(fd, F_GETFD) != flags)
			give_up("%d has the wrong flags: %s", fd, show(pairs, count, closed));
	}
	report->cases++;
}

static void check_with_any_closed(const int *layout, const struct fdpass_pair *labels, size_t count)
{
	static unsigned turn;
	struct fdpass_pair pairs[PAIRS];
	unsigned closed, used = 0, all = layout == layouts[0] && count < PAIRS;
	size_t i;

	for (i = 0; i < count; i++) {
		pairs[i].source = layout[labels[i].source];
		pairs[i].target = layout[labels[i].target];
		if (pairs[i].source < 3)
			used |= 1U << pairs[i].source;
	}
	/* All of them, or, where there are very many mappings, another one each time. */
	if (all)
		for (closed = 0; closed < 8; closed++) {
			if (!(closed & used))
				check(pairs, count, closed);
		}
	else
		check(pairs, count, turn++ & 7 & ~used);
}

/* As in test-order.c: sources that are no targets are as good as each other. */
static void each_source(const int *layout, struct fdpass_pair *labels, size_t count, size_t at,
			int outside)
{
	int source;

	if (at == count) {
		check_with_any_closed(layout, labels, count);
		return;
	}
	for (source = 0; source <= outside && source < NUMBERS; source++) {
		labels[at].source = source;
		each_source(layout, labels, count, at + 1,
			    source == outside ? outside + 1 : outside);
	}
}

static void every_mapping_onto(const int *layout, size_t count)
{
	struct fdpass_pair labels[PAIRS];
	unsigned choice;

	for (choice = 0; choice < 1U << TARGETS; choice++) {
		size_t at = 0;
		int target;

		if ((size_t)__builtin_popcount(choice) != count)
			continue;
		for (target = 0; target < TARGETS; target++)
			if (choice >> target & 1)
				labels[at++].target = target;
		each_source(layout, labels, count, 0, TARGETS);
	}
}

static void every_mapping_of(int count)
{
	make_originals();
	every_mapping_onto(layouts[0], (size_t)count);
	if (count < PAIRS)
		every_mapping_onto(layouts[1], (size_t)count);
	if (report->cases < 42) /* 6 targets, 7 kinds of source: the least there is */
		give_up("only %lu cases", report->cases);
}

START_TEST(every_mapping)
{
	in_child(every_mapping_of, _i);
}
END_TEST

/* -------------------------------------------------------------------------------------- adding -- */

START_TEST(adding)
{
	struct fdpass_plan *plan;

	ck_assert_int_eq(fdpass_plan_new(&plan), 0);
	ck_assert_int_eq(fdpass_plan_highest(plan), -1);
	ck_assert_int_eq(fdpass_plan_add(plan, 5, 9), 0);
	ck_assert_int_eq(fdpass_plan_add(plan, 5, 3), 0);
	ck_assert_int_eq(fdpass_plan_add(plan, 5, 9), -EEXIST);
	ck_assert_int_eq(fdpass_plan_add(plan, 6, 3), -EEXIST);
	ck_assert_int_eq(fdpass_plan_add(plan, -1, 4), -EBADF);
	ck_assert_int_eq(fdpass_plan_add(plan, 4, -1), -EBADF);
	ck_assert_int_eq(fdpass_plan_highest(plan), 9);
	ck_assert_int_eq(fdpass_plan_add(plan, 0, 0), 0);
	ck_assert_int_eq(fdpass_plan_highest(plan), 9);
	ck_assert_ptr_null(fdpass_plan_free(plan));
	ck_assert_ptr_null(fdpass_plan_free(NULL));
}
END_TEST

START_TEST(adding_far_apart)
{
	static const int strides[] = {1, 2, 1024, 4096, 20000};
	int stride = strides[_i], i;
	struct fdpass_plan *plan;

	ck_assert_int_eq(fdpass_plan_new(&plan), 0);
	for (i = 0; i < 100000; i++)
		if (fdpass_plan_add(plan, 3, i * stride) != 0)
			ck_abort_msg("%d", i);
	for (i = 0; i < 100000; i++)
		if (fdpass_plan_add(plan, 3, i * stride) != -EEXIST)
			ck_abort_msg("%d again", i);
	ck_assert_int_eq(fdpass_plan_highest(plan), 99999 * stride);
	fdpass_plan_free(plan);
}
END_TEST

START_TEST(an_empty_plan_does_nothing)
{
	struct fdpass_plan *plan;

	ck_assert_int_eq(fdpass_plan_new(&plan), 0);
	ck_assert_int_eq(fdpass_plan_run(plan, NULL), 0);
	fdpass_plan_free(plan);
}
END_TEST

/* ------------------------------------------------------------------------------------ failures -- */

static int run(const struct fdpass_pair *pairs, size_t count, struct fdpass_error *error)
{
	struct fdpass_plan *plan;
	size_t i;
	int r;

	if (fdpass_plan_new(&plan) < 0)
		give_up("plan_new");
	for (i = 0; i < count; i++)
		if (fdpass_plan_add(plan, pairs[i].source, pairs[i].target) < 0)
			give_up("plan_add");
	r = fdpass_plan_run(plan, error);
	fdpass_plan_free(plan);
	return r;
}

static void expect(const char *what, const struct fdpass_pair *pairs, size_t count, int code,
		   int fd)
{
	struct fdpass_error error = FDPASS_ERROR_INIT;
	int r = run(pairs, count, &error);

	if (r != code || error.code != -code || error.fd != fd || error.step != FDPASS_STEP_PLACE)
		give_up("%s: %d, code %d, fd %d", what, r, error.code, error.fd);
	if (run(pairs, count, NULL) >= 0)
		give_up("%s: worked after all", what);
}

/* A source that is not open is never mistaken for something else. */
static void closed_sources(int unused)
{
	static const struct fdpass_pair onto[] = {{3, 7}};
	static const struct fdpass_pair self[] = {{3, 3}};
	static const struct fdpass_pair chain[] = {{3, 4}, {4, 5}};
	static const struct fdpass_pair cycle[] = {{3, 4}, {4, 3}};
	static const struct fdpass_pair reverse[] = {{4, 3}, {3, 4}};

	(void)unused;
	make_originals();
	expect("onto", onto, 1, -EBADF, 7);
	expect("self", self, 1, -EBADF, 3);
	if (dup3(REFERENCE, 3, O_CLOEXEC) < 0)
		give_up("dup3");
	expect("chain", chain, 2, -EBADF, 5);
	/* 0 to 2 in use, so that the lowest free number is the one that is missing. */
	if (dup2(REFERENCE, 0) < 0 || dup2(REFERENCE, 1) < 0 || dup2(REFERENCE, 2) < 0 ||
	    dup3(REFERENCE, 3, O_CLOEXEC) < 0)
		give_up("dup2");
	close(4);
	expect("cycle", cycle, 2, -EBADF, 4);
	if (dup3(REFERENCE, 3, O_CLOEXEC) < 0)
		give_up("dup3");
	close(4);
	if (run(reverse, 2, NULL) != -EBADF)
		give_up("reverse");
}

START_TEST(a_source_that_is_not_open)
{
	in_child(closed_sources, 0);
}
END_TEST

static void set_limit(rlim_t numbers)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		give_up("getrlimit");
	limit.rlim_cur = numbers;
	if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
		give_up("setrlimit: %s", strerror(errno));
}

static void low_limits(int unused)
{
	static const struct fdpass_pair beyond[] = {{3, 20}};
	static const struct fdpass_pair cycle[] = {{3, 4}, {4, 3}};
	static const struct fdpass_pair cycle_and_more[] = {{3, 4}, {4, 3}, {5, 6}};
	ino_t inode = 0;
	int fd;

	(void)unused;
	make_originals();
	for (fd = 0; fd < 7; fd++)
		if (dup3(REFERENCE + fd, fd, O_CLOEXEC) < 0)
			give_up("dup3");
	/* dup3(2) says EBADF, as if the source were not open. */
	set_limit(20);
	expect("beyond", beyond, 1, -EMFILE, 20);
	/* A cycle needs one more number: there is none; */
	set_limit(7);
	expect("cycle", cycle, 2, -EMFILE, 4);
	/* there is, because a source is not needed any more. */
	if (run(cycle_and_more, 3, NULL) != 0)
		give_up("no use was made of the free number");
	if (file_of(3, &inode) < 0 || inode != originals[4] || file_of(4, &inode) < 0 ||
	    inode != originals[3] || file_of(6, &inode) < 0 || inode != originals[5] ||
	    file_of(5, &inode) != -EBADF)
		give_up("wrong places");
}

START_TEST(a_limit_that_is_too_low)
{
	in_child(low_limits, 0);
}
END_TEST

/* ---------------------------------------------------------------------------------- large plans -- */

enum { MANY = 100000 };

static void large_plan(int unused)
{
	struct rlimit limit = {MANY + 200, MANY + 200}, before;
	int many = MANY, *source_of, i;
	unsigned long long state = 88172645463325252ULL;
	struct fdpass_plan *plan;
	struct timespec start, end;
	ino_t files[NUMBERS];
	double seconds;

	(void)unused;
	/* As many as we may: 100,000 only where a test may raise the limit. */
	if (getrlimit(RLIMIT_NOFILE, &before) < 0)
		give_up("getrlimit");
	if (before.rlim_max > limit.rlim_max)
		limit.rlim_max = before.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit) < 0) {
		limit.rlim_cur = limit.rlim_max = before.rlim_max;
		if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
			give_up("setrlimit: %s", strerror(errno));
		many = (int)limit.rlim_cur - 200;
	}
	make_originals();
	for (i = 0; i < NUMBERS; i++) {
		files[i] = originals[i];
		if (dup3(REFERENCE + i, many + 100 + i, O_CLOEXEC) < 0)
			give_up("dup3: %s", strerror(errno));
	}
	for (i = 0; i < many; i++)
		if (dup3(many + 100 + i % NUMBERS, i, O_CLOEXEC) < 0)
			give_up("dup3: %s", strerror(errno));

	source_of = malloc((size_t)many * sizeof(*source_of));
	if (source_of == NULL || fdpass_plan_new(&plan) < 0)
		give_up("memory");
	for (i = 0; i < many; i++)
		source_of[i] = i;
	for (i = many - 1; i > 0; i--) {
		int other, source = source_of[i];

		state ^= state << 13;
		state ^= state >> 7;
		state ^= state << 17;
		other = (int)(state % (unsigned)(i + 1));
		source_of[i] = source_of[other];
		source_of[other] = source;
	}

	clock_gettime(CLOCK_MONOTONIC, &start);
	for (i = 0; i < many; i++)
		if (fdpass_plan_add(plan, source_of[i], i) < 0)
			give_up("plan_add");
	if (fdpass_plan_run(plan, NULL) < 0)
		give_up("plan_run");
	clock_gettime(CLOCK_MONOTONIC, &end);
	fdpass_plan_free(plan);
	seconds =
		(double)(end.tv_sec - start.tv_sec) + 1e-9 * (double)(end.tv_nsec - start.tv_nsec);
	if (seconds > 5) /* it takes some hundredths; quadratic would be minutes */
		give_up("took %f s", seconds);
	for (i = 0; i < many; i++) {
		ino_t inode = 0;

		if (file_of(i, &inode) < 0 || inode != files[source_of[i] % NUMBERS])
			give_up("wrong place: %d", i);
	}
	if (fdpass_fd_is_open(many))
		give_up("the spare was left open");
	free(source_of);
}

START_TEST(a_large_plan)
{
	in_child(large_plan, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("plan");
	TCase *tcase = descriptors_tcase("plan");
	TCase *exhaustive = descriptors_tcase_tagged("exhaustive");

	tcase_set_timeout(tcase, 60);
	tcase_set_timeout(exhaustive, 60);
	tcase_add_loop_test(exhaustive, every_mapping, 1, PAIRS + 1);
	tcase_add_test(tcase, adding);
	tcase_add_loop_test(tcase, adding_far_apart, 0, 5);
	tcase_add_test(tcase, an_empty_plan_does_nothing);
	tcase_add_test(tcase, a_source_that_is_not_open);
	tcase_add_test(tcase, a_limit_that_is_too_low);
	tcase_add_test(tcase, a_large_plan);
	suite_add_tcase(suite, tcase);
	suite_add_tcase(suite, exhaustive);
	return suite_run(suite);
}
