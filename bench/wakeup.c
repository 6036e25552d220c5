/* SPDX-License-Identifier: MIT */
/*
 * How long a waiting sender takes to connect once a receiver appears.
 *
 * The receiver is this process, the same for both sides, and the clock starts at the call that makes it
 * reachable: rename() for a path, listen() for an abstract name. It ends when accept() returns.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "measure.h"
#include "programs.h"
#include "raw.h"
#include "rendezvous/companion.h"

#define NAME "wakeup"
#define ABSTRACT "fdpass-bench-wakeup"

/* 1 when a process sleeps now. */
static int sleeps(pid_t child)
{
	char path[64], text[512];
	const char *state;
	ssize_t got;
	int fd;

	snprintf(path, sizeof(path), "/proc/%jd/stat", (intmax_t)child);
	fd = measure_must(open(path, O_RDONLY | O_CLOEXEC), path);
	got = measure_must((int)read(fd, text, sizeof(text) - 1), path);
	close(fd);
	text[got] = '\0';
	/* proc(5): the state follows the name in parentheses, which may hold anything. */
	state = strrchr(text, ')');
	return state != NULL && state[1] == ' ' && state[2] == 'S';
}

/* Waits until a process has slept for a while: what it waits for is set up then. */
static void wait_asleep(pid_t child)
{
	const struct timespec pause = {.tv_nsec = 500000};

	for (int seen = 0, tries = 0; seen < 4; tries++) {
		nanosleep(&pause, NULL);
		seen = sleeps(child) ? seen + 1 : 0;
		if (tries > 10000) {
			fprintf(stderr, "bench: the sender does not begin to wait\n");
			exit(1);
		}
	}
}

/* The end of one operation: takes what the sender has, which is receipt enough, and lets it go. */
static double take(int listener, int64_t start, pid_t sender, const char *name)
{
	int connection = measure_must(accept4(listener, NULL, NULL, SOCK_CLOEXEC), "accept4");
	int64_t end = measure_now();
	int fds[RAW_MESSAGE_MAX];
	size_t count = raw_receive(connection, fds);

	for (size_t i = 0; i < count; i++)
		close(fds[i]);
	close(connection);
	close(listener);
	measure_finish(sender, name);
	return (double)(end - start);
}

static pid_t start_floor(const struct subject *subject, const char *path)
{
	char first[16];
	const char *const argv[] = {subject->floor, "wait", path, first, "1", NULL};

	snprintf(first, sizeof(first), "%d", SOURCES);
	return measure_start(argv);
}

static pid_t start_fdsend(const struct subject *subject, const char *how, const char *name)
{
	char first[16];
	const char *const argv[] = {subject->fdsend, how, "-t", "20", "-f", first, name, NULL};

	snprintf(first, sizeof(first), "%d", SOURCES);
	return measure_start(argv);
}

/* Makes a socket that listens under another name, and renames it once `sender` sleeps. */
static double appear(const char *path, int listener, const char *hidden, pid_t sender)
{
	int64_t start;
	double spent;

	wait_asleep(sender);
	start = measure_now();
	measure_must(rename(hidden, path), path);
	spent = take(listener, start, sender, "the waiting sender");
	measure_must(unlink(path), path);
	return spent;
}

double wakeup_path(const struct subject *subject, enum side side)
{
	char path[128], hidden[160];
	int listener;

	snprintf(path, sizeof(path), "%s/" NAME, subject->directory);
	snprintf(hidden, sizeof(hidden), "%s.new", path);
	listener = raw_bind(hidden);
	measure_must(listen(listener, 1), "listen");
	return appear(path, listener, hidden,
		      side == SIDE_PRODUCT ? start_fdsend(subject, "-b", NAME)
					   : start_floor(subject, path));
}

double wakeup_abstract(const struct subject *subject, enum side side)
{
	int64_t start;
	pid_t sender;
	int listener;

	/* The kernel has nothing of the kind for abstract names. */
	if (side == SIDE_BASELINE)
		return wakeup_path(subject, side);
	listener = raw_bind("@" ABSTRACT);
	sender = start_fdsend(subject, "-ab", ABSTRACT);
	wait_asleep(sender);
	start = measure_now();
	measure_must(listen(listener, 1), "listen");
	fdpass_companion_poke(ABSTRACT);
	return take(listener, start, sender, "the waiting sender");
}
