/* SPDX-License-Identifier: MIT */
#ifndef LACKING_H
#define LACKING_H

/*
 * Tests that cannot run here say so, each in a line that ci/left-out reads, and that fails where it must run.
 */

/* "left out: NEED: TEST". Returns 1. */
int lacking(const char *need, const char *test);

/* Whether this is not root, whom the test needs; says so. */
int lacks_root(const char *test);

#endif
