/* SPDX-License-Identifier: MIT */
/*
 * What the kernel's tables say of the sockets that a process holds. Nothing is duplicated for it, so that
 * no connection is kept open by looking.
 */
#include "acquire/table.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "acquire/tables.h"

static int by_inode(const void *a, const void *b)
{
	const struct fdpass_table_entry *x = a, *y = b;

	return (x->socket.inode > y->socket.inode) - (x->socket.inode < y->socket.inode);
}

struct fdpass_table_entry *fdpass_table_get(const struct fdpass_table *table, uint64_t inode)
{
	const struct fdpass_table_entry wanted = {.socket = {.inode = inode}};

	return table->count > 0 ? bsearch(&wanted, table->entries, table->count,
					  sizeof(*table->entries), by_inode)
				: NULL;
}

static int keep(void *context, const struct fdpass_socket *socket)
{
	struct fdpass_table_entry *entry = fdpass_table_get(context, socket->inode);

	if (entry != NULL && entry->socket.kind == SOCKET_UNKNOWN)
		entry->socket = *socket;
	return 0;
}

/* A process may hold sockets of other network namespaces than its own, ours among them. */
static int has_our_network(const struct fdpass_pidref *ref)
{
	struct stat ours, theirs;

	return stat("/proc/thread-self/ns/net", &ours) == 0 &&
	       fstatat(ref->proc, "ns/net", &theirs, 0) == 0 && ours.st_ino == theirs.st_ino &&
	       ours.st_dev == theirs.st_dev;
}

static int fill(const struct fdpass_pidref *ref, struct fdpass_table *table)
{
	int r = fdpass_diag_visit(keep, table);

	if (r == -EMFILE || r == -ENFILE || r == -ENOMEM)
		return r;
	if (r == 0 && has_our_network(ref))
		return 0;
	r = fdpass_procnet_visit(ref->proc, keep, table);
	return r == -EMFILE || r == -ENFILE || r == -ENOMEM ? r : 0;
}

int fdpass_table_list(const struct fdpass_links *links, struct fdpass_table *ret_table)
{
	struct fdpass_table table = TABLE_INIT;
	size_t sockets = 0, kept = 0;

	for (size_t i = 0; i < links->count; i++)
		sockets += links->list[i].socket != 0;
	if (sockets == 0) {
		*ret_table = table;
		return 0;
	}
	table.entries = calloc(sockets, sizeof(*table.entries));
	if (table.entries == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < links->count; i++) {
		if (links->list[i].socket != 0)
			table.entries[table.count++].socket.inode = links->list[i].socket;
	}
	qsort(table.entries, table.count, sizeof(*table.entries), by_inode);
	for (size_t i = 0; i < table.count; i++) {
		if (kept == 0 ||
		    table.entries[i].socket.inode != table.entries[kept - 1].socket.inode)
			table.entries[kept++].socket.inode = table.entries[i].socket.inode;
	}
	table.count = kept;
	*ret_table = table;
	return 0;
}

int fdpass_table_read(const struct fdpass_pidref *ref, const struct fdpass_links *links,
		      struct fdpass_table *ret_table)
{
	struct fdpass_table table = TABLE_INIT;
	int r = fdpass_table_list(links, &table);

	if (r == 0 && table.count > 0)
		r = fill(ref, &table);
	if (r < 0) {
		fdpass_table_free(&table);
		return r;
	}
	*ret_table = table;
	return 0;
}

void fdpass_table_free(struct fdpass_table *table)
{
	free(table->entries);
	*table = (struct fdpass_table)TABLE_INIT;
}
