/* SPDX-License-Identifier: MIT */
/* What a program prints as its result: on stdout as a whole, or a failure. */
#include "cli/result.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/diagnostic.h"

/* Ends the program when `text`, which open_memstream() made of what `stream` was given, is on stdout.
 * Not by stdio's stdout: after a write that failed in between, errno is gone when it is closed. */
_Noreturn void cli_result_finish(const struct cli_program *program, FILE *stream, char **text)
{
	size_t written = 0;
	size_t length = 0;
	int failed;

	failed = !stream || ferror(stream) || fclose(stream) != 0;
	if (!failed)
		length = strlen(*text);
	while (!failed && written < length) {
		ssize_t result = write(STDOUT_FILENO, *text + written, length - written);

		if (result >= 0)
			written += (size_t)result;
		else
			failed = errno != EINTR;
	}
	/* Some file systems say only now that there is no room: close(2), NOTES. */
	if (failed || close(STDOUT_FILENO) < 0) {
		int code = errno;

		cli_diagnostic_name(program->name);
		cli_error("cannot write to standard output: %s", strerror(code));
		exit(program->failure_status);
	}
	exit(0);
}
