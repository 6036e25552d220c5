/* SPDX-License-Identifier: MIT */
#ifndef FDPASS_FDRECV_ANNOUNCE_H
#define FDPASS_FDRECV_ANNOUNCE_H

/* What the command is told of its descriptors in the environment. */

#include "tools/fdrecv/reception.h"

/* 0 when what came for a group of --listen-fds can be announced; else a negative errno, with the reason
 * in `reason`. `came` is as in fdrecv_placement_make(), and counts it already. */
int fdrecv_announce_check(const struct request *request, const size_t *came,
			  const struct fdpass_set *set, char *reason, size_t size);

/* Puts it into the environment of this process, which the command gets. Everything has come and is not
 * placed yet. 0 or a negative errno. */
int fdrecv_announce(const struct reception *reception);

#endif
