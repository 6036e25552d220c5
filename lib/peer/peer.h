/* SPDX-License-Identifier: MIT */
#ifndef FDPASS_PEER_PEER_H
#define FDPASS_PEER_PEER_H

/* Who is at the other end of a connected Unix socket, as the kernel recorded it. */

#include "fdpass.h"

/*
 * fdpass_peer_get() also gives: -ENOTCONN when `fd` has no other end that the kernel knows (it is not
 * connected, or not a Unix socket), -ENOTSOCK, -EBADF.
 *
 * The supplementary groups of the other end, in `*ret_groups` for the caller to free(); NULL and 0
 * when there are none or the kernel does not tell (before Linux 4.13). -ENOMEM.
 */
int fdpass_peer_groups(int fd, gid_t **ret_groups, size_t *ret_count);

#endif
