/* SPDX-License-Identifier: MIT */
/* What one handover between two programs costs, of few descriptors and of many. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "measure.h"
#include "programs.h"
#include "raw.h"

/* Both command lines of one side. */
struct pair {
	const char *receiver[10], *sender[8];
	char from[32], to[32], first[16], target[16], count[16], writing[16], path[128];
	int ready[2];
};

static void prepare(struct pair *pair, const struct subject *subject, enum side side, int sources,
		    int targets)
{
	const char *const fdrecv[] = {
		subject->fdrecv, "--ready-fd", pair->writing,    "-f", pair->to,
		"handover",      "--run",      subject->command, NULL};
	const char *const fdsend[] = {subject->fdsend, "-f", pair->from, "handover", NULL};
	const char *const receiver[] = {subject->floor,   "receive",    pair->path,
					pair->writing,    pair->target, pair->count,
					subject->command, NULL};
	const char *const sender[] = {subject->floor, "send",      pair->path,
				      pair->first,    pair->count, NULL};
	const char *const *receiving = side == SIDE_PRODUCT ? fdrecv : receiver;
	const char *const *sending = side == SIDE_PRODUCT ? fdsend : sender;
	int i;

	measure_must(pipe2(pair->ready, O_CLOEXEC), "pipe2");
	fcntl(pair->ready[1], F_SETFD, 0);
	snprintf(pair->from, sizeof(pair->from), "%d-%d", sources, sources + subject->count - 1);
	snprintf(pair->to, sizeof(pair->to), "%d-%d", targets, targets + subject->count - 1);
	snprintf(pair->first, sizeof(pair->first), "%d", sources);
	snprintf(pair->target, sizeof(pair->target), "%d", targets);
	snprintf(pair->count, sizeof(pair->count), "%d", subject->count);
	snprintf(pair->writing, sizeof(pair->writing), "%d", pair->ready[1]);
	snprintf(pair->path, sizeof(pair->path), "%s/floor", subject->directory);
	for (i = 0; (pair->receiver[i] = receiving[i]) != NULL;)
		i++;
	for (i = 0; (pair->sender[i] = sending[i]) != NULL;)
		i++;
}

/* Starts the receiver: it listens. */
static pid_t receive(struct pair *pair)
{
	pid_t receiving = measure_start(pair->receiver);
	char byte;

	close(pair->ready[1]);
	if (read(pair->ready[0], &byte, 1) == 1)
		return receiving;
	fprintf(stderr, "bench: %s does not listen\n", pair->receiver[0]);
	_exit(1);
}

static void send_and_end(const struct pair *pair, pid_t receiving)
{
	measure_finish(measure_start(pair->sender), pair->sender[0]);
	measure_finish(receiving, pair->receiver[0]);
}

/* Not on the clock: the floor does not clean up. */
static void clean_up(const struct pair *pair, enum side side)
{
	close(pair->ready[0]);
	if (side == SIDE_BASELINE)
		measure_must(unlink(pair->path), pair->path);
}

double handover(const struct subject *subject, enum side side)
{
	struct pair pair;
	int64_t start, end;

	prepare(&pair, subject, side, SOURCES, TARGETS);
	start = measure_now();
	send_and_end(&pair, receive(&pair));
	end = measure_now();
	clean_up(&pair, side);
	return (double)(end - start);
}

static void raise_limit(void)
{
	struct rlimit limit;

	measure_must(getrlimit(RLIMIT_NOFILE, &limit), "getrlimit");
	limit.rlim_cur = limit.rlim_max;
	measure_must(setrlimit(RLIMIT_NOFILE, &limit), "setrlimit");
}

double handover_many(const struct subject *subject, enum side side)
{
	struct pair pair;
	int64_t start, listening, sending, end;
	pid_t receiving;

	raise_limit();
	prepare(&pair, subject, side, MANY_SOURCES, MANY_TARGETS);
	start = measure_now();
	receiving = receive(&pair);
	listening = measure_now();
	/* Only now, or the receiver would inherit them, and both sides' costs rise by what that costs. */
	measure_open_many(MANY_SOURCES, subject->count);
	sending = measure_now();
	send_and_end(&pair, receiving);
	end = measure_now();
	raw_close_range(MANY_SOURCES, MANY_SOURCES + subject->count - 1);
	clean_up(&pair, side);
	return (double)(listening - start + end - sending);
}
