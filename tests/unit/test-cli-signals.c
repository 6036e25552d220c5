/* SPDX-License-Identifier: MIT */
/* Signals as a descriptor: none lost, none taken that is not ours, nothing changed for the command. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/signals.h"
#include "lacking.h"
#include "suite.h"

/* What the header promises, and the page's list of it. */
static const int caught[] = {SIGHUP,   SIGINT,  SIGQUIT,   SIGPIPE, SIGALRM, SIGTERM, SIGUSR1,
			     SIGUSR2,  SIGXCPU, SIGVTALRM, SIGPROF, SIGXFSZ, SIGIO,   SIGPWR,
#ifdef SIGSTKFLT
			     SIGSTKFLT
#endif
};

static const int not_caught[] = {SIGCHLD, SIGCONT, SIGTSTP, SIGTTIN, SIGTTOU, SIGWINCH, SIGURG,
				 SIGSEGV, SIGBUS,  SIGFPE,  SIGILL,  SIGABRT, SIGTRAP,  SIGSYS};

/* A fresh process as a shell would start it; Check has handlers of its own. */
static void start_fresh(void)
{
	sigset_t none;

	for (size_t i = 0; i < sizeof caught / sizeof caught[0]; i++)
		ck_assert(signal(caught[i], SIG_DFL) != SIG_ERR);
	sigemptyset(&none);
	ck_assert_int_eq(sigprocmask(SIG_SETMASK, &none, NULL), 0);
}

static int readable(int fd)
{
	struct pollfd poll_fd = {.fd = fd, .events = POLLIN};

	return poll(&poll_fd, 1, 0);
}

static int is_blocked(int number)
{
	sigset_t mask;

	ck_assert_int_eq(sigprocmask(SIG_SETMASK, NULL, &mask), 0);
	return sigismember(&mask, number);
}

static int is_pending(int number)
{
	sigset_t pending;

	ck_assert_int_eq(sigpending(&pending), 0);
	return sigismember(&pending, number);
}

START_TEST(signal_before_the_wait_is_seen)
{
	ck_assert_int_eq(cli_signals_block(), 0);
	ck_assert_int_eq(readable(cli_signals_fd()), 0);
	ck_assert_int_eq(cli_signals_caught(), 0);

	ck_assert_int_eq(raise(caught[_i]), 0);
	ck_assert_int_eq(readable(cli_signals_fd()), 1);
	ck_assert_int_eq(cli_signals_caught(), caught[_i]);

	ck_assert_int_eq(readable(cli_signals_fd()), 0);
	ck_assert_int_eq(cli_signals_caught(), 0);
}
END_TEST

START_TEST(several_signals_come_one_by_one)
{
	int sum = 0;

	ck_assert_int_eq(cli_signals_block(), 0);
	raise(SIGTERM);
	raise(SIGHUP);
	raise(SIGTERM);
	sum += cli_signals_caught();
	ck_assert_int_eq(readable(cli_signals_fd()), 1);
	sum += cli_signals_caught();
	ck_assert_int_eq(sum, SIGTERM + SIGHUP);
	ck_assert_int_eq(cli_signals_caught(), 0);
}
END_TEST

START_TEST(other_signals_are_left_alone)
{
	ck_assert_int_eq(cli_signals_block(), 0);
	ck_assert_int_eq(is_blocked(not_caught[_i]), 0);
}
END_TEST

START_TEST(ignored_stays_ignored)
{
	struct sigaction action;

	ck_assert(signal(SIGHUP, SIG_IGN) != SIG_ERR);
	ck_assert_int_eq(cli_signals_block(), 0);
	ck_assert_int_eq(is_blocked(SIGHUP), 0);
	ck_assert_int_eq(is_blocked(SIGTERM), 1);
	ck_assert_int_eq(raise(SIGHUP), 0);
	ck_assert_int_eq(is_pending(SIGHUP), 0);
	ck_assert_int_eq(readable(cli_signals_fd()), 0);
	ck_assert_int_eq(cli_signals_caught(), 0);
	ck_assert_int_eq(sigaction(SIGHUP, NULL, &action), 0);
	ck_assert(action.sa_handler == SIG_IGN);
	ck_assert_int_eq(cli_signals_restore(), 0);
	ck_assert_int_eq(raise(SIGHUP), 0);
}
END_TEST

