/* SPDX-License-Identifier: MIT */
/* --keep: each handover is relayed by a process of its own. */
#include "tools/fdfwd/keep.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
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
	int events; /* owned: epoll, readable when one of them has ended */
	struct fdpass_pidref *list[RELAYS_MAX]; /* owned; NULL: a free place */
};

/* A free place, where there is one; those that have ended make room. */
static struct fdpass_pidref **find_place(struct relays *relays)
{
	static const struct fdpass_wait at_once = {0, -1};
	struct fdpass_pidref **place = NULL;

	for (size_t i = 0; i < RELAYS_MAX; i++) {
		struct fdpass_pidref *ref = relays->list[i];

		if (ref != NULL && fdpass_poll(fdpass_pidref_fd(ref), POLLIN, &at_once) > 0)
			relays->list[i] = fdpass_pidref_free(ref);
		if (relays->list[i] == NULL)
			place = &relays->list[i];
	}
	return place;
}

/* Takes note of one. It may have ended already, and then there is nothing to wait for. */
static void add(struct relays *relays, struct fdpass_pidref **place, pid_t child)
{
	struct epoll_event interest = {.events = EPOLLIN};

	if (fdpass_pidref_open(child, 0, place, NULL) < 0)
		return;
	/* Closing the pidfd takes it out again. */
	if (epoll_ctl(relays->events, EPOLL_CTL_ADD, fdpass_pidref_fd(*place), &interest) < 0)
		*place = fdpass_pidref_free(*place);
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
	struct fdpass_pidref **place = find_place(relays);
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
	add(relays, place, child);
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
			running += relays->list[i] != NULL;
		if (running == 0 || fdpass_poll(relays->events, POLLIN, &wait) < 0)
			break;
	}
	for (size_t i = 0; i < RELAYS_MAX; i++)
		if (relays->list[i] != NULL)
			fdpass_pidref_signal(relays->list[i], SIGTERM);
	cli_signals_die(caught);
}

_Noreturn void fdfwd_keep(struct forwarding *forwarding)
{
	struct fdpass_error error = FDPASS_ERROR_INIT;
	struct relays relays = {.events = epoll_create1(EPOLL_CLOEXEC)};
	char text[CLI_DIAGNOSTIC_MAX];

	if (relays.events < 0) {
		int code = errno;

		cli_error("preparing to relay failed: %s", strerror(code));
		fdfwd_leave(forwarding, -code);
	}
	/* Nobody asks how they ended. */
	signal(SIGCHLD, SIG_IGN);
	for (;;) {
		struct fdpass_handover *handover;
		int r = 0;

		while (r >= 0 && find_place(&relays) == NULL)
			r = fdpass_poll(relays.events, POLLIN, &forwarding->wait);
		if (r >= 0)
			r = fdpass_receiver_next(forwarding->receiver, &forwarding->wait, &handover,
						 &error);
		if (r == -ECANCELED)
			finish(forwarding, &relays);
		if (r < 0) {
			cli_error("%s", cli_explain_receiving(
						fdpass_address_text(forwarding->addresses[0]),
						&error, text, sizeof(text)));
			fdfwd_leave(forwarding, r);
		}
		start(forwarding, &relays, handover);
	}
}
