/* SPDX-License-Identifier: MIT */
/* A listening socket and, where it has one, the name that goes with it. */
#include "sockfile/listener.h"

#include <stdlib.h>

#include "base/fd.h"
#include "sockfile/lock.h"
#include "sockfile/probe.h"

struct fdpass_listener *fdpass_listener_new(int socket)
{
	struct fdpass_listener *listener = calloc(1, sizeof(*listener));

	if (listener != NULL) {
		listener->socket = socket;
		listener->directory = FD_NONE;
	}
	return listener;
}

int fdpass_listener_fd(const struct fdpass_listener *listener)
{
	return listener->socket;
}

void fdpass_listener_withdraw(struct fdpass_listener *listener)
{
	int locked;

	if (!listener->published)
		return;
	/* While it listens, no receiver of ours takes the name for stale: the lock only keeps them
	 * from looking at it in this very moment, so there is no need to wait for it. */
	locked = fdpass_lock_try(listener->directory) == 0;
	fdpass_probe_unlink(listener->directory, listener->name, &listener->status);
	if (locked)
		fdpass_lock_release(listener->directory);
	listener->published = 0;
}

struct fdpass_listener *fdpass_listener_close(struct fdpass_listener *listener)
{
	if (listener == NULL)
		return NULL;
	fdpass_listener_withdraw(listener);
	fdpass_fd_close(listener->socket);
	fdpass_fd_close(listener->directory);
	free(listener->name);
	free(listener);
	return NULL;
}

int fdpass_listener_keep(struct fdpass_listener *listener)
{
	int socket = fd_give(&listener->socket);

	listener->published = 0;
	fdpass_listener_close(listener);
	return socket;
}
