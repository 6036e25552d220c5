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
	const unsigned char *header; /* borrowed: a rich handover's; NULL: the handover is plain */
	size_t header_size;
	size_t header_sent;        /* bytes of it that are in the socket */
	int told_to_go_on;         /* 1 once the receiver asked for the descriptors */
	size_t passed;             /* descriptors of a rich handover that are in the socket */
	int unsendable;            /* 1 when it failed since the kernel did not send something */
	int sent;                  /* 1 once everything is in the socket */
	int spoke;                 /* 1 once the receiver wrote a byte */
	struct fdpass_set *strays; /* owned; NULL: nobody asks for the process */
	int answerer; /* owned: a pidfd of who wrote the last bytes, or of who answered */
	struct fdpass_pause pause; /* for ETOOMANYREFS, which has no event */
	int64_t resume;            /* when it ends; FDPASS_NO_DEADLINE without one */
	struct frame_reader reader;
	struct frame answer; /* the last frame that was read */
};

/* Owns `socket` from here on, also on failure. What is needed to wait for the answer is made now, so that
 * nothing but the answer can fail once the message is out. */
int fdpass_outgoing_begin(struct outgoing *outgoing, int socket, enum fdpass_confirm confirm);

/* Makes it a rich handover, with this header (wire/offer.h), which is borrowed until the end. Before the
 * first step. */
void fdpass_outgoing_offer(struct outgoing *outgoing, const unsigned char *header, size_t size);

/* Has it keep, in `answerer`, a pidfd of the process that answers; the socket has SO_PASSPIDFD. Before the
 * first step. -ENOMEM. FD_NONE, or a negative errno in its place, when the kernel did not give one. */
int fdpass_outgoing_ask_process(struct outgoing *outgoing);

/*
 * Goes as far as it can without waiting. 1: done, with the proof in `*ret_proof`; 0: call again after
 * what fdpass_outgoing_interest() says. Failures as fdpass_send() lists them for SEND and ANSWER; `answer.text` is
 * the reason of -EREMOTEIO, and -ECONNRESET means: closed unread, nothing was given. Of a rich handover,
 * -EPROTONOSUPPORT: it ended before it was told to go on; -ECONNABORTED before `sent`: it was not given all.
 */
int fdpass_outgoing_step(struct outgoing *outgoing, const struct fdpass_set *set,
			 enum fdpass_proof *ret_proof);

/* When a further step makes sense. */
struct interest fdpass_outgoing_interest(const struct outgoing *outgoing);

/* Takes the events that ended a wait, which come once. To be called before the step that they are for. 0, or a
 * negative errno: what is left there would end every wait at once. */
int fdpass_outgoing_woken(const struct outgoing *outgoing);

void fdpass_outgoing_end(struct outgoing *outgoing);

/* For the two files that a step is made of. The next frame, in `answer`: 1; 0: not yet; -ENODATA at the end
 * of file, -EPROTO when it is none, -ECONNRESET, ... */
int fdpass_outgoing_hear(struct outgoing *outgoing);

/* Sends one message: the bytes that went out; 0: not now, and when is in the events or in `resume`; or
 * -EPIPE, ... */
int fdpass_outgoing_put(struct outgoing *outgoing, const void *bytes, size_t size, const int *fds,
			size_t count);

/* What of it the receiver has not read: SIOCOUTQ. */
int fdpass_outgoing_unread(const struct outgoing *outgoing, int *ret_unread);

#endif
