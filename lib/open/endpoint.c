/* SPDX-License-Identifier: MIT */
/* An ADDR, taken apart. Pure: nothing is looked up and nothing opened. */
#include "open/endpoint.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "sockfile/sweep.h"

/* RFC 1035, 2.3.4: a name has at most 255 octets. */
#define HOST_MAX 255
#define PORT_MAX 65535

struct scheme {
	const char *name;
	int family;
	int type;
	int kind;
};

static const struct scheme schemes[] = {
	{"tcp:", AF_UNSPEC, SOCK_STREAM, ENDPOINT_INTERNET},
	{"tcp4:", AF_INET, SOCK_STREAM, ENDPOINT_INTERNET},
	{"tcp6:", AF_INET6, SOCK_STREAM, ENDPOINT_INTERNET},
	{"udp:", AF_UNSPEC, SOCK_DGRAM, ENDPOINT_INTERNET},
	{"udp4:", AF_INET, SOCK_DGRAM, ENDPOINT_INTERNET},
	{"udp6:", AF_INET6, SOCK_DGRAM, ENDPOINT_INTERNET},
	{"unix:", AF_UNIX, SOCK_STREAM, ENDPOINT_PATH},
	{"unix-abstract:", AF_UNIX, SOCK_STREAM, ENDPOINT_ABSTRACT},
	{"unix-dgram:", AF_UNIX, SOCK_DGRAM, ENDPOINT_PATH},
	{"unix-seqpacket:", AF_UNIX, SOCK_SEQPACKET, ENDPOINT_PATH},
};

static int malformed(struct fdpass_error *error, const char *reason)
{
	return fdpass_error_text(error, FDPASS_STEP_ADDRESS, -EINVAL, reason);
}

/* A port is a number up to 65535, or the name of a service. */
static int check_port(const char *port, struct fdpass_error *error)
{
	unsigned long number = 0;

	if (port[0] == '\0')
		return malformed(error, "the port is missing");
	if (port[strspn(port, "0123456789")] != '\0')
		return strspn(port, "+-. ") > 0
			       ? malformed(error, "a port is a number or the name of a service")
			       : 0;
	for (; *port != '\0'; port++) {
		number = number * 10 + (unsigned long)(*port - '0');
		if (number > PORT_MAX)
			return malformed(error, "a port is at most 65535");
	}
	return 0;
}

/* "[HOST]:PORT", "HOST:PORT" or "PORT". */
static int split_internet(struct fdpass_endpoint *endpoint, const char *rest,
			  struct fdpass_error *error)
{
	const char *host = NULL, *end, *port;

	if (rest[0] == '[') {
		host = rest + 1;
		end = strchr(host, ']');
		if (end == NULL || end[1] != ':')
			return malformed(error, "after '[' there must be ']:' and a port");
		port = end + 2;
	} else {
		end = strchr(rest, ':');
		host = end != NULL ? rest : NULL;
		port = end != NULL ? end + 1 : rest;
	}
	if (strchr(port, ':') != NULL)
		return malformed(error,
				 "too many colons; an IPv6 address stands in brackets: [::1]:80");
	if (host != NULL && host == end)
		return malformed(error, "the host is empty; leave it out with its colon");
	if (host != NULL && end - host > HOST_MAX)
		return malformed(error, "the host is too long");
	if (host != NULL) {
		endpoint->host = strndup(host, (size_t)(end - host));
		if (endpoint->host == NULL)
			return fdpass_error_set(error, FDPASS_STEP_MEMORY, -ENOMEM);
	}
	endpoint->name = strdup(port);
	if (endpoint->name == NULL)
		return fdpass_error_set(error, FDPASS_STEP_MEMORY, -ENOMEM);
	return check_port(port, error);
}

/* What a killed receiver leaves behind has such a name, and is removed by the next. */
static int is_reserved(const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash != NULL ? slash + 1 : path;

	return strncmp(name, SWEEP_PREFIX, strlen(SWEEP_PREFIX)) == 0;
}

static int split_unix(struct fdpass_endpoint *endpoint, const char *rest,
		      struct fdpass_error *error)
{
	size_t length = strlen(rest);

	if (length == 0)
		return malformed(error, "the name is empty");
	if (endpoint->kind == ENDPOINT_ABSTRACT && length > FDPASS_ABSTRACT_MAX)
		return malformed(error, "an abstract name has at most 107 bytes");
	if (endpoint->kind == ENDPOINT_PATH && length >= PATH_MAX)
		return malformed(error, "a path has at most 4095 bytes");
	if (endpoint->kind == ENDPOINT_PATH && rest[length - 1] == '/')
		return malformed(error, "this names a directory, not a socket");
	if (endpoint->kind == ENDPOINT_PATH && is_reserved(rest))
		return malformed(error, "names that begin with .fdpass- are reserved");
	endpoint->name = strdup(rest);
	return endpoint->name != NULL ? 0 : fdpass_error_set(error, FDPASS_STEP_MEMORY, -ENOMEM);
}

static const struct scheme *find_scheme(const char *text)
{
	for (size_t i = 0; i < sizeof(schemes) / sizeof(*schemes); i++) {
		if (strncmp(text, schemes[i].name, strlen(schemes[i].name)) == 0)
			return &schemes[i];
	}
	return NULL;
}

int fdpass_endpoint_parse(const char *text, struct fdpass_endpoint **ret_endpoint,
			  struct fdpass_error *error)
{
	const struct scheme *scheme = find_scheme(text);
	struct fdpass_endpoint *endpoint;
	int r;

	if (scheme == NULL)
		return malformed(error,
				 "an address begins with tcp:, tcp4:, tcp6:, udp:, udp4:, udp6:, "
				 "unix:, unix-abstract:, unix-dgram: or unix-seqpacket:");
	endpoint = calloc(1, sizeof(*endpoint));
	if (endpoint == NULL)
		return fdpass_error_set(error, FDPASS_STEP_MEMORY, -ENOMEM);
	endpoint->family = scheme->family;
	endpoint->type = scheme->type;
	endpoint->kind = scheme->kind;
	endpoint->text = strdup(text);
	if (endpoint->text == NULL)
		r = fdpass_error_set(error, FDPASS_STEP_MEMORY, -ENOMEM);
	else if (endpoint->kind == ENDPOINT_INTERNET)
		r = split_internet(endpoint, text + strlen(scheme->name), error);
	else
		r = split_unix(endpoint, text + strlen(scheme->name), error);
	if (r < 0) {
		fdpass_endpoint_free(endpoint);
		return r;
	}
	*ret_endpoint = endpoint;
	return 0;
}

struct fdpass_endpoint *fdpass_endpoint_free(struct fdpass_endpoint *endpoint)
{
	if (endpoint != NULL) {
		free(endpoint->text);
		free(endpoint->host);
		free(endpoint->name);
		free(endpoint);
	}
	return NULL;
}
