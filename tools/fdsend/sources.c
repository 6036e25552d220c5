/* SPDX-License-Identifier: MIT */
/* What is to be sent, as descriptors. */
#include "tools/fdsend/sources.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/acquire.h"
#include "cli/descriptors.h"
#include "cli/diagnostic.h"
#include "cli/explain.h"
#include "cli/standard.h"
#include "cli/value.h"
#include "tools/fdsend/program.h"

static struct fdpass_set *new_set(void)
{
	struct fdpass_set *set;

	if (fdpass_set_new(&set) < 0)
		cli_out_of_memory(&fdsend_program);
	return set;
}

/* Moves everything, with its names. */
static int append(struct fdpass_set *set, struct fdpass_set *from)
{
	size_t count = fdpass_set_count(from);
	int r = 0;

	for (size_t i = 0; r == 0 && i < count; i++) {
		const char *name = fdpass_set_name(from, i);

		r = fdpass_set_take(set, fdpass_set_get(from, i));
		if (r < 0)
			break;
		fdpass_set_steal(from, i);
		if (name != NULL)
			r = fdpass_set_rename(set, fdpass_set_count(set) - 1, name);
	}
	return r;
}

static int check_numbers(const struct cli_list *numbers)
{
	size_t closed = cli_descriptors_first_closed(numbers->numbers, numbers->count);

	for (size_t i = 0; i < closed; i++)
		if (cli_standard_was_closed(numbers->numbers[i]))
			closed = i;
	if (closed == numbers->count)
		return 0;
	cli_error("descriptor %d is not open (%s); open it with a redirection, such as %d<FILE",
		  numbers->numbers[closed], strerror(EBADF), numbers->numbers[closed]);
	return -EBADF;
}

static int import_activation(struct sources *sources)
{
	struct fdpass_error error = FDPASS_ERROR_INIT;
	int r = fdpass_activation_import(FDPASS_ACTIVATION_OURS, &sources->activated, &error);

	if (r > 0)
		return 0;
	if (r == 0)
		cli_error("--listen-fds: LISTEN_FDS announces nothing; it is set by who starts "
			  "fdsend with sockets, such as a socket unit of systemd");
	else if (r == -ESRCH)
		cli_error("--listen-fds: %s; a shell or wrapper hands it on with 'LISTEN_PID=$$ "
			  "exec fdsend'",
			  error.text);
	else
		cli_error("--listen-fds: %s", error.text[0] != '\0' ? error.text : strerror(-r));
	return r < 0 ? r : -ENOENT;
}

int fdsend_sources_check(const struct request *request, struct sources *sources)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < request->source_count; i++) {
		const struct source *source = &request->sources[i];

		if (source->kind == SOURCE_ACTIVATED)
			r = import_activation(sources);
		else if (source->kind == SOURCE_NUMBERS && request->process.text == NULL)
			r = check_numbers(&source->numbers);
	}
	if (r < 0)
		sources->activated = fdpass_set_free(sources->activated);
	return r;
}

/* What the process of --pid has. Before anything else, since all the rest may take time. */
static int take_all(const struct request *request, struct sources *sources)
{
	struct fdpass_pidref *ref;
	int r;

	if (request->process.text == NULL)
		return 0;
	r = cli_process_pin(&request->process, &ref);
	if (r < 0)
		return r;
	for (size_t i = 0; r == 0 && i < request->source_count; i++) {
		const struct source *source = &request->sources[i];

		if (source->kind == SOURCE_NUMBERS) {
			sources->taken[i] = new_set();
			r = cli_acquire_numbers(ref, &source->numbers, request->method,
						sources->taken[i]);
		} else if (source->kind == SOURCE_MATCHED) {
			sources->taken[i] = new_set();
			r = cli_acquire_match(ref, source->match, source->text, request->method,
					      sources->taken[i]);
		}
	}
	fdpass_pidref_free(ref);
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
	if (user == NULL)
		cli_out_of_memory(&fdsend_program);
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

/*
 * Inherited numbers. They were looked at, and nothing can have closed them since: taking them spares a system
 * call for each, which borrowing makes. Nothing uses them when the set is closed, and that this closes them is
 * no more than what the end of the program would do.
 */
static int take_numbers(struct fdpass_set *set, const struct cli_list *numbers)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < numbers->count; i++) {
		r = fdpass_set_take(set, numbers->numbers[i]);
		if (r == 0 && numbers->names != NULL)
			r = fdpass_set_rename(set, fdpass_set_count(set) - 1, numbers->names[i]);
	}
	return r;
}

