/* SPDX-License-Identifier: MIT */
#ifndef FDPASS_WIRE_RICHTAKE_H
#define FDPASS_WIRE_RICHTAKE_H

/* The receiver's part of a rich handover: header, "go on", descriptors; as steps of `struct incoming`. */

#include "wire/incoming.h"

/* Messages of descriptors that one step takes: a sender that never stops does not keep the others waiting. */
#define RICHTAKE_MESSAGES_MAX 16

/* The first read returned these bytes, which begin with a head, and no descriptor. As a step. */
int fdpass_richtake_begin(struct incoming *incoming, const unsigned char *bytes, size_t size,
			  incoming_admit admit, void *context, const char **ret_reason);

/* A step of a handover that was begun. */
int fdpass_richtake_step(struct incoming *incoming, incoming_admit admit, void *context,
			 const char **ret_reason);

#endif
