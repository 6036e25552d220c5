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

struct subject {
	const char *fdsend;
	const char *fdrecv;
	const char *floor;
	const char *nothing;
	const char *directory; /* the run directory: new, and nobody else's */
	int count;             /* of descriptors */
};

/* One operation: its nanoseconds. */
typedef double (*operation)(const struct subject *subject, enum side side);

/* From the moment that a receiver appears until the sender that waits for it is connected. */
double wakeup_path(const struct subject *subject, enum side side);
double wakeup_abstract(const struct subject *subject, enum side side);

#endif
