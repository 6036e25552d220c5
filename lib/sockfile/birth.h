/* SPDX-License-Identifier: MIT */
#ifndef FDPASS_SOCKFILE_BIRTH_H
#define FDPASS_SOCKFILE_BIRTH_H

/* Making a socket file that is whole, and that takes nobody's place. */

#include <sys/types.h>

#include "sockfile/listener.h"

struct birth_options {
	mode_t mode; /* whatever the umask */
	uid_t owner; /* (uid_t)-1: as it is made */
	gid_t group;
	int backlog; /* 0: bind only, for datagram sockets */
	/* The whole path, as getsockname(2) is to show it for ever. NULL, or longer than sun_path: it shows
	 * a temporary name, and whoever finds the path finds it listening. */
	const char *spelling;
	const struct fdpass_wait *wait; /* bounds the wait for the lock, or NULL */
};

/*
 * Gives `listener`, whose socket is not bound yet, the name `name` in its directory: `directory` is open
 * and the listener's own from here on, `path` is where it is. On failure nothing is left of it, and the
 * caller closes the listener. Steps and codes as fdpass_listener_open().
 */
int fdpass_birth(struct fdpass_listener *listener, int directory, const char *path,
		 const char *name, const struct birth_options *options, struct fdpass_error *error);

/* Opens the directory of a socket, for fdpass_birth(): a descriptor, or -errno with step DIRECTORY. */
int fdpass_birth_directory(const char *path, struct fdpass_error *error);

#endif
