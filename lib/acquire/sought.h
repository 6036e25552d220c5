/* SPDX-License-Identifier: MIT */
#ifndef FDPASS_ACQUIRE_SOUGHT_H
#define FDPASS_ACQUIRE_SOUGHT_H

/* A match, and the file that its path names at this moment. */

#include <sys/stat.h>

#include "acquire/links.h"
#include "acquire/match.h"

struct fdpass_sought {
	const struct fdpass_match *match; /* borrowed */
	int exists;                       /* for files: the path names something: */
	struct stat file;
	struct fdpass_bound bound; /* for sockets: what the path names; not known: nothing */
	char *path; /* absolute, without symbolic links as far as it exists; NULL: no path */
};

#define SOUGHT_INIT                                                                                \
	{                                                                                          \
		.match = NULL                                                                      \
	}

/* 0; -EMFILE, -ENFILE or -ENOMEM. */
int fdpass_sought_init(struct fdpass_sought *sought, const struct fdpass_match *match);
void fdpass_sought_free(struct fdpass_sought *sought);

#define sought_owned __attribute__((cleanup(fdpass_sought_free)))

/* 1 when `socket` fits, else 0. */
int fdpass_sought_fits_socket(const struct fdpass_sought *sought,
			      const struct fdpass_socket *socket);

/* 1 when descriptor `number` is of a file that fits, which `ret_status` then shows; else 0. */
int fdpass_sought_fits_file(const struct fdpass_sought *sought, const struct fdpass_links *links,
			    int number, struct stat *ret_status);

#endif
