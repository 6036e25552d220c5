/* SPDX-License-Identifier: MIT */
#ifndef FDPASS_FDFWD_KEEP_H
#define FDPASS_FDFWD_KEEP_H

/* --keep: one handover after the other, for ever. */

#include "tools/fdfwd/forwarding.h"

/*
 * Relays whatever comes, each handover in a process of its own, so that none waits for another one's receivers
 * and none can end the wait. Ends the program by the signal that comes, when those that are on their way are
 * done.
 */
_Noreturn void fdfwd_keep(struct forwarding *forwarding);

#endif
