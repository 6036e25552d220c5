/* SPDX-License-Identifier: MIT */
#ifndef FDPASS_FDSEND_REQUEST_H
#define FDPASS_FDSEND_REQUEST_H

/* What fdsend is asked to do: its option table, and its command line as a value. */

#include <stdint.h>

#include "cli/admit.h"
#include "cli/list.h"
#include "cli/options.h"
#include "fdpass.h"

extern const struct cli_program fdsend_program;

struct request {
	struct cli_list fds; /* what is to be sent, in order */
	const char *socket;  /* the SOCKSPEC */
	enum fdpass_address_kind kind;
	enum fdpass_waiting waiting;
	enum fdpass_confirm confirm;
	int64_t patience;                 /* nanoseconds; 0: no deadline */
	struct cli_admissions admissions; /* --to-user, --to-group */
};

/* Reads the command line. Wrong usage, --help and --version end the program. */
void fdsend_request_parse(struct request *request, int argc, char **argv);

#endif
