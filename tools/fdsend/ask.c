/* SPDX-License-Identifier: MIT */
/* --list and --pidref: what another process is and has. */
#include "tools/fdsend/ask.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli/acquire.h"
#include "cli/diagnostic.h"
#include "cli/printable.h"
#include "cli/result.h"
#include "tools/fdsend/program.h"

static void print_line(void *context, int number, const char *text)
{
	char shown[2 * CLI_DIAGNOSTIC_MAX];

	snprintf(shown, sizeof(shown), "%s", text);
	cli_printable(shown, strlen(shown));
	fprintf(context, "%d %s\n", number, shown);
}

static int list(const char *where, const struct fdpass_pidref *ref, FILE *stream)
{
	struct fdpass_error error = FDPASS_ERROR_INIT;
	char text[CLI_DIAGNOSTIC_MAX];
	int r = fdpass_acquire_list(ref, print_line, stream, &error);

	if (r < 0)
		cli_error("%s", cli_acquire_explain(where, &error, text, sizeof(text)));
	return r;
}

static int print_pidref(const char *where, const struct fdpass_pidref *ref, FILE *stream)
{
	uint64_t inode = fdpass_pidref_inode(ref);

	if (inode == 0) {
		cli_error("%s: this kernel has no inode that names a process (Linux 6.9 does, on "
			  "64-bit machines); use the PID alone, %jd",
			  where, (intmax_t)fdpass_pidref_pid(ref));
		return -1;
	}
	fprintf(stream, "%jd:%" PRIu64 "\n", (intmax_t)fdpass_pidref_pid(ref), inode);
	return 0;
}

_Noreturn void fdsend_ask(struct request *request)
{
	char where[CLI_DIAGNOSTIC_MAX];
	struct fdpass_pidref *ref;
	FILE *stream = NULL;
	size_t size;
	char *text;
	int r = cli_process_pin(&request->process, &ref);

	cli_process_text(&request->process, where, sizeof(where));
	if (r == 0) {
		stream = open_memstream(&text, &size);
		if (stream != NULL)
			r = request->what == REQUEST_LIST ? list(where, ref, stream)
							  : print_pidref(where, ref, stream);
		fdpass_pidref_free(ref);
	}
	if (r < 0)
		exit(fdsend_program.failure_status);
	cli_result_finish(&fdsend_program, stream, &text);
}
