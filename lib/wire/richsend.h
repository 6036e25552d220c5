/* SPDX-License-Identifier: MIT */
#ifndef FDPASS_WIRE_RICHSEND_H
#define FDPASS_WIRE_RICHSEND_H

/* The sender's part of a rich handover: header, "go on", descriptors, answer. */

#include "wire/outgoing.h"

/* Messages that one step sends, so that between them somebody can look at the clock. */
#define RICHSEND_MESSAGES_MAX 64

/* As fdpass_outgoing_step(), for an `outgoing` with a header. */
int fdpass_richsend_step(struct outgoing *outgoing, const struct fdpass_set *set,
			 enum fdpass_proof *ret_proof);

#endif
