/* SPDX-License-Identifier: MIT */
/*
 * Counting what fits a description, without taking any of it.
 *
 * Sockets are looked up in the kernel's tables, as elsewhere, since a duplicate of a connection would keep it
 * open. But a dump walks through all buckets of the table of TCP, a quarter of a million on a machine with
 * memory: 10 ms for each address family. Of a process that is stopped, which can close nothing, its sockets
 * are looked at one by one instead: 3 us each.
 */
#include <errno.h>

#include "acquire/held.h"
#include "acquire/sought.h"
#include "base/error.h"
#include "base/fd.h"

struct counting {
	const struct fdpass_pidref *ref;
	const struct fdpass_sought *sought;
	enum { BY_TABLES, BY_LOOKING } how;
	struct fdpass_links links;
	struct fdpass_table table;
	struct fdpass_error *error;
};

/* 1 when the socket fits, 0 when not or not any more. */
static int look(const struct counting *counting, int number)
{
	fd_owned int fd = FD_NONE;
	struct fdpass_socket seen;
	int r = fdpass_acquire(counting->ref, number, FDPASS_METHOD_DUPLICATE, &fd,
			       counting->error);

	if (r < 0)
		return r == -EBADF ? 0 : r;
	return fdpass_socket_look(fd, &seen) == 0 &&
	       fdpass_sought_fits_socket(counting->sought, &seen);
}

/* 1 when what the link leads to fits and was not counted before. */
static int counts(const struct counting *counting, const struct fdpass_link *link)
{
	const struct fdpass_sought *sought = counting->sought;
	struct fdpass_table_entry *entry;
	struct stat status;

	if (sought->match->kind == MATCH_FILE)
		return link->socket == 0 &&
		       fdpass_sought_fits_file(sought, &counting->links, link->number, &status);
	entry = link->socket != 0 ? fdpass_table_get(&counting->table, link->socket) : NULL;
	if (entry == NULL || entry->done)
		return 0;
	entry->done = 1;
	if (counting->how == BY_LOOKING)
		return look(counting, link->number);
	return entry->socket.kind != SOCKET_UNKNOWN &&
	       fdpass_sought_fits_socket(sought, &entry->socket);
}

static int read_held(struct counting *counting)
{
	int r;

	if (counting->how == BY_TABLES)
		return fdpass_held_read(counting->ref, &counting->links, &counting->table,
					counting->error);
	r = fdpass_links_read(counting->ref->proc, &counting->links);
	if (r == 0)
		r = fdpass_table_list(&counting->links, &counting->table);
	return r < 0 ? fdpass_pidref_call_failed(counting->ref, counting->error, r, -1, "proc") : 0;
}

int fdpass_acquire_count(const struct fdpass_pidref *ref, const struct fdpass_match *match,
			 struct fdpass_error *error)
{
	sought_owned struct fdpass_sought sought = SOUGHT_INIT;
	struct counting counting = {.ref = ref,
				    .sought = &sought,
				    .how = fdpass_pidref_is_stopped(ref) > 0 ? BY_LOOKING
									     : BY_TABLES,
				    .links = LINKS_INIT,
				    .table = TABLE_INIT,
				    .error = error};
	int count = 0;
	int r = fdpass_sought_init(&sought, match);

	if (r < 0)
		return fdpass_pidref_call_failed(ref, error, r, -1, "");
	r = read_held(&counting);
	for (size_t i = 0; r >= 0 && i < counting.links.count; i++) {
		r = counts(&counting, &counting.links.list[i]);
		count += r > 0;
	}
	fdpass_links_free(&counting.links);
	fdpass_table_free(&counting.table);
	return r < 0 ? r : count;
}
