/* SPDX-License-Identifier: MIT */
#ifndef FDPASS_TOOLS_FDRECV_STANDARD_H
#define FDPASS_TOOLS_FDRECV_STANDARD_H

/* /dev/null for a connection (-c) on 0, 1 or 2, which goes away: what the command opens first must not land there. */

#include "tools/fdrecv/reception.h"

/* Whether that can be done; ends the program, with the reason, when not. Before anything is received. */
void fdrecv_standard_check(struct reception *reception);

/* Does it, once all targets have been placed: -1, or the number that it failed for, with errno. */
int fdrecv_standard_fill(const struct reception *reception);

#endif
