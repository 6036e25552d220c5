/* SPDX-License-Identifier: MIT */
/* Sockets opened to be given away, and what others find there. */
#include "opening.h"

#include <check.h>
#include <errno.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

static struct fdpass_endpoint *endpoint_of(const char *text)
{
	struct fdpass_error error = FDPASS_ERROR_INIT;
	struct fdpass_endpoint *endpoint;

	ck_assert_msg(fdpass_endpoint_parse(text, &endpoint, &error) == 0, "%s: %s", text,
		      error.text);
	return endpoint;
}

int opening_try(const char *text, const struct fdpass_open_options *options,
		struct fdpass_listener **ret_listener, struct fdpass_error *error)
{
	struct fdpass_endpoint *endpoint = endpoint_of(text);
	int r = fdpass_open_listen(endpoint, options, ret_listener, error);

	fdpass_endpoint_free(endpoint);
	return r;
}

struct fdpass_listener *opening_listen(const char *text, const struct fdpass_open_options *options)
{
	struct fdpass_error error = FDPASS_ERROR_INIT;
	struct fdpass_listener *listener = NULL;
	int r = opening_try(text, options, &listener, &error);

	ck_assert_msg(r == 0, "%s: %s: %s", text, fdpass_step_text(error.step), strerror(-r));
	return listener;
}

int opening_option(int fd, int level, int name)
{
	int value = -1;
	socklen_t length = sizeof(value);

	ck_assert_int_eq(getsockopt(fd, level, name, &value, &length), 0);
	return value;
}

int opening_connects(const struct sockaddr *address, socklen_t length, int type)
{
	int fd = socket(address->sa_family, type | SOCK_CLOEXEC, 0);
	int r;

	ck_assert_int_ge(fd, 0);
	r = connect(fd, address, length) < 0 ? -errno : 0;
	close(fd);
	return r;
}

int opening_connects_to(const char *path, int type)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};

	ck_assert_uint_lt(strlen(path), sizeof(un.sun_path));
	strcpy(un.sun_path, path);
	return opening_connects((struct sockaddr *)&un, sizeof(un), type);
}
