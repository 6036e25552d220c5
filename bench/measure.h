/* SPDX-License-Identifier: MIT */
#ifndef FDPASS_BENCH_MEASURE_H
#define FDPASS_BENCH_MEASURE_H

/* What the measuring programs share: a clock, samples, other processes, and an early end. */

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* CLOCK_MONOTONIC, in nanoseconds. */
int64_t measure_now(void);

/* Ends the program when `result` is negative: "WHAT: ..." with errno's text. Returns it otherwise. */
int measure_must(int result, const char *what);

/* A number of the command line, from 1 to a million. */
int measure_number(const char *text);

/* The first quartile of `count` samples, which it sorts: what it costs while the machine has nothing else
 * to do, without being as lucky as the very best. */
double measure_quartile(double *samples, size_t count);

/* One round: what the product cost and what the baseline cost, in nanoseconds of one operation. */
void measure_print(double product, double baseline);

/* Starts a program with stdout on /dev/null; what is not close-on-exec goes along. */
pid_t measure_start(const char *const *argv);

/* Waits for its end, which must be a good one. */
void measure_finish(pid_t child, const char *name);

/* Puts `count` new descriptors (eventfds, each of its own) on the numbers from `first`, inherited. */
void measure_open_many(int first, int count);

#endif
