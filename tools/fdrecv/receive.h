/* SPDX-License-Identifier: MIT */
#ifndef FDPASS_FDRECV_RECEIVE_H
#define FDPASS_FDRECV_RECEIVE_H

/* What comes by sockets: they listen, that is told, and they are served. What fails ends the program. */

#include "tools/fdrecv/reception.h"

/* Has every socket listen, one for each group that has an address. */
void fdrecv_listen(struct reception *reception);

/* --ready-fd. */
void fdrecv_tell_ready(struct reception *reception);

/* Serves one sender on each, in the order in which they come. */
void fdrecv_receive(struct reception *reception);

#endif
