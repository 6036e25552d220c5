/* SPDX-License-Identifier: MIT */
/* A receiver's listening socket at an address: a socket file, or an abstract name. */
#include <errno.h>
#include <sys/socket.h>

#include "base/error.h"
#include "base/fd.h"
#include "base/options.h"
#include "rendezvous/address.h"
#include "rendezvous/companion.h"
#include "rendezvous/rundir.h"
#include "sockfile/birth.h"
#include "sockfile/holder.h"

static int make_socket(struct fdpass_error *error)
{
	fd_owned int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int on = 1;

	/* Before it listens, so that it holds for whoever connects first: a connection inherits it. */
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) < 0)
		return fdpass_error_set(error, FDPASS_STEP_SOCKET, -errno);
	return fd_give(&fd);
}

static int open_path(const struct fdpass_address *address,
		     const struct fdpass_listen_options *options, struct fdpass_listener *listener,
		     struct fdpass_error *error)
{
	const struct birth_options birth = {
		.mode = options->mode,
		.owner = (uid_t)-1,
		.group = (gid_t)-1,
		.backlog = options->backlog,
		.wait = options->wait,
	};
	int directory = address->is_private ? fdpass_rundir_open(address->directory, error)
					    : fdpass_birth_directory(address->directory, error);

	if (directory < 0)
		return directory;
	return fdpass_birth(listener, directory, address->directory, address->name, &birth, error);
}

static int open_abstract(const struct fdpass_address *address,
			 const struct fdpass_listen_options *options,
			 const struct fdpass_listener *listener, struct fdpass_error *error)
{
	struct fdpass_peer holder = {0, (uid_t)-1, (gid_t)-1};
	struct sockaddr_un un;
	socklen_t length = fdpass_address_abstract(address, &un);

	if (bind(listener->socket, (struct sockaddr *)&un, length) < 0) {
		if (errno != EADDRINUSE)
			return fdpass_error_set(error, FDPASS_STEP_BIND, -errno);
		holder.pid = fdpass_holder_of_abstract(address->name);
		return fdpass_error_peer(error, FDPASS_STEP_BIND, -EADDRINUSE, &holder);
	}
	if (listen(listener->socket, options->backlog) < 0)
		return fdpass_error_set(error, FDPASS_STEP_LISTEN, -errno);
	fdpass_companion_poke(address->name);
	return 0;
}

int fdpass_listener_open(const struct fdpass_address *address,
			 const struct fdpass_listen_options *options,
			 struct fdpass_listener **ret_listener, struct fdpass_error *error)
{
	struct fdpass_listen_options read = FDPASS_LISTEN_OPTIONS_INIT;
	struct fdpass_listener *listener;
	int socket;
	int r = fdpass_options_read(&read, sizeof(read),
				    OPTIONS_LEAST(struct fdpass_listen_options, wait), options);

	if (r < 0)
		return fdpass_error_set(error, FDPASS_STEP_ADDRESS, r);
	options = &read;
	if (options->mode > 0777 || options->backlog < 1)
		return fdpass_error_set(error, FDPASS_STEP_ADDRESS, -EINVAL);
	if (address->kind == FDPASS_ADDRESS_CONNECTED)
		return fdpass_error_text(error, FDPASS_STEP_ADDRESS, -EINVAL,
					 "a connection is no place to listen at");
	socket = make_socket(error);
	if (socket < 0)
		return socket;
	listener = fdpass_listener_new(socket);
	if (listener == NULL) {
		fdpass_fd_close(socket);
		return fdpass_error_set(error, FDPASS_STEP_MEMORY, -ENOMEM);
	}
	r = address->kind == FDPASS_ADDRESS_ABSTRACT
		    ? open_abstract(address, options, listener, error)
		    : open_path(address, options, listener, error);
	if (r < 0) {
		fdpass_listener_close(listener);
		return r;
	}
	*ret_listener = listener;
	return 0;
}
