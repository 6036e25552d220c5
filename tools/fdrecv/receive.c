/* SPDX-License-Identifier: MIT */
/* What comes by sockets: all of them listen at once, and are served in any order. */
#include "tools/fdrecv/receive.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>

#include "cli/attach.h"
#include "cli/diagnostic.h"
#include "cli/explain.h"
#include "cli/ready.h"
#include "cli/report.h"

/* The library's error, on one address. */
static _Noreturn void leave_failed(struct reception *reception, const char *where,
				   const struct fdpass_error *error)
{
	char text[CLI_DIAGNOSTIC_MAX];

	if (error->code == ECANCELED)
		fdrecv_leave_cancelled(reception);
	fdrecv_leave_failed(reception, cli_explain_receiving(where, error, text, sizeof(text)),
			    error->code == ETIMEDOUT ? TIMED_OUT : FAILED);
}

/* The group that the receiver's `index` stands for. */
static size_t group_of(const struct reception *reception, int index)
{
	size_t group = 0;

	for (;; group++) {
		if (reception->addresses[group] != NULL && index-- == 0)
			return group;
	}
}

static const char *where_of(const struct reception *reception, int index)
{
	return fdpass_address_text(reception->addresses[group_of(reception, index)]);
}

static void report(void *context, const struct fdpass_event *event)
{
	struct reception *reception = context;

	cli_report_receiving(where_of(reception, event->index), &reception->progress, event);
}

/* Before anything of a rich handover is taken. */
static int consider(void *context, const struct fdpass_offer *offer,
		    char reason[FDPASS_REASON_MAX + 1])
{
	struct reception *reception = context;

	return fdrecv_reception_consider(reception, group_of(reception, offer->index), offer->count,
					 offer->names, reason, FDPASS_REASON_MAX + 1);
}

/* The receiver's indexes are those of the groups that have an address, in their order. */
static void attach(struct reception *reception, const struct fdpass_address *address,
		   const struct fdpass_listen_options *options)
{
	int r = cli_attach(reception->receiver, address, options);

	if (r == -ECANCELED)
		fdrecv_leave_cancelled(reception);
	if (r < 0)
		fdrecv_leave(reception, r == -ETIMEDOUT ? TIMED_OUT : FAILED);
}

void fdrecv_listen(struct reception *reception)
{
	struct fdpass_listen_options options = FDPASS_LISTEN_OPTIONS_INIT;
	int r = fdpass_receiver_new(reception->rule, report, reception, &reception->receiver);

	if (r < 0) {
		cli_fail("preparing to receive", -r);
		fdrecv_leave(reception, FAILED);
	}
	fdpass_receiver_consider(reception->receiver, consider, reception);
	/* The credentials decide then. */
	if (fdpass_rule_admits_others(reception->rule))
		options.mode = 0666;
	options.wait = &reception->wait;
	for (size_t i = 0; i < reception->request->group_count; i++)
		if (reception->addresses[i] != NULL)
			attach(reception, reception->addresses[i], &options);
}

void fdrecv_tell_ready(struct reception *reception)
{
	int r = cli_ready_tell(reception->request->ready_fd, &reception->wait);

	if (r == -ECANCELED)
		fdrecv_leave_cancelled(reception);
	if (r < 0)
		fdrecv_leave(reception, r == -ETIMEDOUT ? TIMED_OUT : FAILED);
}

/* 1 when the handover can be used for its group; else it is refused, and `text` says so. */
static int fits(struct reception *reception, size_t group, struct fdpass_handover *handover,
		char text[CLI_DIAGNOSTIC_MAX])
{
	struct fdpass_peer peer = fdpass_handover_peer(handover);
	char reason[FDPASS_REASON_MAX + 1];

	if (fdrecv_reception_admit(reception, group, fdpass_handover_set(handover), reason,
				   sizeof(reason)) == 0)
		return 1;
	snprintf(text, CLI_DIAGNOSTIC_MAX, "%s: refused what process %jd of user %ju sent: %s",
		 fdpass_address_text(reception->addresses[group]), (intmax_t)peer.pid,
		 (uintmax_t)peer.uid, reason);
	fdpass_handover_refuse(handover, reason);
	return 0;
}

/* One handover came by `index`. Returns how many groups it filled. */
static size_t take(struct reception *reception, int index, struct fdpass_handover *handover)
{
	size_t group = group_of(reception, index);
	const char *where = fdpass_address_text(reception->addresses[group]);
	char text[CLI_DIAGNOSTIC_MAX];

	if (!fits(reception, group, handover, text)) {
		fdpass_handover_free(handover);
		/* Nobody else can come by a connection. */
		if (fdpass_address_fd(reception->addresses[group]) >= 0)
			fdrecv_leave_failed(reception, text, FAILED);
		/* Said without -v too: a sender that does not read answers does not say it. */
		cli_error("%s", text);
		return 0;
	}
	/* More than asked for is closed. */
	fdpass_set_discard(fdpass_handover_set(handover), 0);
	fdpass_handover_accept(handover, (uint32_t)reception->came[group]);
	cli_verbose("%s: received %zu from process %jd", where, reception->came[group],
		    (intmax_t)fdpass_handover_peer(handover).pid);
	reception->handovers[group] = handover;
	fdpass_receiver_drop(reception->receiver, index);
	return 1;
}

/* The first address that has not got anything yet. */
static const char *first_missing(const struct reception *reception)
{
	size_t i = 0;

	while (reception->addresses[i] == NULL || reception->handovers[i] != NULL)
		i++;
	return fdpass_address_text(reception->addresses[i]);
}

void fdrecv_receive(struct reception *reception)
{
	size_t waiting = 0;

	for (size_t i = 0; i < reception->request->group_count; i++)
		waiting += reception->addresses[i] != NULL;
	while (waiting > 0) {
		struct fdpass_error error = FDPASS_ERROR_INIT;
		struct fdpass_handover *handover;

		if (fdpass_receiver_next(reception->receiver, &reception->wait, &handover, &error) <
		    0)
			leave_failed(reception,
				     error.step == FDPASS_STEP_RECEIVE && error.fd >= 0
					     ? where_of(reception, error.fd)
					     : first_missing(reception),
				     &error);
		waiting -= take(reception, fdpass_handover_index(handover), handover);
	}
	reception->receiver = fdpass_receiver_free(reception->receiver);
}
