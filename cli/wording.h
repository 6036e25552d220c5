/* SPDX-License-Identifier: MIT */
#ifndef FDPASS_CLI_WORDING_H
#define FDPASS_CLI_WORDING_H

/*
 * Words for the library's error record, as data: tables, searched from the top. In a text, {where},
 * {errno}, {text}, {fd}, {user} and {process} stand for what the record says.
 */

#include <stddef.h>

#include "fdpass.h"

struct cli_wording {
	enum fdpass_step step;
	int code;         /* 0: any */
	const char *when; /* the record's text must be this; NULL: whatever */
	const char *text;
};

/* The text of the first row that fits, or NULL. */
const char *cli_wording_find(const struct cli_wording *table, size_t count,
			     const struct fdpass_error *error);

/* Fills a text in, cut to `size`; NULL: a usual one, with the step's name. Returns `text`. */
const char *cli_wording_fill(const char *pattern, const char *where,
			     const struct fdpass_error *error, char *text, size_t size);

#endif
