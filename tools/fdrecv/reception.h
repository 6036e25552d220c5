/* SPDX-License-Identifier: MIT */
#ifndef FDPASS_FDRECV_RECEPTION_H
#define FDPASS_FDRECV_RECEPTION_H

/* One run of fdrecv: what it was asked, what it has so far, and its end as the command. */

#include "fdpass.h"
#include "tools/fdrecv/placement.h"
#include "tools/fdrecv/request.h"
#include "tools/fdrecv/table.h"

enum { FAILED = 125, TIMED_OUT = 124 };

struct reception {
	const struct request *request;
	struct table table;
	char *path;                        /* of the command */
	struct fdpass_address **addresses; /* one for each group, as are the handovers */
	struct fdpass_handover **handovers;
	size_t *came;               /* for each group, how many it keeps; 0 while it waits */
	struct placement placement; /* of what has come, and the least that may still come */
	size_t served;
	struct fdpass_rule *rule;
	struct fdpass_receiver *receiver;
	struct fdpass_wait wait;
};

/* Ends the program with nothing left behind. */
_Noreturn void fdrecv_leave(struct reception *reception, int status);

/* Puts everything in its place and becomes the command. Beyond this there is no way back. */
_Noreturn void fdrecv_take_over(struct reception *reception);

#endif
