/* SPDX-License-Identifier: MIT */
#ifndef FDPASS_FDRECV_ACQUIRE_H
#define FDPASS_FDRECV_ACQUIRE_H

/* What is taken out of other processes. */

#include "tools/fdrecv/reception.h"

/* Pins every process first, and then fills the groups that come from one. What fails ends the program,
 * with nothing changed anywhere. */
void fdrecv_acquire(struct reception *reception);

#endif
