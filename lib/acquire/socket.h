/* SPDX-License-Identifier: MIT */
#ifndef FDPASS_ACQUIRE_SOCKET_H
#define FDPASS_ACQUIRE_SOCKET_H

/* What is known about one socket, whoever holds it. */

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/bound.h"

/* Enough for every text of a socket: two addresses, or a name. */
#define SOCKET_TEXT_MAX 192
/* Bytes of sun_path, unix(7). */
#define SOCKET_NAME_MAX 108

/* An address of TCP or UDP; AF_UNSPEC: none. */
struct fdpass_internet {
	sa_family_t family;
	uint16_t port;
	unsigned char bytes[16]; /* 4 of them for AF_INET, in the order of the network */
};

enum socket_kind {
	SOCKET_UNKNOWN, /* another protocol, or in no table */
	SOCKET_TCP,     /* Multipath TCP too */
	SOCKET_UDP,
	SOCKET_UNIX,
};

struct fdpass_socket {
	uint64_t inode; /* of sockfs, as in socket:[INODE] */
	enum socket_kind kind;
	int type; /* of Unix sockets: SOCK_STREAM, ... */
	int listening;
	struct fdpass_internet local, remote;
	/* Of Unix sockets that are bound to a path, where it is known. */
	struct fdpass_bound bound;
	/* As the kernel has it: an abstract name begins with a NUL byte; a path has none at its end. */
	size_t name_length;
	char name[SOCKET_NAME_MAX];
};

/* 1 when they are the same address and port; an address that is mapped into IPv6 is the same as itself. */
int fdpass_internet_equal(const struct fdpass_internet *a, const struct fdpass_internet *b);

/* 1 when it is the wildcard address, of IPv4 or IPv6. */
int fdpass_internet_is_any(const struct fdpass_internet *address);

/* Stores a name as it comes from the kernel. */
void fdpass_socket_set_name(struct fdpass_socket *socket, const char *name, size_t length);

/* Looks at a socket of our own; 0, or a negative errno. `fd` is borrowed. */
int fdpass_socket_look(int fd, struct fdpass_socket *ret_socket);

/* Describes it, as fdpass_acquire_list() does. */
void fdpass_socket_text(const struct fdpass_socket *socket, char text[SOCKET_TEXT_MAX]);

#endif
