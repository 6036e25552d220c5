/* SPDX-License-Identifier: MIT */
#ifndef FDPASS_ACQUIRE_MATCH_H
#define FDPASS_ACQUIRE_MATCH_H

/* An EXPR, taken apart, and which sockets it fits. What an EXPR is stands in fdpass.h. */

#include "acquire/socket.h"
#include "fdpass.h"

enum match_kind {
	MATCH_LISTEN,
	MATCH_TCP,
	MATCH_UDP,
	MATCH_UNIX,
	MATCH_FILE,
	MATCH_ACCEPTED, /* no EXPR: the connections of one listening socket */
	MATCH_SAME,     /* no EXPR: one socket, `inode` */
};

enum match_where {
	MATCH_ANYWHERE,
	MATCH_PORT,    /* `port` */
	MATCH_ADDRESS, /* `address`, with its port */
	MATCH_NAME,    /* `name`, of which a Unix socket's may begin with a NUL byte */
};

struct fdpass_match {
	enum match_kind kind;
	enum match_where where;
	uint16_t port;
	uint64_t inode;
	struct fdpass_internet address;
	char *name;
	size_t name_length;
};

/* 1 when it fits as far as `socket` says itself, else 0. `*ret_named` is set when it is a Unix socket that
 * would fit if it had that name, so that its inode may decide. */
int fdpass_match_fits(const struct fdpass_match *match, const struct fdpass_socket *socket,
		      int *ret_named);

#endif
