/* SPDX-License-Identifier: MIT */
/*
 * Memory of a program that ends early: malloc() and the like are renamed to these in everything of the
 * programs, so that what is left can be freed, and a million command lines do not fill the machine.
 */
#undef malloc
#undef calloc
#undef realloc
#undef strdup
#undef strndup
#undef free
#include <string.h>

#include "fuzz.h"

/* Stands before each piece, as strictly aligned as what malloc() gives. */
union piece {
	struct {
		union piece *before, *after;
	} ring;
	max_align_t align;
};

static union piece all = {.ring = {&all, &all}};

void *fuzz_malloc(size_t size);
void *fuzz_calloc(size_t number, size_t size);
void *fuzz_realloc(void *content, size_t size);
char *fuzz_strdup(const char *text);
char *fuzz_strndup(const char *text, size_t size);
void fuzz_free(void *content);

static void *keep(union piece *piece)
{
	MUST(piece != NULL);
	piece->ring.before = all.ring.before;
	piece->ring.after = &all;
	all.ring.before->ring.after = piece;
	all.ring.before = piece;
	return piece + 1;
}

static union piece *forget(void *content)
{
	union piece *piece = content;

	if (piece == NULL)
		return NULL;
	piece--;
	piece->ring.before->ring.after = piece->ring.after;
	piece->ring.after->ring.before = piece->ring.before;
	return piece;
}

void *fuzz_malloc(size_t size)
{
	return keep(malloc(sizeof(union piece) + size));
}

void *fuzz_calloc(size_t number, size_t size)
{
	return keep(calloc(1, sizeof(union piece) + number * size));
}

void *fuzz_realloc(void *content, size_t size)
{
	return keep(realloc(forget(content), sizeof(union piece) + size));
}

char *fuzz_strndup(const char *text, size_t size)
{
	size_t length = strnlen(text, size);
	char *copy = fuzz_malloc(length + 1);

	memcpy(copy, text, length);
	copy[length] = '\0';
	return copy;
}

char *fuzz_strdup(const char *text)
{
	return fuzz_strndup(text, strlen(text));
}

void fuzz_free(void *content)
{
	free(forget(content));
}

void fuzz_free_all(void)
{
	while (all.ring.after != &all)
		free(forget(all.ring.after + 1));
}
