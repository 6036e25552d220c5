/* SPDX-License-Identifier: MIT */
/*
 * One message for everybody: what fdpass_packet_send_as() and fdpass_packet_receive() do in one call, with
 * waiting around it, and with everything that the kernel passes over in silence made an error.
 */
#include <errno.h>
#include <poll.h>

#include "base/deadline.h"
#include "base/fd.h"
#include "base/set.h"
#include "base/socket.h"
#include "base/wait.h"
#include "wire/packet.h"

/* Waits until it makes sense to try again after `code`; or a negative errno, when the wait is over or `code`
 * is nothing that passes. */
static int wait_after(int code, int socket, short events, struct fdpass_pause *pause,
		      const struct fdpass_wait *wait)
{
	/* First: whoever keeps a socket full, or empties it before us, must not hold the deadline off. */
	int r = code == -EAGAIN || code == -ETOOMANYREFS ? fdpass_wait_over(wait) : code;

	if (r < 0)
		return r;
	/* Too many descriptors of this user are on their way, unix(7). The kernel has no event for it. */
	if (code == -ETOOMANYREFS)
		return fdpass_wait_for(wait, FD_NONE, 0, fdpass_pause_next(pause));
	return fdpass_wait_for(wait, socket, events, FDPASS_NO_DEADLINE);
}

ssize_t fdpass_message_send(int socket, const void *bytes, size_t size,
			    const struct fdpass_set *set, const struct fdpass_wait *wait)
{
	struct fdpass_pause pause = {.first = NSEC_PER_MSEC / 2, .most = 100 * NSEC_PER_MSEC};
	size_t count = set != NULL ? fdpass_set_count(set) : 0;
	size_t done = 0;
	int r = fdpass_packet_check(socket, size, count);

	while (r >= 0) {
		/* The descriptors go with the first byte. */
		ssize_t sent = done == 0 ? fdpass_packet_send_as(socket, bytes, size,
								 count > 0 ? fdpass_set_numbers(set)
									   : NULL,
								 count, MSG_DONTWAIT)
					 : fdpass_packet_send(socket, (const char *)bytes + done,
							      size - done, NULL, 0);

		if (sent >= 0) {
			done += (size_t)sent;
			if (done == size)
				return (ssize_t)done;
		} else {
			r = wait_after((int)sent, socket, POLLOUT, &pause, wait);
		}
	}
	return done > 0 ? (ssize_t)done : r;
}

/* Whether nothing will come any more on a socket that has nothing now. */
static int is_shut(int socket)
{
	struct pollfd polled = {.fd = socket, .events = POLLRDHUP};

	return poll(&polled, 1, 0) > 0 && (polled.revents & POLLRDHUP) != 0;
}

/* Takes what comes next. A datagram socket whose receiving side was shut down is readable for ever, with
 * nothing to read (net/core/datagram.c): that is its end of file, size 0. */
static int take(int socket, void *bytes, size_t size, struct fdpass_set *set,
		const struct fdpass_wait *wait, struct packet *ret_packet, int *ret_ended)
{
	for (;;) {
		int r = fdpass_packet_receive(socket, bytes, size, set, ret_packet);

		if (r == -EAGAIN && is_shut(socket)) {
			/* Once more: what came before the end may have come since. */
			r = fdpass_packet_receive(socket, bytes, size, set, ret_packet);
			*ret_ended = r == -EAGAIN;
			if (*ret_ended)
				return 0;
		}
		if (r == 0)
			return 0;
		/* What the kernel calls a stream that is not connected (net/unix/af_unix.c). Other sockets say
		 * ENOTCONN, and nothing else here is invalid. */
		if (r == -EINVAL)
			return -ENOTCONN;
		r = wait_after(r, socket, POLLIN, NULL, wait);
		if (r < 0)
			return r;
	}
}

/* Whether what came without a byte or a descriptor is the end of file. Of a stream it is, though there may be
 * credentials with it (of nobody: net/unix/af_unix.c); of a datagram socket it never is. Of a seqpacket
 * socket, only a message has credentials. */
static int is_end(int socket, const struct packet *packet)
{
	int type;

	if (fdpass_socket_type(socket, &type) < 0 || type == SOCK_STREAM)
		return 1;
	return type == SOCK_SEQPACKET && (packet->flags & PACKET_CREDENTIALS) == 0;
}

int fdpass_message_receive(int socket, void *bytes, size_t size, struct fdpass_set *set,
			   const struct fdpass_wait *wait, struct fdpass_message *ret_message)
{
	struct fdpass_message message = {.writer = {0, (uid_t)-1, (gid_t)-1}};
	size_t before = fdpass_set_count(set);
	struct packet packet;
	int ended = 0;
	int r = size == 0 ? -EINVAL : take(socket, bytes, size, set, wait, &packet, &ended);

	if (r < 0 || ended)
		return r;
	/* Nobody asked for it but the socket's SO_PASSPIDFD. */
	fdpass_fd_close(packet.pidfd);
	message.size = (size_t)packet.size;
	message.count = fdpass_set_count(set) - before;
	if ((packet.flags & PACKET_TRUNCATED) != 0 || fdpass_set_count(set) > FDPASS_HANDOVER_MAX)
		r = -EMFILE;
	else if ((packet.flags & PACKET_CUT) != 0)
		r = -EMSGSIZE;
	if (r < 0) {
		fdpass_set_discard(set, before);
		return r;
	}
	if (message.size == 0 && message.count == 0 && is_end(socket, &packet))
		return 0;
	if ((packet.flags & PACKET_CREDENTIALS) != 0)
		message.writer = (struct fdpass_peer){packet.writer.pid, packet.writer.uid,
						      packet.writer.gid};
	*ret_message = message;
	return 1;
}
