/* SPDX-License-Identifier: MIT */
#ifndef FDPASS_CLI_READY_H
#define FDPASS_CLI_READY_H

/* --ready-fd: telling whoever started the program that it can be reached now. */

#include "cli/options.h"
#include "fdpass.h"

/* Ends the program when `fd` was given and is not open; -1 was not given. */
void cli_ready_check(const struct cli_program *program, int fd);

/* Writes a newline to `fd`, within `wait`, and closes it; -1 was not given. 0; or a negative errno after saying
 * why not, but for -ECANCELED. */
int cli_ready_tell(int fd, const struct fdpass_wait *wait);

#endif
