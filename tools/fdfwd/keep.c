/* SPDX-License-Identifier: MIT */
/* --keep: each handover is relayed by a process of its own. */
#include "tools/fdfwd/keep.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/descriptors.h"
#include "cli/diagnostic.h"
#include "cli/explain.h"
#include "cli/signals.h"
#include "tools/fdfwd/relay.h"

/* Handovers on their way at once; the next one waits in the socket. */
#define RELAYS_MAX 32

/* How long they may take, in nanoseconds, when a signal has come and --timeout says nothing. */
#define GRACE (INT64_C(10) * 1000000000)

struct relays {
	int ended;              /* owned: readable when one of them may have ended */
	int news;               /* owned: the same, or when a signal is to end us */
	pid_t list[RELAYS_MAX]; /* 0: a free place */
};

static int watch(int events, int fd)
{
	struct epoll_event interest = {.events = EPOLLIN};

	return epoll_ctl(events, EPOLL_CTL_ADD, fd, &interest);
}

/*
 * By SIGCHLD, which costs no descriptor for each of them: a table that is nearly full is for handovers. Until
 * one was waited for its number is no other process's, and may be signalled.
 */
static int watch_relays(struct relays *relays)
{
	sigset_t set;

	/* Children of whoever ignores it, as our caller may, cannot be waited for. */
	signal(SIGCHLD, SIG_DFL);
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	relays->ended = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	relays->news = epoll_create1(EPOLL_CLOEXEC);
	if (relays->ended < 0 || relays->news < 0 || sigprocmask(SIG_BLOCK, &set, NULL) < 0 ||
	    watch(relays->news, relays->ended) < 0 || watch(relays->news, cli_signals_fd()) < 0)
		return -errno;
	return 0;
}

/* A free place, where there is one; those that have ended make room. */
static pid_t *find_place(struct relays *relays)
{
	struct signalfd_siginfo news;
	pid_t *place = NULL;

	/* Before looking, so that whoever ends meanwhile is seen next time. */
	while (read(relays->ended, &news, sizeof(news)) > 0)
		;
	for (size_t i = 0; i < RELAYS_MAX; i++) {
		if (relays->list[i] > 0 && waitpid(relays->list[i], NULL, WNOHANG) != 0)
			relays->list[i] = 0;
		if (relays->list[i] == 0)
			place = &relays->list[i];
	}
	return place;
}

/* The relaying process: it has the handover, and nothing of what the other handovers need. */
static _Noreturn void work(struct forwarding *forwarding, struct fdpass_handover *handover)
{
	const struct fdpass_set *set = fdpass_handover_set(handover);
	size_t count = fdpass_set_count(set);
	int *kept = calloc(count + 3, sizeof(*kept));
	struct fdpass_wait wait = forwarding->wait;

	if (kept == NULL)
		_exit(FAILED);
	/* Ctrl-C and the end of a terminal are for the first process, which waits for this one; also what came
	 * of that until now. */
	setsid();
	while (cli_signals_caught() != 0)
		;
	for (size_t i = 0; i < count; i++)
		kept[i] = fdpass_set_get(set, i);
	kept[count] = STDERR_FILENO;
	kept[count + 1] = cli_signals_fd();
	kept[count + 2] = fdpass_handover_fd(handover);
	cli_descriptors_close_others(kept, count + 3);
	free(kept);
	if (forwarding->request->patience > 0)
		wait.deadline = fdpass_deadline_in(forwarding->request->patience);
	_exit(fdfwd_relay(forwarding, handover, &wait) < 0 ? FAILED : 0);
}

/* Gives the handover to a process of its own. */
static void start(struct forwarding *forwarding, struct relays *relays,
		  struct fdpass_handover *handover)
{
	pid_t *place = find_place(relays);
	pid_t child = fork();

	if (child == 0)
		work(forwarding, handover);
	if (child < 0) {
		int code = errno;

		cli_error("%s: relaying failed: %s", fdpass_address_text(forwarding->addresses[0]),
			  strerror(code));
		fdpass_handover_refuse(handover, strerror(code));
		fdpass_handover_free(handover);
		return;
	}
	*place = child;
	fdpass_handover_release(handover);
}

/* A signal has come: nobody else is received, and those on their way may end. */
static _Noreturn void finish(struct forwarding *forwarding, struct relays *relays)
{
	int64_t patience = forwarding->request->patience;
	struct fdpass_wait wait = FDPASS_WAIT_INIT;
	int caught = cli_signals_caught();

	forwarding->receiver = fdpass_receiver_free(forwarding->receiver);
	wait.deadline = fdpass_deadline_in(patience > 0 ? patience : GRACE);
	/* A second one ends it at once. */
	wait.cancel_fd = cli_signals_fd();
	for (;;) {
		size_t running = 0;

		find_place(relays);
		for (size_t i = 0; i < RELAYS_MAX; i++)
			running += relays->list[i] > 0;
		if (running == 0 || fdpass_poll(relays->ended, POLLIN, &wait) < 0)
			break;
	}
	for (size_t i = 0; i < RELAYS_MAX; i++)
		if (relays->list[i] > 0)
			kill(relays->list[i], SIGTERM);
	cli_signals_die(caught);
}

/* Waits for the next handover: 0; -EAGAIN when one that was relayed has ended instead. */
static int next(const struct forwarding *forwarding, struct relays *relays,
		struct fdpass_handover **ret_handover, struct fdpass_error *error)
{
	static const struct fdpass_wait at_once = {0, -1};
	struct fdpass_wait wait = forwarding->wait;
	int is_full = find_place(relays) == NULL;
	int r;

	wait.cancel_fd = relays->news;
	if (is_full)
		r = fdpass_poll(relays->ended, POLLIN, &forwarding->wait);
	else
		r = fdpass_receiver_next(forwarding->receiver, &wait, ret_handover, error);
	if (is_full && r >= 0)
		return -EAGAIN;
	if (r == -ECANCELED && fdpass_poll(cli_signals_fd(), POLLIN, &at_once) <= 0)
		return -EAGAIN;
	return r;
}

_Noreturn void fdfwd_keep(struct forwarding *forwarding)
{
	struct relays relays = {.ended = -1, .news = -1};
	char text[CLI_DIAGNOSTIC_MAX];
	int r = watch_relays(&relays);

	if (r < 0) {
		cli_fail("preparing to relay", -r);
		fdfwd_leave(forwarding, r);
	}
	for (;;) {
		struct fdpass_error error = FDPASS_ERROR_INIT;
		struct fdpass_handover *handover;

		r = next(forwarding, &relays, &handover, &error);
		if (r == -ECANCELED)
			finish(forwarding, &relays);
		if (r == 0)
			start(forwarding, &relays, handover);
		if (r < 0 && r != -EAGAIN) {
			cli_error("%s", cli_explain_receiving(
						fdpass_address_text(forwarding->addresses[0]),
						&error, text, sizeof(text)));
			fdfwd_leave(forwarding, r);
		}
	}
}
