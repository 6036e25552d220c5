/* SPDX-License-Identifier: MIT */
/* Finding and filling in the words for an error record. */
#include "cli/wording.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

const char *cli_wording_find(const struct cli_wording *table, size_t count,
			     const struct fdpass_error *error)
{
	for (size_t i = 0; i < count; i++) {
		if (table[i].step == error->step &&
		    (table[i].code == 0 || table[i].code == error->code) &&
		    (table[i].when == NULL || strcmp(table[i].when, error->text) == 0))
			return table[i].text;
	}
	return NULL;
}

/* What `{name}` stands for; a number is written to `number`. */
static const char *value_of(const char *name, size_t length, const char *where,
			    const struct fdpass_error *error, char number[24])
{
	if (strncmp(name, "where", length) == 0)
		return where;
	if (strncmp(name, "errno", length) == 0)
		return strerror(error->code);
	if (strncmp(name, "text", length) == 0)
		return error->text;
	if (strncmp(name, "fd", length) == 0)
		snprintf(number, 24, "%d", error->fd);
	else if (strncmp(name, "user", length) == 0)
		snprintf(number, 24, "%ju", (uintmax_t)error->peer.uid);
	else
		snprintf(number, 24, "%jd", (intmax_t)error->peer.pid);
	return number;
}

const char *cli_wording_fill(const char *pattern, const char *where,
			     const struct fdpass_error *error, char *text, size_t size)
{
	char usual[FDPASS_REASON_MAX];
	size_t used = 0;

	if (pattern == NULL) {
		snprintf(usual, sizeof(usual), "{where}: %s failed: {errno}",
			 fdpass_step_text(error->step));
		pattern = usual;
	}
	while (*pattern != '\0' && used + 1 < size) {
		const char *end = *pattern == '{' ? strchr(pattern, '}') : NULL;
		char number[24];
		const char *value;

		if (end == NULL) {
			text[used++] = *pattern++;
			continue;
		}
		value = value_of(pattern + 1, (size_t)(end - pattern - 1), where, error, number);
		while (*value != '\0' && used + 1 < size)
			text[used++] = *value++;
		pattern = end + 1;
	}
	text[used] = '\0';
	return text;
}
