/* SPDX-License-Identifier: MIT */
#ifndef FDPASS_WIRE_INCOMING_H
#define FDPASS_WIRE_INCOMING_H

/* The receiver's end of one handover, over one connected socket. */

#include <sys/socket.h>

#include "wire/frame.h"
#include "wire/offer.h"
#include "wire/packet.h"

/* Bytes without a descriptor that a caller may send ahead of its message. Somebody who writes a
 * command line into the socket gets an answer; somebody who streams a file does not fill our time. */
#define INCOMING_BYTES_MAX 65536

/* Whether the writer of a message may give us descriptors: 1 or 0, or a negative errno. */
typedef int (*incoming_admit)(void *context, const struct ucred *writer);

enum incoming_sharing {
	INCOMING_OWN,    /* the connection is ours alone, and may be shut down */
	INCOMING_SHARED, /* other processes may hold it: nothing that outlives us is done to it */
};

enum incoming_phase {
	INCOMING_FIRST,    /* nothing but plain bytes so far */
	INCOMING_NAMES,    /* the names of a rich handover are on their way */
	INCOMING_OFFERED,  /* its header is whole, and waits for fdpass_incoming_go_on() */
	INCOMING_TRANSFER, /* its descriptors are on their way */
};

struct incoming {
	enum incoming_sharing sharing;
	enum incoming_phase phase;
	int socket;             /* owned */
	struct fdpass_set *set; /* owned; everything that came */
	struct ucred writer;    /* of the last message */
	size_t bytes;           /* that came ahead of it */
	struct offer offer;     /* owned; of a rich handover, until it is complete */
	int highest;            /* of a rich handover: the highest number in the set, or 0 */
};

/* Owns `socket` from here on, also on failure; greets. On failure nothing may be read from it, since the
 * sender would take that for the proof of a receiver that does not speak. */
int fdpass_incoming_begin(struct incoming *incoming, int socket, enum incoming_sharing sharing);

/* What a step may find, when it is no failure. */
enum {
	INCOMING_NOT_YET = 0, /* call again when the socket is readable */
	INCOMING_COMPLETE,    /* everything is in `set`, with its names */
	INCOMING_OFFER,       /* `offer` is to be judged, and then fdpass_incoming_go_on() called */
};

/*
 * Reads what is there, without waiting, or a bounded part of it. INCOMING_NOT_YET and so on; or a negative
 * errno and in `*ret_reason` (static) why:
 *   -EPERM  the writer is not admitted	      -EMFILE  descriptors were lost, the table is full
 *   -EBADMSG  no descriptor came, or what came is against the protocol
 *   -EPROTONOSUPPORT  a kind of handover we do not know	      -E2BIG  more than the limits allow
 *   -ECONNRESET  the caller is gone and has sent nothing; nobody is there to be answered
 * or -ENOMEM and the like. Whatever came is closed by then.
 */
int fdpass_incoming_step(struct incoming *incoming, incoming_admit admit, void *context,
			 const char **ret_reason);

/* Tells the sender of a rich handover to send its descriptors. 0; or a negative errno when that cannot be
 * said, except that the sender has gone, which the next step finds. */
int fdpass_incoming_go_on(struct incoming *incoming);

/* Writes a record. That the sender has gone, or does not read, is no failure. */
void fdpass_incoming_answer(const struct incoming *incoming, enum frame_type type, uint32_t count,
			    const char *text);

/* The same for two records that say who accepts, and that it only passes them on: both or neither, as the first
 * one alone would promise more. */
void fdpass_incoming_answer_passed_on(const struct incoming *incoming, uint32_t count);

/* Closes the connection and what is left in the set. */
void fdpass_incoming_end(struct incoming *incoming);

/* The same, when another process of ours has the connection and goes on. */
void fdpass_incoming_release(struct incoming *incoming);

/* For the two files that a step is made of: closes what came, and returns `code` with its reason. */
int fdpass_incoming_refuse(struct incoming *incoming, int code, const char *reason,
			   const char **ret_reason);

/* The same: takes one message of up to `size` bytes, whose writer is admitted and of which nothing was lost.
 * Returns its bytes; 0 when there is none yet; else it was refused. */
int fdpass_incoming_receive(struct incoming *incoming, void *bytes, size_t size,
			    incoming_admit admit, void *context, const char **ret_reason);

#endif
