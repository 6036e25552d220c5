/* SPDX-License-Identifier: MIT */
#ifndef FDPASS_CLI_ATTACH_H
#define FDPASS_CLI_ATTACH_H

/* Where a receiver receives from. */

#include "cli/options.h"
#include "fdpass.h"

/* What is written on an inherited connection goes to its other end: that it is the --ready-fd is wrong usage,
 * and when it is stderr nothing is said any more. Any other address is fine. */
void cli_attach_check(const struct cli_program *program, const struct fdpass_address *address,
		      int ready_fd);

/*
 * Adds to `receiver` a socket that listens at `address`, or the connection that it is, which is used up: it is
 * close-on-exec from here on. 0; or a negative errno after saying why not, but for -ECANCELED.
 */
int cli_attach(struct fdpass_receiver *receiver, const struct fdpass_address *address,
	       const struct fdpass_listen_options *options);

#endif
