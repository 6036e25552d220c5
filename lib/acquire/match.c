/* SPDX-License-Identifier: MIT */
/* An EXPR: what one looks for in a process. Pure: text in, and later yes or no for a socket. */
#include "acquire/match.h"

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "acquire/socket.h"
#include "base/error.h"

#define PORT_MAX 65535
#define HOST_MAX (INET6_ADDRSTRLEN - 1)

struct scheme {
	const char *name;
	enum match_kind kind;
};

static const struct scheme schemes[] = {
	{"listen", MATCH_LISTEN}, {"tcp", MATCH_TCP},   {"udp", MATCH_UDP},
	{"unix", MATCH_UNIX},     {"file", MATCH_FILE},
};

static int malformed(struct fdpass_error *error, const char *reason)
{
	return fdpass_error_text(error, FDPASS_STEP_ADDRESS, -EINVAL, reason);
}

static int parse_port(const char *text, uint16_t *ret_port, struct fdpass_error *error)
{
	unsigned long number = 0;

	if (text[0] == '\0')
		return malformed(error, "the port is missing");
	for (; *text >= '0' && *text <= '9' && number <= PORT_MAX; text++)
		number = number * 10 + (unsigned long)(*text - '0');
	if (*text != '\0' && number <= PORT_MAX)
		return malformed(error, "a port is a number here, and a path has a '/'");
	if (number > PORT_MAX)
		return malformed(error, "a port is at most 65535");
	if (number == 0)
		return malformed(error, "no socket has port 0");
	*ret_port = (uint16_t)number;
	return 0;
}

static int parse_host(const char *text, size_t length, struct fdpass_internet *address,
		      struct fdpass_error *error)
{
	char host[HOST_MAX + 1];

	if (length == 0)
		return malformed(error, "the host is empty; leave it out with its colon");
	if (length <= HOST_MAX) {
		memcpy(host, text, length);
		host[length] = '\0';
		address->family = AF_INET;
		if (inet_pton(AF_INET, host, address->bytes) == 1)
			return 0;
		address->family = AF_INET6;
		if (inet_pton(AF_INET6, host, address->bytes) == 1)
			return 0;
	}
	return malformed(error, "a host is a numeric address here");
}

/* "[HOST]:PORT", "HOST:PORT" or "PORT". */
static int parse_internet(struct fdpass_match *match, const char *text, struct fdpass_error *error)
{
	const char *host = text, *end, *port;
	int r;

	if (text[0] == '[') {
		host = text + 1;
		end = strchr(host, ']');
		if (end == NULL || end[1] != ':')
			return malformed(error, "after '[' there must be ']:' and a port");
		port = end + 2;
	} else {
		end = strchr(text, ':');
		port = end != NULL ? end + 1 : text;
	}
	if (strchr(port, ':') != NULL)
		return malformed(error,
				 "too many colons; an IPv6 address stands in brackets: [::1]:80");
	match->where = end != NULL ? MATCH_ADDRESS : MATCH_PORT;
	if (end != NULL) {
		r = parse_host(host, (size_t)(end - host), &match->address, error);
		if (r < 0)
			return r;
	}
	r = parse_port(port, &match->port, error);
	match->address.port = match->port;
	return r;
}

static int parse_name(struct fdpass_match *match, const char *text, struct fdpass_error *error)
{
	size_t length = strlen(text);
	int abstract = match->kind != MATCH_FILE && text[0] == '@';

	if (length == 0 || (abstract && length == 1))
		return malformed(error, "the name is empty");
	if (abstract && length > FDPASS_ABSTRACT_MAX + 1)
		return malformed(error, "an abstract name has at most 107 bytes");
	if (length >= PATH_MAX)
		return malformed(error, "a path has at most 4095 bytes");
	match->where = MATCH_NAME;
	match->name_length = length;
	match->name = strdup(text);
	if (match->name == NULL)
		return fdpass_error_set(error, FDPASS_STEP_MEMORY, -ENOMEM);
	if (abstract)
		match->name[0] = '\0';
	return 0;
}

static int parse_rest(struct fdpass_match *match, const char *rest, struct fdpass_error *error)
{
	if (rest[0] == '\0') {
		match->where = MATCH_ANYWHERE;
		return match->kind == MATCH_FILE ? malformed(error, "which file? file:PATH") : 0;
	}
	rest++;
	switch (match->kind) {
	case MATCH_UNIX:
	case MATCH_FILE:
		return parse_name(match, rest, error);
	case MATCH_LISTEN:
		if (rest[0] == '@' || strchr(rest, '/') != NULL)
			return parse_name(match, rest, error);
		return parse_internet(match, rest, error);
	default:
		return parse_internet(match, rest, error);
	}
}

int fdpass_match_parse(const char *text, struct fdpass_match **ret_match,
		       struct fdpass_error *error)
{
	const struct scheme *scheme = NULL;
	struct fdpass_match *match;
	size_t length = strcspn(text, ":");
	int r;

