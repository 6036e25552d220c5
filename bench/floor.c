/* SPDX-License-Identifier: MIT */
/*
 * The least that two programs can do to hand descriptors over: no checks, no rules, no clean-up.
 *
 * usage: floor receive PATH READY-FD FIRST COUNT PROGRAM   bind, listen, accept, receive, answer, dup2, exec
 *        floor send PATH FIRST COUNT                       connect, send, wait for the answer
 *        floor wait PATH FIRST COUNT                       the same, when inotify says that it is there
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "measure.h"
#include "raw.h"

/* For so many numbers, and a whole message more, as raw_receive() wants it. */
static int *room_for(size_t count)
{
	int *fds = malloc((count + RAW_MESSAGE_MAX) * sizeof(*fds));

	measure_must(fds != NULL ? 0 : -1, "malloc");
	return fds;
}

static int receive(char **argv)
{
	int first = measure_number(argv[2]);
	size_t count = (size_t)measure_number(argv[3]);
	int listener = raw_bind(argv[0]);
	int ready = measure_number(argv[1]);
	int *fds = room_for(count);
	int connection;

	measure_must(listen(listener, 1), "listen");
	measure_must((int)write(ready, "\n", 1), "write");
	close(ready);
	connection = measure_must(accept4(listener, NULL, NULL, SOCK_CLOEXEC), "accept4");
	for (size_t got = 0; got < count;)
		got += raw_receive(connection, fds + got);
	measure_must((int)send(connection, "A", 1, MSG_NOSIGNAL), "send");
	for (size_t i = 0; i < count; i++)
		measure_must(dup2(fds[i], first + (int)i), "dup2");
	return measure_must(execve(argv[4], &argv[4], environ), argv[4]);
}

static int try_connect(int socket, const char *path)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};

	strncpy(un.sun_path, path, sizeof(un.sun_path) - 1);
	return connect(socket, (struct sockaddr *)&un, sizeof(un));
}

/* Waits for anything to appear beside `path` until it can be connected to. */
static void wait_connect(int socket, char *path)
{
	char events[4096];
	int inotify = measure_must(inotify_init1(IN_CLOEXEC), "inotify_init1");
	char *name = strrchr(path, '/');

	*name = '\0';
	measure_must(inotify_add_watch(inotify, path, IN_CREATE | IN_MOVED_TO), path);
	*name = '/';
	while (try_connect(socket, path) < 0)
		measure_must((int)read(inotify, events, sizeof(events)), "read");
}

static int send_to(char **argv, int waiting)
{
	int connection = measure_must(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket");
	int first = measure_number(argv[1]);
	size_t count = (size_t)measure_number(argv[2]);
	int *fds = room_for(count);
	char answer;

	for (size_t i = 0; i < count; i++)
		fds[i] = first + (int)i;
	if (waiting)
		wait_connect(connection, argv[0]);
	else
		measure_must(try_connect(connection, argv[0]), argv[0]);
	for (size_t sent = 0; sent < count; sent += RAW_MESSAGE_MAX)
		raw_send(connection, fds + sent,
			 count - sent < RAW_MESSAGE_MAX ? count - sent : RAW_MESSAGE_MAX);
	measure_must((int)recv(connection, &answer, 1, 0), "recv");
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 7 && strcmp(argv[1], "receive") == 0)
		return receive(argv + 2);
	if (argc == 5 && strcmp(argv[1], "send") == 0)
		return send_to(argv + 2, 0);
	if (argc == 5 && strcmp(argv[1], "wait") == 0)
		return send_to(argv + 2, 1);
	fprintf(stderr, "usage: floor receive PATH READY-FD FIRST COUNT PROGRAM\n"
			"       floor send|wait PATH FIRST COUNT\n");
	return 2;
}
