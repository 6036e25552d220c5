/* SPDX-License-Identifier: MIT */
/* What a socket is bound to, as programs find it in an announcement. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "fdpass.h"

union any_address {
	struct sockaddr general;
	struct sockaddr_in internet;
	struct sockaddr_in6 internet6;
	struct sockaddr_un local;
	struct sockaddr_storage storage;
};

/* php-fpm makes its keys of inet_ntop(3), ':' and the port, also for IPv6. */
static int write_internet(const union any_address *address, enum fdpass_dialect dialect, char *text,
			  size_t size)
{
	int is_6 = address->general.sa_family == AF_INET6;
	unsigned port = ntohs(is_6 ? address->internet6.sin6_port : address->internet.sin_port);
	int in_brackets = is_6 && dialect != FDPASS_DIALECT_PHP_FPM;
	char host[INET6_ADDRSTRLEN];

	if (port == 0)
		return -EDESTADDRREQ;
	inet_ntop(address->general.sa_family,
		  is_6 ? (const void *)&address->internet6.sin6_addr
		       : (const void *)&address->internet.sin_addr,
		  host, sizeof(host));
	return snprintf(text, size, in_brackets ? "[%s]:%u" : "%s:%u", host, port);
}

static int write_path(const union any_address *address, socklen_t length, char *text, size_t size)
{
	const char *path = address->local.sun_path;
	int bytes = (int)length - (int)offsetof(struct sockaddr_un, sun_path);

	if (bytes <= 0)
		return -EDESTADDRREQ;
	if (path[0] == '\0')
		return -EAFNOSUPPORT;
	/* A name that the socket was bound under only until it was published, or one that sun_path has
	 * no room for (sockfile/birth.c): it leads nowhere, and no server is configured with it. */
	if (strncmp(path, "/proc/self/fd/", strlen("/proc/self/fd/")) == 0)
		return -EADDRNOTAVAIL;
	return snprintf(text, size, "%.*s", (int)strnlen(path, (size_t)bytes), path);
}

int fdpass_activation_address(enum fdpass_dialect dialect, int fd, char *text, size_t size)
{
	union any_address address = {.general = {.sa_family = AF_UNSPEC}};
	socklen_t length = sizeof(address);
	char whole[FDPASS_ACTIVATION_ADDRESS_MAX];
	int r;

	if (getsockname(fd, &address.general, &length) < 0)
		return -errno;
	switch (address.general.sa_family) {
	case AF_INET:
	case AF_INET6:
		r = write_internet(&address, dialect, whole, sizeof(whole));
		break;
	case AF_UNIX:
		r = write_path(&address, length, whole, sizeof(whole));
		break;
	default:
		return -EAFNOSUPPORT;
	}
	if (r < 0)
		return r;
	if ((size_t)r >= size)
		return -ENAMETOOLONG;
	memcpy(text, whole, (size_t)r + 1);
	return 0;
}
