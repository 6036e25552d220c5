/* SPDX-License-Identifier: MIT */
#ifndef FDPASS_BASE_DISCARD_H
#define FDPASS_BASE_DISCARD_H

/* Closing what somebody else made, without waiting for what closing it may wait for. */

#include <stddef.h>

/*
 * Closes `count` descriptors, in any case and whatever they are.
 *
 * The last close of a socket with SO_LINGER and unsent data waits as long as its maker said, and no
 * deadline or blocked signal of ours ends that (socket(7); net/ipv4/af_inet.c, inet_release()). The same
 * happens to a Unix socket with such a descriptor in its queue. A process that exits does not linger. So
 * where there is a socket among them, the last reference is left to a child, which does nothing but exit.
 * Files whose every close may wait are closed as closer.h says.
 */
void fdpass_discard(const int *fds, size_t count);

/* Closes one connected Unix socket whose queue may hold what a stranger put there. */
void fdpass_discard_connection(int fd);

#endif
