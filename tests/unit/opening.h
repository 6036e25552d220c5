/* SPDX-License-Identifier: MIT */
#ifndef TESTS_UNIT_OPENING_H
#define TESTS_UNIT_OPENING_H

/* Sockets opened to be given away, and what others find there. */

#include <sys/socket.h>

#include "fdpass.h"

/* fdpass_open_listen() of an ADDR. */
int opening_try(const char *text, const struct fdpass_open_options *options,
		struct fdpass_listener **ret_listener, struct fdpass_error *error);

/* The same, where it must succeed. */
struct fdpass_listener *opening_listen(const char *text, const struct fdpass_open_options *options);

/* A socket option that is an int. */
int opening_option(int fd, int level, int name);

/* What connect(2) says to a socket of that type: 0 or -errno. */
int opening_connects(const struct sockaddr *address, socklen_t length, int type);
int opening_connects_to(const char *path, int type);

#endif
