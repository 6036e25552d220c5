/* SPDX-License-Identifier: MIT */
#ifndef TESTS_UNIT_DESCRIPTORS_H
#define TESTS_UNIT_DESCRIPTORS_H

/* A test ends with the descriptor table that it began with: numbers and what they refer to. */

#include <check.h>

/* The checked fixture: records the table before a test, and fails the test if it differs after. */
void descriptors_before(void);
void descriptors_after(void);

/* A test case with that fixture. Fixtures that open something are to be added to it afterwards. */
TCase *descriptors_tcase(const char *name);

#endif
