/* SPDX-License-Identifier: MIT */
/* Looking at Unix sockets, and options of theirs that newer kernels have. */
#include "base/socket.h"

#include <errno.h>
#include <sys/socket.h>

/* Debian 12's headers are older (include/uapi/asm-generic/socket.h). */
#ifndef SO_PASSRIGHTS
#define SO_PASSRIGHTS 83
#endif

void fdpass_socket_refuse_descriptors(int socket)
{
	int off = 0;

	/* ENOPROTOOPT before Linux 6.16. */
	setsockopt(socket, SOL_SOCKET, SO_PASSRIGHTS, &off, sizeof(off));
}

static int option(int socket, int name, int *ret_value)
{
	socklen_t length = sizeof(*ret_value);

	return getsockopt(socket, SOL_SOCKET, name, ret_value, &length) < 0 ? -errno : 0;
}

int fdpass_socket_pidfds(int socket, enum socket_pidfds wanted)
{
	int on = wanted == SOCKET_PIDFDS_ON;
	int before;
	int r = option(socket, SO_PASSPIDFD, &before);

	if (r == 0 && setsockopt(socket, SOL_SOCKET, SO_PASSPIDFD, &on, sizeof(on)) < 0)
		r = -errno;
	if (r < 0)
		return r == -ENOPROTOOPT || r == -EINVAL ? -EOPNOTSUPP : r;
	return before != 0;
}

int fdpass_socket_type(int socket, int *ret_type)
{
	int domain;
	int r = option(socket, SO_DOMAIN, &domain);

	if (r < 0)
		return r;
	return domain == AF_UNIX ? option(socket, SO_TYPE, ret_type) : -EPROTOTYPE;
}

int fdpass_socket_check_connected(int socket)
{
	struct sockaddr_storage peer;
	socklen_t length = sizeof(peer);
	int type;
	int r = fdpass_socket_type(socket, &type);

	if (r < 0)
		return r;
	if (type != SOCK_STREAM)
		return -EPROTOTYPE;
	return getpeername(socket, (struct sockaddr *)&peer, &length) < 0 ? -errno : 0;
}
