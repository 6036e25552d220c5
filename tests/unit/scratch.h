/* SPDX-License-Identifier: MIT */
#ifndef TESTS_UNIT_SCRATCH_H
#define TESTS_UNIT_SCRATCH_H

/* An empty directory for each test, which is also its working directory; removed with all it holds. */

#include <check.h>

void scratch_add(TCase *tcase);

/* Its absolute path. */
const char *scratch_path(void);

/* Lets other users search it; it is its user's alone at first. */
void scratch_open_to_others(void);

#endif
