/* SPDX-License-Identifier: MIT */
/* Options of a Unix socket that newer kernels have. */
#include "base/socket.h"

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
