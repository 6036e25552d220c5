/* SPDX-License-Identifier: MIT */
/* fdsend's command line: what it may be, and what it says. */
#include "tools/fdsend/request.h"

#include "cli/diagnostic.h"
#include "cli/sockspec.h"
#include "cli/usage.h"
#include "cli/value.h"

enum {
	OPT_FD,
	OPT_ABSTRACT,
	OPT_BLOCKING,
	OPT_TIMEOUT,
	OPT_TO_USER,
	OPT_TO_GROUP,
	OPT_CONFIRM,
	OPT_NO_CONFIRM,
	OPT_VERBOSE,
	OPT_QUIET,
	OPT_HELP,
	OPT_VERSION,
};

static const struct cli_option options[] = {
	{"fd", 'f', OPT_FD, "LIST", CLI_FDS, CLI_REQUIRED, NULL,
	 "send these descriptors: 3, 0,1,2 or 4-9; repeatable", "What to send"},
	{"abstract", 'a', OPT_ABSTRACT, NULL, CLI_NO_ARGUMENT, CLI_REQUIRED, NULL,
	 "SOCKSPEC is an abstract name", "Where to"},
	{"blocking", 'b', OPT_BLOCKING, NULL, CLI_NO_ARGUMENT, CLI_REQUIRED, NULL,
	 "wait until a receiver listens and takes them", NULL},
	{"timeout", 't', OPT_TIMEOUT, "SECONDS", CLI_SECONDS, CLI_REQUIRED, NULL,
	 "give up after this long (default: 0, never)", NULL},
	{"to-user", 0, OPT_TO_USER, "USER", CLI_USER, CLI_REQUIRED, NULL,
	 "give only to a receiver of USER, or 'any'; repeatable (default: own user and root)",
	 NULL},
	{"to-group", 0, OPT_TO_GROUP, "GROUP", CLI_GROUP, CLI_REQUIRED, NULL,
	 "give also to a receiver in GROUP; repeatable", NULL},
	{"confirm", 0, OPT_CONFIRM, "HOW", CLI_CHOICE, CLI_REQUIRED, "answer",
	 "'answer': fail with a receiver that does not answer", "How"},
	{"no-confirm", 0, OPT_NO_CONFIRM, NULL, CLI_NO_ARGUMENT, CLI_REQUIRED, NULL,
	 "do not wait until the receiver has them", NULL},
	{"verbose", 'v', OPT_VERBOSE, NULL, CLI_NO_ARGUMENT, CLI_REQUIRED, NULL,
	 "say what happens, on stderr", "Other"},
	{"quiet", 'q', OPT_QUIET, NULL, CLI_NO_ARGUMENT, CLI_REQUIRED, NULL,
	 "no messages, only the exit status", NULL},
	{"help", 'h', OPT_HELP, NULL, CLI_NO_ARGUMENT, CLI_REQUIRED, NULL, "print this and exit",
	 NULL},
	{"version", 'V', OPT_VERSION, NULL, CLI_NO_ARGUMENT, CLI_REQUIRED, NULL,
	 "print the version and exit", NULL},
};

static const char *const synopsis[] = {"[options] -f LIST SOCKSPEC", NULL};

static const char *const trailer[] = {
	"SOCKSPEC is a path when it has a '/', else a name in the run directory.",
	"",
	"Examples:",
	"  echo hello | fdsend -f 0 greeting      with: fdrecv -f 0 greeting --run cat",
	"  fdsend -b -t 30 -f 3 ./server.sock 3<>/dev/tty",
	"",
	"Exit status: 0 delivered, 1 failed, 2 wrong usage, 124 the time ran out.",
	"For more see fdsend(1).",
	NULL,
};

const struct cli_program fdsend_program = {
	.name = "fdsend",
	.synopsis = synopsis,
	.purpose = "Send open file descriptors to another process.",
	.options = options,
	.option_count = sizeof(options) / sizeof(*options),
	.usage_status = 2,
	.failure_status = 1,
	.trailer = trailer,
};

static void parse_option(struct request *request, const struct cli_parser *parser,
			 const struct cli_option *option, const char *argument)
{
	switch (option->id) {
	case OPT_FD:
		cli_value_list(parser, argument, &request->fds);
		break;
	case OPT_ABSTRACT:
		request->kind = FDPASS_ADDRESS_ABSTRACT;
		break;
	case OPT_BLOCKING:
		request->waiting = FDPASS_WAIT_LISTENER;
		break;
	case OPT_TIMEOUT:
		request->patience = cli_value_seconds(parser, argument);
		break;
	case OPT_TO_USER:
		cli_admit_user(&request->admissions, parser, argument);
		break;
	case OPT_TO_GROUP:
		cli_admit_group(&request->admissions, parser, argument);
		break;
	case OPT_CONFIRM:
		request->confirm = FDPASS_CONFIRM_ANSWER;
		break;
	case OPT_NO_CONFIRM:
		request->confirm = FDPASS_CONFIRM_NONE;
		break;
	case OPT_VERBOSE:
		cli_diagnostic_level(CLI_VERBOSE);
		break;
	case OPT_QUIET:
		cli_diagnostic_level(CLI_QUIET);
		break;
	case OPT_HELP:
		cli_usage_print(&fdsend_program);
	case OPT_VERSION:
		cli_version_print(&fdsend_program);
	}
}

void fdsend_request_parse(struct request *request, int argc, char **argv)
{
	const struct cli_option *option;
	const char *argument;
	struct cli_parser parser;
	enum cli_item item;

	*request = (struct request){
		.fds = CLI_LIST_INIT,
		.kind = FDPASS_ADDRESS_NAMED,
		.waiting = FDPASS_WAIT_NEVER,
		.confirm = FDPASS_CONFIRM_BEST,
		.admissions = CLI_ADMISSIONS_INIT,
	};
	cli_parser_init(&parser, &fdsend_program, argc, argv);
	while ((item = cli_next(&parser, &option, &argument)) != CLI_END) {
		if (item == CLI_OPTION) {
			parse_option(request, &parser, option, argument);
		} else if (item == CLI_OPERAND) {
			if (request->socket != NULL)
				cli_usage_error(&fdsend_program,
						"'%s': there is one SOCKSPEC, '%s', already",
						argument, request->socket);
			request->socket = argument;
		}
	}
	if (request->socket == NULL)
		cli_usage_error(&fdsend_program, "no SOCKSPEC: where should the descriptors go?");
	if (request->fds.count == 0)
		cli_usage_error(&fdsend_program,
				"nothing to send: name descriptors with --fd LIST");
	if (request->fds.count > FDPASS_MESSAGE_MAX)
		cli_usage_error(&fdsend_program,
				"%zu descriptors are too many, at most %d go in one "
				"handover",
				request->fds.count, FDPASS_MESSAGE_MAX);
	cli_sockspec_check(&fdsend_program, request->kind, request->socket);
}
