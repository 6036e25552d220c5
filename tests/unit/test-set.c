/* SPDX-License-Identifier: MIT */
/* The descriptor set: who closes what, and that it never closes anything else. */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/set.h"
#include "descriptors.h"
#include "suite.h"

static int open_null(void)
{
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	return fd;
}

static struct fdpass_set *new_set(void)
{
	struct fdpass_set *set = NULL;

	ck_assert_int_eq(fdpass_set_new(&set), 0);
	ck_assert_ptr_nonnull(set);
	return set;
}

/* Puts /dev/null on `number`. */
static int put(int number)
{
	int fd = open_null();

	if (fd != number) {
		ck_assert_int_eq(dup3(fd, number, O_CLOEXEC), number);
		close(fd);
	}
	return number;
}

START_TEST(an_empty_set)
{
	struct fdpass_set *set = new_set();

	ck_assert_uint_eq(fdpass_set_count(set), 0);
	ck_assert_ptr_null(fdpass_set_numbers(set));
	ck_assert_int_eq(fdpass_set_get(set, 0), -EBADF);
	ck_assert_int_eq(fdpass_set_steal(set, 0), -EBADF);
	ck_assert_int_eq(fdpass_set_take_many(set, NULL, 0), 0);
	fdpass_set_truncate(set, 0);
	fdpass_set_truncate(set, 5);
	ck_assert_uint_eq(fdpass_set_count(set), 0);
	ck_assert_ptr_null(fdpass_set_free(set));
	ck_assert_ptr_null(fdpass_set_free(NULL));
}
END_TEST

START_TEST(what_is_taken_is_closed)
{
	struct fdpass_set *set = new_set();
	int fd = open_null();

	ck_assert_int_eq(fdpass_set_take(set, fd), 0);
	ck_assert_uint_eq(fdpass_set_count(set), 1);
	ck_assert_int_eq(fdpass_set_get(set, 0), fd);
	ck_assert_int_eq(fdpass_set_numbers(set)[0], fd);
	fdpass_set_free(set);
	ck_assert(!fdpass_fd_is_open(fd));
}
END_TEST

START_TEST(what_is_duplicated_stays_with_the_caller)
{
	struct fdpass_set *set = new_set();
	int fd = open_null(), copy;

	ck_assert_int_eq(fdpass_set_dup(set, fd), 0);
	copy = fdpass_set_get(set, 0);
	ck_assert_int_ne(copy, fd);
	ck_assert_int_eq(fcntl(copy, F_GETFD), FD_CLOEXEC);
	fdpass_set_free(set);
	ck_assert(!fdpass_fd_is_open(copy));
	ck_assert(fdpass_fd_is_open(fd));
	close(fd);
}
END_TEST

START_TEST(what_is_borrowed_is_not_closed)
{
	struct fdpass_set *set = new_set();
	int fd = open_null();

	ck_assert_int_eq(fdpass_set_borrow(set, fd), 0);
	ck_assert_int_eq(fdpass_set_borrow(set, fd), 0);
	ck_assert_int_eq(fdpass_set_get(set, 1), fd);
	ck_assert_int_eq(fdpass_set_steal(set, 1), fd);
	fdpass_set_free(set);
	ck_assert(fdpass_fd_is_open(fd));
	close(fd);
}
END_TEST

START_TEST(what_is_not_open_is_refused)
{
	struct fdpass_set *set = new_set();
	int closed = open_null(), many[2];

	many[0] = open_null();
	many[1] = -1;
	close(closed);
	ck_assert_int_eq(fdpass_set_dup(set, closed), -EBADF);
	ck_assert_int_eq(fdpass_set_dup(set, -1), -EBADF);
	ck_assert_int_eq(fdpass_set_borrow(set, closed), -EBADF);
	ck_assert_int_eq(fdpass_set_borrow(set, -1), -EBADF);
	ck_assert_int_eq(fdpass_set_take(set, -1), -EBADF);
	ck_assert_int_eq(fdpass_set_take_many(set, many, 2), -EBADF);
	ck_assert_uint_eq(fdpass_set_count(set), 0);
	fdpass_set_free(set);
	ck_assert(fdpass_fd_is_open(many[0]));
	close(many[0]);
}
END_TEST

START_TEST(a_full_table_is_reported)
{
	struct fdpass_set *set = new_set();
	struct rlimit limit, low;
	int fd = open_null();

	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	low = limit;
	low.rlim_cur = (rlim_t)fd + 1;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &low), 0);
	while (dup(fd) >= 0)
		;
	ck_assert_int_eq(fdpass_set_dup(set, fd), -EMFILE);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	ck_assert_uint_eq(fdpass_set_count(set), 0);
	fdpass_set_free(set);
	close(fd);
}
END_TEST

