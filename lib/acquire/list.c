/* SPDX-License-Identifier: MIT */
/* Telling what a process holds, without taking any of it. */
#include <errno.h>

#include "acquire/describe.h"
#include "acquire/held.h"

int fdpass_held_read(const struct fdpass_pidref *ref, struct fdpass_links *ret_links,
		     struct fdpass_table *ret_table, struct fdpass_error *error)
{
	int r;

	if (ref->proc < 0)
		return fdpass_pidref_call_failed(ref, error, ref->proc, -1, "proc");
	r = fdpass_links_read(ref->proc, ret_links);
	if (r == -EACCES || r == -EPERM)
		return fdpass_pidref_deny(ref, error, DENIED_LOOK, -EACCES, -1);
	if (r < 0)
		return fdpass_pidref_call_failed(ref, error, r, -1, "proc");
	r = fdpass_table_read(ref, ret_links, ret_table);
	if (r < 0) {
		fdpass_links_free(ret_links);
		return fdpass_pidref_call_failed(ref, error, r, -1, "proc");
	}
	/* The links of a process that is ending are gone before it is. */
	if (ret_links->count == 0 && fdpass_pidref_is_ending(ref) > 0) {
		fdpass_links_free(ret_links);
		return fdpass_pidref_call_failed(ref, error, -ESRCH, -1, "");
	}
	return 0;
}

int fdpass_acquire_list(const struct fdpass_pidref *ref, fdpass_held held, void *context,
			struct fdpass_error *error)
{
	links_owned struct fdpass_links links = LINKS_INIT;
	table_owned struct fdpass_table table = TABLE_INIT;
	char text[DESCRIBE_MAX];
	int told = 0, r;

	r = fdpass_held_read(ref, &links, &table, error);
	if (r < 0)
		return r;
	for (size_t i = 0; i < links.count; i++) {
		const struct fdpass_link *link = &links.list[i];

		if (link->socket != 0)
			fdpass_describe_socket(&links, link->number,
					       &fdpass_table_get(&table, link->socket)->socket,
					       text);
		else if (fdpass_describe(&links, link->number, text) < 0)
			continue;
		held(context, link->number, text);
		told++;
	}
	return told;
}
