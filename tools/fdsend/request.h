/* SPDX-License-Identifier: MIT */
#ifndef FDPASS_FDSEND_REQUEST_H
#define FDPASS_FDSEND_REQUEST_H

/* What fdsend is asked to do: its command line as a value. */

#include <stdint.h>

#include "cli/admit.h"
#include "cli/list.h"
#include "cli/names.h"
#include "cli/process.h"
#include "cli/sockspec.h"
#include "fdpass.h"

/* One thing that is to be sent; they add up in the order in which they stand. */
struct source {
	enum {
		SOURCE_NUMBERS,   /* --fd: inherited, or those of the process of --pid */
		SOURCE_MATCHED,   /* --match: of that process */
		SOURCE_ACTIVATED, /* --listen-fds */
		SOURCE_FILE,
		SOURCE_LISTENING,
		SOURCE_CONNECTED,
	} kind;
	struct cli_list numbers;          /* owned; NUMBERS */
	struct fdpass_match *match;       /* owned; MATCHED */
	const char *text;                 /* as it was written; NULL: ACTIVATED */
	struct fdpass_endpoint *endpoint; /* owned; LISTENING, CONNECTED */
};

struct request {
	enum {
		REQUEST_SEND,
		REQUEST_LIST,   /* --list, of `process` */
		REQUEST_PIDREF, /* --pidref, of `process` */
	} what;
	struct source *sources; /* owned */
	size_t source_count;
	struct cli_names names;             /* --fdname */
	struct cli_process process;         /* --pid; owned */
	char for_sending[CLI_NAME_MAX + 3]; /* the first option that asking has no use for, or "" */
	enum fdpass_method method;          /* how files are taken from it */
	char dup_spelling[CLI_NAME_MAX + 3];  /* --dup as it was written, or "" */
	const char *mode;                     /* --mode, ...; NULL: not given */
	enum fdpass_access access;            /* ... and what it means for --open */
	struct fdpass_open_options listening; /* all but owner and group, ... */
	char for_listening[CLI_NAME_MAX + 3]; /* the last option that needs --listen, or "" */
	const char *owner;  /* ... which are looked up later: USER[:GROUP] or NULL */
	const char *socket; /* the SOCKSPEC */
	struct cli_kind kind;
	enum fdpass_waiting waiting;
	enum fdpass_confirm confirm;
	enum fdpass_until until;
	int64_t patience;                 /* nanoseconds; 0: no deadline */
	struct cli_admissions admissions; /* --to-user, --to-group */
};

/* Reads the command line. Wrong usage, --help and --version end the program. */
void fdsend_request_parse(struct request *request, int argc, char **argv);

/* How many sources are of that kind. */
size_t fdsend_request_count(const struct request *request, int kind);

/* 1 when it listens on port 0, so that the kernel chooses and whoever asked has to be told. */
int fdsend_source_is_chosen(const struct source *source);

void fdsend_request_free(struct request *request);

#endif