	for (size_t i = 0; i < sizeof(schemes) / sizeof(*schemes); i++) {
		if (strlen(schemes[i].name) == length && memcmp(schemes[i].name, text, length) == 0)
			scheme = &schemes[i];
	}
	if (scheme == NULL)
		return malformed(error, "a description is listen, tcp, udp or unix, with or "
					"without :ADDRESS, or file:PATH");
	match = calloc(1, sizeof(*match));
	if (match == NULL)
		return fdpass_error_set(error, FDPASS_STEP_MEMORY, -ENOMEM);
	match->kind = scheme->kind;
	r = parse_rest(match, text + length, error);
	if (r < 0) {
		fdpass_match_free(match);
		return r;
	}
	*ret_match = match;
	return 0;
}

/* A connection has the very address that was connected to, and the name of its listening socket. */
static int describe_accepted(struct fdpass_match *match, const struct fdpass_socket *listening)
{
	match->kind = MATCH_ACCEPTED;
	if (listening->kind == SOCKET_TCP) {
		match->port = listening->local.port;
		match->address = listening->local;
		match->where =
			fdpass_internet_is_any(&listening->local) ? MATCH_PORT : MATCH_ADDRESS;
		return 0;
	}
	match->where = MATCH_NAME;
	match->name_length = listening->name_length;
	match->name = calloc(1, listening->name_length + 1);
	if (match->name == NULL)
		return -ENOMEM;
	memcpy(match->name, listening->name, listening->name_length);
	return 0;
}

int fdpass_match_accepted(int fd, struct fdpass_match **ret_match, struct fdpass_error *error)
{
	struct fdpass_socket socket;
	struct fdpass_match *match;
	int r = fdpass_socket_look(fd, &socket);

	if (r == 0 && (!socket.listening || socket.kind == SOCKET_UNKNOWN ||
		       (socket.kind == SOCKET_UNIX && socket.name_length == 0)))
		r = -EINVAL;
	if (r < 0)
		return fdpass_error_fd(error, FDPASS_STEP_DESCRIPTOR, r, fd);
	match = calloc(1, sizeof(*match));
	if (match == NULL || describe_accepted(match, &socket) < 0) {
		free(match);
		return fdpass_error_set(error, FDPASS_STEP_MEMORY, -ENOMEM);
	}
	*ret_match = match;
	return 0;
}

int fdpass_match_same(int fd, struct fdpass_match **ret_match, struct fdpass_error *error)
{
	struct fdpass_socket socket;
	struct fdpass_match *match;
	int r = fdpass_socket_look(fd, &socket);

	if (r < 0)
		return fdpass_error_fd(error, FDPASS_STEP_DESCRIPTOR, r, fd);
	match = calloc(1, sizeof(*match));
	if (match == NULL)
		return fdpass_error_set(error, FDPASS_STEP_MEMORY, -ENOMEM);
	match->kind = MATCH_SAME;
	match->inode = socket.inode;
	*ret_match = match;
	return 0;
}

struct fdpass_match *fdpass_match_free(struct fdpass_match *match)
{
	if (match != NULL) {
		free(match->name);
		free(match);
	}
	return NULL;
}

int fdpass_match_is_socket(const struct fdpass_match *match)
{
	return match->kind != MATCH_FILE;
}

static int fits_kind(enum match_kind kind, const struct fdpass_socket *socket)
{
	switch (kind) {
	case MATCH_LISTEN:
		return socket->listening &&
		       (socket->kind == SOCKET_TCP || socket->kind == SOCKET_UNIX);
	case MATCH_TCP:
		return socket->kind == SOCKET_TCP;
	case MATCH_UDP:
		return socket->kind == SOCKET_UDP;
	case MATCH_UNIX:
		return socket->kind == SOCKET_UNIX;
	case MATCH_ACCEPTED:
		return !socket->listening &&
		       (socket->kind == SOCKET_TCP || socket->kind == SOCKET_UNIX);
	default:
		return 0;
	}
}

int fdpass_match_fits(const struct fdpass_match *match, const struct fdpass_socket *socket,
		      int *ret_named)
{
	*ret_named = 0;
	if (match->kind == MATCH_SAME)
		return socket->inode == match->inode;
	if (!fits_kind(match->kind, socket))
		return 0;
	switch (match->where) {
	case MATCH_ANYWHERE:
		return 1;
	case MATCH_PORT:
		return socket->kind != SOCKET_UNIX && socket->local.port == match->port;
	case MATCH_ADDRESS:
		return socket->kind != SOCKET_UNIX &&
		       fdpass_internet_equal(&socket->local, &match->address);
	case MATCH_NAME:
		*ret_named = socket->kind == SOCKET_UNIX;
		return *ret_named && socket->name_length == match->name_length &&
		       memcmp(socket->name, match->name, match->name_length) == 0;
	}
	return 0;
}
