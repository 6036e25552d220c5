/* SPDX-License-Identifier: MIT */
#ifndef TESTS_UNIT_CHILDREN_H
#define TESTS_UNIT_CHILDREN_H

/* Processes that hold something, for as long as a test wants them to. */

#include <sys/types.h>

#include "fdpass.h"

struct child {
	pid_t pid;
	int hold; /* closing it ends the child */
};

/* Starts a child that has nothing open but 0 to 2 and 3, and calls `prepare`, in which a failed check is
 * exit status 1. It is ready when this returns, or the test fails. */
struct child child_start(void (*prepare)(void *context), void *context);

/* Ends it, and sees that it ended well. */
void child_stop(struct child *child);

/* In a child: ends it with status 1, saying where, unless COND holds. */
#define child_check(COND) child_check_that(COND, __FILE__, __LINE__)
void child_check_that(int holds, const char *file, int line);

/* Memory that children and tests share, filled with zeros; as long as the test lives. */
void *shared_memory(size_t size);

/* Pins it; the test fails if that fails. */
struct fdpass_pidref *child_pin(const struct child *child);

/* Becomes user and group 65534, without capabilities, and stays dumpable. */
void become_nobody(void);

#endif
