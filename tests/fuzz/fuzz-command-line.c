/* SPDX-License-Identifier: MIT */
/*
 * Whole command lines, one word in a line, of the program that this is compiled for (PROGRAM): read into a
 * request, and nothing done. exit() is renamed in everything of the programs, so that it comes back here; and
 * so are malloc() and the like (tracking.c). What the library made is lost then, as in a program that ends.
 */
#include <setjmp.h>
#include <string.h>

#include "cli/diagnostic.h"
#include "fuzz.h"

#include REQUEST_HEADER

#define WORDS_MAX 64

#define PASTE(a, b) a##b
#define PARSE_OF(program) PASTE(program, _request_parse)
#define PARSE PARSE_OF(PROGRAM)

static jmp_buf back;

/* Declared by <stdlib.h>, in the place of exit(). */
_Noreturn void fuzz_exit(int status)
{
	MUST(status >= 0 && status <= 127);
	longjmp(back, 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char name[] = "program";
	static struct request request;
	char *text = fuzz_text(data, size);
	char *rest = text, *line;
	char *words[WORDS_MAX + 2] = {name};
	int count = 1;

	while (count <= WORDS_MAX && (line = strsep(&rest, "\n")) != NULL)
		words[count++] = line;
	memset(&request, 0, sizeof(request));
	cli_diagnostic_name("fuzz");
	cli_diagnostic_level(CLI_SILENT);
	if (setjmp(back) == 0) {
		PARSE(&request, count, words);
		/* What points into the command line is looked at. */
		MUST(request.patience >= 0);
	}
	fuzz_text_end(text);
	fuzz_free_all();
	return 0;
}
