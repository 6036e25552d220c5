/* SPDX-License-Identifier: MIT */
#ifndef FDPASS_WIRE_PACKET_H
#define FDPASS_WIRE_PACKET_H

/* One message with descriptors on a Unix socket, as the kernel moves it: one call each. What is made of that
 * for everybody stands in fdpass.h. */

#include <stddef.h>
#include <sys/socket.h>
#include <sys/types.h>

#include "base/set.h"

/* Linux 6.5; Debian 12's headers are older (include/linux/socket.h). */
#ifndef SCM_PIDFD
#define SCM_PIDFD 0x04
#endif

/*
 * Sends `size` bytes (at least 1: a stream drops the descriptors of an empty message without a word)
 * and the `count` descriptors `fds`, which stay the caller's. Does not block and raises no SIGPIPE.
 * Returns the bytes sent, or -EAGAIN, -EPIPE, -ECONNRESET, -ETOOMANYREFS, -EPERM (the receiver's
 * SO_PASSRIGHTS is off), -EBADF, -EINVAL (a kind that cannot be passed; more than 253).
 */
ssize_t fdpass_packet_send(int socket, const void *bytes, size_t size, const int *fds,
			   size_t count);

/* The same with the `flags` of sendmsg(2): without MSG_DONTWAIT it blocks as the socket does, and returns
 * -EINTR as well. The payload may be empty: the socket is no stream. */
ssize_t fdpass_packet_send_as(int socket, const void *bytes, size_t size, const int *fds,
			      size_t count, int flags);

/*
 * 0 when a message may go out like that, else -EINVAL, -EPROTOTYPE, -EBADF, -ENOTSOCK: what the kernel takes,
 * and loses the descriptors of. Sockets of other families pass over SCM_RIGHTS without a word
 * (net/core/sock.c, __sock_cmsg_send()), and so does a Unix stream without a byte that they can go with.
 */
int fdpass_packet_check(int socket, size_t size, size_t count);

enum packet_flag {
	PACKET_TRUNCATED = 1 << 0,   /* descriptors of it were lost: the table is full, or an LSM */
	PACKET_CREDENTIALS = 1 << 1, /* `writer` is filled */
	PACKET_CUT = 1 << 2, /* bytes of it were lost: a datagram is longer than the space for it */
};

struct packet {
	ssize_t size;        /* bytes received; 0: end of file */
	unsigned flags;      /* enum packet_flag */
	struct ucred writer; /* SCM_CREDENTIALS, when the socket has SO_PASSCRED */
	int pidfd; /* SCM_PIDFD, owned by the caller, when the socket has SO_PASSPIDFD; or FD_NONE */
};

/*
 * The one function of this library that receives descriptors. Takes one message of up to `size`
 * bytes without blocking. Every descriptor that the kernel installed is appended to `set`, which owns
 * it, close-on-exec since it exists, before anything is judged; also when the message was truncated.
 * recvmsg(2), unix(7), cmsg(3).
 *
 * Returns 0, or -EAGAIN, -ECONNRESET, -ENOMEM, ...; end of file is not an error but size 0.
 */
int fdpass_packet_receive(int socket, void *bytes, size_t size, struct fdpass_set *set,
			  struct packet *ret_packet);

/* The same with the `flags` of recvmsg(2): see fdpass_packet_send_as(). */
int fdpass_packet_receive_as(int socket, void *bytes, size_t size, struct fdpass_set *set,
			     int flags, struct packet *ret_packet);

/*
 * Reads up to `size` bytes where no descriptor is expected: what comes all the same is never
 * installed, since there is no control buffer. Returns the bytes, 0 at the end of file, -EAGAIN, ...
 */
ssize_t fdpass_packet_read(int socket, void *bytes, size_t size);

#endif
