/* SPDX-License-Identifier: MIT */
/* fdsend's command line: what it may be, and what it says. */
#include "tools/fdsend/request.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "cli/diagnostic.h"
#include "cli/list.h"
#include "cli/number.h"
#include "cli/sockspec.h"
#include "cli/usage.h"
#include "cli/value.h"

enum {
	OPT_FD,
	OPT_OPEN,
	OPT_LISTEN,
	OPT_CONNECT,
	OPT_MODE,
	OPT_BACKLOG,
	OPT_REUSEPORT,
	OPT_SOCKET_MODE,
	OPT_SOCKET_OWNER,
	OPT_CONNECTED,
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
	 "send these descriptors: '3', '0,1,2' or '4-9'; repeatable", "What to send"},
	{"open", 0, OPT_OPEN, "PATH", CLI_PATH, CLI_REQUIRED, NULL,
	 "open this file and send it; repeatable", NULL},
	{"listen", 0, OPT_LISTEN, "ADDR", CLI_ADDRESS, CLI_REQUIRED, NULL,
	 "send a socket that listens there; repeatable", NULL},
	{"connect", 0, OPT_CONNECT, "ADDR", CLI_ADDRESS, CLI_REQUIRED, NULL,
	 "send a socket that is connected to there; repeatable", NULL},
	{"mode", 'm', OPT_MODE, "MODE", CLI_CHOICE, CLI_REQUIRED, "r|w|r+",
	 "open files to read (r, the default), to write (w) or for both (r+)", NULL},
	{"backlog", 0, OPT_BACKLOG, "N", CLI_NUMBER, CLI_REQUIRED, NULL,
	 "so many connections may wait to be accepted (default: 4096)", NULL},
	{"reuseport", 0, OPT_REUSEPORT, NULL, CLI_NO_ARGUMENT, CLI_REQUIRED, NULL,
	 "other sockets may listen on the same port (SO_REUSEPORT)", NULL},
	{"socket-mode", 0, OPT_SOCKET_MODE, "OCTAL", CLI_TEXT, CLI_REQUIRED, NULL,
	 "permissions of a Unix socket that listens (default: 600)", NULL},
	{"socket-owner", 0, OPT_SOCKET_OWNER, "USER[:GROUP]", CLI_USER, CLI_REQUIRED, NULL,
	 "owner of a Unix socket that listens (default: the caller)", NULL},
	{"abstract", 'a', OPT_ABSTRACT, NULL, CLI_NO_ARGUMENT, CLI_REQUIRED, NULL,
	 "SOCKSPEC is an abstract name", "Where to"},
	{"connected", 'c', OPT_CONNECTED, NULL, CLI_NO_ARGUMENT, CLI_REQUIRED, NULL,
	 "SOCKSPEC is the number of an inherited, connected Unix socket", NULL},
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

static const char *const synopsis[] = {
	"[options] -f LIST SOCKSPEC",
	"[options] {--open PATH | --listen ADDR | --connect ADDR}... SOCKSPEC",
	NULL,
};

