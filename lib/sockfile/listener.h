/* SPDX-License-Identifier: MIT */
#ifndef FDPASS_SOCKFILE_LISTENER_H
#define FDPASS_SOCKFILE_LISTENER_H

/* A listening socket and, where it has one, the name that goes with it: see fdpass.h. */

#include <sys/stat.h>

#include "fdpass.h"

struct fdpass_listener {
	int socket;         /* owned */
	int directory;      /* owned; of a path socket, else FD_NONE */
	char *name;         /* owned; in that directory */
	int published;      /* 1 while the name is this socket's */
	struct stat status; /* of the socket's inode */
};

/* A listener without a name yet, which owns `socket` from here on; NULL: no memory, and the caller still
 * owns it. */
struct fdpass_listener *fdpass_listener_new(int socket);

/* Removes the name, if it is still this very socket's. It goes on listening for those who have
 * connected already; nobody else can. Nothing to do for an abstract name, which goes with its socket. */
void fdpass_listener_withdraw(struct fdpass_listener *listener);

#endif
