/* SPDX-License-Identifier: MIT */
/* What the command is told of its descriptors in the environment. */
#include "tools/fdrecv/announce.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/diagnostic.h"

/* The columns of an announcement, line by line. */
struct lines {
	size_t count;
	int *numbers;
	const char **names;
	const char **addresses;
	char (*texts)[FDPASS_ACTIVATION_ADDRESS_MAX]; /* what `addresses` points to */
};

static void lines_free(struct lines *lines)
{
	free(lines->numbers);
	free(lines->names);
	free(lines->addresses);
	free(lines->texts);
}

static int lines_allocate(struct lines *lines, size_t count)
{
	*lines = (struct lines){.numbers = calloc(count, sizeof(*lines->numbers)),
				.names = calloc(count, sizeof(*lines->names)),
				.addresses = calloc(count, sizeof(*lines->addresses)),
				.texts = calloc(count, sizeof(*lines->texts))};
	if (lines->numbers != NULL && lines->names != NULL && lines->addresses != NULL &&
	    lines->texts != NULL)
		return 0;
	lines_free(lines);
	return -ENOMEM;
}

static int needs_addresses(const struct request *request)
{
	return request->dialect == FDPASS_DIALECT_SERVER_STARTER ||
	       request->dialect == FDPASS_DIALECT_PHP_FPM;
}

/* The next line. `fd` may be -1, which has no address. */
static int lines_add(struct lines *lines, const struct request *request, const char *name, int fd)
{
	size_t i = lines->count;
	int r = 0;

	lines->numbers[i] = FDPASS_ACTIVATION_FIRST + (int)i;
	lines->names[i] = request->names.count > 0 ? cli_names_get(&request->names, i) : name;
	if (needs_addresses(request)) {
		r = fdpass_activation_address(request->dialect, fd, lines->texts[i],
					      sizeof(lines->texts[i]));
		lines->addresses[i] = lines->texts[i];
	}
	lines->count++;
	return r;
}

/* Those of one group. `*ret_index` is where it failed. */
static int lines_add_group(struct lines *lines, const struct request *request, size_t count,
			   const struct arrival *what, size_t *ret_index)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < count; i++) {
		const char *name = what->set != NULL     ? fdpass_set_name(what->set, i)
				   : what->names != NULL ? what->names[i]
							 : NULL;

		*ret_index = i;
		r = lines_add(lines, request, name,
			      what->set != NULL ? fdpass_set_get(what->set, i) : -1);
	}
	return r;
}

/* All that has come for --listen-fds, and what comes now, or NULL, in the order of the command line. */
static int lines_collect(struct lines *lines, const struct reception *reception,
			 const struct arrival *arrival, size_t *ret_index)
{
	const struct request *request = reception->request;
	size_t count = 0;
	int r;

	for (size_t i = 0; i < request->group_count; i++)
		if (request->groups[i].target == TARGET_LISTEN)
			count += reception->came[i];
	r = lines_allocate(lines, count);
	if (r < 0)
		return r;
	for (size_t i = 0; r == 0 && i < request->group_count; i++) {
		struct arrival before = {i, reception->sets[i], NULL};

		if (request->groups[i].target == TARGET_LISTEN)
			r = lines_add_group(lines, request, reception->came[i],
					    arrival != NULL && arrival->group == i ? arrival
										   : &before,
					    ret_index);
	}
	if (r < 0)
		lines_free(lines);
	return r;
}

static int export(const struct request *request, const struct lines *lines, char ***ret_changes,
		  struct fdpass_error *error)
{
	struct fdpass_announcement announcement = FDPASS_ANNOUNCEMENT_INIT;
	uint64_t id;

	announcement.dialect = request->dialect;
	announcement.count = lines->count;
	announcement.numbers = lines->numbers;
	announcement.names = lines->names;
	announcement.addresses = lines->addresses;
	announcement.pid = getpid();
	if (request->dialect == FDPASS_DIALECT_SYSTEMD && fdpass_activation_pid_id(&id) == 0)
		announcement.pid_id = id;
	return fdpass_activation_export(&announcement, ret_changes, error);
}

/* A descriptor of the group, the `index`th, that the dialect cannot announce. */
static void explain(const struct request *request, size_t index, int code, char *reason,
		    size_t size)
{
	const char *why = code == -ENOTSOCK        ? "it is not a socket"
			  : code == -EDESTADDRREQ  ? "it is not bound to an address"
			  : code == -EADDRNOTAVAIL ? "its path was only for making it"
			  : code == -EAFNOSUPPORT  ? "it has an address of another kind"
						   : strerror(-code);

	snprintf(reason, size, "--dialect %s cannot announce descriptor %zu of those that came: %s",
		 request->dialect_word, index + 1, why);
}

/* --fdname A:B:C: as many as came, in all. Which is known when the last group is served. */
static int check_names(const struct request *request, const size_t *came, char *reason, size_t size)
{
	size_t all = 0, waiting = 0;

	for (size_t i = 0; i < request->group_count; i++) {
		if (request->groups[i].target != TARGET_LISTEN)
			continue;
		all += fdrecv_group_keeps(&request->groups[i], came[i]);
		waiting += came[i] == 0;
	}
	if (request->names.count <= 1 || all == request->names.count ||
	    (all < request->names.count && waiting > 0))
		return 0;
	snprintf(reason, size, "--fdname has %zu names, and %zu descriptors are to be named",
		 request->names.count, all);
	return -EINVAL;
}

