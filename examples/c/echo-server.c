/* SPDX-License-Identifier: MIT */
/*
 * A TCP echo server that is replaced while it runs, and whose clients do not notice: their connections go to
 * the successor, together with the listening socket.
 *
 * usage: echo-server PORT CONTROL
 *
 * The first one listens on PORT and on the Unix socket CONTROL, a path, of its user's alone. Start it again with the
 * same arguments, from a new binary for example: the new one connects to CONTROL, gets everything that the
 * old one has, says so, and serves; the old one ends when it has heard that. If the new one fails before,
 * the old one goes on.
 *
 * What makes it work: nothing of a conversation is in the memory of the process. Bytes are looked at in the
 * socket (MSG_PEEK), echoed, and only then taken out, as many as went. So a connection can change hands
 * between any two bytes.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <fdpass.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

/* What each of our descriptors is; they are handed over under these names. */
enum kind { NOTHING, LISTENER, CONTROL, CLIENT };
static const char *const names[] = {NULL, "listener", "control", "client"};

#define NUMBERS 65536
static unsigned char kinds[NUMBERS]; /* by descriptor */
static int events;                   /* epoll */

static _Noreturn void fail(const char *what, const struct fdpass_error *error)
{
	char line[FDPASS_ERROR_LINE_MAX];

	fprintf(stderr, "echo-server: %s: %s\n", what,
		fdpass_error_format(error, line, sizeof(line)));
	exit(1);
}

/* Edge-triggered, for both directions: what is there already is reported once more to each new epoll. */
static void watch(int fd, enum kind kind)
{
	struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.fd = fd};

	/* The flag belongs to the socket, which both generations share: it is the same for both. */
	if (fd >= NUMBERS || fcntl(fd, F_SETFL, O_NONBLOCK) < 0 ||
	    epoll_ctl(events, EPOLL_CTL_ADD, fd, &event) < 0) {
		close(fd);
		return;
	}
	kinds[fd] = kind;
}

static void echo(int fd)
{
	char bytes[16384];

	for (;;) {
		ssize_t seen = recv(fd, bytes, sizeof(bytes), MSG_PEEK);
		ssize_t sent = seen > 0 ? send(fd, bytes, (size_t)seen, MSG_NOSIGNAL) : seen;

		if (sent > 0) {
			/* Out of the socket with what went, and only that. */
			if (recv(fd, bytes, (size_t)sent, 0) == sent)
				continue;
		} else if (sent < 0 && errno == EAGAIN) {
			return; /* nothing there, or no room: either will be an event */
		}
		kinds[fd] = NOTHING;
		close(fd);
		return;
	}
}

/* Gives everything to the successor at the other end of `connection`. Does not return if that worked. */
static void hand_over(int connection)
{
	/* Our clients wait meanwhile, so not for long. */
	const struct fdpass_wait wait = {fdpass_deadline_in(5 * INT64_C(1000000000)), -1};
	struct fdpass_send_options options = FDPASS_SEND_OPTIONS_INIT;
	struct fdpass_error error = FDPASS_ERROR_INIT;
	char number[16], line[FDPASS_ERROR_LINE_MAX];
	struct fdpass_address *address = NULL;
	struct fdpass_pidref *successor = NULL;
	struct fdpass_set *set = NULL;
	struct fdpass_peer peer;
	int r;

	snprintf(number, sizeof(number), "%d", connection);
	r = fdpass_address_parse(FDPASS_ADDRESS_CONNECTED, number, &address, &error);
	if (r == 0)
		r = fdpass_peer_get(connection, &peer);
	if (r == 0)
		r = fdpass_pidref_open(peer.pid, 0, &successor, &error);
	if (r == 0)
		r = fdpass_set_new(&set);
	for (int fd = 0; r == 0 && fd < NUMBERS; fd++) {
		if (kinds[fd] == NOTHING)
			continue;
		r = fdpass_set_borrow(set, fd);
		if (r == 0)
			r = fdpass_set_rename(set, fdpass_set_count(set) - 1, names[kinds[fd]]);
	}
	options.wait = &wait;
	/* Only to our own user, or root: that is what the default rule of the options checks. */
	if (r == 0)
		r = fdpass_send(address, set, &options, NULL, &error);
	if (r == 0) {
		printf("%d handed over %zu\n", (int)getpid(), fdpass_set_count(set));
		exit(0);
	}
	fprintf(stderr, "echo-server: going on: %s\n",
		fdpass_error_format(&error, line, sizeof(line)));
	/* One that may have them, and has not said so in time, must not begin to serve now: we do. In every
	 * other case nothing was given. */
	if (successor != NULL && error.step == FDPASS_STEP_WAIT && strcmp(error.text, "sent") == 0)
		fdpass_pidref_signal(successor, SIGKILL);
	fdpass_set_free(set);
	fdpass_pidref_free(successor);
	fdpass_address_free(address);
	close(connection);
}

