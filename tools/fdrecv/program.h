/* SPDX-License-Identifier: MIT */
#ifndef FDPASS_FDRECV_PROGRAM_H
#define FDPASS_FDRECV_PROGRAM_H

/* fdrecv's options. */

#include "cli/options.h"

enum option_id {
	OPT_FD,
	OPT_STDIN,
	OPT_STDOUT,
	OPT_STDERR,
	OPT_INETD,
	OPT_ENV,
	OPT_LISTEN_FDS,
	OPT_PID,
	OPT_DUP,
	OPT_MODE,
	OPT_ABSTRACT,
	OPT_CONNECTED,
	OPT_FROM_USER,
	OPT_FROM_GROUP,
	OPT_RUN,
	OPT_CLOSE_OTHERS,
	OPT_RETIRE,
	OPT_RETIRE_AFTER,
	OPT_DIALECT,
	OPT_FDNAME,
	OPT_TIMEOUT,
	OPT_READY_FD,
};

extern const struct cli_program fdrecv_program;

#endif
