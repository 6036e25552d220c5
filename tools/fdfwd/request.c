/* SPDX-License-Identifier: MIT */
/* fdfwd's command line: what it may be, and what it says. */
#include "tools/fdfwd/request.h"

#include <stdlib.h>

#include "cli/sockspec.h"
#include "cli/value.h"
#include "tools/fdfwd/program.h"

static void add_endpoint(struct request *request, struct cli_kind *kind, const char *socket)
{
	struct endpoint *grown =
		realloc(request->endpoints, (request->endpoint_count + 1) * sizeof(*grown));

	if (grown == NULL)
		cli_out_of_memory(&fdfwd_program);
	cli_sockspec_check(&fdfwd_program, kind->value, socket,
			   "fdsend opens and finds what is to be sent");
	request->endpoints = grown;
	grown[request->endpoint_count++] = (struct endpoint){socket, kind->value};
	*kind = (struct cli_kind)CLI_KIND_INIT;
}

static void parse_option(struct request *request, struct cli_kind *kind,
			 const struct cli_parser *parser, const struct cli_option *option,
			 const char *argument)
{
	switch (option->id) {
	case OPT_ABSTRACT:
		cli_kind_set(kind, parser, FDPASS_ADDRESS_ABSTRACT);
		break;
	case OPT_CONNECTED:
		cli_kind_set(kind, parser, FDPASS_ADDRESS_CONNECTED);
		break;
	case OPT_FROM_USER:
		cli_admit_user(&request->from, parser, argument);
		break;
	case OPT_FROM_GROUP:
		cli_admit_group(&request->from, parser, argument);
		break;
	case OPT_TO_USER:
		cli_admit_user(&request->to, parser, argument);
		break;
	case OPT_TO_GROUP:
		cli_admit_group(&request->to, parser, argument);
		break;
	case OPT_BLOCKING:
		request->waiting = FDPASS_WAIT_LISTENER;
		break;
	case OPT_TIMEOUT:
		request->patience = cli_value_seconds(parser, argument);
		break;
	case OPT_KEEP:
		request->how_often = KEEP;
		break;
	case OPT_READY_FD:
		request->ready_fd = cli_value_fd(parser, argument);
		break;
	}
}

static void check(const struct request *request, const struct cli_kind *kind)
{
	const struct endpoint *from = request->endpoints;

	if (kind->spelling[0] != '\0')
		cli_usage_error(&fdfwd_program, "no SOCKSPEC after %s", kind->spelling);
	if (request->endpoint_count == 0)
		cli_usage_error(&fdfwd_program, "no FROM: where do the descriptors come from?");
	if (request->endpoint_count == 1)
		cli_usage_error(&fdfwd_program, "no TO: where should the descriptors go?");
	cli_admit_check(&request->from, &fdfwd_program, from->kind, from->socket);
	for (size_t i = 0; request->how_often == KEEP && i < request->endpoint_count; i++)
		if (request->endpoints[i].kind == FDPASS_ADDRESS_CONNECTED)
			cli_usage_error(&fdfwd_program,
					"--keep: over the connection '%s' there is one handover",
					request->endpoints[i].socket);
}

void fdfwd_request_parse(struct request *request, int argc, char **argv)
{
	struct cli_kind kind = CLI_KIND_INIT;
	const struct cli_option *option;
	const char *argument;
	struct cli_parser parser;
	enum cli_item item;

	*request = (struct request){
		.waiting = FDPASS_WAIT_NEVER,
		.ready_fd = -1,
		.from = CLI_ADMISSIONS_INIT,
		.to = CLI_ADMISSIONS_INIT,
	};
	cli_parser_init(&parser, &fdfwd_program, argc, argv);
	while ((item = cli_next(&parser, &option, &argument)) != CLI_END) {
		if (item == CLI_OPTION)
			parse_option(request, &kind, &parser, option, argument);
		else if (item == CLI_OPERAND)
			add_endpoint(request, &kind, argument);
	}
	check(request, &kind);
}

void fdfwd_request_free(struct request *request)
{
	free(request->endpoints);
}
