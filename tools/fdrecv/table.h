/* SPDX-License-Identifier: MIT */
#ifndef FDPASS_FDRECV_TABLE_H
#define FDPASS_FDRECV_TABLE_H

/* The table of open files: how large it may be, here and for the command, and what is in it. */

#include <stddef.h>
#include <sys/resource.h>

struct table {
	struct rlimit inherited; /* RLIMIT_NOFILE as the caller gave it */
	int reached;             /* the kernel's table has room up to this number */
};

/* Raises the soft limit to the hard one, and makes sure that there is room up to `highest`, and for
 * `count` numbers beside 0 to 2. 0; -EMFILE when the hard limit is too low, -ENOMEM. */
int fdrecv_table_open(struct table *table, int highest, size_t count);

/* Makes sure of that again, when more is known. */
int fdrecv_table_reach(struct table *table, int highest, size_t count);

/* 1 when the command will find `fd` closed, unless something is put there; else 0. */
int fdrecv_table_is_free(int fd);

/* The soft limit for the command: the inherited one where enough numbers below it are `free`, else one
 * that leaves room above `highest`. Pure. */
rlim_t fdrecv_table_limit(const struct table *table, int highest, size_t free);

/* Gives that limit to the command, as the table is now, with everything in its place. Returns it, or 0
 * on failure with errno set. */
rlim_t fdrecv_table_restore(const struct table *table, int highest);

#endif
