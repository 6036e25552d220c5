/* SPDX-License-Identifier: MIT */
/* Counting what fits a description, without taking any of it. */
#include "acquire/held.h"
#include "acquire/sought.h"
#include "base/error.h"

/* 1 when what the link leads to fits and was not counted before. */
static int counts(const struct fdpass_sought *sought, const struct fdpass_links *links,
		  const struct fdpass_link *link, const struct fdpass_table *table)
{
	struct fdpass_table_entry *entry;
	struct stat status;

	if (sought->match->kind == MATCH_FILE)
		return link->socket == 0 &&
		       fdpass_sought_fits_file(sought, links, link->number, &status);
	entry = link->socket != 0 ? fdpass_table_get(table, link->socket) : NULL;
	if (entry == NULL || entry->done)
		return 0;
	entry->done = 1;
	return entry->socket.kind != SOCKET_UNKNOWN &&
	       fdpass_sought_fits_socket(sought, &entry->socket);
}

int fdpass_acquire_count(const struct fdpass_pidref *ref, const struct fdpass_match *match,
			 struct fdpass_error *error)
{
	links_owned struct fdpass_links links = LINKS_INIT;
	table_owned struct fdpass_table table = TABLE_INIT;
	sought_owned struct fdpass_sought sought = SOUGHT_INIT;
	int count = 0;
	int r = fdpass_sought_init(&sought, match);

	if (r < 0)
		return fdpass_error_set(error, FDPASS_STEP_MEMORY, r);
	r = fdpass_held_read(ref, &links, &table, error);
	if (r < 0)
		return r;
	for (size_t i = 0; i < links.count; i++)
		count += counts(&sought, &links, &links.list[i], &table);
	return count;
}
