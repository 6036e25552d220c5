/* SPDX-License-Identifier: MIT */
#ifndef FDPASS_RENDEZVOUS_LISTENER_H
#define FDPASS_RENDEZVOUS_LISTENER_H

/* A listening socket at an address: see fdpass.h. */

#include "fdpass.h"

/* Removes the name, if it is still this very socket's. It goes on listening for those who have
 * connected already; nobody else can. Nothing to do for an abstract name, which goes with its socket. */
void fdpass_listener_withdraw(struct fdpass_listener *listener);

#endif
