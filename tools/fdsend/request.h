/* SPDX-License-Identifier: MIT */
#ifndef FDPASS_FDSEND_REQUEST_H
#define FDPASS_FDSEND_REQUEST_H

/* What fdsend is asked to do: its option table, and its command line as a value. */

#include <stdint.h>

#include "cli/admit.h"
#include "cli/options.h"
#include "fdpass.h"

extern const struct cli_program fdsend_program;

/* One thing that is to be sent; they add up in the order in which they stand. */
struct source {
	enum { SOURCE_INHERITED, SOURCE_FILE, SOURCE_LISTENING, SOURCE_CONNECTED } kind;
	int fd;                           /* INHERITED */
	const char *text;                 /* FILE: the path; LISTENING, CONNECTED: the ADDR */
	struct fdpass_endpoint *endpoint; /* owned; LISTENING, CONNECTED */
};

struct request {
	struct source *sources; /* owned */
	size_t source_count;
	enum fdpass_access access;            /* --mode, ... */
	int mode_given;                       /* ... 1 when it was given */
	struct fdpass_open_options listening; /* all but owner and group, ... */
	char for_listening[CLI_NAME_MAX + 3]; /* the last option that needs --listen, or "" */
	const char *owner;  /* ... which are looked up later: USER[:GROUP] or NULL */
	const char *socket; /* the SOCKSPEC */
	enum fdpass_address_kind kind;
	enum fdpass_waiting waiting;
	enum fdpass_confirm confirm;
	int64_t patience;                 /* nanoseconds; 0: no deadline */
	struct cli_admissions admissions; /* --to-user, --to-group */
};

/* Reads the command line. Wrong usage, --help and --version end the program. */
void fdsend_request_parse(struct request *request, int argc, char **argv);

/* 1 when it listens on port 0, so that the kernel chooses and whoever asked has to be told. */
int fdsend_source_is_chosen(const struct source *source);

void fdsend_request_free(struct request *request);

#endif
