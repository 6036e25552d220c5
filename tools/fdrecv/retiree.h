/* SPDX-License-Identifier: MIT */
#ifndef FDPASS_FDRECV_RETIREE_H
#define FDPASS_FDRECV_RETIREE_H

/* A process that is to go: how it is ended without what it has accepted being lost. */

#include "fdpass.h"

struct retiree {
	const struct fdpass_pidref *ref; /* borrowed */
	struct fdpass_match **accepted;  /* owned; the connections of each listening socket */
	size_t accepted_count;
	int connections; /* how many of them it had when it could last be looked at */
	int settled;     /* it was said what became of it */
};

/* Notes the listening sockets of `set`, which were taken from it: 0 or a negative errno. */
int fdrecv_retiree_note(struct retiree *retiree, const struct fdpass_set *set);

/* Frees what is in it. */
void fdrecv_retiree_clear(struct retiree *retiree);

/* Told what became of one: 0, it was ended; -ESRCH, it has ended by itself; -ECHILD, its successor has ended;
 * -ETIMEDOUT, -ECANCELED or another negative errno; after these it goes on. */
typedef void (*retiree_settled)(const struct retiree *retiree, int result);

/* Ends each as soon as it has no connection that it accepted from these sockets, as long as `successor` runs. One
 * that is busy does not keep the others. */
void fdrecv_retirees_end_idle(struct retiree *retirees, size_t count,
			      const struct fdpass_pidref *successor, const struct fdpass_wait *wait,
			      retiree_settled settled);

#endif
