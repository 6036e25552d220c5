/* SPDX-License-Identifier: MIT */
/* Which process is meant by what it holds. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "acquire/holders.h"
#include "acquire/pidref.h"
#include "acquire/sought.h"
#include "acquire/tables.h"
#include "base/error.h"
#include "base/fd.h"

struct collection {
	struct fdpass_wanted *wanted;
	size_t room;
};

static int collect(void *context, const struct fdpass_socket *socket)
{
	struct collection *collection = context;
	struct fdpass_wanted *wanted = collection->wanted;

	if (!fdpass_sought_fits_socket(wanted->sought, socket))
		return 0;
	if (wanted->count == collection->room) {
		size_t room = collection->room > 0 ? 2 * collection->room : 16;
		uint64_t *inodes = realloc(wanted->inodes, room * sizeof(*inodes));

		if (inodes == NULL)
			return -ENOMEM;
		wanted->inodes = inodes;
		collection->room = room;
	}
	wanted->inodes[wanted->count++] = socket->inode;
	return 0;
}

static int by_number(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static int collect_sockets(struct fdpass_wanted *wanted)
{
	const struct fdpass_match *match = wanted->sought->match;
	const struct fdpass_socket itself = {.inode = match->inode};
	struct collection collection = {wanted, 0};
	fd_owned int self = FD_NONE;
	int r;

	if (match->kind == MATCH_SAME)
		return collect(&collection, &itself);
	r = fdpass_diag_visit_kind(match->kind, collect, &collection);
	if (r < 0 && r != -EMFILE && r != -ENFILE && r != -ENOMEM) {
		/* A kernel without sock_diag. What was collected so far comes again. */
		wanted->count = 0;
		self = open("/proc/thread-self", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		r = self >= 0 ? fdpass_procnet_visit(self, collect, &collection) : -errno;
	}
	if (r == 0 && wanted->count > 0)
		qsort(wanted->inodes, wanted->count, sizeof(*wanted->inodes), by_number);
	return r;
}

static int failed(struct fdpass_error *error, int code)
{
	if (code == -ENOMEM)
		return fdpass_error_set(error, FDPASS_STEP_MEMORY, code);
	return fdpass_error_text(error, FDPASS_STEP_PROCESS, code,
				 code == -EMFILE || code == -ENFILE ? "table" : "proc");
}

static int nobody(struct fdpass_error *error)
{
	return fdpass_error_text(error, FDPASS_STEP_PROCESS, -ESRCH, "nobody");
}

/* Pins `pid`, and makes sure that it is the one that was found: its number may be another's by now. */
static int pin(pid_t pid, const struct fdpass_wanted *wanted, struct fdpass_pidref **ret_ref,
	       struct fdpass_error *error)
{
	struct fdpass_pidref *ref;
	int r = fdpass_pidref_open(pid, 0, &ref, error);

	if (r < 0)
		return r;
	r = ref->proc >= 0 ? fdpass_holders_look(ref->proc, wanted) : ref->proc;
	if (r > 0) {
		*ret_ref = ref;
		return 0;
	}
	fdpass_pidref_free(ref);
	return r == 0 ? nobody(error) : failed(error, r);
}

/* What fits, and who holds it: `holders` is the caller's on success. */
static int gather(const struct fdpass_match *match, struct fdpass_wanted *wanted,
		  struct fdpass_holders *ret_holders, struct fdpass_error *error)
{
	int r = match->kind != MATCH_FILE ? collect_sockets(wanted) : 0;

	if (r < 0)
		return failed(error, r);
	if (match->kind != MATCH_FILE && wanted->count == 0)
		return nobody(error);
	r = fdpass_holders_find(wanted, ret_holders);
	return r < 0 ? failed(error, r) : 0;
}

static int choose(const struct fdpass_wanted *wanted, struct fdpass_holders *holders,
		  struct fdpass_pidref **ret_ref, struct fdpass_error *error)
{
	char text[FDPASS_REASON_MAX + 1];
	pid_t first;
	int r = 0;

	/* Whose child somebody was cannot be seen when he has gone. */
	while ((first = fdpass_holders_first(holders)) == 0 && holders->count > 0 &&
	       (r = fdpass_holders_again(wanted, holders)) > 0) {
		if (holders->count == 0)
			return nobody(error);
	}
	if (r < 0)
		return failed(error, r);
	if (first > 0)
		return pin(first, wanted, ret_ref, error);
	if (holders->count > 0) {
		fdpass_holders_text(holders, text, sizeof(text));
		return fdpass_error_text(error, FDPASS_STEP_PROCESS, -ENOTUNIQ, text);
	}
	if (wanted->count > 0 && !holders->own)
		return fdpass_error_text(error, FDPASS_STEP_PROCESS, -EACCES, "hidden");
	return nobody(error);
}

int fdpass_pidref_find(const struct fdpass_match *match, struct fdpass_pidref **ret_ref,
		       struct fdpass_error *error)
{
	sought_owned struct fdpass_sought sought = SOUGHT_INIT;
	struct fdpass_wanted wanted = {&sought, NULL, 0};
	struct fdpass_holders holders = {NULL, 0, 0};
	int r = fdpass_sought_init(&sought, match);

	r = r < 0 ? failed(error, r) : gather(match, &wanted, &holders, error);
	if (r == 0)
		r = choose(&wanted, &holders, ret_ref, error);
	free(holders.pids);
	free(wanted.inodes);
	return r;
}

int fdpass_pidref_count(const struct fdpass_match *match, struct fdpass_error *error)
{
	sought_owned struct fdpass_sought sought = SOUGHT_INIT;
	struct fdpass_wanted wanted = {&sought, NULL, 0};
	struct fdpass_holders holders = {NULL, 0, 0};
	int r = fdpass_sought_init(&sought, match);

	r = r < 0 ? failed(error, r) : gather(match, &wanted, &holders, error);
	if (r == 0 && holders.count > 1) {
		r = fdpass_holders_again(&wanted, &holders);
		if (r < 0)
			failed(error, r);
	}
	free(holders.pids);
	free(wanted.inodes);
	if (r == -ESRCH)
		return 0;
	return r < 0 ? r : (int)holders.count;
}
