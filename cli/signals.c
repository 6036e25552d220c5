/* SPDX-License-Identifier: MIT */
/* Signals that would end the program become a descriptor; nothing is lost and no disposition changes. */
#include "cli/signals.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

/* The default action ends the process, signal(7), and it makes sense to clean up first: not SIGKILL,
 * which cannot be blocked, nor what a fault of the program itself raises (SEGV, BUS, ABRT, ...). */
static const int endings[] = {
	SIGHUP,    SIGINT,  SIGQUIT,   SIGPIPE, SIGALRM, SIGTERM, SIGUSR1,
	SIGUSR2,   SIGXCPU, SIGVTALRM, SIGPROF, SIGXFSZ, SIGIO,   SIGPWR,
#ifdef SIGSTKFLT /* not on every architecture */
	SIGSTKFLT,
#endif
};

static sigset_t inherited;
static sigset_t ours;
static int descriptor = -1;

/*
 * Ours are those that the caller left at their default action and did not block. An ignored signal
 * must stay out: the kernel drops it when it comes, but not while it is blocked (kernel/signal.c,
 * sig_ignored()), and nohup(1) would have no effect.
 */
static void consider(int signal)
{
	struct sigaction action;

	if (!sigismember(&inherited, signal) && sigaction(signal, NULL, &action) == 0 &&
	    action.sa_handler == SIG_DFL)
		sigaddset(&ours, signal);
}

static void choose(void)
{
	sigemptyset(&ours);
	for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++)
		consider(endings[i]);
	for (int signal = SIGRTMIN; signal <= SIGRTMAX; signal++)
		consider(signal);
}

int cli_signals_block(void)
{
	int fd;

	if (sigprocmask(SIG_SETMASK, NULL, &inherited) < 0)
		return -errno;
	choose();
	fd = signalfd(-1, &ours, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd < 0)
		return -errno;
	if (sigprocmask(SIG_BLOCK, &ours, NULL) < 0) {
		int code = errno;

		close(fd);
		return -code;
	}
	descriptor = fd;
	return 0;
}

int cli_signals_fd(void)
{
	return descriptor;
}

int cli_signals_move(int lowest)
{
	int moved;

	if (descriptor < 0 || descriptor >= lowest)
		return 0;
	moved = fcntl(descriptor, F_DUPFD_CLOEXEC, lowest);
	if (moved < 0)
		return -errno;
	close(descriptor);
	descriptor = moved;
	return 0;
}

/* Not by reading the descriptor: once targets are placed, another file may be at its number. */
int cli_signals_caught(void)
{
	const struct timespec at_once = {0, 0};
	int caught;

	if (descriptor < 0)
		return 0;
	do
		caught = sigtimedwait(&ours, NULL, &at_once);
	while (caught < 0 && errno == EINTR);
	return caught < 0 ? 0 : caught;
}

_Noreturn void cli_signals_die(int signal)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, signal);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	raise(signal);
	_exit(128 + signal);
}

int cli_signals_restore(void)
{
	int caught;

	if (descriptor < 0)
		return 0;
	/* Unblocking would do the same, but not for PID 1, where the kernel drops what it delivers at
	 * its default action. */
	caught = cli_signals_caught();
	if (caught == 0)
		sigprocmask(SIG_SETMASK, &inherited, NULL);
	return caught;
}