START_TEST(stealing_leaves_the_place)
{
	struct fdpass_set *set = new_set();
	int fds[3], i;

	for (i = 0; i < 3; i++) {
		fds[i] = open_null();
		ck_assert_int_eq(fdpass_set_take(set, fds[i]), 0);
	}
	ck_assert_int_eq(fdpass_set_steal(set, 1), fds[1]);
	ck_assert_int_eq(fdpass_set_steal(set, 1), -EBADF);
	ck_assert_int_eq(fdpass_set_get(set, 1), -EBADF);
	ck_assert_uint_eq(fdpass_set_count(set), 3);
	ck_assert_int_eq(fdpass_set_get(set, 2), fds[2]);
	ck_assert_int_eq(fdpass_set_get(set, 3), -EBADF);
	fdpass_set_free(set);
	ck_assert(!fdpass_fd_is_open(fds[0]));
	ck_assert(fdpass_fd_is_open(fds[1]));
	ck_assert(!fdpass_fd_is_open(fds[2]));
	close(fds[1]);
}
END_TEST

START_TEST(truncating_closes_the_end)
{
	struct fdpass_set *set = new_set();
	int fds[10], i;

	for (i = 0; i < 10; i++)
		fds[i] = open_null();
	ck_assert_int_eq(fdpass_set_take_many(set, fds, 10), 0);
	fdpass_set_truncate(set, 20);
	fdpass_set_truncate(set, 10);
	ck_assert_uint_eq(fdpass_set_count(set), 10);
	fdpass_set_truncate(set, 4);
	ck_assert_uint_eq(fdpass_set_count(set), 4);
	for (i = 0; i < 10; i++)
		ck_assert_int_eq(fdpass_fd_is_open(fds[i]), i < 4);
	/* What comes after a cut is owned afresh. */
	ck_assert_int_eq(fdpass_set_borrow(set, fds[0]), 0);
	fdpass_set_truncate(set, 4);
	ck_assert(fdpass_fd_is_open(fds[0]));
	fdpass_set_free(set);
}
END_TEST

START_TEST(room_that_was_reserved_is_there)
{
	struct fdpass_set *set = new_set();
	const int *numbers;
	int i;

	ck_assert_int_eq(fdpass_set_reserve(set, 0), 0);
	ck_assert_int_eq(fdpass_set_reserve(set, FDPASS_MESSAGE_MAX), 0);
	for (i = 0; i < FDPASS_MESSAGE_MAX; i++) {
		ck_assert_int_eq(fdpass_set_take(set, open_null()), 0);
		if (i == 0)
			numbers = fdpass_set_numbers(set);
		ck_assert_ptr_eq(fdpass_set_numbers(set), numbers);
	}
	ck_assert_int_eq(fdpass_set_reserve(set, FDPASS_HANDOVER_MAX), -EMFILE);
	ck_assert_int_eq(fdpass_set_reserve(set, SIZE_MAX), -EMFILE);
	fdpass_set_free(set);
}
END_TEST

START_TEST(more_than_a_handover_is_refused)
{
	struct fdpass_set *set = new_set();
	int fd = open_null(), i;

	for (i = 0; i < FDPASS_HANDOVER_MAX; i++)
		if (fdpass_set_borrow(set, fd) < 0)
			ck_abort_msg("refused after %d", i);
	ck_assert_int_eq(fdpass_set_borrow(set, fd), -EMFILE);
	ck_assert_int_eq(fdpass_set_take(set, fd), -EMFILE);
	ck_assert_int_eq(fdpass_set_dup(set, fd), -EMFILE);
	ck_assert_int_eq(fdpass_set_take_many(set, &fd, 1), -EMFILE);
	fdpass_set_free(set);
	ck_assert(fdpass_fd_is_open(fd));
	close(fd);
}
END_TEST

