/* SPDX-License-Identifier: MIT */
/* fdfwd: receive open file descriptors and pass them on. */
#include <errno.h>
#include <stdlib.h>

#include "cli/attach.h"
#include "cli/diagnostic.h"
#include "cli/explain.h"
#include "cli/limit.h"
#include "cli/ready.h"
#include "cli/report.h"
#include "cli/signals.h"
#include "cli/sockspec.h"
#include "cli/standard.h"
#include "tools/fdfwd/keep.h"
#include "tools/fdfwd/program.h"
#include "tools/fdfwd/relay.h"

static void report(void *context, const struct fdpass_event *event)
{
	struct forwarding *forwarding = context;

	cli_report_receiving(fdpass_address_text(forwarding->addresses[0]), &forwarding->progress,
			     event);
}

/* The same place twice would be relayed in a circle, or to one that is gone. */
static void check_addresses(const struct forwarding *forwarding)
{
	const struct endpoint *endpoints = forwarding->request->endpoints;
	struct fdpass_address **addresses = forwarding->addresses;

	for (size_t i = 0; i < forwarding->request->endpoint_count; i++) {
		for (size_t j = 0; j < i; j++)
			if (endpoints[i].kind == endpoints[j].kind &&
			    cli_sockspec_is_same(endpoints[i].kind, addresses[i], addresses[j]))
				cli_usage_error(&fdfwd_program, "'%s' is named twice",
						endpoints[i].socket);
		cli_attach_check(&fdfwd_program, addresses[i], forwarding->request->ready_fd);
	}
}

static void prepare(struct forwarding *forwarding)
{
	const struct request *request = forwarding->request;

	forwarding->addresses = calloc(request->endpoint_count, sizeof(*forwarding->addresses));
	if (forwarding->addresses == NULL)
		cli_out_of_memory(&fdfwd_program);
	for (size_t i = 0; i < request->endpoint_count; i++)
		forwarding->addresses[i] = cli_sockspec_address(
			&fdfwd_program, request->endpoints[i].kind, request->endpoints[i].socket);
	check_addresses(forwarding);
	cli_ready_check(&fdfwd_program, request->ready_fd);
}

static void listen_there(struct forwarding *forwarding)
{
	struct fdpass_listen_options options = FDPASS_LISTEN_OPTIONS_INIT;
	int r = fdpass_receiver_new(forwarding->from, report, forwarding, &forwarding->receiver);

	if (r < 0) {
		cli_fail("preparing to receive", -r);
		fdfwd_leave(forwarding, r);
	}
	/* The credentials decide then. */
	if (fdpass_rule_admits_others(forwarding->from))
		options.mode = 0666;
	options.wait = &forwarding->wait;
	r = cli_attach(forwarding->receiver, forwarding->addresses[0], &options);
	if (r < 0)
		fdfwd_leave(forwarding, r);
}

static _Noreturn void relay_once(struct forwarding *forwarding)
{
	struct fdpass_error error = FDPASS_ERROR_INIT;
	struct fdpass_handover *handover;
	char text[CLI_DIAGNOSTIC_MAX];
	int r = fdpass_receiver_next(forwarding->receiver, &forwarding->wait, &handover, &error);

	if (r < 0) {
		if (r != -ECANCELED)
			cli_error("%s", cli_explain_receiving(
						fdpass_address_text(forwarding->addresses[0]),
						&error, text, sizeof(text)));
		fdfwd_leave(forwarding, r);
	}
	/* Nobody else waits for what comes of it. */
	forwarding->receiver = fdpass_receiver_free(forwarding->receiver);
	r = fdfwd_relay(forwarding, handover, &forwarding->wait);
	fdpass_handover_free(handover);
	fdfwd_leave(forwarding, r);
}

int main(int argc, char **argv)
{
	struct request request;
	struct forwarding forwarding = {
		.request = &request, .progress = CLI_PROGRESS_INIT, .wait = FDPASS_WAIT_INIT};
	int r;

	cli_diagnostic_name(fdfwd_program.name);
	r = cli_standard_reserve();
	if (r < 0) {
		cli_fail("keeping descriptors 0 to 2 free", -r);
		return FAILED;
	}
	fdfwd_request_parse(&request, argc, argv);
	if (request.patience > 0 && request.how_often == ONCE)
		forwarding.wait.deadline = fdpass_deadline_in(request.patience);
	prepare(&forwarding);
	forwarding.from = cli_admit_rule(&request.from, &fdfwd_program);
	forwarding.to = cli_admit_rule(&request.to, &fdfwd_program);
	cli_limit_raise();
	r = cli_signals_block();
	if (r < 0) {
		cli_fail("preparing for signals", -r);
		fdfwd_leave(&forwarding, r);
	}
	forwarding.wait.cancel_fd = cli_signals_fd();
	listen_there(&forwarding);
	r = cli_ready_tell(request.ready_fd, &forwarding.wait);
	if (r < 0)
		fdfwd_leave(&forwarding, r);
	if (request.how_often == KEEP)
		fdfwd_keep(&forwarding);
	relay_once(&forwarding);
}
