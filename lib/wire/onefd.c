/* SPDX-License-Identifier: MIT */
/*
 * Stevens' pair, with his signatures and results: UNIX Network Programming, volume 1, chapter 15, and errno
 * for errors as there. What his has no word for (a lost descriptor, more than one) is dealt with.
 */
#include <errno.h>

#include "base/fd.h"
#include "base/set.h"
#include "wire/packet.h"

static ssize_t failed(int code)
{
	errno = -code;
	return -1;
}

ssize_t fdpass_write_fd(int fd, void *ptr, size_t nbytes, int sendfd)
{
	ssize_t sent = fdpass_packet_check(fd, nbytes, 1);

	if (sent == 0)
		sent = fdpass_packet_send_as(fd, ptr, nbytes, &sendfd, 1, 0);
	return sent < 0 ? failed((int)sent) : sent;
}

ssize_t fdpass_read_fd(int fd, void *ptr, size_t nbytes, int *recvfd)
{
	struct fdpass_set *set = NULL;
	struct packet packet;
	int r = fdpass_set_new(&set);

	*recvfd = -1;
	if (r == 0)
		r = fdpass_packet_receive_as(fd, ptr, nbytes, set, 0, &packet);
	if (r < 0) {
		fdpass_set_free(set);
		return failed(r);
	}
	/* Nobody asked for it but the socket's SO_PASSPIDFD. */
	fdpass_fd_close(packet.pidfd);
	if ((packet.flags & PACKET_TRUNCATED) != 0)
		r = -EMFILE;
	else if (fdpass_set_count(set) > 0)
		*recvfd = fdpass_set_steal(set, 0);
	/* The rest is a stranger's: closing it must not wait for what its maker has prepared. */
	fdpass_set_discard(set, 0);
	fdpass_set_free(set);
	return r < 0 ? failed(r) : packet.size;
}
