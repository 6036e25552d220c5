/* SPDX-License-Identifier: MIT */
/* Listening sockets that are opened to be given away. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"
#include "base/options.h"
#include "open/resolve.h"
#include "sockfile/birth.h"
#include "sockfile/sockpath.h"

static int set(int fd, int level, int option, int value)
{
	return setsockopt(fd, level, option, &value, sizeof(value)) < 0 ? -errno : 0;
}

/* What servers set before they bind. */
static int prepare(int fd, const struct addrinfo *address, const struct fdpass_endpoint *endpoint,
		   const struct fdpass_open_options *options)
{
	int r = 0;

	/* Not for UDP: there it would let another socket take part of the datagrams (socket(7)). */
	if (endpoint->type == SOCK_STREAM)
		r = set(fd, SOL_SOCKET, SO_REUSEADDR, 1);
	if (r == 0 && options->reuse == FDPASS_REUSE_PORT)
		r = set(fd, SOL_SOCKET, SO_REUSEPORT, 1);
	/* As asked for, and not as net.ipv6.bindv6only happens to be. */
	if (r == 0 && address->ai_family == AF_INET6)
		r = set(fd, IPPROTO_IPV6, IPV6_V6ONLY, endpoint->family == AF_INET6);
	return r;
}

/* One address of an internet endpoint: a socket, or a negative errno. */
static int listen_at(const struct addrinfo *address, const struct fdpass_endpoint *endpoint,
		     const struct fdpass_open_options *options, struct fdpass_error *error)
{
	fd_owned int fd = socket(address->ai_family, endpoint->type | SOCK_CLOEXEC, 0);
	int r = fd < 0 ? -errno : prepare(fd, address, endpoint, options);

	if (r < 0)
		return fdpass_error_set(error, FDPASS_STEP_SOCKET, r);
	if (bind(fd, address->ai_addr, address->ai_addrlen) < 0)
		return fdpass_error_set(error, FDPASS_STEP_BIND, -errno);
	if (endpoint->type == SOCK_STREAM && listen(fd, options->backlog) < 0)
		return fdpass_error_set(error, FDPASS_STEP_LISTEN, -errno);
	return fd_give(&fd);
}

/* The wildcard of IPv6 serves IPv4 as well, so it comes first; getaddrinfo(3) has it the other way. */
static const struct addrinfo *first_of(const struct addrinfo *list, int family)
{
	while (list != NULL && list->ai_family != family)
		list = list->ai_next;
	return list;
}

static int listen_internet(const struct fdpass_endpoint *endpoint,
			   const struct fdpass_open_options *options, struct fdpass_error *error)
{
	const struct addrinfo *wildcard = NULL;
	struct fdpass_error failure = FDPASS_ERROR_INIT;
	struct addrinfo *list;
	int fd = FD_NONE;
	int r = fdpass_resolve(endpoint, RESOLVE_LISTEN, options->wait, &list, error);

	if (r < 0)
		return r;
	if (endpoint->host == NULL)
		wildcard = first_of(list, AF_INET6);
	if (wildcard != NULL)
		fd = listen_at(wildcard, endpoint, options, &failure);
	/* Where there is no IPv6 (EAFNOSUPPORT, EADDRNOTAVAIL), and for what has a host. A port that is
	 * taken is taken: on another address alone it is not what was asked for. */
	for (const struct addrinfo *address = list;
	     fd < 0 && fd != -EADDRINUSE && fd != -EACCES && address != NULL;
	     address = address->ai_next) {
		if (address != wildcard)
			fd = listen_at(address, endpoint, options, &failure);
	}
	freeaddrinfo(list);
	if (fd < 0 && error != NULL)
		*error = failure;
	return fd;
}

static int listen_abstract(const struct fdpass_endpoint *endpoint,
			   const struct fdpass_open_options *options, int fd,
			   struct fdpass_error *error)
{
	struct sockaddr_un un;
	socklen_t length = fdpass_sockpath_abstract(endpoint->name, &un);

	if (bind(fd, (struct sockaddr *)&un, length) < 0)
		return fdpass_error_set(error, FDPASS_STEP_BIND, -errno);
	if (listen(fd, options->backlog) < 0)
		return fdpass_error_set(error, FDPASS_STEP_LISTEN, -errno);
	return 0;
}

static int listen_path(const struct fdpass_endpoint *endpoint,
		       const struct fdpass_open_options *options, struct fdpass_listener *listener,
		       struct fdpass_error *error)
{
	const struct birth_options birth = {
		.mode = options->mode,
		.owner = options->owner,
		.group = options->group,
		.backlog = endpoint->type == SOCK_DGRAM ? 0 : options->backlog,
		.spelling = endpoint->name,
		.wait = options->wait,
	};
	const char *slash = strrchr(endpoint->name, '/');
	const char *name = slash != NULL ? slash + 1 : endpoint->name;
	char *path = slash == NULL ? strdup(".")
		     : slash == endpoint->name
			     ? strdup("/")
			     : strndup(endpoint->name, (size_t)(slash - endpoint->name));
	int directory, r;

	if (path == NULL)
		return fdpass_error_set(error, FDPASS_STEP_MEMORY, -ENOMEM);
	directory = fdpass_birth_directory(path, error);
	r = directory < 0 ? directory
			  : fdpass_birth(listener, directory, path, name, &birth, error);
	free(path);
	return r;
}

static int listen_unix(const struct fdpass_endpoint *endpoint,
		       const struct fdpass_open_options *options, struct fdpass_listener *listener,
		       struct fdpass_error *error)
{
	listener->socket = socket(AF_UNIX, endpoint->type | SOCK_CLOEXEC, 0);
	if (listener->socket < 0)
		return fdpass_error_set(error, FDPASS_STEP_SOCKET, -errno);
	return endpoint->kind == ENDPOINT_ABSTRACT
		       ? listen_abstract(endpoint, options, listener->socket, error)
		       : listen_path(endpoint, options, listener, error);
}

int fdpass_open_listen(const struct fdpass_endpoint *endpoint,
		       const struct fdpass_open_options *options,
		       struct fdpass_listener **ret_listener, struct fdpass_error *error)
{
	struct fdpass_open_options read = FDPASS_OPEN_OPTIONS_INIT;
	struct fdpass_listener *listener;
	int r = fdpass_options_read(&read, sizeof(read),
				    OPTIONS_LEAST(struct fdpass_open_options, wait), options);

	if (r < 0)
		return fdpass_error_set(error, FDPASS_STEP_ADDRESS, r);
	options = &read;
	if (options->mode > 0777 || options->backlog < 1 || options->reuse > FDPASS_REUSE_PORT)
		return fdpass_error_set(error, FDPASS_STEP_ADDRESS, -EINVAL);
	listener = fdpass_listener_new(FD_NONE);
	if (listener == NULL)
		return fdpass_error_set(error, FDPASS_STEP_MEMORY, -ENOMEM);
	if (endpoint->kind == ENDPOINT_INTERNET)
		r = listener->socket = listen_internet(endpoint, options, error);
	else
		r = listen_unix(endpoint, options, listener, error);
	if (r < 0) {
		fdpass_listener_close(listener);
		return r;
	}
	*ret_listener = listener;
	return 0;
}
