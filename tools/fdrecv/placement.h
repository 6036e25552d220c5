/* SPDX-License-Identifier: MIT */
#ifndef FDPASS_FDRECV_PLACEMENT_H
#define FDPASS_FDRECV_PLACEMENT_H

/*
 * Which numbers everything is to have for the command: those that the command line names, and those that
 * follow from how much has come.
 */

#include <stddef.h>

#include "tools/fdrecv/request.h"

struct placement {
	int *numbers;  /* group by group, in the order of what comes */
	size_t *first; /* for each group, where its numbers begin; one more at the end */
	int *sorted;   /* the same numbers, ascending, each once */
	size_t count;
};

/*
 * Computes it from how many have come for each group; for one that still waits, 0, the least that can
 * come is counted. `is_free` says whether the command will find a number closed. Pure but for that.
 *
 * 0; -ENOMEM; or -EEXIST, with the reason in `reason`, when --listen-fds and another target want the same
 * number. On failure `placement` is as before, on success what was in it is freed.
 */
int fdrecv_placement_make(struct placement *placement, const struct request *request,
			  const size_t *came, int (*is_free)(int fd), char *reason, size_t size);

/* Frees what is in it. */
void fdrecv_placement_clear(struct placement *placement);

/* The numbers of one group, and how many they are. */
const int *fdrecv_placement_of(const struct placement *placement, size_t group, size_t *ret_count);

/* The highest number. */
int fdrecv_placement_highest(const struct placement *placement);

/* The lowest number from `fd` up that nothing is to be put on. */
int fdrecv_placement_beside(const struct placement *placement, int fd);

#endif
