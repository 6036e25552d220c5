/* SPDX-License-Identifier: MIT */
/* fdsend's command line: what it may be, and what it says. */
#include "tools/fdsend/request.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "cli/acquire.h"
#include "cli/number.h"
#include "cli/sockspec.h"
#include "cli/value.h"
#include "tools/fdsend/check.h"
#include "tools/fdsend/program.h"

static void add_source(struct request *request, struct source source)
{
	struct source *grown =
		realloc(request->sources, (request->source_count + 1) * sizeof(*grown));

	if (grown == NULL)
		cli_out_of_memory(&fdsend_program);
	request->sources = grown;
	grown[request->source_count++] = source;
}

static void add_numbers(struct request *request, const struct cli_parser *parser,
			const char *argument)
{
	struct source source = {.kind = SOURCE_NUMBERS, .numbers = CLI_LIST_INIT, .text = argument};

	cli_value_list(parser, argument, &source.numbers);
	add_source(request, source);
}

static void add_match(struct request *request, const struct cli_parser *parser,
		      const char *argument)
{
	struct fdpass_match *match =
		cli_process_match(&fdsend_program, cli_spelling(parser), argument);

	add_source(request,
		   (struct source){.kind = SOURCE_MATCHED, .match = match, .text = argument});
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

/* For files that are opened by name, and for those of another process. */
static void parse_mode(struct request *request, const char *argument)
{
	static const enum fdpass_access accesses[] = {
		[FDPASS_METHOD_REOPEN_READ] = FDPASS_ACCESS_READ,
		[FDPASS_METHOD_REOPEN_WRITE] = FDPASS_ACCESS_WRITE,
		[FDPASS_METHOD_REOPEN_READ_WRITE] = FDPASS_ACCESS_READ_WRITE,
	};

	request->mode = argument;
	request->method = cli_acquire_mode(argument);
	request->access = accesses[request->method];
}

/* --list or --pidref. */
static void ask(struct request *request, const struct cli_parser *parser, int what)
{
	if (request->what != REQUEST_SEND && (int)request->what != what)
		cli_usage_error(&fdsend_program, "%s: --list and --pidref exclude each other",
				cli_spelling(parser));
	request->what = what;
}

/* Whose descriptors they are. */
static void parse_process(struct request *request, const struct cli_parser *parser,
			  const char *argument)
{
	if (request->process.text != NULL)
		cli_usage_error(&fdsend_program, "%s %s: there is one process, '%s', already",
				cli_spelling(parser), argument, request->process.text);
	cli_process_parse(&request->process, parser, argument);
}

/* How a source is opened, taken or named. 1: the option was one of these. */
static int parse_opening(struct request *request, const struct cli_parser *parser,
			 const struct cli_option *option, const char *argument)
{
	switch (option->id) {
	case OPT_FDNAME:
		cli_names_parse(&request->names, parser, argument);
		return 1;
	case OPT_MODE:
		parse_mode(request, argument);
		return 1;
	case OPT_PID:
		parse_process(request, parser, argument);
		return 1;
	case OPT_DUP:
		strcpy(request->dup_spelling, cli_spelling(parser));
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

size_t fdsend_request_count(const struct request *request, int kind)
{
	size_t count = 0;

	for (size_t i = 0; i < request->source_count; i++)
		count += (int)request->sources[i].kind == kind;
	return count;
}

static void parse_option(struct request *request, const struct cli_parser *parser,
			 const struct cli_option *option, const char *argument)
{
	if (request->for_sending[0] == '\0' && option->id != OPT_LIST && option->id != OPT_PIDREF &&
	    option->id != OPT_PID)
		strcpy(request->for_sending, cli_spelling(parser));
	if (parse_opening(request, parser, option, argument))
		return;
	switch (option->id) {
	case OPT_FD:
		add_numbers(request, parser, argument);
		break;
	case OPT_MATCH:
		add_match(request, parser, argument);
		break;
	case OPT_LISTEN_FDS:
		if (fdsend_request_count(request, SOURCE_ACTIVATED) > 0)
			cli_usage_error(&fdsend_program, "%s: it was given already",
					cli_spelling(parser));
		add_source(request, (struct source){.kind = SOURCE_ACTIVATED});
		break;
	case OPT_PIDREF:
		parse_process(request, parser, argument);
		ask(request, parser, REQUEST_PIDREF);
		break;
	case OPT_LIST:
		ask(request, parser, REQUEST_LIST);
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
		cli_kind_set(&request->kind, parser, FDPASS_ADDRESS_ABSTRACT);
		break;
	case OPT_CONNECTED:
		cli_kind_set(&request->kind, parser, FDPASS_ADDRESS_CONNECTED);
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
	case OPT_UNTIL_RUN:
		if (request->until < FDPASS_UNTIL_STARTED)
			request->until = FDPASS_UNTIL_STARTED;
		break;
	case OPT_UNTIL_EXIT:
		request->until = FDPASS_UNTIL_ENDED;
		break;
	}
}

int fdsend_source_is_chosen(const struct source *source)
{
	const char *port = source->kind == SOURCE_LISTENING ? strrchr(source->text, ':') : NULL;

	/* A path or an abstract name may end like that as well. */
	return port != NULL && strncmp(source->text, "unix", 4) != 0 && port[1] != '\0' &&
	       port[1 + strspn(port + 1, "0")] == '\0';
}

void fdsend_request_parse(struct request *request, int argc, char **argv)
{
	const struct cli_option *option;
	const char *argument;
	struct cli_parser parser;
	enum cli_item item;

	*request = (struct request){
		.kind = CLI_KIND_INIT,
		.waiting = FDPASS_WAIT_NEVER,
		.confirm = FDPASS_CONFIRM_BEST,
		.method = FDPASS_METHOD_REOPEN,
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
	fdsend_request_check(request);
	if (request->dup_spelling[0] != '\0')
		request->method = FDPASS_METHOD_DUPLICATE;
}

void fdsend_request_free(struct request *request)
{
	for (size_t i = 0; i < request->source_count; i++) {
		cli_list_clear(&request->sources[i].numbers);
		fdpass_match_free(request->sources[i].match);
		fdpass_endpoint_free(request->sources[i].endpoint);
	}
	free(request->sources);
	cli_names_clear(&request->names);
	cli_process_clear(&request->process);
}
