/* SPDX-License-Identifier: MIT */
#ifndef FDPASS_FDFWD_PROGRAM_H
#define FDPASS_FDFWD_PROGRAM_H

/* fdfwd's options. */

#include "cli/options.h"

enum option_id {
	OPT_ABSTRACT,
	OPT_CONNECTED,
	OPT_FROM_USER,
	OPT_FROM_GROUP,
	OPT_TO_USER,
	OPT_TO_GROUP,
	OPT_BLOCKING,
	OPT_TIMEOUT,
	OPT_KEEP,
	OPT_READY_FD,
};

extern const struct cli_program fdfwd_program;

#endif
