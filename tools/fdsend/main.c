/* SPDX-License-Identifier: MIT */
/* fdsend: send open file descriptors to another process. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "cli/diagnostic.h"
#include "cli/explain.h"
#include "cli/limit.h"
#include "cli/report.h"
#include "cli/signals.h"
#include "cli/sockspec.h"
#include "cli/standard.h"
#include "tools/fdsend/ask.h"
#include "tools/fdsend/check.h"
#include "tools/fdsend/program.h"
#include "tools/fdsend/request.h"
#include "tools/fdsend/sources.h"

enum { DELIVERED = 0, FAILED = 1, TIMED_OUT = 124 };

/* Dies by the signal that came, with everything cleaned up by now. */
static int interrupted(void)
{
	cli_signals_die(cli_signals_caught());
}

static int send_to(const struct request *request, const struct fdpass_address *address,
		   const struct fdpass_rule *rule, const struct fdpass_wait *wait,
		   const struct fdpass_set *set)
{
	struct fdpass_send_options options = FDPASS_SEND_OPTIONS_INIT;
	struct fdpass_error error = FDPASS_ERROR_INIT;
	struct fdpass_delivery delivery;
	char text[CLI_DIAGNOSTIC_MAX];
	const char *where = fdpass_address_text(address);
	struct cli_sending sending = {where, request->waiting, CLI_PROGRESS_INIT, 0};
	int r;

	options.rule = rule;
	options.confirm = request->confirm;
	options.waiting = request->waiting;
	options.until = request->until;
	options.wait = wait;
	options.observer = cli_report_sending;
	options.observer_context = &sending;
	r = fdpass_send(address, set, &options, &delivery, &error);
	if (r == 0) {
		cli_report_delivery(where, fdpass_set_count(set), &delivery);
		return 0;
	}
	/* A signal says enough by itself, unless what it leaves behind is open. */
	if (r != -ECANCELED || strcmp(error.text, "sent") == 0)
		cli_error("%s", cli_explain_sending(where, &error, text, sizeof(text)));
	return r;
}

static int run(const struct request *request, struct sources *sources,
	       const struct fdpass_address *address, const struct fdpass_rule *rule)
{
	struct fdpass_wait wait = FDPASS_WAIT_INIT;
	int r;

	if (request->patience > 0)
		wait.deadline = fdpass_deadline_in(request->patience);
	wait.cancel_fd = cli_signals_fd();
	r = fdsend_sources_open(request, &wait, sources);
	if (r == 0) {
		r = send_to(request, address, rule, &wait, sources->set);
		fdsend_sources_close(request, sources, r == 0 ? SOURCES_DELIVERED : SOURCES_FAILED);
	}
	if (r == -ECANCELED)
		return interrupted();
	if (r == 0)
		return DELIVERED;
	return r == -ETIMEDOUT ? TIMED_OUT : FAILED;
}

int main(int argc, char **argv)
{
	struct fdpass_address *address;
	struct fdpass_rule *rule;
	struct sources sources = SOURCES_INIT;
	struct request request;
	int status, r;

	cli_diagnostic_name(fdsend_program.name);
	r = cli_standard_reserve();
	if (r < 0) {
		cli_fail("keeping descriptors 0 to 2 free", -r);
		return FAILED;
	}
	fdsend_request_parse(&request, argc, argv);
	if (request.what != REQUEST_SEND)
		fdsend_ask(&request);
	if (fdsend_sources_check(&request, &sources) < 0) {
		fdsend_request_free(&request);
		return FAILED;
	}
	rule = cli_admit_rule(&request.admissions, &fdsend_program);
	address = cli_sockspec_address(&fdsend_program, request.kind.value, request.socket);
	fdsend_request_check_address(&request, address);
	/* What would be said there would go to the other end. */
	if (fdpass_address_fd(address) == STDERR_FILENO)
		cli_diagnostic_level(CLI_SILENT);
	cli_limit_raise();
	r = cli_signals_block();
	if (r < 0) {
		cli_fail("preparing for signals", -r);
		return FAILED;
	}
	status = run(&request, &sources, address, rule);
	fdpass_address_free(address);
	fdpass_rule_free(rule);
	fdsend_request_free(&request);
	return status;
}
