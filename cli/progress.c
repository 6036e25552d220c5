/* SPDX-License-Identifier: MIT */
/* How far a long transfer is. */
#include "cli/progress.h"

#include <unistd.h>

#include "cli/diagnostic.h"
#include "fdpass.h"

#define SECOND INT64_C(1000000000)

void cli_progress_tell(struct cli_progress *progress, const char *where, size_t done, size_t total)
{
	int64_t now = fdpass_deadline_in(0);

	if (progress->next == 0)
		progress->next = now + SECOND;
	if (now < progress->next)
		return;
	progress->next = now + SECOND;
	if (isatty(STDERR_FILENO))
		cli_verbose("%s: %zu of %zu", where, done, total);
}
