/* SPDX-License-Identifier: MIT */
/* What ends a wait, and which of several things does. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include "base/deadline.h"
#include "base/fd.h"
#include "base/wait.h"
#include "descriptors.h"
#include "suite.h"

static int ready[2];  /* a pipe with a byte in it */
static int silent[2]; /* one without */

static void open_pipes(void)
{
	ck_assert_int_eq(pipe2(ready, O_CLOEXEC), 0);
	ck_assert_int_eq(pipe2(silent, O_CLOEXEC), 0);
	ck_assert_int_eq((int)write(ready[1], "x", 1), 1);
}

static void close_pipes(void)
{
	for (int i = 0; i < 2; i++) {
		close(ready[i]);
		close(silent[i]);
	}
}

static struct fdpass_wait wait_with(int cancel_fd, int64_t deadline)
{
	struct fdpass_wait wait = FDPASS_WAIT_INIT;

	wait.cancel_fd = cancel_fd;
	wait.deadline = deadline;
	return wait;
}

START_TEST(a_ready_descriptor_ends_it)
{
	struct fdpass_wait wait = wait_with(silent[0], fdpass_deadline_in(-1));

	ck_assert_int_eq(fdpass_wait_for(NULL, ready[0], POLLIN, FDPASS_NO_DEADLINE), 1);
	/* Also one that is ready just when the time is over. */
	ck_assert_int_eq(fdpass_wait_for(&wait, ready[0], POLLIN, FDPASS_NO_DEADLINE), 1);
}
END_TEST

START_TEST(the_deadline_ends_it)
{
	struct fdpass_wait wait = wait_with(FD_NONE, fdpass_deadline_in(NSEC_PER_MSEC));

	ck_assert_int_eq(fdpass_wait_for(&wait, silent[0], POLLIN, FDPASS_NO_DEADLINE), -ETIMEDOUT);
	/* It wins over a pause that ends then, too. */
	ck_assert_int_eq(fdpass_wait_for(&wait, silent[0], POLLIN, fdpass_deadline_in(0)),
			 -ETIMEDOUT);
}
END_TEST

START_TEST(a_pause_ends_it)
{
	struct fdpass_wait wait = wait_with(FD_NONE, fdpass_deadline_in(1000 * NSEC_PER_SEC));

	ck_assert_int_eq(fdpass_wait_for(&wait, silent[0], POLLIN, fdpass_deadline_in(1)), 0);
	ck_assert_int_eq(fdpass_wait_for(NULL, FD_NONE, 0, fdpass_deadline_in(NSEC_PER_MSEC)), 0);
}
END_TEST

START_TEST(cancelling_wins)
{
	struct fdpass_wait wait = wait_with(ready[0], fdpass_deadline_in(-1));

	ck_assert_int_eq(fdpass_wait_for(&wait, ready[0], POLLIN, fdpass_deadline_in(-1)),
			 -ECANCELED);
	ck_assert_int_eq(fdpass_wait_for(&wait, FD_NONE, 0, FDPASS_NO_DEADLINE), -ECANCELED);
}
END_TEST

/* For loops that always have something to do. */
START_TEST(it_can_be_over_without_waiting)
{
	struct fdpass_wait wait = wait_with(silent[0], FDPASS_NO_DEADLINE);

	ck_assert_int_eq(fdpass_wait_over(NULL), 0);
	ck_assert_int_eq(fdpass_wait_over(&wait), 0);
	wait.deadline = fdpass_deadline_in(1000 * NSEC_PER_SEC);
	ck_assert_int_eq(fdpass_wait_over(&wait), 0);
	wait.deadline = fdpass_deadline_in(0);
	ck_assert_int_eq(fdpass_wait_over(&wait), -ETIMEDOUT);
	wait.cancel_fd = ready[0];
	ck_assert_int_eq(fdpass_wait_over(&wait), -ECANCELED);
	wait.deadline = FDPASS_NO_DEADLINE;
	ck_assert_int_eq(fdpass_wait_over(&wait), -ECANCELED);
	wait.cancel_fd = FD_NONE;
	ck_assert_int_eq(fdpass_wait_over(&wait), 0);
}
END_TEST

START_TEST(pauses_grow_to_a_bound)
{
	struct fdpass_pause pause = {.first = NSEC_PER_SEC, .most = 5 * NSEC_PER_SEC};
	static const int64_t seconds[] = {1, 2, 4, 5, 5};

	for (size_t i = 0; i < sizeof(seconds) / sizeof(*seconds); i++) {
		int64_t before = fdpass_deadline_now();
		int64_t end = fdpass_pause_next(&pause);

		ck_assert_int_ge(end - before, seconds[i] * NSEC_PER_SEC);
		ck_assert_int_le(end, fdpass_deadline_in(seconds[i] * NSEC_PER_SEC));
	}
	pause_restart(&pause);
	ck_assert_int_le(fdpass_pause_next(&pause), fdpass_deadline_in(NSEC_PER_SEC));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("wait");
	TCase *tcase = descriptors_tcase("wait");

	tcase_add_checked_fixture(tcase, open_pipes, close_pipes);
	tcase_add_test(tcase, a_ready_descriptor_ends_it);
	tcase_add_test(tcase, the_deadline_ends_it);
	tcase_add_test(tcase, a_pause_ends_it);
	tcase_add_test(tcase, cancelling_wins);
	tcase_add_test(tcase, it_can_be_over_without_waiting);
	tcase_add_test(tcase, pauses_grow_to_a_bound);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
