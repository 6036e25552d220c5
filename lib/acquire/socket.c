/* SPDX-License-Identifier: MIT */
/* What is known about one socket: comparing, looking, and saying it. */
#include "acquire/socket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>

#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262 /* linux/in.h, 5.6 */
#endif

union any_address {
	struct sockaddr general;
	struct sockaddr_in internet;
	struct sockaddr_in6 internet6;
	struct sockaddr_un local;
	struct sockaddr_storage storage;
};

/* The last four bytes of ::ffff:0:0/96 are an IPv4 address: RFC 4291, 2.5.5.2. */
static const unsigned char *without_mapping(const struct fdpass_internet *address, size_t *size)
{
	static const unsigned char mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

	*size = 4;
	if (address->family == AF_INET)
		return address->bytes;
	if (memcmp(address->bytes, mapped, sizeof(mapped)) == 0)
		return address->bytes + sizeof(mapped);
	*size = 16;
	return address->bytes;
}

int fdpass_internet_equal(const struct fdpass_internet *a, const struct fdpass_internet *b)
{
	const unsigned char *a_bytes, *b_bytes;
	size_t a_size, b_size;

	if (a->family == AF_UNSPEC || b->family == AF_UNSPEC || a->port != b->port)
		return 0;
	a_bytes = without_mapping(a, &a_size);
	b_bytes = without_mapping(b, &b_size);
	return a_size == b_size && memcmp(a_bytes, b_bytes, a_size) == 0;
}

int fdpass_internet_is_any(const struct fdpass_internet *address)
{
	static const unsigned char any[16];
	const unsigned char *bytes;
	size_t size;

	if (address->family == AF_UNSPEC)
		return 0;
	bytes = without_mapping(address, &size);
	return memcmp(bytes, any, size) == 0;
}

void fdpass_socket_set_name(struct fdpass_socket *socket, const char *name, size_t length)
{
	if (length > SOCKET_NAME_MAX)
		length = SOCKET_NAME_MAX;
	if (length > 0 && name[0] != '\0')
		length = strnlen(name, length);
	memcpy(socket->name, name, length);
	socket->name_length = length;
}

static void set_internet(struct fdpass_internet *to, const union any_address *from)
{
	to->family = from->general.sa_family;
	if (to->family == AF_INET) {
		to->port = ntohs(from->internet.sin_port);
		memcpy(to->bytes, &from->internet.sin_addr, 4);
	} else {
		to->port = ntohs(from->internet6.sin6_port);
		memcpy(to->bytes, &from->internet6.sin6_addr, 16);
	}
}

static int option(int fd, int name)
{
	socklen_t size = sizeof(int);
	int value = 0;

	return getsockopt(fd, SOL_SOCKET, name, &value, &size) == 0 ? value : -errno;
}

static enum socket_kind kind_of(int family, int type, int protocol)
{
	if (family == AF_UNIX)
		return SOCKET_UNIX;
	if (family != AF_INET && family != AF_INET6)
		return SOCKET_UNKNOWN;
	if (type == SOCK_STREAM && (protocol == IPPROTO_TCP || protocol == IPPROTO_MPTCP))
		return SOCKET_TCP;
	return type == SOCK_DGRAM && protocol == IPPROTO_UDP ? SOCKET_UDP : SOCKET_UNKNOWN;
}

int fdpass_socket_look(int fd, struct fdpass_socket *ret_socket)
{
	struct fdpass_socket socket = {.type = option(fd, SO_TYPE)};
	union any_address address = {.general = {.sa_family = AF_UNSPEC}};
	socklen_t size = sizeof(address);
	struct stat status;

	if (socket.type < 0)
		return socket.type;
	if (fstat(fd, &status) < 0 || getsockname(fd, &address.general, &size) < 0)
		return -errno;
	socket.inode = status.st_ino;
	socket.kind = kind_of(option(fd, SO_DOMAIN), socket.type, option(fd, SO_PROTOCOL));
	socket.listening = option(fd, SO_ACCEPTCONN) == 1;
	if (socket.kind == SOCKET_UNIX) {
		if (size > offsetof(struct sockaddr_un, sun_path))
			fdpass_socket_set_name(&socket, address.local.sun_path,
					       size - offsetof(struct sockaddr_un, sun_path));
	} else if (socket.kind != SOCKET_UNKNOWN) {
		set_internet(&socket.local, &address);
		size = sizeof(address);
		if (getpeername(fd, &address.general, &size) == 0)
			set_internet(&socket.remote, &address);
	}
	*ret_socket = socket;
	return 0;
}

static int internet_text(const struct fdpass_internet *address, char *text, size_t size)
{
	char host[INET6_ADDRSTRLEN];

	inet_ntop(address->family, address->bytes, host, sizeof(host));
	return snprintf(text, size, address->family == AF_INET ? "%s:%u" : "[%s]:%u", host,
			address->port);
}

static void text_of_internet(const struct fdpass_socket *socket, char text[SOCKET_TEXT_MAX])
{
	int used =
		snprintf(text, SOCKET_TEXT_MAX, "%s%s", socket->kind == SOCKET_TCP ? "tcp" : "udp",
			 socket->listening ? "-listen" : "");

	if (socket->local.family == AF_UNSPEC || socket->local.port == 0)
		return;
	text[used++] = ' ';
	used += internet_text(&socket->local, text + used, SOCKET_TEXT_MAX - (size_t)used);
	if (socket->remote.family == AF_UNSPEC || socket->remote.port == 0 || socket->listening)
		return;
	used += snprintf(text + used, SOCKET_TEXT_MAX - (size_t)used, " -> ");
	internet_text(&socket->remote, text + used, SOCKET_TEXT_MAX - (size_t)used);
}

void fdpass_socket_text(const struct fdpass_socket *socket, char text[SOCKET_TEXT_MAX])
{
	size_t used;

	if (socket->kind == SOCKET_UNKNOWN) {
		strcpy(text, "socket");
	} else if (socket->kind != SOCKET_UNIX) {
		text_of_internet(socket, text);
	} else {
		used = (size_t)snprintf(text, SOCKET_TEXT_MAX, "unix%s%s%s",
					socket->type == SOCK_DGRAM       ? "-dgram"
					: socket->type == SOCK_SEQPACKET ? "-seqpacket"
									 : "",
					socket->listening ? "-listen" : "",
					socket->name_length > 0 ? " " : "");
		/* NUL bytes, the first of an abstract name and any other, show as in /proc/net/unix. */
		for (size_t i = 0; i < socket->name_length; i++)
			text[used++] = (char)(socket->name[i] == '\0' ? '@' : socket->name[i]);
		text[used] = '\0';
	}
}