static int open_source(const struct request *request, size_t index,
		       const struct fdpass_open_options *options, struct sources *sources,
		       struct fdpass_error *error)
{
	const struct source *source = &request->sources[index];
	int fd = -1;
	int r = 0;

	switch (source->kind) {
	case SOURCE_NUMBERS:
	case SOURCE_MATCHED:
		return sources->taken[index] != NULL ? append(sources->set, sources->taken[index])
						     : take_numbers(sources->set, &source->numbers);
	case SOURCE_ACTIVATED:
		return append(sources->set, sources->activated);
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
		[SOURCE_NUMBERS] = "--fd",           [SOURCE_MATCHED] = "--match",
		[SOURCE_ACTIVATED] = "--listen-fds", [SOURCE_FILE] = "--open",
		[SOURCE_LISTENING] = "--listen",     [SOURCE_CONNECTED] = "--connect",
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

/* --fdname. How many there are may be known only now. */
static int name_all(const struct request *request, struct fdpass_set *set)
{
	size_t count = fdpass_set_count(set);
	int r = 0;

	if (request->names.count > 1 && request->names.count != count) {
		cli_error(
			"--fdname: %zu names for %zu descriptor%s; name each of them, or all with "
			"one name",
			request->names.count, count, count == 1 ? "" : "s");
		return -EINVAL;
	}
	for (size_t i = 0; r == 0 && request->names.count > 0 && i < count; i++)
		r = fdpass_set_rename(set, i, cli_names_get(&request->names, i));
	if (r < 0)
		cli_error("--fdname: %s", strerror(-r));
	return r;
}

static int open_all(const struct request *request, const struct fdpass_wait *wait,
		    struct sources *sources)
{
	struct fdpass_open_options options = request->listening;
	int r = 0;

	options.wait = wait;
	look_up_owner(request, &options);
	for (size_t i = 0; r == 0 && i < request->source_count; i++) {
		const struct source *source = &request->sources[i];
		struct fdpass_error error = FDPASS_ERROR_INIT;

		r = open_source(request, i, &options, sources, &error);
		if (r < 0)
			tell_failure(source, r, &error);
		else if (source->kind == SOURCE_LISTENING)
			r = print_chosen(
				source,
				fdpass_set_get(sources->set, fdpass_set_count(sources->set) - 1),
				wait);
	}
	return r == 0 ? name_all(request, sources->set) : r;
}

int fdsend_sources_open(const struct request *request, const struct fdpass_wait *wait,
			struct sources *sources)
{
	int r;

	sources->set = new_set();
	sources->listeners = calloc(request->source_count, sizeof(*sources->listeners));
	sources->taken = calloc(request->source_count, sizeof(*sources->taken));
	if (sources->listeners == NULL || sources->taken == NULL)
		cli_out_of_memory(&fdsend_program);
	r = take_all(request, sources);
	if (r == 0)
		r = open_all(request, wait, sources);
	if (r < 0)
		fdsend_sources_close(request, sources, SOURCES_FAILED);
	return r;
}

void fdsend_sources_close(const struct request *request, struct sources *sources,
			  enum fdsend_outcome outcome)
{
	for (size_t i = 0; i < sources->listener_count; i++) {
		if (outcome == SOURCES_DELIVERED)
			close(fdpass_listener_keep(sources->listeners[i]));
		else
			fdpass_listener_close(sources->listeners[i]);
	}
	for (size_t i = 0; i < request->source_count; i++)
		fdpass_set_free(sources->taken[i]);
	free(sources->taken);
	free(sources->listeners);
	fdpass_set_free(sources->set);
	fdpass_set_free(sources->activated);
}
