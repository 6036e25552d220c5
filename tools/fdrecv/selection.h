/* SPDX-License-Identifier: MIT */
#ifndef FDPASS_FDRECV_SELECTION_H
#define FDPASS_FDRECV_SELECTION_H

/* Which of the descriptors that came go to which targets. */

#include <stddef.h>

#include "cli/list.h"

/*
 * For each target the index, in `order`, of what it gets: a target with a name gets the first of that name
 * that is left, the others get in their order what no name has selected. `names` has `count` names of what
 * came; NULL, there or in a place: none. `order` has room for targets->count.
 *
 * 0; -ENODATA when too few came, -ENOENT when a name did not, -ENOMEM; with the reason in words. Pure.
 */
int fdrecv_select(const struct cli_list *targets, size_t count, const char *const *names,
		  size_t *order, char *reason, size_t size);

#endif
