/* SPDX-License-Identifier: MIT */
/* fdsend: send open file descriptors to another process. */
#include <errno.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "cli/diagnostic.h"
#include "cli/explain.h"
#include "cli/progress.h"
#include "cli/signals.h"
#include "cli/sockspec.h"
#include "cli/standard.h"
#include "tools/fdsend/ask.h"
#include "tools/fdsend/program.h"
#include "tools/fdsend/request.h"
#include "tools/fdsend/sources.h"

enum { DELIVERED = 0, FAILED = 1, TIMED_OUT = 124 };

/* The kernel counts a user's descriptors on their way against the sender's soft limit (unix(7)). */
static void raise_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

/* What the observer has to know. */
struct watching {
	const char *where;
	struct cli_progress progress;
};

static void report(void *context, const struct fdpass_event *event)
{
	struct watching *watching = context;
	const char *where = watching->where;
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
		cli_verbose("%s: process %jd of user %ju listens there, who may not have them",
			    where, pid, uid);
		break;
	case FDPASS_EVENT_PROGRESS:
		cli_progress_tell(&watching->progress, where, event->done, event->total);
		break;
	case FDPASS_EVENT_ACCEPTED:
		cli_verbose("%s: process %jd has them, and is to run its command", where, pid);
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

static void report_delivery(const char *where, size_t sent, const struct fdpass_delivery *delivery)
{
	switch (delivery->proof) {
	case FDPASS_PROOF_NONE:
		cli_verbose("%s: sent %zu, not confirmed, as --no-confirm says", where, sent);
		break;
	case FDPASS_PROOF_READ:
		cli_verbose("%s: process %jd has read the message with %zu; it does not answer, so "
			    "more cannot be known",
			    where, (intmax_t)delivery->peer.pid, sent);
		break;
	case FDPASS_PROOF_ANSWER:
		cli_verbose("%s: process %jd has them and keeps %ju of %zu", where,
			    (intmax_t)delivery->peer.pid, (uintmax_t)delivery->installed, sent);
		break;
	}
}

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
	struct watching watching = {where, CLI_PROGRESS_INIT};
	int r;

	options.rule = rule;
	options.confirm = request->confirm;
	options.waiting = request->waiting;
	options.until = request->until;
	options.wait = wait;
	options.observer = report;
	options.observer_context = &watching;
	r = fdpass_send(address, set, &options, &delivery, &error);
	if (r == 0) {
		report_delivery(where, fdpass_set_count(set), &delivery);
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
		cli_error("keeping descriptors 0 to 2 free failed: %s", strerror(-r));
		return FAILED;
	}
	fdsend_request_parse(&request, argc, argv);
	if (request.what != REQUEST_SEND)
		fdsend_ask(&request);
	if (fdsend_sources_check(&request, &sources) < 0)
		return FAILED;
	rule = cli_admit_rule(&request.admissions, &fdsend_program);
	address = cli_sockspec_address(&fdsend_program, request.kind, request.socket);
	/* What would be said there would go to the other end. */
	if (fdpass_address_fd(address) == STDERR_FILENO)
		cli_diagnostic_level(CLI_QUIET);
	raise_limit();
	r = cli_signals_block();
	if (r < 0) {
		cli_error("preparing for signals failed: %s", strerror(-r));
		return FAILED;
	}
	status = run(&request, &sources, address, rule);
	fdpass_address_free(address);
	fdpass_rule_free(rule);
	fdsend_request_free(&request);
	return status;
}
