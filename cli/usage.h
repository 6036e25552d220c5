/* SPDX-License-Identifier: MIT */
#ifndef FDPASS_CLI_USAGE_H
#define FDPASS_CLI_USAGE_H

/*
 * --help and --version, from a program's table.
 */

#include <stdio.h>

#include "cli/options.h"

#define CLI_USAGE_WIDTH 80

/* Writes the text of --help, no line wider than CLI_USAGE_WIDTH as long as `synopsis` and `trailer`,
 * which are written as they are, keep to it. Errors are in ferror(`stream`). */
void cli_usage_write(const struct cli_program *program, FILE *stream);

/* --help: writes it to stdout and ends the program: 0, or `failure_status` and a message when stdout
 * did not take all of it. */
_Noreturn void cli_usage_print(const struct cli_program *program);

/* --version: "NAME from fdpass VERSION" in the same way. */
_Noreturn void cli_version_print(const struct cli_program *program);

#endif
