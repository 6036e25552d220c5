/* SPDX-License-Identifier: MIT */
#ifndef FDPASS_FDRECV_REQUEST_H
#define FDPASS_FDRECV_REQUEST_H

/* What fdrecv is asked to do: its command line as a value. */

#include <stdint.h>

#include "cli/admit.h"
#include "cli/list.h"
#include "cli/names.h"
#include "cli/process.h"
#include "fdpass.h"

/* What a TARGET does with what comes. */
enum target {
	TARGET_FDS,      /* --fd and the like: one for each of the numbers that it names */
	TARGET_INETD,    /* --inetd: one, for all of its numbers */
	TARGET_LISTEN,   /* --listen-fds: all, from 3 up, behind those of the groups before */
	TARGET_VARIABLE, /* --env: all, on free numbers */
};

/* --pid and what goes with it: a process that descriptors are taken from. */
struct origin {
	struct cli_process process;          /* owned */
	char dup_spelling[CLI_NAME_MAX + 3]; /* --dup as it was written, or "" */
	const char *mode;                    /* --mode; NULL: not given */
	enum fdpass_method method;           /* what the two come to, for files */
};

/* One TARGET and what it is filled from. */
struct group {
	enum target target;
	struct cli_list targets; /* TARGET_FDS, TARGET_INETD: the numbers, in order; else empty */
	const char *variable;    /* TARGET_VARIABLE; else NULL */
	const char *source;      /* the operand: a SOCKSPEC; or with an origin a LIST or an EXPR */
	enum fdpass_address_kind kind; /* of a SOCKSPEC */
	int origin;                    /* index in `origins`; -1: it is a SOCKSPEC */
	struct cli_list numbers;       /* owned; a LIST */
	struct fdpass_match *match;    /* owned; an EXPR */
};

/* Nanoseconds: what cannot bind its address or read its configuration says so within that. */
#define RETIRE_AFTER_DEFAULT INT64_C(1000000000)

struct request {
	struct group *groups; /* owned; at least one */
	size_t group_count;
	struct origin *origins; /* owned */
	size_t origin_count;
	int *targets; /* owned; the numbers that the command line names, ascending */
	size_t target_count;
	size_t listen_count;         /* groups that are TARGET_LISTEN */
	enum fdpass_dialect dialect; /* how they are announced */
	const char *dialect_word;    /* --dialect; NULL: not given */
	struct cli_names names;      /* --fdname */
	char **command;              /* in argv; at least one word */
	int64_t patience;            /* nanoseconds; 0: no deadline */
	int ready_fd;                /* -1: none */
	enum {
		RETIRE_NOTHING,
		RETIRE_IDLE,   /* --retire: as soon as it has no connections */
		RETIRE_SIGNAL, /* --retire=SIG */
	} retire;
	int retire_signal;
	int64_t retire_after;          /* nanoseconds */
	const char *retire_after_word; /* --retire-after; NULL: not given */
	enum { KEEP_OTHERS, CLOSE_OTHERS } others;
	struct cli_admissions admissions; /* --from-user, --from-group */
};

/* Reads the command line. Wrong usage, --help and --version end the program. */
void fdrecv_request_parse(struct request *request, int argc, char **argv);

/* How many a group keeps when that many have come: of TARGET_FDS and TARGET_INETD as many as are wanted,
 * however many came; of the others all, and at least one. */
size_t fdrecv_group_keeps(const struct group *group, size_t came);

#endif
