/* SPDX-License-Identifier: MIT */
#ifndef FDPASS_FDFWD_RELAY_H
#define FDPASS_FDFWD_RELAY_H

/* What becomes of one handover. */

#include "tools/fdfwd/forwarding.h"

/*
 * Gives it to every TO, in their order, until one does not take it, and answers it: accepted when all have
 * answered so, and that it was passed on when one of them has only read it. 0, or a negative errno after saying
 * what failed. The handover stays the caller's.
 */
int fdfwd_relay(const struct forwarding *forwarding, struct fdpass_handover *handover,
		const struct fdpass_wait *wait);

#endif
