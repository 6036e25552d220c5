/* SPDX-License-Identifier: MIT */
#ifndef FDPASS_CLI_ATTACH_H
#define FDPASS_CLI_ATTACH_H

/* Where a receiver receives from. */

#include "fdpass.h"

/*
 * Adds to `receiver` a socket that listens at `address`, or the connection that it is, which is used up: it is
 * close-on-exec from here on. 0; or a negative errno after saying why not, but for -ECANCELED.
 */
int cli_attach(struct fdpass_receiver *receiver, const struct fdpass_address *address,
	       const struct fdpass_listen_options *options);

#endif
