/* SPDX-License-Identifier: MIT */
#ifndef FDPASS_CLI_PROCESS_H
#define FDPASS_CLI_PROCESS_H

/*
 * PID[:INODE]|EXPR: another process, by its number (which the inode of its pidfd makes unmistakable), or by
 * what it holds.
 */

#include <stdint.h>
#include <sys/types.h>

#include "cli/options.h"
#include "fdpass.h"

struct cli_process {
	const char *text;           /* as it was written, in argv; NULL: none was given */
	pid_t pid;                  /* 0: it is meant by `match` */
	uint64_t inode;             /* 0: whichever process has that number */
	struct fdpass_match *match; /* owned */
};

#define CLI_PROCESS_INIT                                                                           \
	{                                                                                          \
		NULL, 0, 0, NULL                                                                   \
	}

/* Reads the argument of the option that cli_next() delivered last. A bad one is wrong usage. */
void cli_process_parse(struct cli_process *process, const struct cli_parser *parser,
		       const char *argument);

/* An EXPR, which the caller frees; `spelling` is what a message about a bad one begins with. */
struct fdpass_match *cli_process_match(const struct cli_program *program, const char *spelling,
				       const char *text);

/* What a message about it begins with: "process 1234" or the EXPR, cut to `size`. Returns `text`. */
const char *cli_process_text(const struct cli_process *process, char *text, size_t size);

/* Pins it: 0, or a negative errno after saying why not. The caller frees the pidref. */
int cli_process_pin(const struct cli_process *process, struct fdpass_pidref **ret_ref);

/* Frees what is in it. */
void cli_process_clear(struct cli_process *process);

#endif
