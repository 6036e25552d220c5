/* SPDX-License-Identifier: MIT */
#ifndef FDPASS_CLI_RESULT_H
#define FDPASS_CLI_RESULT_H

/* What a program was started for to print, on stdout. */

#include <stdio.h>

#include "cli/options.h"

/* Ends the program: 0 when all of `text` is on stdout, which open_memstream(3) made of what `stream` was
 * given; `failure_status` and a message when not. `stream` may be NULL, when that failed. */
_Noreturn void cli_result_finish(const struct cli_program *program, FILE *stream, char **text);

#endif
