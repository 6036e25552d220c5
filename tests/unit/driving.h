/* SPDX-License-Identifier: MIT */
#ifndef TESTS_UNIT_DRIVING_H
#define TESTS_UNIT_DRIVING_H

/* Waiting for what goes on in steps: what a caller has to do between two of them. */

#include "rendezvous/dialer.h"
#include "wire/outgoing.h"

/* Until a further step makes sense: 0, or -ETIMEDOUT, -ECANCELED. */
int driving_outgoing(struct outgoing *outgoing, const struct fdpass_wait *wait);

/* Until it is time for another try, after one that ended with `code`: the same. */
int driving_dialer(struct dialer *dialer, int code, const struct fdpass_wait *wait);

/* What an event loop does between two steps: waits until `fd` is readable, for the moment `until`, or for
 * `cancel_fd`, which may be negative. */
void driving_pause(int fd, int64_t until, int cancel_fd);

#endif
