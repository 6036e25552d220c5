/* SPDX-License-Identifier: MIT */
#ifndef TESTS_UNIT_FAILING_H
#define TESTS_UNIT_FAILING_H

/*
 * Makes the calls fail that the library makes of the C library and the kernel: the linker gives them to wrappers
 * (ld(1), --wrap), which fail the one whose turn it is. failing.c is the table of them.
 */

#include <stdint.h>

enum failing_how {
	FAILING_ONCE,     /* call number `turn`, and no other */
	FAILING_FOR_EVER, /* that one and all later ones of its name, unless it says "try again" */
	FAILING_INTERRUPTED, /* EINTR, of every second call of each name that waits or transfers */
	FAILING_SHORT, /* of those on a stream or file, call number `turn` moves a byte, or as few as it may */
	FAILING_SHORT_ALWAYS, /* every one of them */
	FAILING_WAYS,
};

/* One try: what is to fail, and what came of it. */
struct failing {
	enum failing_how how;
	unsigned turn;  /* 1: the first call */
	unsigned error; /* which of the errors that it may have; 0: the first */

	unsigned seen;    /* calls that counted */
	uint64_t odd;     /* names, by their sums, that were called an odd number of times */
	unsigned failed;  /* calls that have failed */
	const char *call; /* what failed; NULL: nothing has */
	int code;         /* with this error; 0: it was short */
	int no_matter;    /* which is to make no difference */
	unsigned errors;  /* so many may it have */
};

/* Something fails from begin to end only. `failing` is lent, and may be memory that processes share. */
void failing_use(struct failing *failing);
void failing_begin(void);
void failing_end(void);

/* EINTR and the like. One of these for ever would be a busy wait that the kernel asks for. */
int failing_says_again(int code);

/* How many calls have failed in this try; 1 when `call` has failed with that error. */
unsigned failing_count(void);
int failing_was(const char *call, int code);

#endif
