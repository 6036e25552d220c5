/* SPDX-License-Identifier: MIT */
#ifndef FDPASS_CLI_LIST_H
#define FDPASS_CLI_LIST_H

/*
 * LIST: descriptor numbers as "3", "0,1,2", "4-9", and mixes of these; each of them may have a name before
 * it, "web=3" or "web=4-9", which is that of all its numbers: fdpass_name_check().
 */

#include <stddef.h>

/* The numbers, in the order in which they were written. */
struct cli_list {
	int *numbers;
	char **names; /* NULL, here or in a place: none */
	size_t count;
	size_t capacity;
};

#define CLI_LIST_INIT                                                                              \
	{                                                                                          \
		NULL, NULL, 0, 0                                                                   \
	}

enum cli_list_status {
	CLI_LIST_OK,
	CLI_LIST_MALFORMED, /* the part is the whole text */
	CLI_LIST_BAD_NAME,  /* the part is the name */
	CLI_LIST_TOO_LARGE, /* the part is a number above INT_MAX */
	CLI_LIST_REVERSED,  /* the part is a range whose end is below its start */
	CLI_LIST_TOO_MANY,  /* above FDPASS_HANDOVER_MAX in `list`; the part is what does not fit */
	CLI_LIST_NO_MEMORY,
};

/* A part of the text that was parsed: not terminated, for "%.*s". */
struct cli_list_part {
	const char *text;
	int length;
};

/* Appends the numbers of `text` to `list`; the same number may come twice. On failure `list` is as
 * before and `ret_part` (never NULL) says what is wrong. */
enum cli_list_status cli_list_parse(struct cli_list *list, const char *text,
				    struct cli_list_part *ret_part);

/* Frees the numbers; the list is empty afterwards. */
void cli_list_clear(struct cli_list *list);

/* The failure in words, such as "'3-' is not a list of descriptors, such as 3 or 0,1,2 or 4-9", cut to
 * `size`. Returns `text`. */
const char *cli_list_explain(enum cli_list_status status, const struct cli_list_part *part,
			     char *text, size_t size);

#endif
