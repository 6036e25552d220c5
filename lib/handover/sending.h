/* SPDX-License-Identifier: MIT */
#ifndef FDPASS_HANDOVER_SENDING_H
#define FDPASS_HANDOVER_SENDING_H

/* A handover that is being sent, in steps that do not wait: what both fdpass_send() and event loops drive. */

#include "handover/started.h"
#include "rendezvous/dialer.h"

enum sending_phase {
	SENDING_DIAL,    /* to be connected */
	SENDING_LISTEN,  /* waiting for somebody to listen there */
	SENDING_TALK,    /* connected, in `outgoing` */
	SENDING_FOLLOW,  /* accepted, and to be started, in `started` */
	SENDING_IS_OVER, /* done, or failed */
};

struct fdpass_sending {
	const struct fdpass_set *set; /* borrowed */
	struct fdpass_send_options options;
	struct fdpass_wait wait;      /* what options.wait said */
	struct fdpass_rule *own_rule; /* owned; the default, when the options name none */
	unsigned char *header;        /* owned: of a rich handover; NULL: it is plain */
	size_t header_size;
	enum sending_phase phase;
	struct dialer dialer;
	struct outgoing outgoing; /* from SENDING_TALK to the end of the connection */
	struct started started;   /* in SENDING_FOLLOW */
	int pidfds;               /* what the connection's SO_PASSPIDFD was: see base/socket.h */
	size_t passed;            /* descriptors of a rich handover that went out */
	struct fdpass_delivery delivery;
	struct fdpass_peer stranger; /* the last one that was told of */
	int told_waiting, told_sent, told_started;
	struct fdpass_error obstacle; /* what stood in the way at last */
	int events;                   /* owned: epoll, for an event loop; or FD_NONE */
	int watched;                  /* what is in it, or FD_NONE */
	int64_t until;                /* when to call again, for an event loop */
};

/* As fdpass_sending_begin(), in memory of the caller's, and without `events`. To be ended in any case. */
int fdpass_sending_init(struct fdpass_sending *sending, const struct fdpass_address *address,
			const struct fdpass_set *set, const struct fdpass_send_options *options,
			struct fdpass_error *error);

/* As fdpass_sending_step(), and leaves `events` alone. */
int fdpass_sending_go_on(struct fdpass_sending *sending, struct fdpass_delivery *ret_delivery,
			 struct fdpass_error *error);

/* The wait is over, or failed, with `code`: says so, and how far it had come. Returns `code`. */
int fdpass_sending_give_up(const struct fdpass_sending *sending, int code,
			   struct fdpass_error *error);

/* When it makes sense to go on. */
struct interest fdpass_sending_interest(const struct fdpass_sending *sending);

void fdpass_sending_end(struct fdpass_sending *sending);

#endif
