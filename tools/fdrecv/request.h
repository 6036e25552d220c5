/* SPDX-License-Identifier: MIT */
#ifndef FDPASS_FDRECV_REQUEST_H
#define FDPASS_FDRECV_REQUEST_H

/* What fdrecv is asked to do: its command line as a value. */

#include <stdint.h>

#include "cli/admit.h"
#include "cli/list.h"
#include "fdpass.h"

/* What a TARGET does with what comes. */
enum target {
	TARGET_FDS,      /* --fd and the like: one for each of the numbers that it names */
	TARGET_INETD,    /* --inetd: one, for all of its numbers */
	TARGET_LISTEN,   /* --listen-fds: all, from 3 up, behind those of the groups before */
	TARGET_VARIABLE, /* --env: all, on free numbers */
};

/* One TARGET and the SOCKSPEC that it is filled from. */
struct group {
	enum target target;
	struct cli_list targets; /* TARGET_FDS, TARGET_INETD: the numbers, in order; else empty */
	const char *variable;    /* TARGET_VARIABLE; else NULL */
	const char *socket;      /* the SOCKSPEC */
	enum fdpass_address_kind kind;
};

struct request {
	struct group *groups; /* owned; at least one */
	size_t group_count;
	int *targets; /* owned; the numbers that the command line names, ascending */
	size_t target_count;
	size_t listen_count;         /* groups that are TARGET_LISTEN */
	enum fdpass_dialect dialect; /* how they are announced */
	const char *dialect_word;    /* --dialect; NULL: not given */
	const char **names;          /* owned; --fdname */
	size_t name_count;
	char **command;   /* in argv; at least one word */
	int64_t patience; /* nanoseconds; 0: no deadline */
	int ready_fd;     /* -1: none */
	enum { KEEP_OTHERS, CLOSE_OTHERS } others;
	struct cli_admissions admissions; /* --from-user, --from-group */
};

/* Reads the command line. Wrong usage, --help and --version end the program. */
void fdrecv_request_parse(struct request *request, int argc, char **argv);

/* How many a group keeps when that many have come: of TARGET_FDS and TARGET_INETD as many as are wanted,
 * however many came; of the others all, and at least one. */
size_t fdrecv_group_keeps(const struct group *group, size_t came);

#endif
