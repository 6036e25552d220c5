/* SPDX-License-Identifier: MIT */
#ifndef SUITE_H
#define SUITE_H

#include <check.h>

/* Runs a suite as the environment says (CK_VERBOSITY, CK_RUN_CASE, ...) and frees it. What main() returns: EXIT_SUCCESS
 * when no test has failed. */
int suite_run(Suite *suite);

#endif
