/* SPDX-License-Identifier: MIT */
/* LIST: descriptor numbers as "3", "0,1,2", "4-9", and mixes of these, with names. */
#include "cli/list.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/number.h"
#include "fdpass.h"

static enum cli_list_status part_is(struct cli_list_part *part, const char *start, const char *end,
				    enum cli_list_status status)
{
	ptrdiff_t length = end - start;

	part->text = start;
	part->length = length > INT_MAX ? INT_MAX : (int)length;
	return status;
}

/* Room for `more` numbers; `more` and the count are at most FDPASS_HANDOVER_MAX. */
static int reserve(struct cli_list *list, size_t more)
{
	size_t capacity = list->capacity ? list->capacity : 16;
	int *numbers;
	char **names;

	while (capacity < list->count + more)
		capacity *= 2;
	if (capacity == list->capacity)
		return 1;
	numbers = realloc(list->numbers, capacity * sizeof *numbers);
	if (!numbers)
		return 0;
	list->numbers = numbers;
	if (list->names) {
		names = realloc(list->names, capacity * sizeof *names);
		if (!names)
			return 0;
		list->names = names;
	}
	list->capacity = capacity;
	return 1;
}

static int append(struct cli_list *list, int number, const struct cli_list_part *name)
{
	char *copy = NULL;

	if (name->length > 0) {
		if (!list->names)
			list->names = calloc(list->capacity, sizeof *list->names);
		copy = strndup(name->text, (size_t)name->length);
		if (!list->names || !copy) {
			free(copy);
			return 0;
		}
	}
	if (list->names)
		list->names[list->count] = copy;
	list->numbers[list->count++] = number;
	return 1;
}

/* "NAME=", if there is one: `name` is empty when not. */
static enum cli_list_status parse_name(const char **cursor, struct cli_list_part *name)
{
	char text[FDPASS_NAME_MAX + 2];
	size_t length = strcspn(*cursor, "=,");

	part_is(name, *cursor, *cursor, CLI_LIST_OK);
	if ((*cursor)[length] != '=')
		return CLI_LIST_OK;
	snprintf(text, sizeof text, "%.*s", (int)(length < sizeof text ? length : sizeof text),
		 *cursor);
	part_is(name, *cursor, *cursor + length, CLI_LIST_OK);
	if (fdpass_name_check(text) < 0)
		return CLI_LIST_BAD_NAME;
	*cursor += length + 1;
	return CLI_LIST_OK;
}

/* "3" or "4-9" at `*cursor`, which is moved behind it. `text` is the whole list. */
static enum cli_list_status parse_range(const char *text, const char **cursor, uint64_t *first,
					uint64_t *last, struct cli_list_part *part)
{
	const char *start = *cursor;
	const char *last_start = start;
	enum cli_number_status status = cli_number_scan(cursor, INT_MAX, first);

	if (status == CLI_NUMBER_OK) {
		*last = *first;
		if (**cursor == '-') {
			last_start = ++*cursor;
			status = cli_number_scan(cursor, INT_MAX, last);
		}
	}
	if (status == CLI_NUMBER_TOO_LARGE)
		return part_is(part, last_start, *cursor, CLI_LIST_TOO_LARGE);
	if (status != CLI_NUMBER_OK || (**cursor != ',' && **cursor != '\0'))
		return part_is(part, text, text + strlen(text), CLI_LIST_MALFORMED);
	if (*last < *first)
		return part_is(part, start, *cursor, CLI_LIST_REVERSED);
	return part_is(part, start, *cursor, CLI_LIST_OK);
}

/* One element, "3", "4-9" or "web=3". */
static enum cli_list_status parse_element(struct cli_list *list, const char *text,
					  const char **cursor, struct cli_list_part *part)
{
	enum cli_list_status status;
	struct cli_list_part name;
	uint64_t first, last;

	status = parse_name(cursor, &name);
	if (status != CLI_LIST_OK) {
		*part = name;
		return status;
	}
	status = parse_range(text, cursor, &first, &last, part);
	if (status != CLI_LIST_OK)
		return status;
	/* Judged before anything is allocated: "0-2147483647" costs nothing. */
	if (last - first >= FDPASS_HANDOVER_MAX - list->count)
		return CLI_LIST_TOO_MANY;
	if (!reserve(list, (size_t)(last - first) + 1))
		return CLI_LIST_NO_MEMORY;
	for (; first <= last; first++)
		if (!append(list, (int)first, &name))
			return CLI_LIST_NO_MEMORY;
	return CLI_LIST_OK;
}

static void truncate_list(struct cli_list *list, size_t count)
{
	while (list->count > count) {
		list->count--;
		if (list->names)
			free(list->names[list->count]);
	}
}

enum cli_list_status cli_list_parse(struct cli_list *list, const char *text,
				    struct cli_list_part *ret_part)
{
	size_t count = list->count;
	const char *cursor = text;

	for (;;) {
		enum cli_list_status status = parse_element(list, text, &cursor, ret_part);

		if (status != CLI_LIST_OK) {
			truncate_list(list, count);
			return status;
		}
		if (*cursor == '\0')
			return CLI_LIST_OK;
		cursor++;
	}
}

void cli_list_clear(struct cli_list *list)
{
	truncate_list(list, 0);
	free(list->names);
	free(list->numbers);
	*list = (struct cli_list)CLI_LIST_INIT;
}

const char *cli_list_explain(enum cli_list_status status, const struct cli_list_part *part,
			     char *text, size_t size)
{
	switch (status) {
	case CLI_LIST_OK:
		snprintf(text, size, "'%.*s' is a list of descriptors", part->length, part->text);
		break;
	case CLI_LIST_MALFORMED:
		snprintf(text, size,
			 "'%.*s' is not a list of descriptors, such as 3 or 0,1,2 or 4-9",
			 part->length, part->text);
		break;
	case CLI_LIST_BAD_NAME:
		snprintf(text, size,
			 "'%.*s' is not a name: 1 to %d printable ASCII characters without ':'",
			 part->length, part->text, FDPASS_NAME_MAX);
		break;
	case CLI_LIST_TOO_LARGE:
		snprintf(text, size, "%.*s is too large", part->length, part->text);
		break;
	case CLI_LIST_REVERSED:
		snprintf(text, size, "'%.*s' runs backwards", part->length, part->text);
		break;
	case CLI_LIST_TOO_MANY:
		snprintf(text, size, "'%.*s' makes more than %d descriptors", part->length,
			 part->text, FDPASS_HANDOVER_MAX);
		break;
	case CLI_LIST_NO_MEMORY:
		snprintf(text, size, "no memory for '%.*s'", part->length, part->text);
		break;
	}
	return text;
}
