/* SPDX-License-Identifier: MIT */
#ifndef FDPASS_RENDEZVOUS_DIALER_H
#define FDPASS_RENDEZVOUS_DIALER_H

/* Connecting to an address, and waiting for somebody to listen there. */

#include "base/socket.h"
#include "base/wait.h"
#include "rendezvous/address.h"
#include "rendezvous/watch.h"

struct dialer {
	const struct fdpass_address *address; /* borrowed */
	enum socket_pidfds pidfds;            /* of what it connects; not of what was inherited */
	int socket;                           /* for the next try; owned, or FD_NONE */
	struct watch watch;                   /* of a path */
	int armed;                       /* of an abstract name: 1 once it was asked for a ... */
	int companion;                   /* ... companion; owned, or FD_NONE */
	struct fdpass_pause unannounced; /* for what the kernel does not tell */
	struct fdpass_pause announced;   /* in case it does not tell after all */
	struct fdpass_pause poked;       /* between pokes that turn out to be empty */
	int muted;                       /* 1: during such a pause */
	int64_t resume;                  /* when to try in any case */
};

void fdpass_dialer_init(struct dialer *dialer, const struct fdpass_address *address);

/* Tries once, without waiting. Returns a connected, non-blocking, close-on-exec socket that the
 * caller owns, or a negative errno (steps CONNECT, RUNDIR, SOCKET, START). */
int fdpass_dialer_try(struct dialer *dialer, struct fdpass_error *error);

/*
 * Begins to wait until another try may have another result than the last one, which was `code`: a negative
 * errno of a try, or what came of the connection. What it needs for that it keeps for the next time, and
 * until the end: closing an inotify descriptor can take milliseconds, so that belongs after the handover.
 */
void fdpass_dialer_arm(struct dialer *dialer, int code);

/* 1 when it is time for another try; 0 when not, and then fdpass_dialer_interest() says when to look again. */
int fdpass_dialer_is_due(struct dialer *dialer);
struct interest fdpass_dialer_interest(const struct dialer *dialer);

/* 1 when `code` of a try says that nobody listens there, so that waiting for somebody makes sense: never
 * for a connection that was inherited. */
int fdpass_dialer_can_wait(const struct dialer *dialer, int code);

void fdpass_dialer_end(struct dialer *dialer);

#endif
