/* SPDX-License-Identifier: MIT */
/* What becomes of one handover: it goes to every TO, and whoever sent it hears how that went. */
#include "tools/fdfwd/relay.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cli/diagnostic.h"
#include "cli/explain.h"
#include "cli/report.h"

struct watching {
	const char *where;
	struct cli_progress progress;
};

static void report(void *context, const struct fdpass_event *event)
{
	struct watching *watching = context;

	cli_report_sending(watching->where, &watching->progress, event);
}

/* 0, or a negative errno and why. */
static int give(const struct forwarding *forwarding, const struct fdpass_address *address,
		const struct fdpass_set *set, const struct fdpass_wait *wait, char *reason,
		size_t size)
{
	struct fdpass_send_options options = FDPASS_SEND_OPTIONS_INIT;
	struct fdpass_error error = FDPASS_ERROR_INIT;
	struct watching watching = {fdpass_address_text(address), CLI_PROGRESS_INIT};
	struct fdpass_delivery delivery;
	int r;

	options.rule = forwarding->to;
	options.waiting = forwarding->request->waiting;
	options.wait = wait;
	options.observer = report;
	options.observer_context = &watching;
	r = fdpass_send(address, set, &options, &delivery, &error);
	if (r < 0)
		cli_explain_sending(watching.where, &error, reason, size);
	else
		cli_report_delivery(watching.where, fdpass_set_count(set), &delivery);
	return r;
}

/* "; gone to A, B", for those before `count` that have it. */
static void add_gone(const struct forwarding *forwarding, size_t count, char *text, size_t size)
{
	for (size_t i = 1; i < count; i++) {
		size_t used = strlen(text);

		snprintf(text + used, size - used, "%s%s", i == 1 ? "; but it has gone to " : ", ",
			 fdpass_address_text(forwarding->addresses[i]));
	}
}

int fdfwd_relay(const struct forwarding *forwarding, struct fdpass_handover *handover,
		const struct fdpass_wait *wait)
{
	const struct fdpass_set *set = fdpass_handover_set(handover);
	const char *from = fdpass_address_text(forwarding->addresses[0]);
	struct fdpass_peer peer = fdpass_handover_peer(handover);
	size_t count = forwarding->request->endpoint_count;
	char reason[CLI_DIAGNOSTIC_MAX];

	cli_verbose("%s: received %zu from process %jd of user %ju", from, fdpass_set_count(set),
		    (intmax_t)peer.pid, (uintmax_t)peer.uid);
	for (size_t i = 1; i < count; i++) {
		int r = give(forwarding, forwarding->addresses[i], set, wait, reason,
			     sizeof(reason));

		if (r == 0)
			continue;
		add_gone(forwarding, i, reason, sizeof(reason));
		fdpass_handover_refuse(handover, reason);
		cli_error("%s", reason);
		return r;
	}
	fdpass_handover_accept(handover, (uint32_t)fdpass_set_count(set));
	return 0;
}
