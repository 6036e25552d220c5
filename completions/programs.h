/* SPDX-License-Identifier: MIT */
#ifndef FDPASS_COMPLETIONS_PROGRAMS_H
#define FDPASS_COMPLETIONS_PROGRAMS_H

/* The programs' option tables. Their own headers number the options, each in its own way, and cannot be
 * included together; nobody needs those numbers here. */

#include "cli/options.h"

extern const struct cli_program fdsend_program, fdrecv_program, fdfwd_program;

#endif
