/* SPDX-License-Identifier: MIT */
/* fdrecv's command line: what it may be, and what it says. */
#include "tools/fdrecv/request.h"

#include <stdlib.h>
#include <string.h>

#include "cli/diagnostic.h"
#include "cli/sockspec.h"
#include "cli/usage.h"
#include "cli/value.h"

enum {
	OPT_FD,
	OPT_STDIN,
	OPT_STDOUT,
	OPT_STDERR,
	OPT_ABSTRACT,
	OPT_CONNECTED,
	OPT_FROM_USER,
	OPT_FROM_GROUP,
	OPT_RUN,
	OPT_CLOSE_OTHERS,
	OPT_TIMEOUT,
	OPT_READY_FD,
	OPT_VERBOSE,
	OPT_QUIET,
	OPT_HELP,
	OPT_VERSION,
};

static const struct cli_option options[] = {
	{"fd", 'f', OPT_FD, "LIST", CLI_FDS, CLI_REQUIRED, NULL,
	 "put what comes on these numbers, in order: 3, 0,1,2 or 4-9", "Targets"},
	{"stdin", 'i', OPT_STDIN, NULL, CLI_NO_ARGUMENT, CLI_REQUIRED, NULL, "the same as --fd 0",
	 NULL},
	{"stdout", 'o', OPT_STDOUT, NULL, CLI_NO_ARGUMENT, CLI_REQUIRED, NULL, "the same as --fd 1",
	 NULL},
	{"stderr", 'e', OPT_STDERR, NULL, CLI_NO_ARGUMENT, CLI_REQUIRED, NULL, "the same as --fd 2",
	 NULL},
	{"abstract", 'a', OPT_ABSTRACT, NULL, CLI_NO_ARGUMENT, CLI_REQUIRED, NULL,
	 "this target's SOCKSPEC is an abstract name", "Where from"},
	{"connected", 'c', OPT_CONNECTED, NULL, CLI_NO_ARGUMENT, CLI_REQUIRED, NULL,
	 "this target's SOCKSPEC is the number of a connected Unix socket", NULL},
	{"from-user", 0, OPT_FROM_USER, "USER", CLI_USER, CLI_REQUIRED, NULL,
	 "admit only senders of USER, or 'any'; repeatable (default: own user and root)", NULL},
	{"from-group", 0, OPT_FROM_GROUP, "GROUP", CLI_GROUP, CLI_REQUIRED, NULL,
	 "admit also senders in GROUP; repeatable", NULL},
	{"timeout", 't', OPT_TIMEOUT, "SECONDS", CLI_SECONDS, CLI_REQUIRED, NULL,
	 "give up after this long (default: 0, never)", NULL},
	{"run", 'r', OPT_RUN, "COMMAND", CLI_COMMAND, CLI_REQUIRED, NULL,
	 "run this with everything in place; '--' means the same", "What then"},
	{"close-others", 0, OPT_CLOSE_OTHERS, NULL, CLI_NO_ARGUMENT, CLI_REQUIRED, NULL,
	 "give COMMAND nothing but 0 to 2 and what was received", NULL},
	{"ready-fd", 0, OPT_READY_FD, "N", CLI_NUMBER, CLI_REQUIRED, NULL,
	 "write a newline to descriptor N when every socket listens, and close it", "Other"},
	{"verbose", 'v', OPT_VERBOSE, NULL, CLI_NO_ARGUMENT, CLI_REQUIRED, NULL,
	 "say what happens, on stderr", NULL},
	{"quiet", 'q', OPT_QUIET, NULL, CLI_NO_ARGUMENT, CLI_REQUIRED, NULL,
	 "no messages, only the exit status", NULL},
	{"help", 'h', OPT_HELP, NULL, CLI_NO_ARGUMENT, CLI_REQUIRED, NULL, "print this and exit",
	 NULL},
	{"version", 'V', OPT_VERSION, NULL, CLI_NO_ARGUMENT, CLI_REQUIRED, NULL,
	 "print the version and exit", NULL},
};

