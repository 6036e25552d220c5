/* SPDX-License-Identifier: MIT */
#ifndef FDPASS_RENDEZVOUS_COMPANION_H
#define FDPASS_RENDEZVOUS_COMPANION_H

/*
 * How a sender that waits for an abstract name is woken. The kernel notifies nobody of abstract names,
 * so the waiter binds a datagram socket under one of COMPANION_SLOTS names that follow from the
 * awaited one, and a receiver sends an empty datagram to all of them once it listens.
 *
 * A poke is a hint and nothing more: anybody can send one.
 */

#include <stddef.h>

/* As many as can wait without a pause; each costs every receiver that starts about 0.4 µs. */
#define COMPANION_SLOTS 8

/* A bound socket that becomes readable when a receiver of `name` pokes; the caller owns it.
 * -EADDRINUSE when all slots are taken. */
int fdpass_companion_open(const char *name);

/* Takes the pokes off the socket, a bounded number at a time: 1 when there was one. */
int fdpass_companion_drain(int companion);

/* Pokes every waiter of `name`, without waiting; who is not there does not matter. */
void fdpass_companion_poke(const char *name);

#endif
