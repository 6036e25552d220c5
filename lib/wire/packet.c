/* SPDX-License-Identifier: MIT */
/* One message with descriptors on a Unix socket: the only sendmsg and recvmsg of descriptors in the tree. */
#include "wire/packet.h"

#include <errno.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/socket.h"

static ssize_t send_message(int socket, const struct msghdr *header, int flags)
{
#ifdef SYS_sendmsg
	/* musl's sendmsg() copies the control data into 1024 bytes, and 253 descriptors need 1032: it says
	 * ENOMEM. Its padding within the header, zero here, is what the kernel's wider members have. */
	return syscall(SYS_sendmsg, socket, header, MSG_NOSIGNAL | flags);
#else
	return sendmsg(socket, header, MSG_NOSIGNAL | flags);
#endif
}

int fdpass_packet_check(int socket, size_t size, size_t count)
{
	int type;
	int r;

	if (count > FDPASS_MESSAGE_MAX)
		return -EINVAL;
	/* Looked at only where it matters, since every message would pay for it. */
	if (count == 0 && size > 0)
		return 0;
	r = fdpass_socket_type(socket, &type);
	if (r < 0)
		return r;
	return size == 0 && type == SOCK_STREAM ? -EINVAL : 0;
}

/* Of a call that does not wait, EINTR is no answer; of one that does, it may be what its caller waits for. */
static int is_to_be_repeated(int flags)
{
	return errno == EINTR && (flags & MSG_DONTWAIT) != 0;
}

ssize_t fdpass_packet_send_as(int socket, const void *bytes, size_t size, const int *fds,
			      size_t count, int flags)
{
	/* The union aligns the buffer for the control message header, cmsg(3). */
	union {
		char buffer[CMSG_SPACE(sizeof(int) * FDPASS_MESSAGE_MAX)];
		struct cmsghdr align;
	} control;
	struct iovec vector = {.iov_base = (void *)bytes, .iov_len = size};
	struct msghdr header = {.msg_iov = &vector, .msg_iovlen = 1};
	ssize_t sent;

	if (count > FDPASS_MESSAGE_MAX)
		return -EINVAL;
	if (count > 0) {
		struct cmsghdr *message;

		header.msg_control = control.buffer;
		header.msg_controllen = CMSG_SPACE(sizeof(int) * count);
		/* The padding behind an odd number goes to the kernel too. */
		memset(control.buffer, 0, header.msg_controllen);
		message = CMSG_FIRSTHDR(&header);
		message->cmsg_level = SOL_SOCKET;
		message->cmsg_type = SCM_RIGHTS;
		message->cmsg_len = CMSG_LEN(sizeof(int) * count);
		memcpy(CMSG_DATA(message), fds, sizeof(int) * count);
	}
	do
		sent = send_message(socket, &header, flags);
	while (sent < 0 && is_to_be_repeated(flags));
	return sent < 0 ? -errno : sent;
}

ssize_t fdpass_packet_send(int socket, const void *bytes, size_t size, const int *fds, size_t count)
{
	return size == 0 ? -EINVAL
			 : fdpass_packet_send_as(socket, bytes, size, fds, count, MSG_DONTWAIT);
}

/* Hands all descriptors of one SCM_RIGHTS message to the set. There is room: it was reserved. */
static void own_rights(struct cmsghdr *message, struct fdpass_set *set)
{
	int fds[FDPASS_MESSAGE_MAX + 1];
	size_t bytes = message->cmsg_len - CMSG_LEN(0);

	if (bytes > sizeof(fds))
		bytes = sizeof(fds);
	memcpy(fds, CMSG_DATA(message), bytes);
	fdpass_set_take_many(set, fds, bytes / sizeof(int));
}

int fdpass_packet_receive_as(int socket, void *bytes, size_t size, struct fdpass_set *set,
			     int flags, struct packet *ret_packet)
{
	/* Room for everything that can come at once, in the kernel's order: credentials, rights,
	 * pidfd; else a missing byte would truncate. The kernel gives at most 253 descriptors. */
	union {
		char buffer[CMSG_SPACE(sizeof(struct ucred)) +
			    CMSG_SPACE(sizeof(int) * FDPASS_MESSAGE_MAX) + CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control;
	struct iovec vector = {.iov_base = bytes, .iov_len = size};
	struct msghdr header = {
		.msg_iov = &vector,
		.msg_iovlen = 1,
		.msg_control = control.buffer,
		.msg_controllen = sizeof(control.buffer),
	};
	struct packet result = {.pidfd = FD_NONE};
	struct cmsghdr *message;
	int r = fdpass_set_reserve_message(set);

	if (r < 0)
		return r;
	do
		result.size = recvmsg(socket, &header, MSG_CMSG_CLOEXEC | flags);
	while (result.size < 0 && is_to_be_repeated(flags));
	if (result.size < 0)
		return -errno;
	for (message = CMSG_FIRSTHDR(&header); message != NULL;
	     message = CMSG_NXTHDR(&header, message)) {
		if (message->cmsg_level != SOL_SOCKET)
			continue;
		if (message->cmsg_type == SCM_RIGHTS) {
			own_rights(message, set);
		} else if (message->cmsg_type == SCM_CREDENTIALS &&
			   message->cmsg_len >= CMSG_LEN(sizeof(result.writer))) {
			memcpy(&result.writer, CMSG_DATA(message), sizeof(result.writer));
			result.flags |= PACKET_CREDENTIALS;
		} else if (message->cmsg_type == SCM_PIDFD &&
			   message->cmsg_len >= CMSG_LEN(sizeof(int))) {
			fdpass_fd_close(result.pidfd);
			/* A negative number here is the kernel's errno for "no pidfd". */
			memcpy(&result.pidfd, CMSG_DATA(message), sizeof(int));
		}
	}
	if ((header.msg_flags & MSG_CTRUNC) != 0)
		result.flags |= PACKET_TRUNCATED;
	if ((header.msg_flags & MSG_TRUNC) != 0)
		result.flags |= PACKET_CUT;
	*ret_packet = result;
	return 0;
}

int fdpass_packet_receive(int socket, void *bytes, size_t size, struct fdpass_set *set,
			  struct packet *ret_packet)
{
	return fdpass_packet_receive_as(socket, bytes, size, set, MSG_DONTWAIT, ret_packet);
}

ssize_t fdpass_packet_read(int socket, void *bytes, size_t size)
{
	ssize_t got;

	do
		got = recv(socket, bytes, size, MSG_DONTWAIT);
	while (got < 0 && errno == EINTR);
	return got < 0 ? -errno : got;
}
