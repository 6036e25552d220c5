/* SPDX-License-Identifier: MIT */
/* What a socket is bound to, as an ADDR. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
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

static int name_internet(const union any_address *address, const char *scheme, char *text,
			 size_t size)
{
	char host[INET6_ADDRSTRLEN], scope[16] = "";

	if (address->general.sa_family == AF_INET) {
		inet_ntop(AF_INET, &address->internet.sin_addr, host, sizeof(host));
		snprintf(text, size, "%s:%s:%u", scheme, host, ntohs(address->internet.sin_port));
	} else {
		inet_ntop(AF_INET6, &address->internet6.sin6_addr, host, sizeof(host));
		/* A link-local address is none without its link, by number: ipv6(7). */
		if (address->internet6.sin6_scope_id != 0)
			snprintf(scope, sizeof(scope), "%%%u", address->internet6.sin6_scope_id);
		snprintf(text, size, "%s:[%s%s]:%u", scheme, host, scope,
			 ntohs(address->internet6.sin6_port));
	}
	return 0;
}

static int name_unix(const union any_address *address, socklen_t length, int type, char *text,
		     size_t size)
{
	const char *path = address->local.sun_path;
	int bytes = (int)length - (int)offsetof(struct sockaddr_un, sun_path);

	if (bytes > 0 && path[0] == '\0')
		snprintf(text, size, "unix-abstract:%.*s", bytes - 1, path + 1);
	else
		snprintf(text, size, "unix%s:%.*s",
			 type == SOCK_DGRAM       ? "-dgram"
			 : type == SOCK_SEQPACKET ? "-seqpacket"
						  : "",
			 bytes > 0 ? (int)strnlen(path, (size_t)bytes) : 0, path);
	return 0;
}

int fdpass_open_name(int fd, char *text, size_t size)
{
	union any_address address = {.general = {.sa_family = AF_UNSPEC}};
	socklen_t length = sizeof(address);
	socklen_t type_length = sizeof(int);
	int type;

	if (getsockname(fd, &address.general, &length) < 0 ||
	    getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &type_length) < 0)
		return -errno;
	switch (address.general.sa_family) {
	case AF_INET:
	case AF_INET6:
		return name_internet(&address, type == SOCK_DGRAM ? "udp" : "tcp", text, size);
	case AF_UNIX:
		return name_unix(&address, length, type, text, size);
	default:
		return -EAFNOSUPPORT;
	}
}
