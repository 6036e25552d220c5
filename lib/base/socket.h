/* SPDX-License-Identifier: MIT */
#ifndef FDPASS_BASE_SOCKET_H
#define FDPASS_BASE_SOCKET_H

/* Looking at Unix sockets, and options of theirs that newer kernels have. */

/* Refuses descriptors on this socket from now on, where the kernel can (Linux 6.16): the sender gets
 * EPERM. What was queued before still arrives. Without it, reading without a control buffer keeps them
 * out of our table, though not out of the queue. */
void fdpass_socket_refuse_descriptors(int socket);

/* 0 when `socket` is a connected Unix stream socket; else -EBADF, -ENOTSOCK, -EPROTOTYPE, -ENOTCONN. */
int fdpass_socket_check_connected(int socket);

#endif