/* execve(2) takes no string that is longer than 32 pages with its NUL: MAX_ARG_STRLEN, linux/binfmts.h. */
static int check_length(const char *change, char *reason, size_t size)
{
	size_t length = strlen(change) + 1, most = 32 * (size_t)sysconf(_SC_PAGESIZE);

	if (length <= most)
		return 0;
	snprintf(reason, size, "%.*s would be too long: %zu bytes, and execve(2) takes %zu",
		 (int)strcspn(change, "="), change, length, most);
	return -E2BIG;
}

/* The lines of --listen-fds, as they would be announced now. */
static int check_lines(const struct request *request, const struct lines *lines, char *reason,
		       size_t size)
{
	struct fdpass_error error = FDPASS_ERROR_INIT;
	char **changes;
	int r = export(request, lines, &changes, &error);

	if (r < 0 && error.step == FDPASS_STEP_ACTIVATION && needs_addresses(request))
		snprintf(reason, size, "--dialect %s: %s", request->dialect_word, error.text);
	else if (r < 0)
		snprintf(reason, size, "%s", strerror(-r));
	if (r < 0)
		return r;
	for (size_t i = 0; r == 0 && changes[i] != NULL; i++)
		r = check_length(changes[i], reason, size);
	free(changes);
	return r;
}

static int check_listen(const struct reception *reception, const struct arrival *arrival,
			char *reason, size_t size)
{
	const struct request *request = reception->request;
	struct lines lines;
	size_t index;
	int r = check_names(request, reception->came, reason, size);

	/* Addresses are those of descriptors that are here. */
	if (r < 0 || (needs_addresses(request) && arrival->set == NULL))
		return r;
	r = lines_collect(&lines, reception, arrival, &index);
	if (r == -ENOMEM)
		snprintf(reason, size, "%s", strerror(-r));
	else if (r < 0)
		explain(request, index, r, reason, size);
	if (r < 0)
		return r;
	r = check_lines(request, &lines, reason, size);
	lines_free(&lines);
	return r;
}

/* VAR=4,5, which the caller frees. */
static char *variable_change(const struct reception *reception, size_t group)
{
	const char *variable = reception->request->groups[group].variable;
	size_t count, used;
	const int *numbers = fdrecv_placement_of(&reception->placement, group, &count);
	size_t size = strlen(variable) + 1 + count * sizeof("2147483647,");
	char *change = malloc(size);

	if (change == NULL)
		return NULL;
	used = (size_t)snprintf(change, size, "%s=", variable);
	for (size_t i = 0; i < count; i++)
		used += (size_t)snprintf(change + used, size - used, "%s%d", i > 0 ? "," : "",
					 numbers[i]);
	return change;
}

static int check_variable(const struct reception *reception, size_t group, char *reason,
			  size_t size)
{
	char *change = variable_change(reception, group);
	int r = change != NULL ? check_length(change, reason, size) : -ENOMEM;

	if (change == NULL)
		snprintf(reason, size, "%s", strerror(ENOMEM));
	free(change);
	return r;
}

int fdrecv_announce_check(const struct reception *reception, const struct arrival *arrival,
			  char *reason, size_t size)
{
	const struct request *request = reception->request;
	int r = 0;

	if (request->groups[arrival->group].target == TARGET_LISTEN)
		r = check_listen(reception, arrival, reason, size);
	/* Whatever comes may move their numbers. */
	for (size_t i = 0; r == 0 && i < request->group_count; i++)
		if (request->groups[i].target == TARGET_VARIABLE)
			r = check_variable(reception, i, reason, size);
	return r;
}

/* "NAME=VALUE" or, to remove it, "NAME". */
static int apply(char *change)
{
	char *value = strchr(change, '=');
	int r;

	if (value == NULL)
		return unsetenv(change) < 0 ? -errno : 0;
	cli_verbose("environment: %s", change);
	*value = '\0';
	r = setenv(change, value + 1, 1);
	return r < 0 ? -errno : 0;
}

static int announce_listen(const struct reception *reception)
{
	struct fdpass_error error = FDPASS_ERROR_INIT;
	struct lines lines;
	char **changes;
	size_t index;
	int r = lines_collect(&lines, reception, NULL, &index);

	if (r < 0)
		return r;
	r = export(reception->request, &lines, &changes, &error);
	lines_free(&lines);
	if (r < 0)
		return r;
	for (size_t i = 0; r == 0 && changes[i] != NULL; i++)
		r = apply(changes[i]);
	free(changes);
	return r;
}

static int announce_variable(const struct reception *reception, size_t group)
{
	char *change = variable_change(reception, group);
	int r = change != NULL ? apply(change) : -ENOMEM;

	free(change);
	return r;
}

int fdrecv_announce(const struct reception *reception)
{
	const struct request *request = reception->request;
	int r = request->listen_count > 0 ? announce_listen(reception) : 0;

	for (size_t i = 0; r == 0 && i < request->group_count; i++)
		if (request->groups[i].target == TARGET_VARIABLE)
			r = announce_variable(reception, i);
	return r;
}
