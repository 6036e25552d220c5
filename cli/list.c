/* SPDX-License-Identifier: MIT */
/* LIST: descriptor numbers as "3", "0,1,2", "4-9", and mixes of these. */
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

	while (capacity < list->count + more)
		capacity *= 2;
	if (capacity == list->capacity)
		return 1;
	numbers = realloc(list->numbers, capacity * sizeof *numbers);
	if (!numbers)
		return 0;
	list->numbers = numbers;
	list->capacity = capacity;
	return 1;
}

/* One element, "3" or "4-9", at `*cursor`, which is moved behind it. `text` is the whole list. */
static enum cli_list_status parse_element(struct cli_list *list, const char *text,
					  const char **cursor, struct cli_list_part *part)
{
	const char *start = *cursor;
	const char *last_start = start;
	enum cli_number_status status;
	uint64_t first, last;

	status = cli_number_scan(cursor, INT_MAX, &first);
	if (status == CLI_NUMBER_OK) {
		last = first;
		if (**cursor == '-') {
			last_start = ++*cursor;
			status = cli_number_scan(cursor, INT_MAX, &last);
		}
	}
	if (status == CLI_NUMBER_TOO_LARGE)
		return part_is(part, last_start, *cursor, CLI_LIST_TOO_LARGE);
	if (status != CLI_NUMBER_OK || (**cursor != ',' && **cursor != '\0'))
		return part_is(part, text, text + strlen(text), CLI_LIST_MALFORMED);
	if (last < first)
		return part_is(part, start, *cursor, CLI_LIST_REVERSED);
	/* Judged before anything is allocated: "0-2147483647" costs nothing. */
	if (last - first >= FDPASS_HANDOVER_MAX - list->count)
		return part_is(part, start, *cursor, CLI_LIST_TOO_MANY);
	if (!reserve(list, (size_t)(last - first) + 1))
		return part_is(part, start, *cursor, CLI_LIST_NO_MEMORY);
	for (; first <= last; first++)
		list->numbers[list->count++] = (int)first;
	return CLI_LIST_OK;
}

enum cli_list_status cli_list_parse(struct cli_list *list, const char *text,
				    struct cli_list_part *ret_part)
{
	size_t count = list->count;
	const char *cursor = text;

	for (;;) {
		enum cli_list_status status = parse_element(list, text, &cursor, ret_part);

		if (status != CLI_LIST_OK) {
			list->count = count;
			return status;
		}
		if (*cursor == '\0')
			return CLI_LIST_OK;
		cursor++;
	}
}

void cli_list_clear(struct cli_list *list)
{
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
