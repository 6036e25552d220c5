/* SPDX-License-Identifier: MIT */
#ifndef FDPASS_FDRECV_RETIREE_H
#define FDPASS_FDRECV_RETIREE_H

/* A process that is to go: how it is ended without what it has accepted being lost. */

#include "fdpass.h"

struct retiree {
	const struct fdpass_pidref *ref; /* borrowed */
	struct fdpass_match **accepted;  /* owned; the connections of each listening socket */
	size_t accepted_count;
};

/* Notes the listening sockets of `set`, which were taken from it: 0 or a negative errno. */
int fdrecv_retiree_note(struct retiree *retiree, const struct fdpass_set *set);

/* Frees what is in it. */
void fdrecv_retiree_clear(struct retiree *retiree);

/* Ends it as soon as it has no connection that it accepted from these sockets: 0; or -ETIMEDOUT, -ECANCELED
 * or another negative errno, and it goes on, with what stood in the way in `*ret_connections`. */
int fdrecv_retiree_end_idle(const struct retiree *retiree, const struct fdpass_wait *wait,
			    int *ret_connections);

#endif