static const char *const synopsis[] = {
	"[options] {[-a|-c] TARGET SOCKSPEC}... --run COMMAND [ARG]...", NULL};

static const char *const trailer[] = {
	"SOCKSPEC is a path when it has a '/', else a name in the run directory. It is",
	"made, serves one sender, and is removed again before COMMAND runs.",
	"",
	"Examples:",
	"  fdrecv -f 0 greeting --run cat         with: echo hello | fdsend -f 0 greeting",
	"  fdrecv -i ./in.sock -f 3-5 ./rest.sock --run ./server",
	"",
	"Exit status: that of COMMAND; 124 the time ran out, 125 fdrecv failed or wrong",
	"usage, 126 COMMAND cannot be executed, 127 COMMAND is not there.",
	"For more see fdrecv(1).",
	NULL,
};

const struct cli_program fdrecv_program = {
	.name = "fdrecv",
	.synopsis = synopsis,
	.purpose = "Receive open file descriptors and run a command with them.",
	.options = options,
	.option_count = sizeof(options) / sizeof(*options),
	.usage_status = 125,
	.failure_status = 125,
	.trailer = trailer,
};

/* A group that is being written: its parts may come in several orders. */
struct draft {
	struct cli_list targets;
	char target_spelling[CLI_NAME_MAX + 3]; /* "": no TARGET yet */
	enum fdpass_address_kind kind;
	char kind_spelling[CLI_NAME_MAX + 3]; /* "": neither -a nor -c */
};

static _Noreturn void out_of_memory(void)
{
	cli_error("out of memory");
	exit(fdrecv_program.failure_status);
}

static void draft_target(struct draft *draft, const struct cli_parser *parser, const char *list)
{
	if (draft->target_spelling[0] != '\0')
		cli_usage_error(
			&fdrecv_program,
			"%s %s: another target, %s, has no SOCKSPEC yet; write several numbers "
			"for one SOCKSPEC as one list, such as -f 0,1",
			cli_spelling(parser), list, draft->target_spelling);
	cli_value_list(parser, list, &draft->targets);
	strcpy(draft->target_spelling, cli_spelling(parser));
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
	grown[request->group_count++] =
		(struct group){.targets = draft->targets, .socket = socket, .kind = draft->kind};
	*draft = (struct draft){.targets = CLI_LIST_INIT, .kind = FDPASS_ADDRESS_NAMED};
}

static void parse_option(struct request *request, struct draft *draft,
			 const struct cli_parser *parser, const struct cli_option *option,
			 const char *argument)
{
	switch (option->id) {
	case OPT_FD:
		draft_target(draft, parser, argument);
		break;
	case OPT_STDIN:
		draft_target(draft, parser, "0");
		break;
	case OPT_STDOUT:
		draft_target(draft, parser, "1");
		break;
	case OPT_STDERR:
		draft_target(draft, parser, "2");
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
	request->targets = malloc(request->target_count * sizeof(*request->targets));
	if (request->targets == NULL)
		out_of_memory();
	for (size_t i = 0; i < request->group_count; i++) {
		const struct cli_list *targets = &request->groups[i].targets;

		memcpy(request->targets + used, targets->numbers,
		       targets->count * sizeof(*targets->numbers));
		used += targets->count;
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
	collect_targets(request);
}

int fdrecv_request_highest(const struct request *request)
{
	return request->targets[request->target_count - 1];
}

size_t fdrecv_request_below(const struct request *request, uintmax_t limit)
{
	size_t low = 0, high = request->target_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if ((uintmax_t)request->targets[middle] < limit)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

int fdrecv_request_beside(const struct request *request, int fd)
{
	size_t i = fdrecv_request_below(request, (uintmax_t)fd);

	while (i < request->target_count && request->targets[i] == fd) {
		i++;
		fd++;
	}
	return fd;
}
