/* SPDX-License-Identifier: MIT */
#ifndef FDPASS_WIRE_OUTGOING_H
#define FDPASS_WIRE_OUTGOING_H

/* The sender's end of one handover, over one connected socket. */

#include "base/set.h"
#include "base/wait.h"
#include "wire/frame.h"

struct outgoing {
	int socket; /* owned */
	int events; /* owned: epoll, edge-triggered */
	enum fdpass_confirm confirm;
	int sent;                  /* 1 once the message is in the socket */
	int spoke;                 /* 1 once the receiver wrote a byte */
	struct fdpass_pause pause; /* for ETOOMANYREFS, which has no event */
	int64_t resume;            /* when it ends; FDPASS_NO_DEADLINE without one */
	struct frame_reader reader;
	struct frame answer; /* the last frame that was read */
};

/* Owns `socket` from here on, also on failure. What is needed to wait for the answer is made now, so that
 * nothing but the answer can fail once the message is out. */
int fdpass_outgoing_begin(struct outgoing *outgoing, int socket, enum fdpass_confirm confirm);

/*
 * Goes as far as it can without waiting. 1: done, with the proof in `*ret_proof`; 0: call again after
 * fdpass_outgoing_wait(). Failures as fdpass_send() lists them for SEND and ANSWER; `answer.text` is
 * the reason of -EREMOTEIO, and -ECONNRESET means: closed unread, nothing was given.
 */
int fdpass_outgoing_step(struct outgoing *outgoing, const struct fdpass_set *set,
			 enum fdpass_proof *ret_proof);

/* Waits until a further step makes sense: 0, or -ETIMEDOUT, -ECANCELED, ... */
int fdpass_outgoing_wait(struct outgoing *outgoing, const struct fdpass_wait *wait);

void fdpass_outgoing_end(struct outgoing *outgoing);

#endif
