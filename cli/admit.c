/* SPDX-License-Identifier: MIT */
/* --from-user, --to-user and their groups: noted first, looked up later. */
#include "cli/admit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/diagnostic.h"
#include "cli/value.h"

static _Noreturn void fail(const struct cli_program *program, int code)
{
	cli_fail("preparing whom to admit", -code);
	exit(program->failure_status);
}

static void note(struct cli_admissions *admissions, const struct cli_parser *parser,
		 const char *argument, int who)
{
	struct cli_admission *grown =
		realloc(admissions->list, (admissions->count + 1) * sizeof(*grown));

	if (grown == NULL)
		fail(parser->program, -ENOMEM);
	admissions->list = grown;
	grown += admissions->count++;
	grown->who = who;
	grown->argument = argument;
	strcpy(grown->spelling, cli_spelling(parser));
}

void cli_admit_user(struct cli_admissions *admissions, const struct cli_parser *parser,
		    const char *argument)
{
	note(admissions, parser, argument, CLI_ADMIT_USER);
}

void cli_admit_group(struct cli_admissions *admissions, const struct cli_parser *parser,
		     const char *argument)
{
	note(admissions, parser, argument, CLI_ADMIT_GROUP);
}

void cli_admit_check(const struct cli_admissions *admissions, const struct cli_program *program,
		     enum fdpass_address_kind kind, const char *text)
{
	if (admissions->count > 0 && kind == FDPASS_ADDRESS_NAMED && strchr(text, '/') == NULL)
		cli_usage_error(program,
				"'%s': others cannot reach a name in the run directory; with "
				"--from-user and --from-group use a path or --abstract",
				text);
}

static int admit(const struct cli_admission *admission, const struct cli_program *program,
		 struct fdpass_rule *rule)
{
	if (admission->who == CLI_ADMIT_GROUP)
		return fdpass_rule_admit_group(
			rule, cli_value_group(program, admission->spelling, admission->argument));
	if (strcmp(admission->argument, "any") == 0)
		return fdpass_rule_admit_anyone(rule);
	return fdpass_rule_admit_user(
		rule, cli_value_user(program, admission->spelling, admission->argument));
}

struct fdpass_rule *cli_admit_rule(struct cli_admissions *admissions,
				   const struct cli_program *program)
{
	struct fdpass_rule *rule;
	int r = fdpass_rule_new(&rule);

	for (size_t i = 0; r == 0 && i < admissions->count; i++)
		r = admit(&admissions->list[i], program, rule);
	if (r < 0)
		fail(program, r);
	free(admissions->list);
	*admissions = (struct cli_admissions)CLI_ADMISSIONS_INIT;
	return rule;
}
