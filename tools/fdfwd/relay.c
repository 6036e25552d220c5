/* SPDX-License-Identifier: MIT */
/* What becomes of one handover: it goes to every TO, and whoever sent it hears how that went. */
#include "tools/fdfwd/relay.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cli/diagnostic.h"
#include "cli/explain.h"
#include "cli/report.h"

/* 0, and what is known of it; or a negative errno and why. */
static int give(const struct forwarding *forwarding, const struct fdpass_address *address,
		const struct fdpass_set *set, const struct fdpass_wait *wait,
		struct fdpass_delivery *ret_delivery, char *reason, size_t size)
{
	struct fdpass_send_options options = FDPASS_SEND_OPTIONS_INIT;
	struct fdpass_error error = FDPASS_ERROR_INIT;
	struct cli_sending sending = {fdpass_address_text(address), forwarding->request->waiting,
				      CLI_PROGRESS_INIT, 0};
	int r;

	options.rule = forwarding->to;
	options.waiting = forwarding->request->waiting;
	options.wait = wait;
	options.observer = cli_report_sending;
	options.observer_context = &sending;
	r = fdpass_send(address, set, &options, ret_delivery, &error);
	if (r < 0)
		cli_explain_sending(sending.where, &error, reason, size);
	else
		cli_report_delivery(sending.where, fdpass_set_count(set), ret_delivery);
	return r;
}

/* "it has gone to A, B, but then: WHY", for those before `count` that have it. Who has it comes first, since the
 * sender gets no more than FDPASS_REASON_MAX bytes. */
static void explain(const struct forwarding *forwarding, size_t count, const char *why, char *text,
		    size_t size)
{
	size_t used = 0;

	for (size_t i = 1; i < count && used < size; i++)
		used += (size_t)snprintf(text + used, size - used, "%s%s",
					 i == 1 ? "it has gone to " : ", ",
					 fdpass_address_text(forwarding->addresses[i]));
	if (used < size)
		snprintf(text + used, size - used, "%s%s", count > 1 ? ", but then: " : "", why);
}

int fdfwd_relay(const struct forwarding *forwarding, struct fdpass_handover *handover,
		const struct fdpass_wait *wait)
{
	const struct fdpass_set *set = fdpass_handover_set(handover);
	const char *from = fdpass_address_text(forwarding->addresses[0]);
	struct fdpass_peer peer = fdpass_handover_peer(handover);
	size_t count = forwarding->request->endpoint_count;
	char why[CLI_DIAGNOSTIC_MAX], reason[2 * CLI_DIAGNOSTIC_MAX];
	uint32_t kept = (uint32_t)fdpass_set_count(set); /* by each of them, at least */
	enum fdpass_proof proof = FDPASS_PROOF_ANSWER;

	cli_verbose("%s: received %zu from process %jd of user %ju", from, fdpass_set_count(set),
		    (intmax_t)peer.pid, (uintmax_t)peer.uid);
	for (size_t i = 1; i < count; i++) {
		struct fdpass_delivery delivery;
		int r = give(forwarding, forwarding->addresses[i], set, wait, &delivery, why,
			     sizeof(why));

		if (r == 0) {
			if (delivery.proof != FDPASS_PROOF_ANSWER)
				proof = delivery.proof;
			else if (delivery.installed < kept)
				kept = delivery.installed;
			continue;
		}
		explain(forwarding, i, why, reason, sizeof(reason));
		fdpass_handover_refuse(handover, reason);
		cli_error("%s", reason);
		return r;
	}
	fdpass_handover_passed_on(handover, proof, kept);
	return 0;
}
