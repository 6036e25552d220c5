/* SPDX-License-Identifier: MIT */
#ifndef FDPASS_ACQUIRE_TABLE_H
#define FDPASS_ACQUIRE_TABLE_H

/* The sockets that one process holds, with what the kernel's tables say of them. */

#include "acquire/links.h"
#include "acquire/pidref.h"
#include "acquire/socket.h"

struct fdpass_table_entry {
	struct fdpass_socket socket; /* SOCKET_UNKNOWN with nothing but its inode: in no table */
	int done; /* for whoever goes through the links: this socket was dealt with */
};

/* Filled by fdpass_table_list() or fdpass_table_read(), emptied by fdpass_table_free(). */
struct fdpass_table {
	struct fdpass_table_entry *entries; /* by inode */
	size_t count;
};

#define TABLE_INIT                                                                                 \
	{                                                                                          \
		NULL, 0                                                                            \
	}

/* The sockets of the links with nothing but their inodes: which they are, and each once. */
int fdpass_table_list(const struct fdpass_links *links, struct fdpass_table *ret_table);

/* The same, with what the kernel's tables say of them. */
int fdpass_table_read(const struct fdpass_pidref *ref, const struct fdpass_links *links,
		      struct fdpass_table *ret_table);

void fdpass_table_free(struct fdpass_table *table);

#define table_owned __attribute__((cleanup(fdpass_table_free)))

/* NULL: the links had no such socket. */
struct fdpass_table_entry *fdpass_table_get(const struct fdpass_table *table, uint64_t inode);

#endif
