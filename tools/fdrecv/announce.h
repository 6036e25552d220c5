/* SPDX-License-Identifier: MIT */
#ifndef FDPASS_FDRECV_ANNOUNCE_H
#define FDPASS_FDRECV_ANNOUNCE_H

/* What the command is told of its descriptors in the environment. */

#include "tools/fdrecv/reception.h"

/* What comes for `group`, which has not got it yet. */
struct arrival {
	size_t group;
	const struct fdpass_set *set; /* NULL: not taken yet, and only these are known: */
	const char *const *names;     /* as many as there come, or NULL */
};

/* 0 when the environment can say what has come so far and what comes now, as far as that is known; else a
 * negative errno, with the reason in `reason`. The reception counts and places it already. */
int fdrecv_announce_check(const struct reception *reception, const struct arrival *arrival,
			  char *reason, size_t size);

/* Puts it into the environment of this process, which the command gets. Everything has come and is not
 * placed yet. 0 or a negative errno. */
int fdrecv_announce(const struct reception *reception);

#endif
