/* SPDX-License-Identifier: MIT */
/*
 * What whole programs cost: starting one, one handover between two, waking one that waits.
 *
 * usage: programs start-fdsend|start-fdrecv|handover|wake-path|wake-abstract ROUNDS SAMPLES COUNT
 *
 * FDSEND and FDRECV are the programs, BENCH is the folder of the baselines, and FDPASS_RUNTIME_DIR is an
 * empty folder. Product and baseline take turns; a round is the first quartile of SAMPLES of each, and one line.
 */
#include "programs.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "measure.h"
#include "raw.h"

#define SAMPLES_MAX 1000

static double start_one(const char *const *argv)
{
	int64_t start = measure_now();

	measure_finish(measure_start(argv), argv[0]);
	return (double)(measure_now() - start);
}

static double start_fdsend(const struct subject *subject, enum side side)
{
	return start_one((const char *[]){side == SIDE_PRODUCT ? subject->fdsend : subject->nothing,
					  "--version", NULL});
}

static double start_fdrecv(const struct subject *subject, enum side side)
{
	return start_one((const char *[]){side == SIDE_PRODUCT ? subject->fdrecv : subject->nothing,
					  "--version", NULL});
}

/* The receiver is started, and the sender when it listens; over when both have ended, the receiver as the
 * program that does nothing. */
static double hand_over(const char *const *receiver, const char *const *sender, int ready[2])
{
	pid_t receiving, sending;
	int64_t start = measure_now();
	int64_t end;
	char byte;

	receiving = measure_start(receiver);
	close(ready[1]);
	if (read(ready[0], &byte, 1) != 1) {
		fprintf(stderr, "bench: %s does not listen\n", receiver[0]);
		exit(1);
	}
	sending = measure_start(sender);
	measure_finish(sending, sender[0]);
	measure_finish(receiving, receiver[0]);
	end = measure_now();
	close(ready[0]);
	return (double)(end - start);
}

static double handover(const struct subject *subject, enum side side)
{
	char from[32], to[32], first[16], target[16], count[16], writing[16], path[128];
	const char *const fdrecv[] = {subject->fdrecv, "--ready-fd", writing,          "-f", to,
				      "handover",      "--run",      subject->nothing, NULL};
	const char *const fdsend[] = {subject->fdsend, "-f", from, "handover", NULL};
	const char *const receiver[] = {subject->floor, "receive",        path, writing,
					target,         subject->nothing, NULL};
	const char *const sender[] = {subject->floor, "send", path, first, count, NULL};
	int ready[2];
	double spent;

	measure_must(pipe2(ready, O_CLOEXEC), "pipe2");
	fcntl(ready[1], F_SETFD, 0);
	snprintf(from, sizeof(from), "%d-%d", SOURCES, SOURCES + subject->count - 1);
	snprintf(to, sizeof(to), "%d-%d", TARGETS, TARGETS + subject->count - 1);
	snprintf(first, sizeof(first), "%d", SOURCES);
	snprintf(target, sizeof(target), "%d", TARGETS);
	snprintf(count, sizeof(count), "%d", subject->count);
	snprintf(writing, sizeof(writing), "%d", ready[1]);
	snprintf(path, sizeof(path), "%s/floor", subject->directory);
	if (side == SIDE_PRODUCT)
		return hand_over(fdrecv, fdsend, ready);
	spent = hand_over(receiver, sender, ready);
	/* Not on the clock: the floor does not clean up. */
	measure_must(unlink(path), path);
	return spent;
}

static const char *environment(const char *name)
{
	const char *value = getenv(name);

	if (value != NULL)
		return value;
	fprintf(stderr, "bench: %s is not set\n", name);
	exit(2);
}

static operation operation_named(const char *name)
{
	static const struct {
		const char *name;
		operation operation;
	} operations[] = {
		{"start-fdsend", start_fdsend},
		{"start-fdrecv", start_fdrecv},
		{"handover", handover},
		{"wake-path", wakeup_path},
		{"wake-abstract", wakeup_abstract},
	};

	for (size_t i = 0; i < sizeof(operations) / sizeof(*operations); i++)
		if (strcmp(operations[i].name, name) == 0)
			return operations[i].operation;
	fprintf(stderr, "bench: there is no '%s'\n", name);
	exit(2);
}

int main(int argc, char **argv)
{
	static double samples[2][SAMPLES_MAX];
	static char floor_path[PATH_MAX], nothing_path[PATH_MAX];
	struct subject subject;
	operation measured;
	int rounds, count;

	if (argc != 5) {
		fprintf(stderr, "usage: programs WHAT ROUNDS SAMPLES COUNT\n");
		return 2;
	}
	measured = operation_named(argv[1]);
	rounds = measure_number(argv[2]);
	count = measure_number(argv[3]);
	if (count > SAMPLES_MAX)
		count = SAMPLES_MAX;
	snprintf(floor_path, sizeof(floor_path), "%s/floor", environment("BENCH"));
	snprintf(nothing_path, sizeof(nothing_path), "%s/nothing", environment("BENCH"));
	subject = (struct subject){
		.fdsend = environment("FDSEND"),
		.fdrecv = environment("FDRECV"),
		.floor = floor_path,
		.nothing = nothing_path,
		.directory = environment("FDPASS_RUNTIME_DIR"),
		.count = measure_number(argv[4]),
	};
	measure_open_many(SOURCES, subject.count);
	for (int i = 0; i < rounds; i++) {
		for (int j = 0; j < count; j++) {
			enum side first = j % 2 == 0 ? SIDE_PRODUCT : SIDE_BASELINE;
			enum side second = j % 2 == 0 ? SIDE_BASELINE : SIDE_PRODUCT;

			samples[first][j] = measured(&subject, first);
			samples[second][j] = measured(&subject, second);
		}
		measure_print(measure_quartile(samples[SIDE_PRODUCT], (size_t)count),
			      measure_quartile(samples[SIDE_BASELINE], (size_t)count));
	}
	return 0;
}
