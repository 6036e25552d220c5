/* SPDX-License-Identifier: MIT */
#ifndef TESTS_UNIT_FAILING_H
#define TESTS_UNIT_FAILING_H

/*
 * Makes one call after the other fail that the library makes of the C library and the kernel: the linker gives
 * those calls to wrappers (ld(1), --wrap), which fail the one whose turn it is. So every error path is walked
 * that a call can lead to.
 */

enum failing_how {
	FAILING_HARD, /* for lack of something, or of permission: what the call is likely to say */
	FAILING_INTERRUPTED, /* EINTR, of calls that a signal can interrupt; the others do not count */
	FAILING_WAYS,
};

/* From here on, call number `turn` (1: the first) fails, and no other. */
void failing_begin(enum failing_how how, unsigned turn);

/* 1 when a call has failed since; then nothing fails any more. */
int failing_end(void);

/* What failed last, for a message. */
const char *failing_last(void);

#endif
