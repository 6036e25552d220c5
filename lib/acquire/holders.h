/* SPDX-License-Identifier: MIT */
#ifndef FDPASS_ACQUIRE_HOLDERS_H
#define FDPASS_ACQUIRE_HOLDERS_H

/* Which processes hold something, and which of them came first. */

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "acquire/sought.h"

/* What processes are looked for by: sockets by their inodes, sorted, or a file. */
struct fdpass_wanted {
	const struct fdpass_sought *sought;
	uint64_t *inodes;
	size_t count;
};

struct fdpass_holders {
	pid_t *pids; /* free(3) */
	size_t count;
	int own; /* the caller holds it as well; it does not count */
};

/* Looks through /proc, which has to show the caller's own PID namespace: -ENOENT. */
int fdpass_holders_find(const struct fdpass_wanted *wanted, struct fdpass_holders *ret_holders);

/* Looks at these again, and forgets who does not hold it any more: there are some who do for a moment only, as
 * between fork and exec. 1 when there was one, 0 when not, or a negative errno. */
int fdpass_holders_again(const struct fdpass_wanted *wanted, struct fdpass_holders *holders);

/* 1 when the process with that directory in /proc holds it, 0 when not, or a negative errno. */
int fdpass_holders_look(int proc, const struct fdpass_wanted *wanted);

/* The one that is an ancestor of all the others, or 0. */
pid_t fdpass_holders_first(const struct fdpass_holders *holders);

/* "123 (nginx), 124 (nginx)", cut to `size` at the end of an entry, and then with ", ...". */
void fdpass_holders_text(const struct fdpass_holders *holders, char *text, size_t size);

#endif
