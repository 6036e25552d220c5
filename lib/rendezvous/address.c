/* SPDX-License-Identifier: MIT */
/* A SOCKSPEC, taken apart: a path, a name in the run directory, or an abstract name. */
#include "rendezvous/address.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "sockfile/sockpath.h"
#include "sockfile/sweep.h"

struct fdpass_address *fdpass_address_free(struct fdpass_address *address)
{
	if (address != NULL) {
		free(address->text);
		free(address->directory);
		free(address);
	}
	return NULL;
}

const char *fdpass_address_text(const struct fdpass_address *address)
{
	return address->text;
}

int fdpass_address_fd(const struct fdpass_address *address)
{
	return address->kind == FDPASS_ADDRESS_CONNECTED ? address->fd : -EBADF;
}

int fdpass_address_is_private(const struct fdpass_address *address)
{
	return address->is_private;
}

socklen_t fdpass_address_abstract(const struct fdpass_address *address, struct sockaddr_un *un)
{
	return fdpass_sockpath_abstract(address->name, un);
}

static int wrong(struct fdpass_error *error, int code, const char *reason)
{
	return fdpass_error_text(error, FDPASS_STEP_ADDRESS, code, reason);
}

static int check_name(const char *name, struct fdpass_error *error)
{
	if (name[0] == '\0')
		return wrong(error, -EINVAL, "the name of the socket is empty");
	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return wrong(error, -EINVAL, "this names a directory, not a socket");
	if (strncmp(name, SWEEP_PREFIX, strlen(SWEEP_PREFIX)) == 0)
		return wrong(error, -EINVAL, "names that begin with .fdpass- are reserved");
	if (strlen(name) > NAME_MAX)
		return wrong(error, -ENAMETOOLONG, "a file name has at most 255 bytes");
	return 0;
}

/* "DIRECTORY/NAME", which the caller frees. NULL: no memory. */
static char *path_in(const char *directory, const char *name)
{
	char *path = malloc(strlen(directory) + strlen(name) + 2);

	if (path != NULL)
		strcpy(stpcpy(stpcpy(path, directory), "/"), name);
	return path;
}

/* The run directory, without a '/' at its end; the caller frees it. NULL: no memory. */
static char *run_directory(const struct address_environment *environment)
{
	const char *xdg = environment->xdg_runtime_dir;
	char *path;
	size_t length;

	if (environment->runtime_dir != NULL)
		path = strdup(environment->runtime_dir);
	else if (environment->uid == 0)
		path = strdup("/run/fdsend");
	else if (xdg != NULL && xdg[0] == '/')
		/* A relative one is to be ignored (XDG base directory specification). */
		path = path_in(xdg, "fdsend");
	else if (asprintf(&path, "/run/user/%ju/fdsend", (uintmax_t)environment->uid) < 0)
		path = NULL;
	if (path == NULL)
		return NULL;
	for (length = strlen(path); length > 1 && path[length - 1] == '/';)
		path[--length] = '\0';
	return path;
}

static int build_path(struct fdpass_address *address, const char *text,
		      const struct address_environment *environment, struct fdpass_error *error)
{
	const char *slash = strrchr(text, '/');
	int r;

	if (slash != NULL) {
		address->text = strdup(text);
	} else {
		char *directory;

		if (environment->runtime_dir != NULL && environment->runtime_dir[0] != '/')
			return wrong(error, -EINVAL,
				     "$FDPASS_RUNTIME_DIR must be an absolute path");
		directory = run_directory(environment);
		if (directory != NULL)
			address->text = path_in(directory, text);
		free(directory);
		address->is_private = 1;
	}
	if (address->text == NULL)
		return fdpass_error_set(error, FDPASS_STEP_MEMORY, -ENOMEM);
	slash = strrchr(address->text, '/');
	address->name = slash + 1;
	r = check_name(address->name, error);
	if (r < 0)
		return r;
	if (strlen(address->text) >= PATH_MAX)
		return wrong(error, -ENAMETOOLONG, "a path has at most 4095 bytes");
	address->directory = slash == address->text
				     ? strdup("/")
				     : strndup(address->text, (size_t)(slash - address->text));
	if (address->directory == NULL)
		return fdpass_error_set(error, FDPASS_STEP_MEMORY, -ENOMEM);
	return 0;
}

static int build_abstract(struct fdpass_address *address, const char *text,
			  struct fdpass_error *error)
{
	if (text[0] == '\0')
		return wrong(error, -EINVAL, "the abstract name is empty");
	if (strlen(text) > FDPASS_ABSTRACT_MAX)
		return wrong(error, -ENAMETOOLONG, "an abstract name has at most 107 bytes");
	if (asprintf(&address->text, "@%s", text) < 0) {
		address->text = NULL;
		return fdpass_error_set(error, FDPASS_STEP_MEMORY, -ENOMEM);
	}
	address->name = address->text + 1;
	return 0;
}

static int build_connected(struct fdpass_address *address, const char *text,
			   struct fdpass_error *error)
{
	int64_t number = 0;

	for (const char *digit = text; *digit != '\0' && number <= INT_MAX; digit++) {
		if (*digit < '0' || *digit > '9')
			return wrong(error, -EINVAL, "this is not the number of a descriptor");
		number = number * 10 + (*digit - '0');
	}
	if (text[0] == '\0')
		return wrong(error, -EINVAL, "the number of the descriptor is missing");
	if (number > INT_MAX)
		return wrong(error, -EINVAL, "the number is too large");
	address->fd = (int)number;
	if (asprintf(&address->text, "descriptor %d", address->fd) < 0) {
		address->text = NULL;
		return fdpass_error_set(error, FDPASS_STEP_MEMORY, -ENOMEM);
	}
	address->name = address->text;
	return 0;
}

int fdpass_address_build(enum fdpass_address_kind kind, const char *text,
			 const struct address_environment *environment,
			 struct fdpass_address **ret_address, struct fdpass_error *error)
{
	struct fdpass_address *address = calloc(1, sizeof(*address));
	int r;

	if (address == NULL)
		return fdpass_error_set(error, FDPASS_STEP_MEMORY, -ENOMEM);
	address->kind = kind;
	if (kind == FDPASS_ADDRESS_ABSTRACT)
		r = build_abstract(address, text, error);
	else if (kind == FDPASS_ADDRESS_CONNECTED)
		r = build_connected(address, text, error);
	else if (kind == FDPASS_ADDRESS_NAMED)
		r = build_path(address, text, environment, error);
	else
		r = wrong(error, -EINVAL, "there is no such kind of address");
	if (r < 0) {
		fdpass_address_free(address);
		return r;
	}
	*ret_address = address;
	return 0;
}

/* In a set-user-id program the environment is its caller's, not its own: secure_getenv(3). Empty counts
 * as unset, as everywhere. */
static const char *environment_path(const char *name)
{
	const char *value = secure_getenv(name);

	return value != NULL && value[0] != '\0' ? value : NULL;
}

int fdpass_address_parse(enum fdpass_address_kind kind, const char *text,
			 struct fdpass_address **ret_address, struct fdpass_error *error)
{
	const struct address_environment environment = {
		.uid = geteuid(),
		.runtime_dir = environment_path("FDPASS_RUNTIME_DIR"),
		.xdg_runtime_dir = environment_path("XDG_RUNTIME_DIR"),
	};

	return fdpass_address_build(kind, text, &environment, ret_address, error);
}
