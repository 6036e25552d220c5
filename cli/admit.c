/* SPDX-License-Identifier: MIT */
/* --from-user, --to-user and their groups. */
#include "cli/admit.h"

#include <stdlib.h>
#include <string.h>

#include "cli/diagnostic.h"
#include "cli/value.h"

static void check(const struct cli_parser *parser, int r)
{
	if (r == 0)
		return;
	cli_error("%s: %s", cli_spelling(parser), strerror(-r));
	exit(parser->program->failure_status);
}

void cli_admit_user(const struct cli_parser *parser, const char *argument, struct fdpass_rule *rule)
{
	if (strcmp(argument, "any") == 0)
		check(parser, fdpass_rule_admit_anyone(rule));
	else
		check(parser, fdpass_rule_admit_user(rule, cli_value_user(parser, argument)));
}

void cli_admit_group(const struct cli_parser *parser, const char *argument,
		     struct fdpass_rule *rule)
{
	check(parser, fdpass_rule_admit_group(rule, cli_value_group(parser, argument)));
}
