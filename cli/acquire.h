/* SPDX-License-Identifier: MIT */
#ifndef FDPASS_CLI_ACQUIRE_H
#define FDPASS_CLI_ACQUIRE_H

/*
 * Taking descriptors out of another process, as a command line asks for it. What fails is said here, with
 * what would help.
 */

#include <stddef.h>

#include "cli/list.h"
#include "fdpass.h"

/* "r", "w" or "r+", which the parser has made sure of, as a way to open a file again. */
enum fdpass_method cli_acquire_mode(const char *mode);

/* Appends the descriptors with these numbers in that process, with their names: 0, or a negative errno with `set` as it was. */
int cli_acquire_numbers(const struct fdpass_pidref *ref, const struct cli_list *numbers,
			enum fdpass_method method, struct fdpass_set *set);

/* Appends all that fit `match`, which was written as `text`: 0, or a negative errno with `set` as it was. */
int cli_acquire_match(const struct fdpass_pidref *ref, const struct fdpass_match *match,
		      const char *text, enum fdpass_method method, struct fdpass_set *set);

/* The library's error of the steps PROCESS and ACQUIRE in words, as cli_explain_sending() and the others. */
const char *cli_acquire_explain(const char *where, const struct fdpass_error *error, char *text,
				size_t size);

#endif
