/* SPDX-License-Identifier: MIT */
#ifndef FDPASS_BASE_SOCKET_H
#define FDPASS_BASE_SOCKET_H

/* Looking at Unix sockets, and options of theirs that newer kernels have. */

/* Linux 6.5; Debian 12's headers are older (include/uapi/asm-generic/socket.h). */
#ifndef SO_PASSPIDFD
#define SO_PASSPIDFD 76
#endif

/* Refuses descriptors on this socket from now on, where the kernel can (Linux 6.16): the sender gets
 * EPERM. What was queued before still arrives. Without it, reading without a control buffer keeps them
 * out of our table, though not out of the queue. */
void fdpass_socket_refuse_descriptors(int socket);

/*
 * Has the kernel say of each message that is read from this socket which process wrote it, by a pidfd
 * (SCM_PIDFD, Linux 6.5), or stop saying it. Returns 1 when it did so before, 0 when not; -EOPNOTSUPP where
 * the kernel cannot.
 */
enum socket_pidfds { SOCKET_PIDFDS_OFF, SOCKET_PIDFDS_ON };
int fdpass_socket_pidfds(int socket, enum socket_pidfds wanted);

/* What kind of Unix socket that is: SOCK_STREAM, SOCK_DGRAM or SOCK_SEQPACKET. -EBADF, -ENOTSOCK; -EPROTOTYPE
 * when it is of another family. */
int fdpass_socket_type(int socket, int *ret_type);

/* 0 when `socket` is a connected Unix stream socket; else -EBADF, -ENOTSOCK, -EPROTOTYPE, -ENOTCONN. */
int fdpass_socket_check_connected(int socket);

#endif