START_TEST(ten_thousand)
{
	enum { MANY = 10000 };
	struct fdpass_set *set = new_set();
	struct rlimit limit;
	int fd = open_null(), *numbers, i;

	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = MANY + 100;
	if (limit.rlim_max < limit.rlim_cur)
		limit.rlim_max = limit.rlim_cur;
	if (setrlimit(RLIMIT_NOFILE, &limit) < 0) {
		close(fd); /* not root, and a hard limit that is lower: nothing to see here */
		fdpass_set_free(set);
		return;
	}
	for (i = 0; i < MANY; i++)
		ck_assert_int_eq(fdpass_set_dup(set, fd), 0);
	ck_assert_uint_eq(fdpass_set_count(set), MANY);
	numbers = malloc(MANY * sizeof(*numbers));
	ck_assert_ptr_nonnull(numbers);
	memcpy(numbers, fdpass_set_numbers(set), MANY * sizeof(*numbers));
	fdpass_set_free(set);
	for (i = 0; i < MANY; i++)
		if (fdpass_fd_is_open(numbers[i]))
			ck_abort_msg("descriptor %d is still open", numbers[i]);
	free(numbers);
	ck_assert(fdpass_fd_is_open(fd));
	close(fd);
}
END_TEST

/* Every way in which seven neighbouring numbers can be in the set or not, in either order: owned,
 * borrowed, or stolen back in between. What is not owned has to survive. */
START_TEST(runs_end_where_ownership_ends)
{
	enum { N = 7, BASE = 60, STATES = 2187 /* 3 to the Nth */ };
	int code, reverse, i;

	for (code = 0; code < STATES; code++) {
		for (reverse = 0; reverse < 2; reverse++) {
			struct fdpass_set *set = new_set();
			int state[N], rest = code;

			put(BASE - 1);
			put(BASE + N);
			for (i = 0; i < N; i++) {
				int number = reverse ? BASE + N - 1 - i : BASE + i;

				put(number);
				state[number - BASE] = rest % 3;
				rest /= 3;
				if (state[number - BASE] == 1)
					ck_assert_int_eq(fdpass_set_borrow(set, number), 0);
				else
					ck_assert_int_eq(fdpass_set_take(set, number), 0);
				if (state[number - BASE] == 2)
					ck_assert_int_eq(fdpass_set_steal(set, (size_t)i), number);
			}
			fdpass_set_free(set);
			for (i = 0; i < N; i++)
				ck_assert_int_eq(fdpass_fd_is_open(BASE + i), state[i] != 0);
			for (i = -1; i <= N; i++)
				fdpass_fd_close(BASE + i);
		}
	}
}
END_TEST

START_TEST(gaps_are_not_closed)
{
	struct fdpass_set *set = new_set();
	int numbers[] = {70, 71, 73, 74, 72, 76, 75}, i;

	for (i = 70; i <= 77; i++)
		put(i);
	for (i = 0; i < 4; i++)
		ck_assert_int_eq(fdpass_set_take(set, numbers[i]), 0);
	fdpass_set_truncate(set, 0);
	for (i = 70; i <= 77; i++)
		ck_assert_int_eq(fdpass_fd_is_open(i), i == 72 || i > 74);
	ck_assert_int_eq(fdpass_set_take_many(set, numbers + 4, 3), 0);
	errno = ENOTTY;
	fdpass_set_free(set);
	ck_assert_int_eq(errno, ENOTTY);
	ck_assert(fdpass_fd_is_open(77));
	close(77);
}
END_TEST

#ifdef SYS_close_range
/* A kernel before 5.9 says ENOSYS, a container's filter that does not know the call EPERM. */
START_TEST(without_close_range)
{
	static const unsigned codes[] = {ENOSYS, EPERM};
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_close_range, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | codes[_i]),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {4, filter};
	struct fdpass_set *set = new_set();
	int i;

	ck_assert_int_eq(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0)
		ck_assert_int_lt((int)syscall(SYS_close_range, 1000U, 1000U, 0U), 0);
	for (i = 80; i < 90; i++) {
		put(i);
		if (i > 80 && i < 89)
			ck_assert_int_eq(fdpass_set_take(set, i), 0);
	}
	errno = ENOTTY;
	fdpass_set_free(set);
	ck_assert_int_eq(errno, ENOTTY);
	for (i = 81; i < 89; i++)
		ck_assert(!fdpass_fd_is_open(i));
	ck_assert(fdpass_fd_is_open(80) && fdpass_fd_is_open(89));
	close(80);
	close(89);
}
END_TEST
#endif

