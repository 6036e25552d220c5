/* SPDX-License-Identifier: MIT */
#ifndef FDPASS_CLI_REPORT_H
#define FDPASS_CLI_REPORT_H

/* What happens while a program sends or receives, with -v: a line for each event. */

#include <stddef.h>

#include "cli/progress.h"
#include "fdpass.h"

/* What is being sent to an address, for the observer. */
struct cli_sending {
	const char *where; /* borrowed: the address */
	enum fdpass_waiting waiting;
	struct cli_progress progress;
	int stranger_told;
};

/* An observer of fdpass_send(), whose context is a struct cli_sending. */
void cli_report_sending(void *context, const struct fdpass_event *event);

/* `where` is the address that it happens at. */
void cli_report_receiving(const char *where, struct cli_progress *progress,
			  const struct fdpass_event *event);

/* How it is known that `sent` descriptors have arrived. */
void cli_report_delivery(const char *where, size_t sent, const struct fdpass_delivery *delivery);

#endif
