/* SPDX-License-Identifier: MIT */
#ifndef TESTS_UNIT_TURNS_H
#define TESTS_UNIT_TURNS_H

/* Whose turn it is to fail: what the wrappers in failing.c ask. */

#include <stddef.h>

/* EINTR of what waits or transfers: it is done again, and makes no difference. Anything else that can be interrupted
 * may fail. */
#define TURNS_EINTR (-1)

/* The error that the call `name` is to have, one of `errors` (which ends with 0); or 0: it is to be made. */
int turns_take(const char *name, const int *errors);

/*
 * The fewest bytes that a call moves. What was sent in one call is in pieces of the size that the kernel chooses, and
 * one of them comes whole when there is room: unix_stream_sendmsg() makes them of sndbuf / 2 - 64, and sndbuf is at
 * least SOCK_MIN_SNDBUF (kernel, include/net/sock.h).
 */
enum turns_least {
	TURNS_BYTE = 1,     /* of what many calls may have sent */
	TURNS_PIECE = 2240, /* of one message */
};

/* How many of `size` bytes a call on `fd` is to move: all, or as few as that where the kernel might decide so. */
size_t turns_size(const char *name, int fd, size_t size, enum turns_least least);

#endif
