/* SPDX-License-Identifier: MIT */
/* Options' arguments as values; the words for bad ones are the same in every program. */
#include "cli/value.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "cli/diagnostic.h"
#include "cli/identity.h"
#include "cli/number.h"
#include "cli/seconds.h"
#include "cli/signame.h"

static _Noreturn void fail(const struct cli_program *program, const char *spelling,
			   const char *argument, int code)
{
	cli_error("%s: looking up '%s': %s", spelling, argument, strerror(code));
	exit(program->failure_status);
}

void cli_value_list(const struct cli_parser *parser, const char *argument, struct cli_list *list)
{
	struct cli_list_part part;
	enum cli_list_status status;
	char text[512];

	status = cli_list_parse(list, argument, &part);
	if (status == CLI_LIST_OK)
		return;
	cli_list_explain(status, &part, text, sizeof text);
	if (status != CLI_LIST_NO_MEMORY)
		cli_usage_error(parser->program, "%s: %s", cli_spelling(parser), text);
	cli_error("%s: %s", cli_spelling(parser), text);
	exit(parser->program->failure_status);
}

int64_t cli_value_seconds(const struct cli_parser *parser, const char *argument)
{
	int64_t nanoseconds;

	if (cli_seconds_parse(argument, &nanoseconds) < 0)
		cli_usage_error(parser->program,
				"%s: '%s' is not a number of seconds, such as 5 or 0.25",
				cli_spelling(parser), argument);
	return nanoseconds;
}

/* `result` is what cli_identity_user() or _group() said of `argument`. */
static void check_identity(const struct cli_program *program, const char *spelling,
			   const char *argument, const char *noun, int result)
{
	if (result == 0)
		return;
	if (result == -ENOENT)
		cli_usage_error(program, "%s: there is no %s '%s'", spelling, noun, argument);
	if (result == -ERANGE)
		cli_usage_error(program, "%s: %s is too large", spelling, argument);
	fail(program, spelling, argument, -result);
}

uid_t cli_value_user(const struct cli_program *program, const char *spelling, const char *argument)
{
	uid_t uid = (uid_t)-1;

	check_identity(program, spelling, argument, "user", cli_identity_user(argument, &uid));
	return uid;
}

gid_t cli_value_group(const struct cli_program *program, const char *spelling, const char *argument)
{
	gid_t gid = (gid_t)-1;

	check_identity(program, spelling, argument, "group", cli_identity_group(argument, &gid));
	return gid;
}

int cli_value_signal(const struct cli_parser *parser, const char *argument)
{
	int signal = cli_signame_parse(argument);

	if (signal < 0)
		cli_usage_error(parser->program, "%s: '%s' is not a signal, such as TERM or QUIT",
				cli_spelling(parser), argument);
	return signal;
}

int cli_value_fd(const struct cli_parser *parser, const char *argument)
{
	uint64_t number = 0;

	switch (cli_number_parse(argument, INT_MAX, &number)) {
	case CLI_NUMBER_OK:
		break;
	case CLI_NUMBER_MALFORMED:
		cli_usage_error(parser->program, "%s: '%s' is not the number of a descriptor",
				cli_spelling(parser), argument);
	case CLI_NUMBER_TOO_LARGE:
		cli_usage_error(parser->program, "%s: %s is too large", cli_spelling(parser),
				argument);
	}
	return (int)number;
}
