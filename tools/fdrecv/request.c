/* SPDX-License-Identifier: MIT */
/* fdrecv's command line: what it may be, and what it says. */
#include "tools/fdrecv/request.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/signame.h"
#include "cli/sockspec.h"
#include "cli/value.h"
#include "tools/fdrecv/check.h"
#include "tools/fdrecv/program.h"

/* A group that is being written: its parts may come in several orders. */
struct draft {
	enum target target;
	struct cli_list targets;
	const char *variable;
	char target_spelling[CLI_NAME_MAX + 3]; /* "": no TARGET yet */
	struct cli_kind kind;
	int origin; /* which --pid holds; -1: none */
};

#define DRAFT_INIT                                                                                 \
	{                                                                                          \
		.targets = CLI_LIST_INIT, .kind = CLI_KIND_INIT, .origin = -1                      \
	}

/* `argument` is that of the option, or NULL. */
static void draft_target(struct draft *draft, const struct cli_parser *parser, enum target target,
			 const char *argument)
{
	if (draft->target_spelling[0] != '\0')
		cli_usage_error(&fdrecv_program,
				"%s%s%s: another target, %s, has no SOCKSPEC yet; write several "
				"numbers for one SOCKSPEC as one list, such as -f 0,1",
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

static void draft_kind(struct draft *draft, const struct cli_parser *parser,
		       enum fdpass_address_kind kind)
{
	cli_kind_set(&draft->kind, parser, kind);
	draft->origin = -1;
}

/* From here on, until the next of them or -a or -c. */
static void draft_origin(struct request *request, struct draft *draft,
			 const struct cli_parser *parser, const char *argument)
{
	struct origin *grown =
		realloc(request->origins, (request->origin_count + 1) * sizeof(*grown));

	if (grown == NULL)
		cli_out_of_memory(&fdrecv_program);
	if (draft->kind.spelling[0] != '\0')
		cli_usage_error(&fdrecv_program, "%s %s: no SOCKSPEC has followed on %s yet",
				cli_spelling(parser), argument, draft->kind.spelling);
	request->origins = grown;
	draft->origin = (int)request->origin_count++;
	grown[draft->origin] = (struct origin){.method = FDPASS_METHOD_REOPEN};
	cli_process_parse(&grown[draft->origin].process, parser, argument);
}

/* The --pid that --dup or --mode is about. */
static struct origin *origin_of(struct request *request, const struct draft *draft,
				const struct cli_parser *parser)
{
	if (draft->origin < 0)
		cli_usage_error(&fdrecv_program,
				"%s is for the descriptors of a --pid, and none is before it",
				cli_spelling(parser));
	return &request->origins[draft->origin];
}

static void parse_match(struct group *group, const char *text, const struct origin *origin)
{
	struct fdpass_error error = FDPASS_ERROR_INIT;
	int r = fdpass_match_parse(text, &group->match, &error);

	if (r == -ENOMEM)
		cli_out_of_memory(&fdrecv_program);
	if (r < 0)
		cli_usage_error(&fdrecv_program,
				"'%s': %s; this is to be taken from --pid %s, and a SOCKSPEC "
				"stands before that",
				text, error.text, origin->process.text);
}

/* A LIST or an EXPR of that process. */
static void parse_source(struct group *group, const char *text, const struct origin *origin)
{
	struct cli_list_part part;
	enum cli_list_status status;
	char reason[512];

	if (text[0] < '0' || text[0] > '9') {
		parse_match(group, text, origin);
		return;
	}
	status = cli_list_parse(&group->numbers, text, &part);
	if (status == CLI_LIST_NO_MEMORY)
		cli_out_of_memory(&fdrecv_program);
	if (status != CLI_LIST_OK)
		cli_usage_error(&fdrecv_program, "--pid: %s",
				cli_list_explain(status, &part, reason, sizeof(reason)));
	if (group->numbers.names != NULL)
		cli_usage_error(&fdrecv_program,
				"'%s': descriptors of a process have no names; a name selects, as "
				"in -f NAME=3",
				text);
}

static void add_group(struct request *request, struct draft *draft, const char *operand)
{
	struct group group = {.target = draft->target,
			      .targets = draft->targets,
			      .variable = draft->variable,
			      .source = operand,
			      .kind = draft->kind.value,
			      .origin = draft->origin,
			      .numbers = CLI_LIST_INIT};
	struct group *grown;

	if (draft->target_spelling[0] == '\0' && request->retire == RETIRE_IDLE &&
	    cli_signame_parse(operand) > 0)
		cli_usage_error(&fdrecv_program,
				"'%s': a signal for --retire is written --retire=%s", operand,
				operand);
	if (draft->target_spelling[0] == '\0')
		cli_usage_error(&fdrecv_program,
				"'%s': a SOCKSPEC needs a target before it, such as -f 0, and a "
				"command needs --run",
				operand);
	if (draft->origin >= 0)
		parse_source(&group, operand, &request->origins[draft->origin]);
	else
		cli_sockspec_check(&fdrecv_program, draft->kind.value, operand,
				   "what a process holds needs --pid before it");
	grown = realloc(request->groups, (request->group_count + 1) * sizeof(*grown));
	if (grown == NULL)
		cli_out_of_memory(&fdrecv_program);
	request->groups = grown;
	grown[request->group_count++] = group;
	request->listen_count += draft->target == TARGET_LISTEN;
	*draft = (struct draft)DRAFT_INIT;
	draft->origin = group.origin;
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
	case OPT_PID:
		draft_origin(request, draft, parser, argument);
		break;
	case OPT_DUP:
		strcpy(origin_of(request, draft, parser)->dup_spelling, cli_spelling(parser));
		break;
	case OPT_MODE:
		origin_of(request, draft, parser)->mode = argument;
		break;
	case OPT_ABSTRACT:
		draft_kind(draft, parser, FDPASS_ADDRESS_ABSTRACT);
		break;
	case OPT_CONNECTED:
		draft_kind(draft, parser, FDPASS_ADDRESS_CONNECTED);
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
	case OPT_RETIRE:
		request->retire = argument != NULL ? RETIRE_SIGNAL : RETIRE_IDLE;
		request->retire_signal = argument != NULL ? cli_value_signal(parser, argument) : 0;
		break;
	case OPT_RETIRE_AFTER:
		request->retire_after = cli_value_seconds(parser, argument);
		request->retire_after_word = argument;
		break;
	case OPT_DIALECT:
		request->dialect_word = argument;
		request->dialect = dialect_of(argument);
		break;
	case OPT_FDNAME:
		cli_names_parse(&request->names, parser, argument);
		break;
	case OPT_TIMEOUT:
		request->patience = cli_value_seconds(parser, argument);
		break;
	case OPT_READY_FD:
		request->ready_fd = cli_value_fd(parser, argument);
		break;
	}
}

void fdrecv_request_parse(struct request *request, int argc, char **argv)
{
	struct draft draft = DRAFT_INIT;
	const struct cli_option *option;
	const char *argument;
	struct cli_parser parser;
	enum cli_item item;

	*request = (struct request){.ready_fd = -1,
				    .retire_after = RETIRE_AFTER_DEFAULT,
				    .admissions = CLI_ADMISSIONS_INIT};
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
		cli_usage_error(&fdrecv_program, "no %s for the target %s",
				draft.origin < 0 ? "SOCKSPEC" : "LIST or EXPR",
				draft.target_spelling);
	if (draft.kind.spelling[0] != '\0')
		cli_usage_error(&fdrecv_program, "no TARGET and SOCKSPEC after %s",
				draft.kind.spelling);
	if (request->group_count == 0 && request->origin_count == 0)
		cli_usage_error(&fdrecv_program,
				"nothing to receive: name a target and a SOCKSPEC, such as -f 0 "
				"NAME, before --run, after which all is the command's");
	if (request->command[0] == NULL)
		cli_usage_error(&fdrecv_program, "no command: end with --run COMMAND");
	fdrecv_request_check(request);
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
