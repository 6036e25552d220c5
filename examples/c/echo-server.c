/* SPDX-License-Identifier: MIT */
/*
 * A TCP echo server that is replaced while it runs, and whose clients do not notice: their connections go to
 * the successor, together with the listening socket.
 *
 * usage: echo-server tcp:PORT unix:CONTROL
 *
 * The first one listens there; CONTROL is a path, of its user's alone. Start it again with the same arguments, from
 * a new binary for example: the new one connects to CONTROL, gets everything that the old one has, says so, and
 * serves; the old one ends when it has heard that. If the new one fails before, the old one goes on.
 *
 * What makes it work: nothing of a conversation is in the memory of the process. Bytes are looked at in the
 * socket (MSG_PEEK), echoed, and only then taken out, as many as went. So a connection can change hands
 * between any two bytes.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <fdpass.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PATIENCE                                                                                   \
	INT64_C(5000000000) /* ns: clients wait while a process takes over from the other */

/* All that we have, and what a successor gets, in this order: the two that listen, and the clients. */
enum { LISTENER, CONTROL, CLIENTS, ROOM = 10000 };
static struct pollfd ours[ROOM];
static nfds_t count;

static void add(int fd)
{
	if (count < ROOM)
		ours[count++] = (struct pollfd){.fd = fd, .events = POLLIN};
	else
		close(fd);
}

static void complain(const char *what, int code, const struct fdpass_error *error)
{
	char line[FDPASS_ERROR_LINE_MAX];

	fprintf(stderr, "echo-server: %s: %s\n", what,
		error->step == FDPASS_STEP_NONE ? strerror(-code)
						: fdpass_error_format(error, line, sizeof(line)));
}

/* Ends the program if that failed. */
static void must(int result, const char *what, const struct fdpass_error *error)
{
	if (result < 0) {
		complain(what, result, error);
		exit(1);
	}
}

/* One round, so that who sends without end keeps nobody waiting. */
static void echo(struct pollfd *client)
{
	char bytes[16384];
	ssize_t size = recv(client->fd, bytes, sizeof(bytes), MSG_PEEK);

	client->events = POLLIN;
	if (size > 0) {
		size = send(client->fd, bytes, (size_t)size, MSG_NOSIGNAL);
		if (size < 0 && errno == EAGAIN)
			client->events = POLLOUT; /* until there is room again */
	}
	if (size > 0) /* out of the socket with what went, and only that */
		size = recv(client->fd, bytes, (size_t)size, 0);
	if (size == 0 || (size < 0 && errno != EAGAIN)) {
		close(client->fd);
		*client = ours[--count];
	}
}

/* Gives everything to the successor at the other end of `connection`. Ends the program if that worked. */
static void hand_over(int connection)
{
	const struct fdpass_wait wait = {fdpass_deadline_in(PATIENCE), -1};
	struct fdpass_send_options options = FDPASS_SEND_OPTIONS_INIT;
	struct fdpass_error error = FDPASS_ERROR_INIT;
	struct fdpass_address *address = NULL;
	struct fdpass_pidref *successor = NULL;
	struct fdpass_set *set = NULL;
	struct fdpass_peer peer;
	char number[16];
	int r;

	snprintf(number, sizeof(number), "%d", connection);
	options.wait = &wait;
	options.confirm = FDPASS_CONFIRM_ANSWER; /* that it was read is not enough */
	r = fdpass_peer_get(connection, &peer);
	if (r == 0)
		r = fdpass_pidref_open(peer.pid, 0, &successor, &error);
	if (r == 0)
		r = fdpass_address_parse(FDPASS_ADDRESS_CONNECTED, number, &address, &error);
	if (r == 0)
		r = fdpass_set_new(&set);
	for (nfds_t i = 0; r == 0 && i < count; i++)
		r = fdpass_set_borrow(set, ours[i].fd);
	/* Only to our own user, or root: that is what the default rule of the options checks. */
	if (r == 0)
		r = fdpass_send(address, set, &options, NULL, &error);
	if (r == 0)
		printf("%d handed over %zu\n", (int)getpid(), fdpass_set_count(set));
	else
		complain("going on", r, &error);
	/* It may have them, and has not said so in time: it must not begin to serve now. */
	if (r == -ETIMEDOUT)
		fdpass_pidref_signal(successor, SIGKILL);
	fdpass_set_free(set);
	fdpass_address_free(address);
	fdpass_pidref_free(successor);
	close(connection);
	if (r == 0)
		exit(0);
}