START_TEST(inherited_mask_is_kept)
{
	sigset_t inherited, mask;

	sigemptyset(&inherited);
	sigaddset(&inherited, SIGUSR1);
	sigaddset(&inherited, SIGCHLD);
	ck_assert_int_eq(sigprocmask(SIG_SETMASK, &inherited, NULL), 0);
	ck_assert_int_eq(cli_signals_block(), 0);

	/* What the caller blocked is the command's, and stays pending for it. */
	ck_assert_int_eq(raise(SIGUSR1), 0);
	ck_assert_int_eq(readable(cli_signals_fd()), 0);
	ck_assert_int_eq(cli_signals_caught(), 0);
	ck_assert_int_eq(cli_signals_restore(), 0);
	ck_assert_int_eq(is_pending(SIGUSR1), 1);

	ck_assert_int_eq(sigprocmask(SIG_SETMASK, NULL, &mask), 0);
	for (int number = 1; number < NSIG; number++)
		ck_assert_int_eq(sigismember(&mask, number), sigismember(&inherited, number));
}
END_TEST

START_TEST(no_disposition_changes)
{
	ck_assert(signal(SIGINT, SIG_IGN) != SIG_ERR);
	ck_assert_int_eq(cli_signals_block(), 0);
	ck_assert_int_eq(cli_signals_restore(), 0);
	for (size_t i = 0; i < sizeof caught / sizeof caught[0]; i++) {
		struct sigaction action;

		ck_assert_int_eq(sigaction(caught[i], NULL, &action), 0);
		ck_assert(action.sa_handler == (caught[i] == SIGINT ? SIG_IGN : SIG_DFL));
	}
}
END_TEST

START_TEST(descriptor_is_close_on_exec_and_movable)
{
	int before, fd;

	ck_assert_int_eq(cli_signals_fd(), -1);
	ck_assert_int_eq(cli_signals_move(100), 0);
	ck_assert_int_eq(cli_signals_block(), 0);
	before = cli_signals_fd();
	ck_assert_int_ge(before, 0);
	ck_assert_int_eq(fcntl(before, F_GETFD), FD_CLOEXEC);
	ck_assert_int_eq(cli_signals_move(before), 0);
	ck_assert_int_eq(cli_signals_fd(), before);

	raise(SIGTERM);
	ck_assert_int_eq(cli_signals_move(100), 0);
	fd = cli_signals_fd();
	ck_assert_int_ge(fd, 100);
	ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
	ck_assert_int_eq(fcntl(before, F_GETFD), -1);
	ck_assert_int_eq(readable(fd), 1);
	ck_assert_int_eq(cli_signals_caught(), SIGTERM);
}
END_TEST

START_TEST(failed_move_changes_nothing)
{
	int before;

	ck_assert_int_eq(cli_signals_block(), 0);
	before = cli_signals_fd();
	ck_assert_int_eq(cli_signals_move(1 << 30), -EINVAL);
	ck_assert_int_eq(cli_signals_fd(), before);
	ck_assert_int_eq(fcntl(before, F_GETFD), FD_CLOEXEC);
}
END_TEST

START_TEST(another_file_at_the_number_is_not_read)
{
	char byte = 0;
	int ends[2];

	ck_assert_int_eq(cli_signals_block(), 0);
	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	ck_assert_int_eq(write(ends[1], "x", 1), 1);
	ck_assert_int_eq(dup2(ends[0], cli_signals_fd()), cli_signals_fd());
	ck_assert_int_eq(cli_signals_caught(), 0);
	raise(SIGTERM);
	ck_assert_int_eq(cli_signals_caught(), SIGTERM);
	ck_assert_int_eq(read(ends[0], &byte, 1), 1);
	ck_assert_int_eq(byte, 'x');
}
END_TEST

START_TEST(failure_changes_nothing)
{
	struct rlimit limit, low;
	int result;

	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	low = limit;
	low.rlim_cur = 0;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &low), 0);
	result = cli_signals_block();
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	ck_assert_int_eq(result, -EMFILE);
	ck_assert_int_eq(is_blocked(SIGTERM), 0);
	ck_assert_int_eq(cli_signals_fd(), -1);
}
END_TEST

START_TEST(nothing_before_blocking)
{
	ck_assert_int_eq(cli_signals_caught(), 0);
	ck_assert_int_eq(cli_signals_restore(), 0);
	ck_assert_int_eq(is_blocked(SIGTERM), 0);
}
END_TEST

