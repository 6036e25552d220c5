/* SPDX-License-Identifier: MIT */
#ifndef FDPASS_FDFWD_REQUEST_H
#define FDPASS_FDFWD_REQUEST_H

/* What fdfwd is asked to do: its command line as a value. */

#include <stdint.h>

#include "cli/admit.h"
#include "fdpass.h"

/* Where descriptors come from or go to. */
struct endpoint {
	const char *socket; /* the SOCKSPEC */
	enum fdpass_address_kind kind;
};

struct request {
	struct endpoint *endpoints; /* owned; FROM, and then each TO */
	size_t endpoint_count;
	enum fdpass_waiting waiting;
	enum { ONCE, KEEP } how_often;
	int64_t patience; /* nanoseconds; 0: no deadline */
	int ready_fd;     /* -1: none */
	struct cli_admissions from, to;
};

/* Reads the command line. Wrong usage, --help and --version end the program. */
void fdfwd_request_parse(struct request *request, int argc, char **argv);

void fdfwd_request_free(struct request *request);

#endif
