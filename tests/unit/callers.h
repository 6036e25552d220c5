/* SPDX-License-Identifier: MIT */
#ifndef TESTS_UNIT_CALLERS_H
#define TESTS_UNIT_CALLERS_H

/* A crowd that connects to a receiver under test, at ./s0. */

#include <stddef.h>

#include "receiving.h"

/* Connects those with the indices from `first` to before `last`; their descriptors are in `callers`. */
void callers_connect(int callers[], int first, int last);

/* Ends the receiver, and then the first `count` callers. */
void callers_end(struct receiving *receiving, int callers[], int count);

/* The receiver has let this caller go, since there were too many. */
int callers_was_crowded_out(int caller);

/* The receiver has greeted this caller, and no more. */
void callers_assert_waits(int caller);

/* Takes what is complete, which has to be `count` descriptors from this caller, and tells it. */
void callers_take_from(struct receiving *receiving, int caller, size_t count);

#endif
