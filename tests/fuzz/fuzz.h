/* SPDX-License-Identifier: MIT */
#ifndef FDPASS_FUZZ_H
#define FDPASS_FUZZ_H

/* One target: libFuzzer calls it with what it makes up, replay.c with what is in the corpus. */

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* assert() that stays when assertions are off. */
#define MUST(what)                                                                                 \
	do {                                                                                       \
		if (!(what)) {                                                                     \
			fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #what);         \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

/* A copy that ends with a NUL byte and is as long as it looks, so that sanitizers see its end. */
char *fuzz_text(const uint8_t *data, size_t size);
void fuzz_text_end(char *text);

/* Frees what a program has left: tracking.c. */
void fuzz_free_all(void);

#endif
