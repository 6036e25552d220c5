/* SPDX-License-Identifier: MIT */
/* What happens while a program sends or receives, in words. */
#include "cli/report.h"

#include "cli/diagnostic.h"

/* Whoever waits on for somebody else, and maybe for ever, is told why; else the error says it. */
static void tell_stranger(struct cli_sending *sending, intmax_t pid, uintmax_t uid)
{
	const char *where = sending->where;

	if (sending->waiting == FDPASS_WAIT_LISTENER && !sending->stranger_told)
		cli_error("%s: process %jd of user %ju listens there, who may not have them; "
			  "waiting for another receiver (--to-user says who may)",
			  where, pid, uid);
	else
		cli_verbose("%s: process %jd of user %ju listens there, who may not have them",
			    where, pid, uid);
	sending->stranger_told = 1;
}

void cli_report_sending(void *context, const struct fdpass_event *event)
{
	struct cli_sending *sending = context;
	const char *where = sending->where;
	intmax_t pid = (intmax_t)event->peer.pid;
	uintmax_t uid = (uintmax_t)event->peer.uid;

	switch (event->kind) {
	case FDPASS_EVENT_WAITING:
		cli_verbose("%s: waiting for a receiver", where);
		break;
	case FDPASS_EVENT_CONNECTED:
		cli_verbose("%s: connected to process %jd of user %ju", where, pid, uid);
		break;
	case FDPASS_EVENT_SENT:
		cli_verbose("%s: sent", where);
		break;
	case FDPASS_EVENT_UNREAD:
		cli_verbose("%s: not taken%s%s", where, *event->reason != '\0' ? ": " : "",
			    event->reason);
		break;
	case FDPASS_EVENT_NOT_ADMITTED:
		tell_stranger(sending, pid, uid);
		break;
	case FDPASS_EVENT_PROGRESS:
		cli_progress_tell(&sending->progress, where, event->done, event->total);
		break;
	case FDPASS_EVENT_ACCEPTED:
		cli_verbose("%s: process %jd has them; its command is waited for", where, pid);
		break;
	case FDPASS_EVENT_STARTED:
		cli_verbose("%s: process %jd runs its command", where, pid);
		break;
	case FDPASS_EVENT_TURNED_AWAY:
	case FDPASS_EVENT_DISCONNECTED:
	case FDPASS_EVENT_CROWDED_OUT:
	case FDPASS_EVENT_BUSY:
		break;
	}
}

void cli_report_delivery(const char *where, size_t sent, const struct fdpass_delivery *delivery)
{
	switch (delivery->proof) {
	case FDPASS_PROOF_NONE:
		cli_verbose("%s: sent %zu, not confirmed, as --no-confirm says", where, sent);
		break;
	case FDPASS_PROOF_READ:
		cli_verbose("%s: process %jd has read the message with %zu; who has them does not "
			    "answer, so more cannot be known",
			    where, (intmax_t)delivery->peer.pid, sent);
		break;
	case FDPASS_PROOF_ANSWER:
		cli_verbose("%s: process %jd has them and keeps %ju of %zu", where,
			    (intmax_t)delivery->peer.pid, (uintmax_t)delivery->installed, sent);
		break;
	}
}

void cli_report_receiving(const char *where, struct cli_progress *progress,
			  const struct fdpass_event *event)
{
	static const char *const what[] = {
		[FDPASS_EVENT_CONNECTED] = "connected",
		[FDPASS_EVENT_NOT_ADMITTED] = "turned away, not admitted",
		[FDPASS_EVENT_TURNED_AWAY] = "turned away",
		[FDPASS_EVENT_DISCONNECTED] = "gone without sending anything",
		[FDPASS_EVENT_CROWDED_OUT] = "turned away, idle longest of too many",
		[FDPASS_EVENT_BUSY] = "turned away",
	};

	if (event->kind == FDPASS_EVENT_PROGRESS)
		cli_progress_tell(progress, where, event->done, event->total);
	if ((size_t)event->kind >= sizeof(what) / sizeof(*what) || what[event->kind] == NULL)
		return;
	cli_verbose("%s: process %jd of user %ju: %s%s%s", where, (intmax_t)event->peer.pid,
		    (uintmax_t)event->peer.uid, what[event->kind],
		    *event->reason != '\0' ? ": " : "", event->reason);
}
