/* SPDX-License-Identifier: MIT */
/* Which of the descriptors that came go to which targets: by name, and then in order. */
#include "tools/fdrecv/selection.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What came with a name. They are sorted by it, so that none of many is looked for one by one. */
struct named {
	const char *name;
	size_t index;
	size_t used; /* of the first of a name: how many of that name are selected already */
};

struct selection {
	struct named *named;
	size_t named_count;
	char *taken; /* for each that came, whether a name selected it */
};

static int by_name(const void *a, const void *b)
{
	const struct named *x = a, *y = b;
	int r = strcmp(x->name, y->name);

	return r != 0 ? r : (x->index > y->index) - (x->index < y->index);
}

static int prepare(struct selection *selection, size_t count, const char *const *names)
{
	selection->named = calloc(count + 1, sizeof(*selection->named));
	selection->taken = calloc(count + 1, 1);
	if (selection->named == NULL || selection->taken == NULL)
		return -ENOMEM;
	for (size_t i = 0; names != NULL && i < count; i++) {
		if (names[i] == NULL)
			continue;
		selection->named[selection->named_count].name = names[i];
		selection->named[selection->named_count++].index = i;
	}
	qsort(selection->named, selection->named_count, sizeof(*selection->named), by_name);
	return 0;
}

/* Where the first of that name stands among the sorted, or would stand. */
static size_t find(const struct selection *selection, const char *name)
{
	size_t low = 0, high = selection->named_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(selection->named[middle].name, name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* The next of that name: 1, or 0 when there is none left. */
static int select_named(struct selection *selection, const char *name, size_t *ret_index)
{
	size_t first = find(selection, name), at;

	if (first == selection->named_count)
		return 0;
	at = first + selection->named[first].used;
	if (at >= selection->named_count || strcmp(selection->named[at].name, name) != 0)
		return 0;
	selection->named[first].used++;
	*ret_index = selection->named[at].index;
	selection->taken[*ret_index] = 1;
	return 1;
}

/* "there are a, b"; each once. */
static void tell_missing(const struct selection *selection, const char *name, char *reason,
			 size_t size)
{
	const char *before = NULL;
	size_t used;

	snprintf(reason, size, "nothing came that is called '%s'%s", name,
		 selection->named_count > 0 ? "; there are " : ", nor anything with a name");
	for (size_t i = 0; i < selection->named_count; i++) {
		const char *next = selection->named[i].name;

		if (before != NULL && strcmp(before, next) == 0)
			continue;
		used = strlen(reason);
		if (used + strlen(next) + 8 > size) {
			snprintf(reason + used, size - used, " ...");
			return;
		}
		snprintf(reason + used, size - used, "%s%s", before != NULL ? ", " : "", next);
		before = next;
	}
}

static int select_all(struct selection *selection, const struct cli_list *targets, size_t *order,
		      char *reason, size_t size)
{
	size_t next = 0;

	for (size_t i = 0; i < targets->count; i++) {
		const char *name = targets->names[i];

		if (name == NULL || select_named(selection, name, &order[i]))
			continue;
		tell_missing(selection, name, reason, size);
		return -ENOENT;
	}
	for (size_t i = 0; i < targets->count; i++) {
		if (targets->names[i] != NULL)
			continue;
		while (selection->taken[next])
			next++;
		order[i] = next++;
	}
	return 0;
}

int fdrecv_select(const struct cli_list *targets, size_t count, const char *const *names,
		  size_t *order, char *reason, size_t size)
{
	struct selection selection = {NULL, 0, NULL};
	int r;

	if (count < targets->count) {
		snprintf(reason, size, "%zu descriptors are wanted, and %zu came", targets->count,
			 count);
		return -ENODATA;
	}
	if (targets->names == NULL) {
		for (size_t i = 0; i < targets->count; i++)
			order[i] = i;
		return 0;
	}
	r = prepare(&selection, count, names);
	if (r < 0)
		snprintf(reason, size, "%s", strerror(-r));
	else
		r = select_all(&selection, targets, order, reason, size);
	free(selection.named);
	free(selection.taken);
	return r;
}