START_TEST(names)
{
	struct fdpass_set *set = new_set();
	char longest[FDPASS_NAME_MAX + 2];
	int i;

	memset(longest, 'x', sizeof(longest));
	longest[FDPASS_NAME_MAX] = '\0';
	ck_assert_ptr_null(fdpass_set_name(set, 0));
	ck_assert_int_eq(fdpass_set_rename(set, 0, "early"), -EBADF);
	/* More than there is room for at first. */
	for (i = 0; i < 40; i++) {
		ck_assert_int_eq(fdpass_set_take(set, open_null()), 0);
		ck_assert_ptr_null(fdpass_set_name(set, (size_t)i));
		if (i % 3 == 0)
			ck_assert_int_eq(fdpass_set_rename(set, (size_t)i, "third"), 0);
	}
	for (i = 0; i < 40; i++) {
		if (i % 3 == 0)
			ck_assert_str_eq(fdpass_set_name(set, (size_t)i), "third");
		else
			ck_assert_ptr_null(fdpass_set_name(set, (size_t)i));
	}
	ck_assert_int_eq(fdpass_set_rename(set, 0, longest), 0);
	ck_assert_str_eq(fdpass_set_name(set, 0), longest);
	ck_assert_int_eq(fdpass_set_rename(set, 3, NULL), 0);
	ck_assert_int_eq(fdpass_set_rename(set, 4, NULL), 0);
	ck_assert_ptr_null(fdpass_set_name(set, 3));
	/* It goes with the place. */
	fdpass_fd_close(fdpass_set_steal(set, 6));
	ck_assert_str_eq(fdpass_set_name(set, 6), "third");
	fdpass_set_truncate(set, 6);
	ck_assert_ptr_null(fdpass_set_name(set, 6));
	ck_assert_int_eq(fdpass_set_take(set, open_null()), 0);
	ck_assert_ptr_null(fdpass_set_name(set, 6));
	ck_assert_int_eq(fdpass_set_rename(set, 6, "again"), 0);
	fdpass_set_discard(set, 6);
	ck_assert_int_eq(fdpass_set_take(set, open_null()), 0);
	ck_assert_ptr_null(fdpass_set_name(set, 6));
	fdpass_set_free(set);
}
END_TEST

START_TEST(what_is_no_name)
{
	static const char *const bad[] = {"", ":", "a:b", "a\tb", "\n", "\x7f", "\x80", "\xc3\xa4"};
	struct fdpass_set *set = new_set();
	char longer[FDPASS_NAME_MAX + 2];

	memset(longer, 'x', sizeof(longer));
	longer[FDPASS_NAME_MAX + 1] = '\0';
	ck_assert_int_eq(fdpass_set_take(set, open_null()), 0);
	ck_assert_int_eq(fdpass_set_rename(set, 0, "kept"), 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		ck_assert_int_eq(fdpass_name_check(bad[i]), -EINVAL);
		ck_assert_int_eq(fdpass_set_rename(set, 0, bad[i]), -EINVAL);
	}
	ck_assert_int_eq(fdpass_set_rename(set, 0, longer), -EINVAL);
	ck_assert_str_eq(fdpass_set_name(set, 0), "kept");
	ck_assert_int_eq(fdpass_name_check(" ~!=;,/\\"), 0);
	ck_assert_int_eq(fdpass_name_check(longer + 1), 0);
	fdpass_set_free(set);
}
END_TEST

START_TEST(zero_is_a_descriptor_like_any_other)
{
	struct fdpass_set *set = new_set();
	int kept = fcntl(0, F_DUPFD_CLOEXEC, 10);

	if (kept >= 0) {
		ck_assert_int_eq(fdpass_set_take(set, 0), 0);
		fdpass_set_truncate(set, 0);
		ck_assert(!fdpass_fd_is_open(0));
		ck_assert_int_eq(dup2(kept, 0), 0);
		close(kept);
	}
	fdpass_set_free(set);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("set");
	TCase *tcase = descriptors_tcase("set");

	tcase_set_timeout(tcase, 30);
	tcase_add_test(tcase, an_empty_set);
	tcase_add_test(tcase, what_is_taken_is_closed);
	tcase_add_test(tcase, what_is_duplicated_stays_with_the_caller);
	tcase_add_test(tcase, what_is_borrowed_is_not_closed);
	tcase_add_test(tcase, what_is_not_open_is_refused);
	tcase_add_test(tcase, a_full_table_is_reported);
	tcase_add_test(tcase, stealing_leaves_the_place);
	tcase_add_test(tcase, truncating_closes_the_end);
	tcase_add_test(tcase, room_that_was_reserved_is_there);
	tcase_add_test(tcase, more_than_a_handover_is_refused);
	tcase_add_test(tcase, ten_thousand);
	tcase_add_test(tcase, runs_end_where_ownership_ends);
	tcase_add_test(tcase, gaps_are_not_closed);
#ifdef SYS_close_range
	tcase_add_loop_test(tcase, without_close_range, 0, 2);
#endif
	tcase_add_test(tcase, names);
	tcase_add_test(tcase, what_is_no_name);
	tcase_add_test(tcase, zero_is_a_descriptor_like_any_other);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
