/* SPDX-License-Identifier: MIT */
#ifndef FDPASS_HANDOVER_STARTED_H
#define FDPASS_HANDOVER_STARTED_H

/* What becomes of a receiver after it has accepted: does it start what it was to run, and does that end? */

#include "wire/outgoing.h"

enum started_phase {
	STARTED_NOT_YET,  /* its connection is still there */
	STARTED_OR_ENDED, /* it is ending, so that it may have had its time as another program */
	STARTED_OR_LOST,  /* it has ended, and how is not known yet */
	STARTED_RUNNING,  /* it has become another program */
};

struct started {
	enum started_phase phase;
	enum fdpass_until until;
	int pidfd;      /* borrowed: of the process that answered; or negative */
	int proc;       /* owned: its directory in /proc; or negative */
	int64_t reaped; /* until when its parent is given time to ask for its status */
};

/* Of `outgoing`, which was accepted, and asked for the process that answered. */
void fdpass_started_begin(struct started *started, const struct outgoing *outgoing,
			  enum fdpass_until until);

/* Goes as far as it can without waiting. 1: what `until` says has happened; 0: call again when
 * fdpass_started_interest() says; or a negative errno as fdpass_send() lists them for START. */
int fdpass_started_step(struct started *started, struct outgoing *outgoing,
			struct fdpass_error *error);

struct interest fdpass_started_interest(const struct started *started,
					const struct outgoing *outgoing);

void fdpass_started_end(struct started *started);

#endif
