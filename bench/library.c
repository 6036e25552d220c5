/* SPDX-License-Identifier: MIT */
/*
 * What the library costs in one process: messages of COUNT descriptors, closing what came, and duplicating COUNT
 * descriptors of another process.
 *
 * usage: library message|close|duplicate COUNT ROUNDS SLICES
 *
 * One process sends to itself over a socketpair, so that what is measured is work and not scheduling; the other
 * process, whose descriptors are duplicated, sleeps. The baseline does the same calls by hand: the same socket type,
 * descriptors, batch and way of closing. They take turns, in slices so short that most are not disturbed; a round is
 * the first quartile of SLICES of each, and prints one line.
 */
#include <fdpass.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/set.h"
#include "measure.h"
#include "raw.h"
#include "wire/packet.h"

/* Nanoseconds that one side works before it is the other's turn, and messages between looks at the clock. */
#define SLICE 300000
#define BURST 4
#define SLICES_MAX 1000

/* Above everything, so that what is received comes side by side, from the lowest free number. */
#define FIRST 512

struct work {
	int ends[2];
	int fds[RAW_MESSAGE_MAX];
	size_t count;
	struct fdpass_set *set;
	int64_t closing;              /* nanoseconds of it */
	struct fdpass_pidref *holder; /* has the same numbers open */
};

/* Does it once: COUNT descriptors come, and are closed. */
typedef void (*deed)(struct work *work);

struct pair {
	const char *name;
	deed product;
	deed baseline;
};

static void library_receive(struct work *work)
{
	struct packet message;
	char byte;

	measure_must((int)fdpass_packet_send(work->ends[0], "F", 1, work->fds, work->count),
		     "fdpass_packet_send");
	measure_must(fdpass_packet_receive(work->ends[1], &byte, 1, work->set, &message),
		     "fdpass_packet_receive");
}

static void library_message(struct work *work)
{
	library_receive(work);
	fdpass_set_truncate(work->set, 0);
}

static void library_close(struct work *work)
{
	int64_t start;

	library_receive(work);
	start = measure_now();
	fdpass_set_truncate(work->set, 0);
	work->closing += measure_now() - start;
}

static int by_hand_receive(struct work *work, int received[RAW_MESSAGE_MAX])
{
	raw_send(work->ends[0], work->fds, work->count);
	return (int)raw_receive(work->ends[1], received);
}

static void by_hand_message(struct work *work)
{
	int received[RAW_MESSAGE_MAX];
	int count = by_hand_receive(work, received);

	if (count > 1)
		raw_close_range(received[0], received[count - 1]);
	else
		close(received[0]);
}

static void by_hand_close(struct work *work)
{
	int received[RAW_MESSAGE_MAX];
	int count = by_hand_receive(work, received);
	int64_t start = measure_now();

	raw_close_range(received[0], received[count - 1]);
	work->closing += measure_now() - start;
}

static void library_duplicate(struct work *work)
{
	struct fdpass_error error;
	int fd;

	for (size_t i = 0; i < work->count; i++) {
		measure_must(fdpass_acquire(work->holder, work->fds[i], FDPASS_METHOD_DUPLICATE,
					    &fd, &error),
			     "fdpass_acquire");
		close(fd);
	}
}

static void by_hand_duplicate(struct work *work)
{
	int pidfd = fdpass_pidref_fd(work->holder);

	for (size_t i = 0; i < work->count; i++)
		close(measure_must((int)syscall(SYS_pidfd_getfd, pidfd, work->fds[i], 0U),
				   "pidfd_getfd"));
}

/* Does it for one slice of time: nanoseconds of one. */
static double slice(struct work *work, deed one)
{
	int64_t start = measure_now();
	int64_t now;
	int times = 0;

	work->closing = 0;
	do {
		for (int i = 0; i < BURST; i++)
			one(work);
		times += BURST;
		now = measure_now();
	} while (now - start < SLICE);
	return (double)(work->closing > 0 ? work->closing : now - start) / times;
}

static void one_round(struct work *work, const struct pair *pair, size_t slices)
{
	static double ours[SLICES_MAX], theirs[SLICES_MAX];

	for (size_t i = 0; i < slices; i += 2) {
		/* Neither is always first. */
		ours[i] = slice(work, pair->product);
		theirs[i] = slice(work, pair->baseline);
		theirs[i + 1] = slice(work, pair->baseline);
		ours[i + 1] = slice(work, pair->product);
	}
	measure_print(measure_quartile(ours, slices), measure_quartile(theirs, slices));
}

/* Starts a process that holds all that this one holds, and sleeps until it is killed, at the latest by our end. */
static pid_t start_holder(void)
{
	pid_t parent = getpid(), child = measure_must(fork(), "fork");

	if (child != 0)
		return child;
	measure_must(prctl(PR_SET_PDEATHSIG, SIGKILL), "prctl");
	while (getppid() == parent)
		pause();
	_exit(1);
}

static const struct pair *pair_named(const char *name)
{
	static const struct pair pairs[] = {
		{"message", library_message, by_hand_message},
		{"close", library_close, by_hand_close},
		{"duplicate", library_duplicate, by_hand_duplicate},
	};

	for (size_t i = 0; i < sizeof(pairs) / sizeof(*pairs); i++)
		if (strcmp(pairs[i].name, name) == 0)
			return &pairs[i];
	fprintf(stderr, "bench: there is no '%s'\n", name);
	exit(2);
}

int main(int argc, char **argv)
{
	struct work work = {.closing = 0};
	struct fdpass_error error;
	const struct pair *pair;
	int rounds;
	size_t slices;
	pid_t holder;

	if (argc != 5) {
		fprintf(stderr, "usage: library message|close|duplicate COUNT ROUNDS SLICES\n");
		return 2;
	}
	pair = pair_named(argv[1]);
	work.count = (size_t)measure_number(argv[2]);
	if (work.count > RAW_MESSAGE_MAX)
		work.count = RAW_MESSAGE_MAX;
	rounds = measure_number(argv[3]);
	slices = (size_t)measure_number(argv[4]);
	if (slices > SLICES_MAX - 1)
		slices = SLICES_MAX - 1;
	measure_must(fdpass_set_new(&work.set), "fdpass_set_new");
	measure_must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, work.ends), "socketpair");
	measure_open_many(FIRST, (int)work.count);
	for (size_t i = 0; i < work.count; i++)
		work.fds[i] = FIRST + (int)i;
	holder = start_holder();
	measure_must(fdpass_pidref_open(holder, 0, &work.holder, &error), "fdpass_pidref_open");
	for (int i = 0; i < rounds; i++)
		one_round(&work, pair, slices + slices % 2);
	fdpass_pidref_free(work.holder);
	kill(holder, SIGKILL);
	fdpass_set_free(work.set);
	return 0;
}