static const char *const trailer[] = {
	"SOCKSPEC is a path when it has a '/', else a name in the run directory.",
	"ADDR is tcp:[HOST:]PORT, tcp4:, tcp6:, udp:, unix:PATH, unix-abstract:NAME,",
	"unix-dgram:PATH or unix-seqpacket:PATH. With port 0 one is chosen and printed.",
	"",
	"Examples:",
	"  echo hello | fdsend -f 0 greeting      with: fdrecv -f 0 greeting --run cat",
	"  fdsend -b -t 30 -f 3 ./server.sock 3<>/dev/tty",
	"  fdsend --to-user www-data --listen tcp:80 /srv/app/listen.sock",
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

static void add_source(struct request *request, struct source source)
{
	struct source *grown =
		realloc(request->sources, (request->source_count + 1) * sizeof(*grown));

	if (grown == NULL) {
		cli_error("%s", strerror(ENOMEM));
		exit(fdsend_program.failure_status);
	}
	request->sources = grown;
	grown[request->source_count++] = source;
}

static void add_inherited(struct request *request, const struct cli_parser *parser,
			  const char *argument)
{
	struct cli_list list = CLI_LIST_INIT;

	cli_value_list(parser, argument, &list);
	for (size_t i = 0; i < list.count; i++)
		add_source(request,
			   (struct source){.kind = SOURCE_INHERITED, .fd = list.numbers[i]});
	cli_list_clear(&list);
}

static void add_endpoint(struct request *request, const struct cli_parser *parser,
			 const char *argument, int kind)
{
	struct fdpass_error error = FDPASS_ERROR_INIT;
	struct fdpass_endpoint *endpoint;

	if (fdpass_endpoint_parse(argument, &endpoint, &error) < 0)
		cli_usage_error(&fdsend_program, "%s: '%s': %s", cli_spelling(parser), argument,
				error.step == FDPASS_STEP_ADDRESS ? error.text
								  : strerror(error.code));
	add_source(request, (struct source){.kind = kind, .text = argument, .endpoint = endpoint});
}

static int parse_backlog(const struct cli_parser *parser, const char *argument)
{
	uint64_t number = 0;

	if (cli_number_parse(argument, INT_MAX, &number) != CLI_NUMBER_OK || number < 1)
		cli_usage_error(&fdsend_program, "%s: '%s' is not a number from 1 up",
				cli_spelling(parser), argument);
	return (int)number;
}

static mode_t parse_permissions(const struct cli_parser *parser, const char *argument)
{
	mode_t mode = 0;

	if (strspn(argument, "01234567") != strlen(argument) || argument[0] == '\0' ||
	    strlen(argument) > 4 || (strlen(argument) == 4 && argument[0] != '0'))
		cli_usage_error(&fdsend_program, "%s: '%s' is not a mode such as 660",
				cli_spelling(parser), argument);
	for (; *argument != '\0'; argument++)
		mode = mode * 8 + (mode_t)(*argument - '0');
	return mode;
}

static enum fdpass_access parse_access(const char *argument)
{
	if (strcmp(argument, "r") == 0)
		return FDPASS_ACCESS_READ;
	return strcmp(argument, "w") == 0 ? FDPASS_ACCESS_WRITE : FDPASS_ACCESS_READ_WRITE;
}

/* How a source is opened. 1: the option was one of these. */
static int parse_opening(struct request *request, const struct cli_parser *parser,
			 const struct cli_option *option, const char *argument)
{
	switch (option->id) {
	case OPT_MODE:
		request->access = parse_access(argument);
		request->mode_given = 1;
		return 1;
	case OPT_BACKLOG:
		strcpy(request->for_listening, cli_spelling(parser));
		request->listening.backlog = parse_backlog(parser, argument);
		return 1;
	case OPT_REUSEPORT:
		strcpy(request->for_listening, cli_spelling(parser));
		request->listening.reuse = FDPASS_REUSE_PORT;
		return 1;
	case OPT_SOCKET_MODE:
		strcpy(request->for_listening, cli_spelling(parser));
		request->listening.mode = parse_permissions(parser, argument);
		return 1;
	case OPT_SOCKET_OWNER:
		strcpy(request->for_listening, cli_spelling(parser));
		request->owner = argument;
		return 1;
	default:
		return 0;
	}
}

static void parse_option(struct request *request, const struct cli_parser *parser,
			 const struct cli_option *option, const char *argument)
{
	if (parse_opening(request, parser, option, argument))
		return;
	switch (option->id) {
	case OPT_FD:
		add_inherited(request, parser, argument);
		break;
	case OPT_OPEN:
		add_source(request, (struct source){.kind = SOURCE_FILE, .text = argument});
		break;
	case OPT_LISTEN:
		add_endpoint(request, parser, argument, SOURCE_LISTENING);
		break;
	case OPT_CONNECT:
		add_endpoint(request, parser, argument, SOURCE_CONNECTED);
		break;
	case OPT_ABSTRACT:
	case OPT_CONNECTED:
		if (request->kind != FDPASS_ADDRESS_NAMED)
			cli_usage_error(&fdsend_program,
					"%s: there is one SOCKSPEC, and -a or -c was "
					"given already",
					cli_spelling(parser));
		request->kind = option->id == OPT_ABSTRACT ? FDPASS_ADDRESS_ABSTRACT
							   : FDPASS_ADDRESS_CONNECTED;
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

int fdsend_source_is_chosen(const struct source *source)
{
	const char *port = source->kind == SOURCE_LISTENING ? strrchr(source->text, ':') : NULL;

	/* A path or an abstract name may end like that as well. */
	return port != NULL && strncmp(source->text, "unix", 4) != 0 && port[1] != '\0' &&
	       port[1 + strspn(port + 1, "0")] == '\0';
}

static size_t count_sources(const struct request *request, int kind)
{
	size_t count = 0;

	for (size_t i = 0; i < request->source_count; i++)
		count += (int)request->sources[i].kind == kind;
	return count;
}

static void check(const struct request *request)
{
	if (request->source_count == 0)
		cli_usage_error(&fdsend_program,
				"nothing to send: name descriptors with --fd LIST, or "
				"have them opened with --open, --listen or --connect");
	if (request->source_count > FDPASS_MESSAGE_MAX)
		cli_usage_error(&fdsend_program,
				"%zu descriptors are too many, at most %d go in one handover",
				request->source_count, FDPASS_MESSAGE_MAX);
	if (request->mode_given && count_sources(request, SOURCE_FILE) == 0)
		cli_usage_error(&fdsend_program, "--mode is for --open, which was not given");
	if (request->for_listening[0] != '\0' && count_sources(request, SOURCE_LISTENING) == 0)
		cli_usage_error(&fdsend_program, "%s is for --listen, which was not given",
				request->for_listening);
	for (size_t i = 0; i < request->source_count; i++) {
		if (request->kind == FDPASS_ADDRESS_CONNECTED &&
		    strcmp(request->socket, "1") == 0 &&
		    fdsend_source_is_chosen(&request->sources[i]))
			cli_usage_error(
				&fdsend_program,
				"'%s': the port that is chosen is printed on descriptor 1, which "
				"cannot be the SOCKSPEC too",
				request->sources[i].text);
	}
	cli_sockspec_check(&fdsend_program, request->kind, request->socket);
}

void fdsend_request_parse(struct request *request, int argc, char **argv)
{
	const struct cli_option *option;
	const char *argument;
	struct cli_parser parser;
	enum cli_item item;

	*request = (struct request){
		.kind = FDPASS_ADDRESS_NAMED,
		.waiting = FDPASS_WAIT_NEVER,
		.confirm = FDPASS_CONFIRM_BEST,
		.access = FDPASS_ACCESS_READ,
		.listening = FDPASS_OPEN_OPTIONS_INIT,
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
	check(request);
}

void fdsend_request_free(struct request *request)
{
	for (size_t i = 0; i < request->source_count; i++)
		fdpass_endpoint_free(request->sources[i].endpoint);
	free(request->sources);
}
