/* SPDX-License-Identifier: MIT */
#ifndef FDPASS_FDSEND_SOURCES_H
#define FDPASS_FDSEND_SOURCES_H

/*
 * What is to be sent, as descriptors: what was inherited is looked at first, then what another process has is
 * taken, then the rest is opened.
 */

#include "fdpass.h"
#include "tools/fdsend/request.h"

struct sources {
	struct fdpass_set *set;       /* owned; in the order of the command line */
	struct fdpass_set *activated; /* owned; of --listen-fds; NULL without */
	struct fdpass_set **taken;    /* owned; for each source, out of the process; or NULL */
	struct fdpass_listener **listeners; /* owned; those whose names go again on failure */
	size_t listener_count;
};

#define SOURCES_INIT                                                                               \
	{                                                                                          \
		NULL, NULL, NULL, NULL, 0                                                          \
	}

/* Checks every inherited number, before anything else is opened that could come to lie there. On failure
 * it says which, holds nothing, and returns a negative errno. */
int fdsend_sources_check(const struct request *request, struct sources *sources);

/* Takes and opens the others and puts all together. On failure it says what failed, cleans up, and returns
 * a negative errno. */
int fdsend_sources_open(const struct request *request, const struct fdpass_wait *wait,
			struct sources *sources);

enum fdsend_outcome { SOURCES_DELIVERED, SOURCES_FAILED };

/* Closes them; the names of listening Unix sockets stay only when they were delivered. */
void fdsend_sources_close(const struct request *request, struct sources *sources,
			  enum fdsend_outcome outcome);

#endif
