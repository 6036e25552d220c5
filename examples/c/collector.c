/* SPDX-License-Identifier: MIT */
/*
 * A program with an event loop that is given descriptors while it does other things: it says what it gets,
 * what happens at its door, and every line that it reads from its standard input.
 *
 * usage: collector SOCKSPEC
 *
 * Try it with fdsend, of this package:  fdsend -f 0 ./door < /etc/hostname
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fdpass.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

/* What woke us up. */
enum source { INPUT, SIGNAL, RECEIVER };

static _Noreturn void fail(const char *what, const struct fdpass_error *error)
{
	char line[FDPASS_ERROR_LINE_MAX];

	fprintf(stderr, "collector: %s: %s\n", what,
		fdpass_error_format(error, line, sizeof(line)));
	exit(1);
}

static void watch(int events, int fd, enum source source)
{
	struct epoll_event event;

	memset(&event, 0, sizeof(event));
	event.events = EPOLLIN;
	event.data.u32 = source;
	if (epoll_ctl(events, EPOLL_CTL_ADD, fd, &event) < 0) {
		perror("collector: epoll_ctl");
		exit(1);
	}
}

/* Those who are turned away are no error of the receiver's; this is where to hear of them. */
static void observe(void *context, const struct fdpass_event *event)
{
	(void)context;
	if (event->kind == FDPASS_EVENT_NOT_ADMITTED || event->kind == FDPASS_EVENT_TURNED_AWAY)
		printf("turned away: process %d of user %u: %s\n", (int)event->peer.pid,
		       (unsigned)event->peer.uid, event->reason);
}

/* Judges what is offered before it comes; what comes in one plain message is judged in receive(). */
static int consider(void *context, const struct fdpass_offer *offer,
		    char reason[FDPASS_REASON_MAX + 1])
{
	(void)context;
	if (offer->count <= 1000)
		return 0;
	snprintf(reason, FDPASS_REASON_MAX + 1, "%zu are too many", offer->count);
	return -1;
}

static void show(int fd, const char *name)
{
	struct stat status;

	if (fstat(fd, &status) < 0)
		return;
	printf("%s: %s of %lld bytes\n", name != NULL ? name : "(no name)",
	       S_ISREG(status.st_mode)    ? "a file"
	       : S_ISSOCK(status.st_mode) ? "a socket"
	       : S_ISFIFO(status.st_mode) ? "a pipe"
					  : "something",
	       (long long)status.st_size);
}

static void receive(struct fdpass_receiver *receiver)
{
	/* A deadline that has passed: what is there now, and no waiting. */
	const struct fdpass_wait at_once = {0, -1};
	struct fdpass_error error = FDPASS_ERROR_INIT;
	struct fdpass_handover *handover;
	struct fdpass_set *set;
	int r = fdpass_receiver_next(receiver, &at_once, &handover, &error);

	if (r == -ETIMEDOUT)
		return; /* somebody connected, or sent a part: no handover is complete yet */
	if (r < 0)
		fail("receiving", &error);
	set = fdpass_handover_set(handover);
	printf("from process %d:\n", (int)fdpass_handover_peer(handover).pid);
	for (size_t i = 0; i < fdpass_set_count(set); i++)
		show(fdpass_set_get(set, i), fdpass_set_name(set, i));
	/* The sender is told, and then everything is closed; fdpass_set_steal() is for what is to stay. */
	fdpass_handover_accept(handover, (uint32_t)fdpass_set_count(set));
	fdpass_handover_free(handover);
}

/* Milliseconds until then, for epoll_wait(2): -1 when there is no such moment. */
static int milliseconds_until(int64_t moment)
{
	int64_t left;

	if (moment == FDPASS_NO_DEADLINE)
		return -1;
	left = moment - fdpass_deadline_in(0);
	return left <= 0 ? 0 : (int)(left / 1000000 + 1);
}

int main(int argc, char **argv)
{
	struct fdpass_error error = FDPASS_ERROR_INIT;
	struct fdpass_receiver *receiver;
	struct fdpass_listener *listener;
	struct fdpass_address *address;
	int events, signals, running = 1;
	sigset_t end;

	if (argc != 2) {
		fprintf(stderr, "usage: collector SOCKSPEC\n");
		return 2;
	}
	/* Signals as events, so that the socket is removed when one ends us. */
	sigemptyset(&end);
	sigaddset(&end, SIGINT);
	sigaddset(&end, SIGTERM);
	sigprocmask(SIG_BLOCK, &end, NULL);
	signals = signalfd(-1, &end, SFD_CLOEXEC);
	events = epoll_create1(EPOLL_CLOEXEC);
	if (events < 0 || signals < 0) {
		perror("collector");
		return 1;
	}
	if (fdpass_address_parse(FDPASS_ADDRESS_NAMED, argv[1], &address, &error) < 0 ||
	    fdpass_listener_open(address, NULL, &listener, &error) < 0)
		fail(argv[1], &error);
	fdpass_address_free(address);
	/* No rule: our own user and root may send, and nobody else. */
	if (fdpass_receiver_new(NULL, observe, NULL, &receiver) < 0 ||
	    fdpass_receiver_add(receiver, listener) < 0) {
		fdpass_listener_close(listener);
		return 1;
	}
	fdpass_receiver_consider(receiver, consider, NULL);
	watch(events, STDIN_FILENO, INPUT);
	watch(events, signals, SIGNAL);
	watch(events, fdpass_receiver_fd(receiver), RECEIVER);
	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("ready\n");

	while (running) {
		struct epoll_event event;
		char bytes[256];
		ssize_t got;
		int count = epoll_wait(events, &event, 1,
				       milliseconds_until(fdpass_receiver_until(receiver)));

		/* Its moment, or its event: the same call for both. */
		if (count == 0 || (count > 0 && event.data.u32 == RECEIVER)) {
			receive(receiver);
		} else if (count > 0 && event.data.u32 == INPUT) {
			got = read(STDIN_FILENO, bytes, sizeof(bytes));
			if (got > 0)
				printf("input: %.*s", (int)got, bytes);
			else
				epoll_ctl(events, EPOLL_CTL_DEL, STDIN_FILENO, NULL);
		} else if (count > 0 || errno != EINTR) {
			running = 0;
		}
	}
	/* Removes the name, and tells whoever still waits. */
	fdpass_receiver_free(receiver);
	close(signals);
	close(events);
	return 0;
}
