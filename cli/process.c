/* SPDX-License-Identifier: MIT */
/* PID[:INODE]|EXPR: which process is meant. */
#include "cli/process.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/acquire.h"
#include "cli/diagnostic.h"
#include "cli/number.h"

struct fdpass_match *cli_process_match(const struct cli_program *program, const char *spelling,
				       const char *text)
{
	struct fdpass_error error = FDPASS_ERROR_INIT;
	struct fdpass_match *match;
	int r = fdpass_match_parse(text, &match, &error);

	if (r == 0)
		return match;
	if (r == -ENOMEM) {
		cli_error("%s %s: %s", spelling, text, strerror(ENOMEM));
		exit(program->failure_status);
	}
	cli_usage_error(program, "%s '%s': %s", spelling, text, error.text);
}

static _Noreturn void malformed(const struct cli_parser *parser, const char *argument,
				const char *reason)
{
	cli_usage_error(parser->program, "%s '%s': %s", cli_spelling(parser), argument, reason);
}

/* "1234" or "1234:5678". */
static void parse_number(struct cli_process *process, const struct cli_parser *parser,
			 const char *argument)
{
	const char *cursor = argument;
	uint64_t number;

	if (cli_number_scan(&cursor, INT_MAX, &number) != CLI_NUMBER_OK || number == 0)
		malformed(parser, argument, "no process has such a number");
	process->pid = (pid_t)number;
	if (*cursor == '\0')
		return;
	if (*cursor != ':' ||
	    cli_number_parse(cursor + 1, UINT64_MAX, &process->inode) != CLI_NUMBER_OK ||
	    process->inode == 0)
		malformed(parser, argument,
			  "this is neither PID nor PID:INODE, as fdsend --pidref prints it");
}

void cli_process_parse(struct cli_process *process, const struct cli_parser *parser,
		       const char *argument)
{
	*process = (struct cli_process){.text = argument};
	if (argument[0] == '\0')
		malformed(parser, argument, "which process? A PID, or what it holds: listen:8080");
	if (argument[0] >= '0' && argument[0] <= '9')
		parse_number(process, parser, argument);
	else
		process->match = cli_process_match(parser->program, cli_spelling(parser), argument);
}

const char *cli_process_text(const struct cli_process *process, char *text, size_t size)
{
	snprintf(text, size, "%s%s", process->match != NULL ? "" : "process ", process->text);
	return text;
}

int cli_process_pin(const struct cli_process *process, struct fdpass_pidref **ret_ref)
{
	struct fdpass_error error = FDPASS_ERROR_INIT;
	char where[CLI_DIAGNOSTIC_MAX], text[CLI_DIAGNOSTIC_MAX];
	int r = process->match != NULL
			? fdpass_pidref_find(process->match, ret_ref, &error)
			: fdpass_pidref_open(process->pid, process->inode, ret_ref, &error);

	if (r < 0)
		cli_error("%s", cli_acquire_explain(cli_process_text(process, where, sizeof(where)),
						    &error, text, sizeof(text)));
	else if (process->match != NULL)
		cli_verbose("%s: process %jd", process->text,
			    (intmax_t)fdpass_pidref_pid(*ret_ref));
	return r;
}

void cli_process_clear(struct cli_process *process)
{
	fdpass_match_free(process->match);
	*process = (struct cli_process)CLI_PROCESS_INIT;
}
