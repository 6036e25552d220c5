/* SPDX-License-Identifier: MIT */
#ifndef FDPASS_CLI_PROGRESS_H
#define FDPASS_CLI_PROGRESS_H

/* How far a long transfer is, for whoever watches it: with -v on a terminal, a line each second. */

#include <stddef.h>
#include <stdint.h>

struct cli_progress {
	int64_t next; /* when the next line is due; 0: nothing was told of yet */
};

#define CLI_PROGRESS_INIT                                                                          \
	{                                                                                          \
		0                                                                                  \
	}

/* `done` of `total` at `where`. May be called as often as there is something new. */
void cli_progress_tell(struct cli_progress *progress, const char *where, size_t done, size_t total);

#endif