/* Gets everything from the server that runs: 1; 0 when none does. */
static int take_over(const struct fdpass_endpoint *control)
{
	const struct fdpass_wait wait = {fdpass_deadline_in(PATIENCE), -1};
	struct fdpass_error error = FDPASS_ERROR_INIT;
	struct fdpass_receiver *receiver;
	struct fdpass_handover *handover = NULL;
	struct fdpass_set *set;
	int fd, r = fdpass_open_connect(control, &wait, &fd, &error);

	if (r == -ENOENT || r == -ECONNREFUSED)
		return 0;
	if (r == 0)
		r = fdpass_receiver_new(NULL, NULL, NULL, &receiver);
	if (r == 0)
		r = fdpass_receiver_add_connection(receiver, fd, &error);
	if (r >= 0)
		r = fdpass_receiver_next(receiver, &wait, &handover, &error);
	must(r, "taking over", &error);
	set = fdpass_handover_set(handover);
	if (fdpass_set_count(set) < CLIENTS || fdpass_set_count(set) > ROOM)
		must(-EPROTO, "taking over", &error);
	while (count < fdpass_set_count(set))
		add(fdpass_set_steal(set, count));
	/* From here on they are ours: the old one ends when it hears this. */
	fdpass_handover_accept(handover, (uint32_t)count);
	fdpass_handover_free(handover);
	fdpass_receiver_free(receiver);
	close(fd);
	return 1;
}

/* The first of its kind opens what the others inherit. A path keeps its name when the socket is given away. */
static void listen_at(const struct fdpass_endpoint *endpoint, const char *text)
{
	struct fdpass_error error = FDPASS_ERROR_INIT;
	struct fdpass_listener *listener;

	must(fdpass_open_listen(endpoint, NULL, &listener, &error), text, &error);
	add(fdpass_listener_keep(listener));
	must(fcntl(ours[count - 1].fd, F_SETFL, O_NONBLOCK) < 0 ? -errno : 0, text, &error);
}

int main(int argc, char **argv)
{
	struct fdpass_error error = FDPASS_ERROR_INIT;
	struct fdpass_endpoint *service, *control;
	int fd, full = 0;

	if (argc != 3) {
		fprintf(stderr, "usage: echo-server tcp:PORT unix:CONTROL\n");
		return 2;
	}
	must(fdpass_endpoint_parse(argv[1], &service, &error), argv[1], &error);
	must(fdpass_endpoint_parse(argv[2], &control, &error), argv[2], &error);
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (!take_over(control)) {
		listen_at(service, argv[1]);
		listen_at(control, argv[2]);
	}
	fdpass_endpoint_free(service);
	fdpass_endpoint_free(control);
	printf("%d serves\n", (int)getpid());
	for (;;) {
		/* There is no event for a number that has become free: look again soon. */
		ours[LISTENER].events = ours[CONTROL].events = full ? 0 : POLLIN;
		if (poll(ours, count, full ? 100 : -1) < 0 && errno != EINTR)
			must(-errno, "waiting", &error);
		full = 0;
		/* From the last on, which takes the place of one that goes. */
		for (nfds_t i = count; i-- > 0;) {
			if (ours[i].revents == 0)
				continue;
			if (i >= CLIENTS)
				echo(&ours[i]);
			else if ((fd = accept4(ours[i].fd, NULL, NULL,
					       SOCK_CLOEXEC | SOCK_NONBLOCK)) < 0)
				full = errno != EAGAIN;
			else if (i == CONTROL)
				hand_over(fd);
			else
				add(fd);
		}
	}
}
