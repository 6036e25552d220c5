/* SPDX-License-Identifier: MIT */
/* Waiting amid signals: handlers without SA_RESTART neither lengthen nor end it. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/deadline.h"
#include "base/fd.h"
#include "base/wait.h"
#include "descriptors.h"
#include "raw.h"
#include "suite.h"

#define FOREVER FDPASS_NO_DEADLINE

static int ready[2], idle[2];

static void open_pipes(void)
{
	ck_assert_int_eq(pipe2(ready, O_CLOEXEC), 0);
	ck_assert_int_eq(pipe2(idle, O_CLOEXEC), 0);
	ck_assert_int_eq(write(ready[1], "x", 1), 1);
}

static void close_pipes(void)
{
	for (int i = 0; i < 2; i++) {
		fdpass_fd_close(ready[i]);
		fdpass_fd_close(idle[i]);
	}
}

static int64_t in_ms(int64_t milliseconds)
{
	return fdpass_deadline_in(milliseconds * NSEC_PER_MSEC);
}

/* What is there is seen, however long ago the deadline was. */
START_TEST(a_passed_deadline_still_looks)
{
	static const int64_t past[] = {0, 1, -1, INT64_MIN};
	struct fdpass_wait wait = {past[_i], -1};

	ck_assert_int_eq(fdpass_wait_for(&wait, ready[0], POLLIN, FOREVER), 1);
	ck_assert_int_eq(fdpass_wait_for(&wait, idle[0], POLLIN, FOREVER), -ETIMEDOUT);
	ck_assert_int_eq(fdpass_wait_for(&wait, FD_NONE, 0, FOREVER), -ETIMEDOUT);
	wait.deadline = FDPASS_NO_DEADLINE;
	ck_assert_int_eq(fdpass_wait_for(&wait, idle[0], POLLIN, past[_i]), 0);
}
END_TEST

static volatile sig_atomic_t ticks;

static void tick(int signal)
{
	(void)signal;
	ticks++;
	if (ticks == 10)
		(void)!write(idle[1], "x", 1);
}

/* A signal every millisecond, whose handler asks for no restart. */
static void start_ticking(void)
{
	struct sigaction action = {.sa_handler = tick};
	struct itimerval timer = {{0, 1000}, {0, 1000}};

	ticks = 0;
	ck_assert_int_eq(sigaction(SIGALRM, &action, NULL), 0);
	ck_assert_int_eq(setitimer(ITIMER_REAL, &timer, NULL), 0);
}

static void stop_ticking(void)
{
	struct itimerval timer = {{0, 0}, {0, 0}};

	setitimer(ITIMER_REAL, &timer, NULL);
}

START_TEST(signals_neither_end_nor_lengthen_it)
{
	struct fdpass_wait wait = {in_ms(50), -1};
	int64_t begun = raw_now_ms();
	int r;

	start_ticking();
	r = fdpass_wait_for(&wait, ready[0], POLLERR, FOREVER);
	stop_ticking();
	ck_assert_int_eq(r, -ETIMEDOUT);
	ck_assert_int_gt(ticks, 0);
	ck_assert_int_ge(raw_now_ms() - begun, 49);
	ck_assert_int_lt(raw_now_ms() - begun, 2000);
}
END_TEST

START_TEST(a_handler_can_cancel)
{
	struct fdpass_wait wait = {FDPASS_NO_DEADLINE, idle[0]};
	int r;

	start_ticking();
	r = fdpass_wait_for(&wait, FD_NONE, 0, FOREVER);
	stop_ticking();
	ck_assert_int_eq(r, -ECANCELED);
	ck_assert_int_ge(ticks, 10);
}
END_TEST

START_TEST(the_public_wait_is_the_same)
{
	struct fdpass_wait wait = {0, -1};

	ck_assert_int_eq(fdpass_poll(ready[0], POLLIN, NULL), 1);
	ck_assert_int_eq(fdpass_poll(ready[0], POLLIN, &wait), 1);
	ck_assert_int_eq(fdpass_poll(idle[0], POLLIN, &wait), -ETIMEDOUT);
	wait.cancel_fd = ready[0];
	ck_assert_int_eq(fdpass_poll(ready[0], POLLIN, &wait), -ECANCELED);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("wait-signal");
	TCase *tcase = descriptors_tcase("wait-signal");

	tcase_add_checked_fixture(tcase, open_pipes, close_pipes);
	tcase_add_loop_test(tcase, a_passed_deadline_still_looks, 0, 4);
	tcase_add_test(tcase, signals_neither_end_nor_lengthen_it);
	tcase_add_test(tcase, a_handler_can_cancel);
	tcase_add_test(tcase, the_public_wait_is_the_same);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
