/* SPDX-License-Identifier: MIT */
/* Input as a string. */
#include <string.h>

#include "fuzz.h"

char *fuzz_text(const uint8_t *data, size_t size)
{
	size_t length = size > 0 ? strnlen((const char *)data, size) : 0;
	char *text = malloc(length + 1);

	MUST(text != NULL);
	if (length > 0)
		memcpy(text, data, length);
	text[length] = '\0';
	return text;
}

void fuzz_text_end(char *text)
{
	free(text);
}
