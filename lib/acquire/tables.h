/* SPDX-License-Identifier: MIT */
#ifndef FDPASS_ACQUIRE_TABLES_H
#define FDPASS_ACQUIRE_TABLES_H

/* The kernel's tables of the sockets of a network namespace. */

#include "acquire/match.h"
#include "acquire/socket.h"

/* Told of one socket. What is not 0 ends the reading, which then returns it. */
typedef int (*socket_visitor)(void *context, const struct fdpass_socket *socket);

/* Visits the TCP, UDP and Unix sockets that somebody has open in the caller's network namespace:
 * sock_diag(7). -ENOENT and others when the kernel cannot tell. */
int fdpass_diag_visit(socket_visitor visitor, void *context);

/* The same, of those that can fit `match` by their kind. */
int fdpass_diag_visit_kind(enum match_kind kind, socket_visitor visitor, void *context);

/* The same in the network namespace of the process whose directory in /proc is `proc`. The files of
 * Unix sockets are not known there. */
int fdpass_procnet_visit(int proc, socket_visitor visitor, void *context);

#endif
