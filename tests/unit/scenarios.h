/* SPDX-License-Identifier: MIT */
#ifndef TESTS_UNIT_SCENARIOS_H
#define TESTS_UNIT_SCENARIOS_H

/* What the library can do, each as one function in which its calls can be made to fail. */

#include "failing.h"
#include "fdpass.h"

struct scenario {
	const char *name;
	/*
	 * Does it between failing_begin() and failing_end(), and returns what the library said. It asserts that
	 * what succeeded is there, that nothing is which failed, and leaves nothing. `error` is filled when it
	 * failed.
	 */
	int (*run)(struct fdpass_error *error);
	/* What has to be there before and is gone after all runs; or NULL. */
	void (*prepare)(void);
	void (*finish)(void);
	unsigned
		most; /* calls that are to fail; 0: all. Where they are as many as there are processes. */
};

/* Each list ends with one that has no name. */
extern const struct scenario scenarios_handover[], scenarios_process[], scenarios_socket[];

/* How long a run may wait: see test-failing.c. */
struct fdpass_wait scenario_patience(void);

/* Of functions that have no error record: the result, and a record that agrees. */
int scenario_untold(int r, struct fdpass_error *error);

#endif
