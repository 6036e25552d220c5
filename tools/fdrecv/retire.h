/* SPDX-License-Identifier: MIT */
#ifndef FDPASS_FDRECV_RETIRE_H
#define FDPASS_FDRECV_RETIRE_H

/* --retire: the processes that descriptors were taken from end once the command has been started. */

#include "tools/fdrecv/reception.h"

/* Before anything is taken: whether it can be done at all. What fails ends the program. */
void fdrecv_retire_check(struct reception *reception);

/* Notes what they have to be without, from what was taken. What fails ends the program. */
void fdrecv_retire_prepare(struct reception *reception);

/*
 * Starts a process for it, which is nobody's child here and holds nothing but what it needs. It waits until
 * `reception->retirement`, which this makes and which is close-on-exec, is closed everywhere; and does nothing
 * if that was because this process ended. 0 or a negative errno: -ECANCELED, -ETIMEDOUT, ...
 */
int fdrecv_retire_start(struct reception *reception);

/* Frees what belongs to it. */
void fdrecv_retire_forget(struct reception *reception);

#endif
