/* SPDX-License-Identifier: MIT */
#ifndef FDPASS_HANDOVER_STARTED_H
#define FDPASS_HANDOVER_STARTED_H

/* What becomes of a receiver after it has accepted: does it start what it was to run, and does that end? */

#include "wire/outgoing.h"

/* Told when the first is known. */
typedef void (*started_tell)(void *context);

/*
 * Waits until the process that answered has become another program, and with FDPASS_UNTIL_ENDED until it has
 * ended. `outgoing` was accepted, and asked for that process. 0, or a negative errno as fdpass_send() lists
 * them for START and WAIT.
 */
int fdpass_started_wait(struct outgoing *outgoing, enum fdpass_until until,
			const struct fdpass_wait *wait, started_tell tell, void *context,
			struct fdpass_error *error);

#endif