/* The wait status of a child that runs `function`. */
static int status_of(void (*function)(int), int number)
{
	int status;
	pid_t child = fork();

	ck_assert_int_ge(child, 0);
	if (child == 0) {
		const struct rlimit no_core = {0, 0};

		setrlimit(RLIMIT_CORE, &no_core);
		function(number);
		_exit(77);
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	return status;
}

static void catch_and_die(int number)
{
	if (cli_signals_block() == 0 && raise(number) == 0 && cli_signals_caught() == number)
		cli_signals_die(number);
}

START_TEST(dies_by_the_signal)
{
	int status = status_of(catch_and_die, caught[_i]);

	ck_assert(WIFSIGNALED(status));
	ck_assert_int_eq(WTERMSIG(status), caught[_i]);
}
END_TEST

static void die_without_effect(int number)
{
	signal(number, SIG_IGN);
	cli_signals_die(number);
}

START_TEST(exits_where_the_signal_has_no_effect)
{
	int status = status_of(die_without_effect, SIGTERM);

	ck_assert(WIFEXITED(status));
	ck_assert_int_eq(WEXITSTATUS(status), 128 + SIGTERM);
}
END_TEST

static void restore_with_pending(int number)
{
	if (cli_signals_block() < 0 || raise(number) != 0)
		_exit(78);
	if (cli_signals_restore() == number)
		cli_signals_die(number);
}

START_TEST(signal_before_exec_acts)
{
	int status = status_of(restore_with_pending, caught[_i]);

	ck_assert(WIFSIGNALED(status));
	ck_assert_int_eq(WTERMSIG(status), caught[_i]);
}
END_TEST

static void (*const as_init[])(int) = {catch_and_die, restore_with_pending};

/* Runs `as_init` as PID 1 of a new PID namespace, and ends as it ended. */
static void run_as_init(int index)
{
	int status;
	pid_t child;

	if (unshare(CLONE_NEWPID) < 0 && unshare(CLONE_NEWUSER | CLONE_NEWPID) < 0)
		_exit(79);
	child = fork();
	if (child == 0) {
		if (getpid() == 1)
			as_init[index](SIGTERM);
		_exit(80);
	}
	if (waitpid(child, &status, 0) != child || !WIFEXITED(status))
		_exit(81);
	_exit(WEXITSTATUS(status));
}

START_TEST(pid_1_exits_with_128_and_the_signal)
{
	int status = status_of(run_as_init, _i);

	ck_assert(WIFEXITED(status));
	ck_assert_int_eq(WEXITSTATUS(status), 128 + SIGTERM);
}
END_TEST

/* A PID namespace takes privileges or a user namespace, and a container may have neither; the case runs
 * as root everywhere else. */
static int can_be_init(void)
{
	int status;
	pid_t child = fork();

	if (child == 0)
		_exit(unshare(geteuid() == 0 ? CLONE_NEWPID : CLONE_NEWUSER | CLONE_NEWPID) < 0);
	return child > 0 && waitpid(child, &status, 0) == child && status == 0;
}

int main(void)
{
	Suite *suite = suite_create("cli-signals");
	TCase *tcase = tcase_create("cli-signals"), *signals = tcase_create("signals");
	int count = (int)(sizeof caught / sizeof caught[0]), last = count - 1;

	tcase_add_checked_fixture(tcase, start_fresh, NULL);
	tcase_add_checked_fixture(signals, start_fresh, NULL);
	tcase_set_tags(signals, "signals");
	tcase_add_loop_test(tcase, signal_before_the_wait_is_seen, 0, count);
	tcase_add_test(tcase, several_signals_come_one_by_one);
	tcase_add_loop_test(tcase, other_signals_are_left_alone, 0,
			    sizeof not_caught / sizeof not_caught[0]);
	tcase_add_test(tcase, ignored_stays_ignored);
	tcase_add_test(tcase, inherited_mask_is_kept);
	tcase_add_test(tcase, no_disposition_changes);
	tcase_add_test(tcase, descriptor_is_close_on_exec_and_movable);
	tcase_add_test(tcase, failed_move_changes_nothing);
	tcase_add_test(tcase, another_file_at_the_number_is_not_read);
	tcase_add_test(tcase, failure_changes_nothing);
	tcase_add_test(tcase, nothing_before_blocking);
	/* Valgrind does not survive the last one, SIGSTKFLT, and is no PID 1. */
	tcase_add_loop_test(tcase, dies_by_the_signal, 0, last);
	tcase_add_loop_test(signals, dies_by_the_signal, last, count);
	tcase_add_test(tcase, exits_where_the_signal_has_no_effect);
	tcase_add_loop_test(tcase, signal_before_exec_acts, 0, last);
	tcase_add_loop_test(signals, signal_before_exec_acts, last, count);
	if (can_be_init() || !lacking("PID namespaces", "pid_1_exits_with_128_and_the_signal"))
		tcase_add_loop_test(signals, pid_1_exits_with_128_and_the_signal, 0, 2);
	suite_add_tcase(suite, tcase);
	suite_add_tcase(suite, signals);
	return suite_run(suite);
}
