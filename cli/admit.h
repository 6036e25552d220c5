/* SPDX-License-Identifier: MIT */
#ifndef FDPASS_CLI_ADMIT_H
#define FDPASS_CLI_ADMIT_H

/* --from-user, --to-user and their groups: who is named there is admitted by a rule. */

#include "cli/options.h"
#include "fdpass.h"

/* USER, or "any". A bad one is wrong usage and ends the program. */
void cli_admit_user(const struct cli_parser *parser, const char *argument,
		    struct fdpass_rule *rule);

void cli_admit_group(const struct cli_parser *parser, const char *argument,
		     struct fdpass_rule *rule);

#endif
