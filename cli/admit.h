/* SPDX-License-Identifier: MIT */
#ifndef FDPASS_CLI_ADMIT_H
#define FDPASS_CLI_ADMIT_H

/*
 * --from-user, --to-user and their groups: who is named there is admitted by a rule.
 *
 * They are only noted while the command line is read. Looking a name up may open descriptors that stay
 * open (the sockets of nss modules), and those must not come to lie where the user named one.
 */

#include "cli/options.h"
#include "fdpass.h"

struct cli_admission {
	enum { CLI_ADMIT_USER, CLI_ADMIT_GROUP } who;
	const char *argument;            /* of the command line */
	char spelling[CLI_NAME_MAX + 3]; /* of the option */
};

struct cli_admissions {
	struct cli_admission *list; /* owned */
	size_t count;
};

#define CLI_ADMISSIONS_INIT                                                                        \
	{                                                                                          \
		NULL, 0                                                                            \
	}

/* Notes the argument of the option that cli_next() delivered last. */
void cli_admit_user(struct cli_admissions *admissions, const struct cli_parser *parser,
		    const char *argument);
void cli_admit_group(struct cli_admissions *admissions, const struct cli_parser *parser,
		     const char *argument);

/* Wrong usage when somebody else is to be admitted to a SOCKSPEC that only this user can reach. */
void cli_admit_check(const struct cli_admissions *admissions, const struct cli_program *program,
		     enum fdpass_address_kind kind, const char *text);

/* Looks them up. USER may be "any". A bad one is wrong usage and ends the program. The caller frees
 * the rule; the list is empty afterwards. */
struct fdpass_rule *cli_admit_rule(struct cli_admissions *admissions,
				   const struct cli_program *program);

#endif
