/* SPDX-License-Identifier: MIT */
#ifndef FDPASS_CLI_EXPLAIN_H
#define FDPASS_CLI_EXPLAIN_H

/*
 * The library's error record in words: what failed, on what, why, and what to do.
 */

#include <stddef.h>

#include "fdpass.h"

/* One line, without "NAME: ", cut to `size`. `where` is the address or whatever else it is about.
 * Returns `text`. */
const char *cli_explain_sending(const char *where, const struct fdpass_error *error, char *text,
				size_t size);
const char *cli_explain_opening(const char *where, const struct fdpass_error *error, char *text,
				size_t size);
const char *cli_explain_receiving(const char *where, const struct fdpass_error *error, char *text,
				  size_t size);

#endif
