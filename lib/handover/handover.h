/* SPDX-License-Identifier: MIT */
#ifndef FDPASS_HANDOVER_HANDOVER_H
#define FDPASS_HANDOVER_HANDOVER_H

/* A complete handover that waits for its answer: see fdpass.h. */

#include "wire/incoming.h"

/* Takes `incoming`, which is complete and came in by listener `index`, over; what it held is the
 * handover's from here on, and `incoming` is empty. On failure it is unchanged. */
int fdpass_handover_new(struct incoming *incoming, int index,
			struct fdpass_handover **ret_handover);

#endif
