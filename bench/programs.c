/* SPDX-License-Identifier: MIT */
/*
 * What whole programs cost: starting one, one handover between two, waking one that waits.
 *
 * usage: programs start-fdsend|start-fdrecv|handover|alone|other|many|wake-path|wake-abstract ROUNDS SAMPLES COUNT
 *
 * FDSEND and FDRECV are the programs, BENCH is the folder of the baselines, and FDPASS_RUNTIME_DIR is an
 * empty folder. Product and baseline take turns; a round is the first quartile of SAMPLES of each, and one line.
 */
#include "programs.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "measure.h"

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

double handover_alone(const struct subject *subject, enum side side)
{
	const char *const nothing[] = {subject->nothing, NULL};

	return side == SIDE_PRODUCT ? handover(subject, side)
				    : start_one(nothing) + start_one(nothing);
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
		{"start-fdsend", start_fdsend}, {"start-fdrecv", start_fdrecv},
		{"handover", handover},         {"many", handover_many},
		{"alone", handover_alone},      {"other", handover_other},
		{"wake-path", wakeup_path},     {"wake-abstract", wakeup_abstract},
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
		.command = getenv("COMMAND") != NULL ? getenv("COMMAND") : nothing_path,
		.directory = environment("FDPASS_RUNTIME_DIR"),
		.count = measure_number(argv[4]),
	};
	/* That one opens them by itself. */
	if (measured != handover_many)
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
