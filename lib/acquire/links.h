/* SPDX-License-Identifier: MIT */
#ifndef FDPASS_ACQUIRE_LINKS_H
#define FDPASS_ACQUIRE_LINKS_H

/* The links in /proc/PID/fd: what a process has open. */

#include <dirent.h>
#include <limits.h>
#include <stddef.h>
#include <stdint.h>

/* A path of PATH_MAX bytes, and " (deleted)". */
#define LINK_TEXT_MAX (PATH_MAX + 16)

struct fdpass_link {
	int number;
	uint64_t socket; /* the inode in socket:[INODE]; 0: something else */
};

/* Filled by fdpass_links_read(), emptied by fdpass_links_free(). */
struct fdpass_links {
	DIR *directory;
	struct fdpass_link *list; /* in the order of their numbers */
	size_t count;
};

#define LINKS_INIT                                                                                 \
	{                                                                                          \
		NULL, NULL, 0                                                                      \
	}

/* `proc` is the directory of the process in /proc, borrowed. On failure there is nothing to free. */
int fdpass_links_read(int proc, struct fdpass_links *ret_links);

void fdpass_links_free(struct fdpass_links *links);

#define links_owned __attribute__((cleanup(fdpass_links_free)))

/* What the link of `number` says, cut to `size`; its length. */
int fdpass_links_text(const struct fdpass_links *links, int number, char *text, size_t size);

#endif
