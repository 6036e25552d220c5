/* SPDX-License-Identifier: MIT */
/* The lock of a directory: exclusive, bounded, cancellable. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/deadline.h"
#include "base/fd.h"
#include "descriptors.h"
#include "raw.h"
#include "scratch.h"
#include "sockfile/lock.h"
#include "suite.h"

static int open_here(int flags)
{
	int fd = open(".", flags | O_DIRECTORY | O_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	return fd;
}

START_TEST(one_has_it_at_a_time)
{
	int a = open_here(O_RDONLY), b = open_here(O_RDONLY);

	ck_assert_int_eq(fdpass_lock_try(a), 0);
	ck_assert_int_eq(fdpass_lock_try(b), -EWOULDBLOCK);
	ck_assert_int_eq(fdpass_lock_try(a), 0);
	fdpass_lock_release(a);
	ck_assert_int_eq(fdpass_lock_try(b), 0);
	ck_assert_int_eq(fdpass_lock_try(a), -EWOULDBLOCK);
	/* It ends with its descriptor. */
	close(b);
	ck_assert_int_eq(fdpass_lock_wait(a, NULL, 0), 0);
	close(a);
}
END_TEST

START_TEST(what_cannot_be_locked)
{
	int fd = open_here(O_PATH);

	ck_assert_int_eq(fdpass_lock_try(fd), -EBADF);
	ck_assert_int_eq(fdpass_lock_wait(fd, NULL, LOCK_WAIT_MAX), -EBADF);
	ck_assert_int_eq(fdpass_lock_try(FD_NONE), -EBADF);
	close(fd);
}
END_TEST

START_TEST(reading_is_enough)
{
	int fd;

	ck_assert_int_eq(chmod(".", 0555), 0);
	fd = open_here(O_RDONLY);
	ck_assert_int_eq(fdpass_lock_try(fd), 0);
	close(fd);
	ck_assert_int_eq(chmod(".", 0700), 0);
}
END_TEST

START_TEST(a_wait_is_bounded)
{
	struct fdpass_wait wait = FDPASS_WAIT_INIT;
	int a = open_here(O_RDONLY), b = open_here(O_RDONLY);
	int64_t begun = raw_now_ms(), used = raw_cpu_ms();

	ck_assert_int_eq(fdpass_lock_try(a), 0);
	ck_assert_int_eq(fdpass_lock_wait(b, NULL, 0), -EWOULDBLOCK);
	ck_assert_int_eq(fdpass_lock_wait(b, NULL, 60 * NSEC_PER_MSEC), -EWOULDBLOCK);
	ck_assert_int_ge(raw_now_ms() - begun, 59);
	ck_assert_int_eq(fdpass_lock_wait(b, &wait, 1), -EWOULDBLOCK);
	/* The caller's deadline, when it is the earlier one. */
	wait.deadline = fdpass_deadline_in(10 * NSEC_PER_MSEC);
	ck_assert_int_eq(fdpass_lock_wait(b, &wait, 60 * NSEC_PER_SEC), -ETIMEDOUT);
	ck_assert_int_eq(fdpass_lock_wait(b, &wait, 60 * NSEC_PER_SEC), -ETIMEDOUT);
	ck_assert_int_lt(raw_now_ms() - begun, 2000);
	ck_assert_int_lt(raw_cpu_ms() - used, 50);
	close(a);
	close(b);
}
END_TEST

START_TEST(a_wait_can_be_cancelled)
{
	struct fdpass_wait wait = FDPASS_WAIT_INIT;
	int a = open_here(O_RDONLY), b = open_here(O_RDONLY), fds[2];

	ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
	close(fds[1]);
	wait.cancel_fd = fds[0];
	ck_assert_int_eq(fdpass_lock_try(a), 0);
	ck_assert_int_eq(fdpass_lock_wait(b, &wait, 60 * NSEC_PER_SEC), -ECANCELED);
	close(fds[0]);
	close(a);
	close(b);
}
END_TEST

static int held;

static void let_go(int signal)
{
	(void)signal;
	close(held);
}

START_TEST(a_lock_that_becomes_free_is_taken)
{
	struct sigaction action = {.sa_handler = let_go};
	struct itimerval timer = {{0, 0}, {0, 20000}};
	int fd = open_here(O_RDONLY);

	held = open_here(O_RDONLY);
	ck_assert_int_eq(fdpass_lock_try(held), 0);
	ck_assert_int_eq(sigaction(SIGALRM, &action, NULL), 0);
	ck_assert_int_eq(setitimer(ITIMER_REAL, &timer, NULL), 0);
	ck_assert_int_eq(fdpass_lock_wait(fd, NULL, LOCK_WAIT_MAX), 0);
	close(fd);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("lock");
	TCase *tcase = descriptors_tcase("lock");

	scratch_add(tcase);
	tcase_add_test(tcase, one_has_it_at_a_time);
	tcase_add_test(tcase, what_cannot_be_locked);
	tcase_add_test(tcase, reading_is_enough);
	tcase_add_test(tcase, a_wait_is_bounded);
	tcase_add_test(tcase, a_wait_can_be_cancelled);
	tcase_add_test(tcase, a_lock_that_becomes_free_is_taken);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
