/* SPDX-License-Identifier: MIT */
#ifndef FDPASS_FDRECV_REQUEST_H
#define FDPASS_FDRECV_REQUEST_H

/* What fdrecv is asked to do: its option table, and its command line as a value. */

#include <stdint.h>

#include "cli/admit.h"
#include "cli/list.h"
#include "cli/options.h"
#include "fdpass.h"

extern const struct cli_program fdrecv_program;

/* One TARGET and the SOCKSPEC that it is filled from. */
struct group {
	struct cli_list targets; /* the numbers, in the order in which descriptors come */
	const char *socket;      /* the SOCKSPEC */
	enum fdpass_address_kind kind;
};

struct request {
	struct group *groups; /* owned; at least one */
	size_t group_count;
	int *targets; /* owned; of all groups, ascending */
	size_t target_count;
	char **command;   /* in argv; at least one word */
	int64_t patience; /* nanoseconds; 0: no deadline */
	int ready_fd;     /* -1: none */
	enum { KEEP_OTHERS, CLOSE_OTHERS } others;
	struct cli_admissions admissions; /* --from-user, --from-group */
};

/* Reads the command line. Wrong usage, --help and --version end the program. */
void fdrecv_request_parse(struct request *request, int argc, char **argv);

/* The highest number that is a target. */
int fdrecv_request_highest(const struct request *request);

/* The lowest number from `fd` up that is not a target. */
int fdrecv_request_beside(const struct request *request, int fd);

/* How many targets lie below `limit`. */
size_t fdrecv_request_below(const struct request *request, uintmax_t limit);

#endif
