/* SPDX-License-Identifier: MIT */
/* fdrecv's command line: what it may be, and what it says. */
#include "tools/fdrecv/request.h"

#include <stdlib.h>
#include <string.h>

#include "cli/diagnostic.h"
#include "cli/sockspec.h"
#include "cli/usage.h"
#include "cli/value.h"
#include "tools/fdrecv/program.h"

/* A group that is being written: its parts may come in several orders. */
struct draft {
	enum target target;
	struct cli_list targets;
	const char *variable;
	char target_spelling[CLI_NAME_MAX + 3]; /* "": no TARGET yet */
	enum fdpass_address_kind kind;
	char kind_spelling[CLI_NAME_MAX + 3]; /* "": neither -a nor -c */
};

static _Noreturn void out_of_memory(void)
{
	cli_error("out of memory");
	exit(fdrecv_program.failure_status);
}

/* `argument` is that of the option, or NULL. */
static void draft_target(struct draft *draft, const struct cli_parser *parser, enum target target,
			 const char *argument)
{
	if (draft->target_spelling[0] != '\0')
		cli_usage_error(
			&fdrecv_program,
			"%s%s%s: another target, %s, has no SOCKSPEC yet; write several numbers "
			"for one SOCKSPEC as one list, such as -f 0,1",
			cli_spelling(parser), argument != NULL ? " " : "",
			argument != NULL ? argument : "", draft->target_spelling);
	draft->target = target;
	strcpy(draft->target_spelling, cli_spelling(parser));
}

static void draft_fds(struct draft *draft, const struct cli_parser *parser, enum target target,
		      const char *argument, const char *list)
{
	draft_target(draft, parser, target, argument);
	cli_value_list(parser, list, &draft->targets);
}

