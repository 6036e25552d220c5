/* SPDX-License-Identifier: MIT */
/* A receiver in a program that has forked: the child has a copy of everything, so that what is closed here stays
 * open, and in the epoll set unless it was taken out. */
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "callers.h"
#include "descriptors.h"
#include "raw.h"
#include "receiving.h"
#include "scratch.h"
#include "suite.h"

static struct receiving receiving;
static int callers[FDPASS_CALLERS_MAX + 1];
static int leash[2];

/* Keeps the receiver's ends, and not the callers', until the test lets go. */
static void keep(void *context)
{
	char byte = 0;

	(void)context;
	fdpass_fd_close(leash[0]);
	for (int i = 0; i < FDPASS_CALLERS_MAX + 1; i++)
		fdpass_fd_close(callers[i]);
	raw_check(write(leash[1], &byte, 1) == 1);
	raw_check(read(leash[1], &byte, 1) == 0);
}

static pid_t fork_keeper(void)
{
	pid_t child;
	char byte;

	raw_pair(leash);
	child = raw_fork(keep, NULL);
	fdpass_fd_close(leash[1]);
	ck_assert_int_eq(raw_read(leash[0], &byte, 1), 1);
	return child;
}

static void let_go(pid_t child)
{
	fdpass_fd_close(leash[0]);
	raw_join(child);
}

static void begin(int listeners)
{
	for (int i = 0; i < FDPASS_CALLERS_MAX + 1; i++)
		callers[i] = FD_NONE;
	receiving_begin(&receiving, NULL, listeners);
}

/* Everything was seen to: an event loop has nothing to wake up for. */
static void assert_quiet(void)
{
	struct pollfd polled = {.fd = fdpass_receiver_fd(receiving.receiver), .events = POLLIN};

	receiving_idle(&receiving);
	ck_assert_int_eq(poll(&polled, 1, 0), 0);
}

START_TEST(who_was_crowded_out_is_forgotten)
{
	pid_t child;

	begin(1);
	callers_connect(callers, 0, FDPASS_CALLERS_MAX);
	receiving_idle(&receiving);
	child = fork_keeper();
	callers_connect(callers, FDPASS_CALLERS_MAX, FDPASS_CALLERS_MAX + 1);
	receiving_idle(&receiving);
	ck_assert_int_eq(receiving.events[FDPASS_EVENT_CROWDED_OUT], 1);
	for (int i = 0; i < FDPASS_CALLERS_MAX + 1; i++)
		fdpass_fd_close(callers[i]);
	assert_quiet();
	ck_assert_int_eq(receiving.events[FDPASS_EVENT_DISCONNECTED], FDPASS_CALLERS_MAX);
	let_go(child);
	callers_end(&receiving, NULL, 0);
}
END_TEST

/* Of whichever of the two, with a caller that was met and one that was not. */
START_TEST(a_listener_that_was_dropped_is_forgotten)
{
	pid_t child;

	begin(2);
	callers_connect(callers, 0, 1);
	receiving_idle(&receiving);
	callers_connect(callers, 1, 2);
	child = fork_keeper();
	fdpass_receiver_drop(receiving.receiver, _i);
	for (int i = 0; i < 2; i++)
		fdpass_fd_close(callers[i]);
	assert_quiet();
	let_go(child);
	callers_end(&receiving, NULL, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("receiver-forked");
	TCase *tcase = descriptors_tcase("receiver-forked");

	scratch_add(tcase);
	tcase_add_test(tcase, who_was_crowded_out_is_forgotten);
	tcase_add_loop_test(tcase, a_listener_that_was_dropped_is_forgotten, 0, 2);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
