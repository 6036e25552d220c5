/* SPDX-License-Identifier: MIT */
/* What is to be sent, as descriptors. */
#include "tools/fdsend/sources.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/diagnostic.h"
#include "cli/explain.h"
#include "cli/standard.h"
#include "cli/value.h"

int fdsend_sources_check(const struct request *request)
{
	struct fdpass_set *set;
	int r = fdpass_set_new(&set);

	if (r < 0) {
		cli_error("%s", strerror(-r));
		return r;
	}
	for (size_t i = 0; r == 0 && i < request->source_count; i++) {
		int fd = request->sources[i].fd;

		if (request->sources[i].kind != SOURCE_INHERITED)
			continue;
		r = cli_standard_was_closed(fd) ? -EBADF : fdpass_set_borrow(set, fd);
		if (r == -EBADF)
			cli_error("descriptor %d is not open (%s); open it with a redirection, "
				  "such as "
				  "%d<FILE",
				  fd, strerror(EBADF), fd);
		else if (r < 0)
			cli_error("descriptor %d: %s", fd, strerror(-r));
	}
	fdpass_set_free(set);
	return r;
}

/* "USER[:GROUP]". */
static void look_up_owner(const struct request *request, struct fdpass_open_options *options)
{
	const char *colon;
	char *user;

	if (request->owner == NULL)
		return;
	colon = strchr(request->owner, ':');
	user = colon != NULL ? strndup(request->owner, (size_t)(colon - request->owner))
			     : strdup(request->owner);
	if (user == NULL) {
		cli_error("%s", strerror(ENOMEM));
		exit(fdsend_program.failure_status);
	}
	if (user[0] != '\0')
		options->owner = cli_value_user(&fdsend_program, "--socket-owner", user);
	if (colon != NULL)
		options->group = cli_value_group(&fdsend_program, "--socket-owner", colon + 1);
	free(user);
}

/* With port 0 the kernel chose, and whoever asked has to know. */
static int print_chosen(const struct source *source, int fd, const struct fdpass_wait *wait)
{
	char name[512];
	int length, r;

	if (!fdsend_source_is_chosen(source))
		return 0;
	r = fdpass_open_name(fd, name, sizeof(name) - 1);
	if (r < 0)
		return r;
	length = (int)strlen(name);
	name[length++] = '\n';
	/* A pipe that is ready takes that much at once. */
	r = fdpass_poll(STDOUT_FILENO, POLLOUT, wait);
	if (r == -ETIMEDOUT)
		cli_error("--listen %s: the time ran out before stdout took the address",
			  source->text);
	if (r < 0)
		return r;
	if (write(STDOUT_FILENO, name, (size_t)length) == length)
		return 0;
	cli_error("writing the address to stdout failed: %s", strerror(errno));
	return -EIO;
}

static int open_listening(const struct source *source, const struct fdpass_open_options *options,
			  struct sources *sources, struct fdpass_error *error)
{
	struct fdpass_listener *listener;
	int r = fdpass_open_listen(source->endpoint, options, &listener, error);

	if (r < 0)
		return r;
	sources->listeners[sources->listener_count++] = listener;
	return fdpass_set_borrow(sources->set, fdpass_listener_fd(listener));
}

static int open_source(const struct request *request, const struct source *source,
		       const struct fdpass_open_options *options, struct sources *sources,
		       struct fdpass_error *error)
{
	int fd = -1;
	int r = 0;

	switch (source->kind) {
	case SOURCE_INHERITED:
		return fdpass_set_borrow(sources->set, source->fd);
	case SOURCE_LISTENING:
		return open_listening(source, options, sources, error);
	case SOURCE_FILE:
		r = fdpass_open_file(source->text, request->access, &fd, error);
		break;
	case SOURCE_CONNECTED:
		r = fdpass_open_connect(source->endpoint, options->wait, &fd, error);
		break;
	}
	if (r < 0)
		return r;
	r = fdpass_set_take(sources->set, fd);
	if (r < 0)
		close(fd);
	return r;
}

static void tell_failure(const struct source *source, int code, struct fdpass_error *error)
{
	static const char *const options[] = {
		[SOURCE_INHERITED] = "--fd",
		[SOURCE_FILE] = "--open",
		[SOURCE_LISTENING] = "--listen",
		[SOURCE_CONNECTED] = "--connect",
	};
	char where[CLI_DIAGNOSTIC_MAX], text[CLI_DIAGNOSTIC_MAX];

	if (code == -ECANCELED)
		return;
	if (error->step == FDPASS_STEP_NONE) {
		error->step = FDPASS_STEP_MEMORY;
		error->code = -code;
	}
	snprintf(where, sizeof(where), "%s %s", options[source->kind],
		 source->text != NULL ? source->text : "");
	cli_error("%s", cli_explain_opening(where, error, text, sizeof(text)));
}

int fdsend_sources_open(const struct request *request, const struct fdpass_wait *wait,
			struct sources *sources)
{
	struct fdpass_open_options options = request->listening;
	int r = fdpass_set_new(&sources->set);

	sources->listener_count = 0;
	sources->listeners = calloc(request->source_count, sizeof(*sources->listeners));
	if (r < 0 || sources->listeners == NULL) {
		cli_error("%s", strerror(ENOMEM));
		exit(fdsend_program.failure_status);
	}
	options.wait = wait;
	look_up_owner(request, &options);
	for (size_t i = 0; r == 0 && i < request->source_count; i++) {
		const struct source *source = &request->sources[i];
		struct fdpass_error error = FDPASS_ERROR_INIT;

		r = open_source(request, source, &options, sources, &error);
		if (r < 0)
			tell_failure(source, r, &error);
		else if (source->kind == SOURCE_LISTENING)
			r = print_chosen(
				source,
				fdpass_set_get(sources->set, fdpass_set_count(sources->set) - 1),
				wait);
	}
	if (r < 0)
		fdsend_sources_close(sources, SOURCES_FAILED);
	return r;
}

void fdsend_sources_close(struct sources *sources, enum fdsend_outcome outcome)
{
	for (size_t i = 0; i < sources->listener_count; i++) {
		if (outcome == SOURCES_DELIVERED)
			close(fdpass_listener_keep(sources->listeners[i]));
		else
			fdpass_listener_close(sources->listeners[i]);
	}
	free(sources->listeners);
	fdpass_set_free(sources->set);
}
