/* SPDX-License-Identifier: MIT */
#ifndef FDPASS_CLI_VALUE_H
#define FDPASS_CLI_VALUE_H

/*
 * The argument of the option that cli_next() delivered last, as a value. A bad one is wrong usage:
 * the message begins with the option as it was written, and the program ends. What is not the user's
 * fault (no memory, a failing user database) ends it with `failure_status`.
 */

#include <stdint.h>
#include <sys/types.h>

#include "cli/list.h"
#include "cli/options.h"

/* Appends a LIST. */
void cli_value_list(const struct cli_parser *parser, const char *argument, struct cli_list *list);

/* SECONDS, in nanoseconds. */
int64_t cli_value_seconds(const struct cli_parser *parser, const char *argument);

/* These two may be called later than that, so they take the option's spelling. */
uid_t cli_value_user(const struct cli_program *program, const char *spelling, const char *argument);
gid_t cli_value_group(const struct cli_program *program, const char *spelling,
		      const char *argument);

/* SIG, as a number. */
int cli_value_signal(const struct cli_parser *parser, const char *argument);

/* The number of one descriptor. */
int cli_value_fd(const struct cli_parser *parser, const char *argument);

#endif
