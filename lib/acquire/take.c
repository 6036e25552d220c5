/* SPDX-License-Identifier: MIT */
/*
 * Taking what fits a description.
 *
 * A duplicate of somebody's connection keeps it open, so nothing is duplicated to find out what it is, if the
 * tables tell. What was duplicated is looked at once more: its number may have been used again meanwhile.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "acquire/describe.h"
#include "acquire/held.h"
#include "acquire/sought.h"
#include "base/error.h"
#include "base/fd.h"

struct taking {
	const struct fdpass_pidref *ref;
	const struct fdpass_links *links;
	const struct fdpass_sought *sought;
	enum fdpass_method method;
	struct fdpass_set *set;
	fdpass_held held;
	void *context;
	struct fdpass_error *error;
};

/* Gives `*fd` to the set. */
static int keep(const struct taking *taking, int *fd, int number, const char *text)
{
	int r = fdpass_set_take(taking->set, *fd);

	if (r < 0)
		return fdpass_pidref_fail(taking->ref, taking->error,
					  r == -ENOMEM ? FDPASS_STEP_MEMORY : FDPASS_STEP_ACQUIRE,
					  r, number, r == -ENOMEM ? "" : "table");
	fd_give(fd);
	if (taking->held != NULL)
		taking->held(taking->context, number, text);
	return 1;
}

/* A socket in no table: not one that exists in our network namespace or the process's, or one that is
 * not bound. Its protocol shows whether it is worth looking at. */
static int may_fit(const struct taking *taking, int number)
{
	static const char *const prefixes[][2] = {
		[MATCH_LISTEN] = {"TCP", "UNIX"},   [MATCH_TCP] = {"TCP", "TCP"},
		[MATCH_UDP] = {"UDP", "UDP"},       [MATCH_UNIX] = {"UNIX", "UNIX"},
		[MATCH_ACCEPTED] = {"TCP", "UNIX"}, [MATCH_SAME] = {"", ""},
	};
	enum match_kind kind = taking->sought->match->kind;
	char name[64], *protocol = name;

	fdpass_describe_protocol(taking->links, number, name, sizeof(name));
	if (strncmp(name, "MPTCP", 5) == 0)
		protocol++;
	/* Without a name, only a look can tell. */
	return protocol[0] == '\0' ||
	       strncmp(protocol, prefixes[kind][0], strlen(prefixes[kind][0])) == 0 ||
	       strncmp(protocol, prefixes[kind][1], strlen(prefixes[kind][1])) == 0;
}

/* 1: taken, 0: it does not fit, or not any more. */
static int take_socket(const struct taking *taking, int number, struct fdpass_table_entry *entry)
{
	const struct fdpass_socket *listed = &entry->socket;
	fd_owned int fd = FD_NONE;
	struct fdpass_socket seen;
	char text[DESCRIBE_MAX];
	int r;

	if (entry->done)
		return 0;
	if (listed->kind == SOCKET_UNKNOWN ? !may_fit(taking, number)
					   : !fdpass_sought_fits_socket(taking->sought, listed)) {
		entry->done = 1;
		return 0;
	}
	r = fdpass_acquire(taking->ref, number, FDPASS_METHOD_DUPLICATE, &fd, taking->error);
	if (r < 0)
		return r == -EBADF ? 0 : r;
	/* Another one by now, or none at all: the same socket may be open under a later number. */
	if (fdpass_socket_look(fd, &seen) < 0 || seen.inode != listed->inode)
		return 0;
	entry->done = 1;
	seen.bound = listed->bound;
	if (!fdpass_sought_fits_socket(taking->sought, &seen))
		return 0;
	fdpass_describe_socket(taking->links, number, &seen, text);
	return keep(taking, &fd, number, text);
}

static int take_file(const struct taking *taking, int number)
{
	struct stat wanted, seen;
	fd_owned int fd = FD_NONE;
	char text[DESCRIBE_MAX];
	int r;

	if (!fdpass_sought_fits_file(taking->sought, taking->links, number, &wanted) ||
	    fdpass_describe(taking->links, number, text) < 0)
		return 0;
	r = fdpass_acquire(taking->ref, number, taking->method, &fd, taking->error);
	if (r < 0)
		return r == -EBADF ? 0 : r;
	if (fstat(fd, &seen) < 0 || seen.st_dev != wanted.st_dev || seen.st_ino != wanted.st_ino)
		return 0;
	return keep(taking, &fd, number, text);
}

static int take_all(const struct taking *taking, const struct fdpass_table *table)
{
	int taken = 0;

	for (size_t i = 0; i < taking->links->count; i++) {
		const struct fdpass_link *link = &taking->links->list[i];
		int r = 0;

		if (taking->sought->match->kind == MATCH_FILE)
			r = link->socket == 0 ? take_file(taking, link->number) : 0;
		else if (link->socket != 0)
			r = take_socket(taking, link->number,
					fdpass_table_get(table, link->socket));
		if (r < 0)
			return r;
		taken += r;
	}
	return taken > 0 ? taken
			 : fdpass_pidref_call_failed(taking->ref, taking->error, -ENOENT, -1,
						     "match");
}

int fdpass_acquire_match(const struct fdpass_pidref *ref, const struct fdpass_match *match,
			 enum fdpass_method method, struct fdpass_set *set, fdpass_held held,
			 void *context, struct fdpass_error *error)
{
	links_owned struct fdpass_links links = LINKS_INIT;
	table_owned struct fdpass_table table = TABLE_INIT;
	sought_owned struct fdpass_sought sought = SOUGHT_INIT;
	const struct taking taking = {ref, &links, &sought, method, set, held, context, error};
	size_t before = fdpass_set_count(set);
	int r;

	r = fdpass_sought_init(&sought, match);
	if (r < 0)
		return fdpass_pidref_call_failed(ref, error, r, -1, "");
	r = fdpass_held_read(ref, &links, &table, error);
	if (r < 0)
		return r;
	r = take_all(&taking, &table);
	/* What a process that ends has closed already looks like what has vanished. */
	if (r >= 0 && fdpass_pidref_is_ending(ref) == 1)
		r = fdpass_pidref_call_failed(ref, error, -ESRCH, -1, "");
	if (r < 0)
		fdpass_set_truncate(set, before);
	return r;
}
