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

/* The next line, for the descriptor at `index` of `set`. */
static int lines_add(struct lines *lines, const struct request *request,
		     const struct fdpass_set *set, size_t index)
{
	size_t i = lines->count;
	int r = 0;

	lines->numbers[i] = FDPASS_ACTIVATION_FIRST + (int)i;
	if (request->names.count == 0)
		lines->names[i] = fdpass_set_name(set, index);
	else
		lines->names[i] = cli_names_get(&request->names, i);
	if (needs_addresses(request)) {
		r = fdpass_activation_address(request->dialect, fdpass_set_get(set, index),
					      lines->texts[i], sizeof(lines->texts[i]));
		lines->addresses[i] = lines->texts[i];
	}
	lines->count++;
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

int fdrecv_announce_check(const struct request *request, const size_t *came,
			  const struct fdpass_set *set, char *reason, size_t size)
{
	struct fdpass_error error = FDPASS_ERROR_INIT;
	size_t count = fdpass_set_count(set);
	struct lines lines;
	char **changes;
	int r = check_names(request, came, reason, size);

	if (r < 0 || !needs_addresses(request))
		return r;
	r = lines_allocate(&lines, count);
	if (r < 0) {
		snprintf(reason, size, "%s", strerror(-r));
		return r;
	}
	for (size_t i = 0; r == 0 && i < count; i++) {
		r = lines_add(&lines, request, set, i);
		if (r < 0)
			explain(request, i, r, reason, size);
	}
	if (r == 0) {
		r = export(request, &lines, &changes, &error);
		if (r < 0)
			snprintf(reason, size, "--dialect %s: %s", request->dialect_word,
				 error.text[0] != '\0' ? error.text : strerror(-r));
		else
			free(changes);
	}
	lines_free(&lines);
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
	const struct request *request = reception->request;
	struct fdpass_error error = FDPASS_ERROR_INIT;
	struct lines lines;
	size_t count = 0;
	char **changes;
	int r;

	for (size_t i = 0; i < request->group_count; i++)
		if (request->groups[i].target == TARGET_LISTEN)
			count += reception->came[i];
	r = lines_allocate(&lines, count);
	if (r < 0)
		return r;
	for (size_t i = 0; i < request->group_count; i++) {
		const struct fdpass_set *set = reception->sets[i];

		if (request->groups[i].target != TARGET_LISTEN)
			continue;
		for (size_t j = 0; r == 0 && j < reception->came[i]; j++)
			r = lines_add(&lines, request, set, j);
	}
	if (r == 0)
		r = export(request, &lines, &changes, &error);
	lines_free(&lines);
	if (r < 0)
		return r;
	for (size_t i = 0; r == 0 && changes[i] != NULL; i++)
		r = apply(changes[i]);
	free(changes);
	return r;
}

/* VAR=4,5 */
static int announce_variable(const struct reception *reception, size_t group)
{
	const char *variable = reception->request->groups[group].variable;
	size_t count, used;
	const int *numbers = fdrecv_placement_of(&reception->placement, group, &count);
	size_t size = strlen(variable) + 1 + count * sizeof("2147483647,");
	char *change = malloc(size);
	int r;

	if (change == NULL)
		return -ENOMEM;
	used = (size_t)snprintf(change, size, "%s=", variable);
	for (size_t i = 0; i < count; i++)
		used += (size_t)snprintf(change + used, size - used, "%s%d", i > 0 ? "," : "",
					 numbers[i]);
	r = apply(change);
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