/* A name that a shell can use; "-E 3" and "-E NAME=3" are mistakes. */
static void draft_variable(struct draft *draft, const struct cli_parser *parser, const char *name)
{
	static const char first[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_";
	static const char digits[] = "0123456789";
	size_t length = strspn(name, first);

	while (length > 0 && name[length] != '\0' &&
	       (strchr(digits, name[length]) != NULL || strchr(first, name[length]) != NULL))
		length++;
	if (length == 0 || name[length] != '\0')
		cli_usage_error(&fdrecv_program,
				"%s: '%s' is not the name of a variable: letters, digits and '_'",
				cli_spelling(parser), name);
	draft_target(draft, parser, TARGET_VARIABLE, name);
	draft->variable = name;
}

static void add_group(struct request *request, struct draft *draft, const char *socket)
{
	struct group *grown;

	if (draft->target_spelling[0] == '\0')
		cli_usage_error(&fdrecv_program,
				"'%s': a SOCKSPEC needs a target before it, such as -f 0, and a "
				"command needs --run",
				socket);
	cli_sockspec_check(&fdrecv_program, draft->kind, socket);
	grown = realloc(request->groups, (request->group_count + 1) * sizeof(*grown));
	if (grown == NULL)
		out_of_memory();
	request->groups = grown;
	grown[request->group_count++] = (struct group){.target = draft->target,
						       .targets = draft->targets,
						       .variable = draft->variable,
						       .socket = socket,
						       .kind = draft->kind};
	request->listen_count += draft->target == TARGET_LISTEN;
	*draft = (struct draft){.targets = CLI_LIST_INIT, .kind = FDPASS_ADDRESS_NAMED};
}

static enum fdpass_dialect dialect_of(const char *name)
{
	static const char *const names[] = {
		[FDPASS_DIALECT_SYSTEMD] = "systemd",
		[FDPASS_DIALECT_NGINX] = "nginx",
		[FDPASS_DIALECT_SERVER_STARTER] = "server-starter",
		[FDPASS_DIALECT_PHP_FPM] = "php-fpm",
	};
	size_t i = 0;

	/* The parser has made sure that it is one of them. */
	while (strcmp(names[i], name) != 0)
		i++;
	return (enum fdpass_dialect)i;
}

/* "A:B:C". When it is given again, the last one counts. */
static void parse_names(struct request *request, const char *text)
{
	char *rest = strdup(text), *name;

	request->name_count = 0;
	while (rest != NULL && (name = strsep(&rest, ":")) != NULL) {
		const char **grown = realloc(request->names,
					     (request->name_count + 1) * sizeof(*request->names));

		if (grown == NULL)
			out_of_memory();
		if (fdpass_name_check(name) < 0)
			cli_usage_error(&fdrecv_program,
					"--fdname: '%s' is not a name: 1 to %d printable ASCII "
					"characters, and ':' between names",
					name, FDPASS_NAME_MAX);
		request->names = grown;
		grown[request->name_count++] = name;
	}
	if (request->name_count == 0)
		out_of_memory();
}

static void parse_option(struct request *request, struct draft *draft,
			 const struct cli_parser *parser, const struct cli_option *option,
			 const char *argument)
{
	switch (option->id) {
	case OPT_FD:
		draft_fds(draft, parser, TARGET_FDS, argument, argument);
		break;
	case OPT_STDIN:
		draft_fds(draft, parser, TARGET_FDS, NULL, "0");
		break;
	case OPT_STDOUT:
		draft_fds(draft, parser, TARGET_FDS, NULL, "1");
		break;
	case OPT_STDERR:
		draft_fds(draft, parser, TARGET_FDS, NULL, "2");
		break;
	case OPT_INETD:
		draft_fds(draft, parser, TARGET_INETD, NULL, "0,1");
		break;
	case OPT_LISTEN_FDS:
		draft_target(draft, parser, TARGET_LISTEN, NULL);
		break;
	case OPT_ENV:
		draft_variable(draft, parser, argument);
		break;
	case OPT_ABSTRACT:
	case OPT_CONNECTED:
		if (draft->kind_spelling[0] != '\0')
			cli_usage_error(&fdrecv_program,
					"%s: %s was given for this SOCKSPEC already",
					cli_spelling(parser), draft->kind_spelling);
		draft->kind = option->id == OPT_ABSTRACT ? FDPASS_ADDRESS_ABSTRACT
							 : FDPASS_ADDRESS_CONNECTED;
		strcpy(draft->kind_spelling, cli_spelling(parser));
		break;
	case OPT_FROM_USER:
		cli_admit_user(&request->admissions, parser, argument);
		break;
	case OPT_FROM_GROUP:
		cli_admit_group(&request->admissions, parser, argument);
		break;
	case OPT_CLOSE_OTHERS:
		request->others = CLOSE_OTHERS;
		break;
	case OPT_DIALECT:
		request->dialect_word = argument;
		request->dialect = dialect_of(argument);
		break;
	case OPT_FDNAME:
		parse_names(request, argument);
		break;
	case OPT_TIMEOUT:
		request->patience = cli_value_seconds(parser, argument);
		break;
	case OPT_READY_FD:
		request->ready_fd = cli_value_fd(parser, argument);
		break;
	case OPT_VERBOSE:
		cli_diagnostic_level(CLI_VERBOSE);
		break;
	case OPT_QUIET:
		cli_diagnostic_level(CLI_QUIET);
		break;
	case OPT_HELP:
		cli_usage_print(&fdrecv_program);
	case OPT_VERSION:
		cli_version_print(&fdrecv_program);
	}
}

static int compare_numbers(const void *a, const void *b)
{
	int x = *(const int *)a;
	int y = *(const int *)b;

	return (x > y) - (x < y);
}

/* Every target of every group, once. */
static void collect_targets(struct request *request)
{
	size_t used = 0;

	for (size_t i = 0; i < request->group_count; i++)
		request->target_count += request->groups[i].targets.count;
	request->targets = malloc((request->target_count + 1) * sizeof(*request->targets));
	if (request->targets == NULL)
		out_of_memory();
	for (size_t i = 0; i < request->group_count; i++) {
		const struct cli_list *targets = &request->groups[i].targets;

		for (size_t j = 0; j < targets->count; j++)
			request->targets[used++] = targets->numbers[j];
	}
	qsort(request->targets, used, sizeof(*request->targets), compare_numbers);
	for (size_t i = 1; i < used; i++) {
		if (request->targets[i] == request->targets[i - 1])
			cli_usage_error(&fdrecv_program, "target %d is named twice",
					request->targets[i]);
	}
}

static void check_groups(const struct request *request)
{
	for (size_t i = 0; i < request->group_count; i++) {
		const struct group *group = &request->groups[i];

		if (group->targets.count > FDPASS_MESSAGE_MAX)
			cli_usage_error(
				&fdrecv_program,
				"'%s': %zu targets are too many, at most %d descriptors come "
				"in one handover",
				group->socket, group->targets.count, FDPASS_MESSAGE_MAX);
		if (request->admissions.count > 0 && group->kind == FDPASS_ADDRESS_NAMED &&
		    strchr(group->socket, '/') == NULL)
			cli_usage_error(
				&fdrecv_program,
				"'%s': others cannot reach a name in the run directory; with "
				"--from-user and --from-group use a path or --abstract",
				group->socket);
	}
}

/* -E must not write over what -l announces. */
static void check_variable(const char *variable)
{
	struct fdpass_announcement nothing = FDPASS_ANNOUNCEMENT_INIT;
	char **names;

	if (fdpass_activation_export(&nothing, &names, NULL) < 0)
		out_of_memory();
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
	if (request->name_count > 0 && request->listen_count == 0)
		cli_usage_error(&fdrecv_program, "--fdname needs --listen-fds");
	if (request->name_count > 0 && request->dialect != FDPASS_DIALECT_SYSTEMD)
		cli_usage_error(&fdrecv_program, "--fdname: the dialect %s has no names",
				request->dialect_word);
}

void fdrecv_request_parse(struct request *request, int argc, char **argv)
{
	struct draft draft = {.targets = CLI_LIST_INIT, .kind = FDPASS_ADDRESS_NAMED};
	const struct cli_option *option;
	const char *argument;
	struct cli_parser parser;
	enum cli_item item;

	*request = (struct request){.ready_fd = -1, .admissions = CLI_ADMISSIONS_INIT};
	cli_parser_init(&parser, &fdrecv_program, argc, argv);
	/* "--" and --run alike: the rest is the command's. */
	while ((item = cli_next(&parser, &option, &argument)) != CLI_END && item != CLI_DASHES) {
		if (item == CLI_OPERAND)
			add_group(request, &draft, argument);
		else
			parse_option(request, &draft, &parser, option, argument);
	}
	request->command = cli_rest(&parser);
	if (draft.target_spelling[0] != '\0')
		cli_usage_error(&fdrecv_program, "no SOCKSPEC for the target %s",
				draft.target_spelling);
	if (draft.kind_spelling[0] != '\0')
		cli_usage_error(&fdrecv_program, "no TARGET and SOCKSPEC after %s",
				draft.kind_spelling);
	if (request->group_count == 0)
		cli_usage_error(
			&fdrecv_program,
			"nothing to receive: name a target and a SOCKSPEC, such as -f 0 NAME, "
			"before --run, after which all is the command's");
	if (request->command[0] == NULL)
		cli_usage_error(&fdrecv_program, "no command: end with --run COMMAND");
	check_groups(request);
	check_variables(request);
	check_announcement(request);
	collect_targets(request);
}

size_t fdrecv_group_keeps(const struct group *group, size_t came)
{
	switch (group->target) {
	case TARGET_FDS:
		return group->targets.count;
	case TARGET_INETD:
		return 1;
	case TARGET_LISTEN:
	case TARGET_VARIABLE:
		break;
	}
	return came > 0 ? came : 1;
}
