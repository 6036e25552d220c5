/* SPDX-License-Identifier: MIT */
#ifndef TESTS_UNIT_GIVEN_H
#define TESTS_UNIT_GIVEN_H

/* Descriptors that are handed over, and known again: of three files in turn, and with names by their number. */

#include <stddef.h>

#include "fdpass.h"

enum given_names { GIVEN_WITHOUT_NAMES, GIVEN_WITH_NAMES };

/* Opens the three files, in the working directory; closes them. */
void given_open(void);
void given_close(void);

/* So many, borrowed. To be freed. */
struct fdpass_set *given_set(size_t count, enum given_names names);

/* 1 when these are they, each in its place and with its name. */
int given_is(const struct fdpass_set *set, size_t count, enum given_names names);

#endif
