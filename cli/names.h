/* SPDX-License-Identifier: MIT */
#ifndef FDPASS_CLI_NAMES_H
#define FDPASS_CLI_NAMES_H

/* NAMES: "A:B:C", names of descriptors in their order; one alone serves all: fdpass_name_check(). */

#include <stddef.h>

#include "cli/options.h"

struct cli_names {
	const char **list; /* owned */
	size_t count;      /* 0: none were given */
	char *text;        /* owned; what the list points into */
};

#define CLI_NAMES_INIT                                                                             \
	{                                                                                          \
		NULL, 0, NULL                                                                      \
	}

/* Reads the argument of the option that cli_next() delivered last, in place of what was there before. A bad
 * one is wrong usage. */
void cli_names_parse(struct cli_names *names, const struct cli_parser *parser,
		     const char *argument);

/* The name of what is at `index`. */
const char *cli_names_get(const struct cli_names *names, size_t index);

/* Frees them; there are none afterwards. */
void cli_names_clear(struct cli_names *names);

#endif
