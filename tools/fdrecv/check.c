/* SPDX-License-Identifier: MIT */
/* Whether the parts of fdrecv's command line go together, once all of it was read. */
#include "tools/fdrecv/check.h"

#include <stdlib.h>
#include <string.h>

#include "cli/acquire.h"
#include "cli/descriptors.h"
#include "tools/fdrecv/program.h"

/* Every target of every group, once. */
static void collect_targets(struct request *request)
{
	size_t used = 0;

	for (size_t i = 0; i < request->group_count; i++)
		request->target_count += request->groups[i].targets.count;
	request->targets = malloc((request->target_count + 1) * sizeof(*request->targets));
	if (request->targets == NULL)
		cli_out_of_memory(&fdrecv_program);
	for (size_t i = 0; i < request->group_count; i++) {
		const struct cli_list *targets = &request->groups[i].targets;

		for (size_t j = 0; j < targets->count; j++)
			request->targets[used++] = targets->numbers[j];
	}
	cli_descriptors_sort(request->targets, used);
	for (size_t i = 1; i < used; i++) {
		if (request->targets[i] == request->targets[i - 1])
			cli_usage_error(&fdrecv_program, "target %d is named twice",
					request->targets[i]);
	}
}

/* What is known of a group of another process before that is looked at. */
static void check_taken(const struct request *request, const struct group *group)
{
	const struct origin *origin = &request->origins[group->origin];

	if (group->match == NULL && group->numbers.count < fdrecv_group_keeps(group, 0))
		cli_usage_error(&fdrecv_program, "'%s': fewer descriptors (%zu) than targets (%zu)",
				group->source, group->numbers.count, group->targets.count);
	if (group->match != NULL && origin->mode != NULL && fdpass_match_is_socket(group->match))
		cli_usage_error(&fdrecv_program,
				"--mode: '%s' describes sockets, which are shared as they are",
				group->source);
}

static void check_groups(const struct request *request)
{
	size_t sockspecs = 0;

	for (size_t i = 0; i < request->group_count; i++) {
		const struct group *group = &request->groups[i];

		if (group->origin >= 0) {
			check_taken(request, group);
			continue;
		}
		cli_admit_check(&request->admissions, &fdrecv_program, group->kind, group->source);
		sockspecs++;
	}
	if (sockspecs == 0 && request->admissions.count > 0)
		cli_usage_error(&fdrecv_program,
				"%s admits senders, and there is no SOCKSPEC at which they could "
				"be",
				request->admissions.list[0].spelling);
}

/* A --pid without a target would do nothing, and its --dup and --mode exclude each other. */
static void settle_origins(struct request *request)
{
	for (size_t i = 0; i < request->origin_count; i++) {
		struct origin *origin = &request->origins[i];
		int used = 0;

		for (size_t j = 0; j < request->group_count; j++)
			used |= request->groups[j].origin == (int)i;
		if (!used)
			cli_usage_error(&fdrecv_program,
					"--pid %s: no target and LIST or EXPR follows, such as -l "
					"listen:8080",
					origin->process.text);
		if (origin->mode != NULL && origin->dup_spelling[0] != '\0')
			cli_usage_error(
				&fdrecv_program,
				"--mode: %s shares the open file, with the mode that it has",
				origin->dup_spelling);
		if (origin->mode != NULL)
			origin->method = cli_acquire_mode(origin->mode);
		if (origin->dup_spelling[0] != '\0')
			origin->method = FDPASS_METHOD_DUPLICATE;
	}
	if (request->retire != RETIRE_NOTHING && request->origin_count == 0)
		cli_usage_error(&fdrecv_program,
				"--retire ends the process of --pid, which was not given");
	if (request->retire == RETIRE_NOTHING && request->retire_after_word != NULL)
		cli_usage_error(
			&fdrecv_program,
			"--retire-after says when --retire does its work, which was not given");
	if (request->retire != RETIRE_NOTHING && request->patience > 0 &&
	    request->patience <= request->retire_after)
		cli_usage_error(
			&fdrecv_program,
			"--timeout is over before --retire-after, which is 1 second unless given");
}

/* -E must not write over what -l announces. */
static void check_variable(const char *variable)
{
	struct fdpass_announcement nothing = FDPASS_ANNOUNCEMENT_INIT;
	char **names;

	if (fdpass_activation_export(&nothing, &names, NULL) < 0)
		cli_out_of_memory(&fdrecv_program);
	for (size_t i = 0; names[i] != NULL; i++)
		if (strcmp(names[i], variable) == 0)
			cli_usage_error(&fdrecv_program,
					"--env: %s is for what --listen-fds announces", variable);
	free(names);
}

static void check_variables(const struct request *request)
{
	for (size_t i = 0; i < request->group_count; i++) {
		const char *variable = request->groups[i].variable;

		for (size_t j = 0; variable != NULL && j < i; j++)
			if (request->groups[j].variable != NULL &&
			    strcmp(request->groups[j].variable, variable) == 0)
				cli_usage_error(&fdrecv_program, "--env: %s is named twice",
						variable);
		if (variable != NULL && request->listen_count > 0)
			check_variable(variable);
	}
}

/* Options that say how to announce, with nothing to announce. */
static void check_announcement(const struct request *request)
{
	if (request->dialect_word != NULL && request->listen_count == 0)
		cli_usage_error(&fdrecv_program, "--dialect needs --listen-fds");
	if (request->names.count > 0 && request->listen_count == 0)
		cli_usage_error(&fdrecv_program, "--fdname needs --listen-fds");
	if (request->names.count > 0 && request->dialect != FDPASS_DIALECT_SYSTEMD)
		cli_usage_error(&fdrecv_program, "--fdname: the dialect %s has no names",
				request->dialect_word);
}

void fdrecv_request_check(struct request *request)
{
	check_groups(request);
	settle_origins(request);
	check_variables(request);
	check_announcement(request);
	collect_targets(request);
}
