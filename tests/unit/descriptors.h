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

/* The same for tests that need what not every place has, or that try very much. `tag` is its name, and Check's
 * tag, by which they are left out with $CK_EXCLUDE_TAGS: "pidfds", "limits" (RLIMIT_NOFILE), "signals",
 * "timed" (a machine that is not ten times slower), "exhaustive". */
TCase *descriptors_tcase_tagged(const char *tag);

#endif