static void accept_all(int listener, enum kind kind)
{
	int fd;

	while ((fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC)) >= 0) {
		if (kind == CONTROL)
			hand_over(fd);
		else
			watch(fd, CLIENT);
	}
}

static struct fdpass_endpoint *endpoint_of(const char *kind, const char *where)
{
	struct fdpass_error error = FDPASS_ERROR_INIT;
	struct fdpass_endpoint *endpoint;
	char text[256];

	snprintf(text, sizeof(text), "%s:%s", kind, where);
	if (fdpass_endpoint_parse(text, &endpoint, &error) < 0)
		fail(text, &error);
	return endpoint;
}

/* Gets everything from the server that runs: 1; 0 when none does. */
static int take_over(const char *control)
{
	const struct fdpass_wait wait = {fdpass_deadline_in(5 * INT64_C(1000000000)), -1};
	struct fdpass_endpoint *endpoint = endpoint_of("unix", control);
	struct fdpass_error error = FDPASS_ERROR_INIT;
	struct fdpass_receiver *receiver;
	struct fdpass_handover *handover;
	struct fdpass_set *set;
	size_t count;
	int fd, r;

	r = fdpass_open_connect(endpoint, &wait, &fd, &error);
	fdpass_endpoint_free(endpoint);
	if (r == -ENOENT || r == -ECONNREFUSED)
		return 0;
	if (r < 0)
		fail(control, &error);
	if (fdpass_receiver_new(NULL, NULL, NULL, &receiver) < 0 ||
	    fdpass_receiver_add_connection(receiver, fd, &error) < 0 ||
	    fdpass_receiver_next(receiver, &wait, &handover, &error) < 0)
		fail("taking over", &error);
	set = fdpass_handover_set(handover);
	count = fdpass_set_count(set);
	for (size_t i = 0; i < count; i++) {
		const char *name = fdpass_set_name(set, i);

		for (int kind = LISTENER; kind <= CLIENT; kind++) {
			if (name != NULL && strcmp(name, names[kind]) == 0)
				watch(fdpass_set_steal(set, i), (enum kind)kind);
		}
	}
	/* From here on they are ours: the old one ends when it hears this. */
	fdpass_handover_accept(handover, (uint32_t)count);
	fdpass_handover_free(handover);
	fdpass_receiver_free(receiver);
	close(fd);
	return 1;
}

/* The first of its kind opens what the others inherit. A path keeps its name when the socket is given away. */
static void open_one(struct fdpass_endpoint *endpoint, const char *where, enum kind kind)
{
	struct fdpass_error error = FDPASS_ERROR_INIT;
	struct fdpass_listener *listener;

	if (fdpass_open_listen(endpoint, NULL, &listener, &error) < 0)
		fail(where, &error);
	watch(fdpass_listener_keep(listener), kind);
	fdpass_endpoint_free(endpoint);
}

int main(int argc, char **argv)
{
	if (argc != 3) {
		fprintf(stderr, "usage: echo-server PORT CONTROL\n");
		return 2;
	}
	events = epoll_create1(EPOLL_CLOEXEC);
	if (events < 0) {
		perror("echo-server: epoll_create1");
		return 1;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (!take_over(argv[2])) {
		open_one(endpoint_of("tcp4", argv[1]), argv[1], LISTENER);
		open_one(endpoint_of("unix", argv[2]), argv[2], CONTROL);
	}
	printf("%d serves\n", (int)getpid());
	for (;;) {
		struct epoll_event event;

		if (epoll_wait(events, &event, 1, -1) < 0) {
			if (errno == EINTR)
				continue;
			perror("echo-server: epoll_wait");
			return 1;
		}
		if (kinds[event.data.fd] == CLIENT)
			echo(event.data.fd);
		else
			accept_all(event.data.fd, (enum kind)kinds[event.data.fd]);
	}
}
