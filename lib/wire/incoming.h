/* SPDX-License-Identifier: MIT */
#ifndef FDPASS_WIRE_INCOMING_H
#define FDPASS_WIRE_INCOMING_H

/* The receiver's end of one handover, over one connected socket. */

#include <sys/socket.h>

#include "wire/frame.h"
#include "wire/message.h"

/* Bytes without a descriptor that a caller may send ahead of its message. Somebody who writes a
 * command line into the socket gets an answer; somebody who streams a file does not fill our time. */
#define INCOMING_BYTES_MAX 65536

/* Whether the writer of a message may give us descriptors: 1 or 0, or a negative errno. */
typedef int (*incoming_admit)(void *context, const struct ucred *writer);

enum incoming_sharing {
	INCOMING_OWN,    /* the connection is ours alone, and may be shut down */
	INCOMING_SHARED, /* other processes may hold it: nothing that outlives us is done to it */
};

struct incoming {
	enum incoming_sharing sharing;
	int socket;             /* owned */
	struct fdpass_set *set; /* owned; everything that came */
	struct ucred writer;    /* of the last message */
	size_t bytes;           /* that came ahead of it */
};

/* Owns `socket` from here on, also on failure; greets. On failure nothing may be read from it, since the
 * sender would take that for the proof of a receiver that does not speak. */
int fdpass_incoming_begin(struct incoming *incoming, int socket, enum incoming_sharing sharing);

/*
 * Reads what is there, without waiting. 1: the handover is complete, in `set`; 0: not yet, call again
 * when the socket is readable. Otherwise a negative errno and in `*ret_reason` (static) why:
 *   -EPERM  the writer is not admitted	      -EMFILE  descriptors were lost, the table is full
 *   -EBADMSG  no descriptor came	      -EPROTONOSUPPORT  a kind of handover we do not know
 *   -ECONNRESET  the caller is gone and has sent nothing; nobody is there to be answered
 * or -ENOMEM and the like. Whatever came is closed by then.
 */
int fdpass_incoming_step(struct incoming *incoming, incoming_admit admit, void *context,
			 const char **ret_reason);

/* Writes a record. That the sender has gone, or does not read, is no failure. */
void fdpass_incoming_answer(const struct incoming *incoming, enum frame_type type, uint32_t count,
			    const char *text);

/* Closes the connection and what is left in the set. */
void fdpass_incoming_end(struct incoming *incoming);

#endif
