/* SPDX-License-Identifier: MIT */
#ifndef FDPASS_FDRECV_BECOME_H
#define FDPASS_FDRECV_BECOME_H

/* How fdrecv becomes the command. */

#include "tools/fdrecv/reception.h"

/* Puts everything in its place and becomes the command. Beyond this there is no way back. */
_Noreturn void fdrecv_become(struct reception *reception);

#endif
