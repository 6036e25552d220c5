/* SPDX-License-Identifier: MIT */
#ifndef FDPASS_BENCH_PROGRAMS_H
#define FDPASS_BENCH_PROGRAMS_H

/* The programs that are measured, and one operation with either side of a comparison. */

enum side {
	SIDE_PRODUCT,
	SIDE_BASELINE,
};

/* Descriptors to send stand on the numbers from SOURCES; a receiver puts them on those from TARGETS.
 * Both are out of each other's way and of the default limit of 1024. */
#define SOURCES 300
#define TARGETS 600

/* As many as LISTEN_FDS might announce: from 3 up. */
#define MANY_SOURCES 100
#define MANY_TARGETS 3

struct subject {
	const char *fdsend;
	const char *fdrecv;
	const char *floor;
	const char *nothing;
	const char
		*command; /* what a receiver becomes: COMMAND, or the program that does nothing */
	const char *directory; /* the run directory: new, and nobody else's */
	int count;             /* of descriptors */
};

/* One operation: its nanoseconds. */
typedef double (*operation)(const struct subject *subject, enum side side);

/* Both programs are started afresh, the sender when the receiver listens, until both have ended, the receiver
 * as the program that does nothing. */
double handover(const struct subject *subject, enum side side);

/* The same, for any number: they stand on the numbers from MANY_SOURCES, and only the sender inherits them. */
double handover_many(const struct subject *subject, enum side side);

/* The same as handover(), against two programs that do nothing, one after the other. */
double handover_alone(const struct subject *subject, enum side side);

/* The same, against somebody else's: others.c. */
double handover_other(const struct subject *subject, enum side side);

/* From the moment that a receiver appears until the sender that waits for it is connected. */
double wakeup_path(const struct subject *subject, enum side side);
double wakeup_abstract(const struct subject *subject, enum side side);

#endif
