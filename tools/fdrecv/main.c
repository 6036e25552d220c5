/* SPDX-License-Identifier: MIT */
/*
 * fdrecv: receive open file descriptors and run a command with them.
 *
 * Everything that can be checked is checked before anybody listens; then every socket listens at once;
 * then senders are served in any order; then everything is put in its place and the command takes over
 * this process.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/diagnostic.h"
#include "cli/explain.h"
#include "cli/ready.h"
#include "cli/signals.h"
#include "cli/sockspec.h"
#include "cli/standard.h"
#include "tools/fdrecv/command.h"
#include "tools/fdrecv/request.h"
#include "tools/fdrecv/table.h"

enum { FAILED = 125, TIMED_OUT = 124 };

/* Descriptors of this program's own: signals, epoll, a second stderr, a caller that is looked at, and one
 * for the placement of a cycle; and for each group its listening socket, that one's directory, and the
 * connection. */
#define OWN_DESCRIPTORS 5
#define OWN_PER_GROUP 3

struct reception {
	const struct request *request;
	struct table table;
	char *path;                        /* of the command */
	struct fdpass_address **addresses; /* one for each group, as are the handovers */
	struct fdpass_handover **handovers;
	size_t served;
	struct fdpass_rule *rule;
	struct fdpass_receiver *receiver;
	struct fdpass_wait wait;
};

/* Ends the program with nothing left behind. */
static _Noreturn void leave(struct reception *reception, int status)
{
	fdpass_receiver_free(reception->receiver);
	for (size_t i = 0; i < reception->request->group_count; i++) {
		if (reception->handovers != NULL)
			fdpass_handover_free(reception->handovers[i]);
		if (reception->addresses != NULL)
			fdpass_address_free(reception->addresses[i]);
	}
	free(reception->handovers);
	free(reception->addresses);
	free(reception->path);
	fdpass_rule_free(reception->rule);
	exit(status);
}

static _Noreturn void leave_cancelled(struct reception *reception)
{
	int signal = cli_signals_caught();

	fdpass_receiver_free(reception->receiver);
	cli_signals_die(signal);
}

/* The library's error, on one address. */
static _Noreturn void leave_failed(struct reception *reception, const char *where,
				   const struct fdpass_error *error)
{
	char text[CLI_DIAGNOSTIC_MAX];

	if (error->code == ECANCELED)
		leave_cancelled(reception);
	cli_error("%s", cli_explain_receiving(where, error, text, sizeof(text)));
	leave(reception, error->code == ETIMEDOUT ? TIMED_OUT : FAILED);
}

static void report(void *context, const struct fdpass_event *event)
{
	static const char *const what[] = {
		[FDPASS_EVENT_CONNECTED] = "connected",
		[FDPASS_EVENT_NOT_ADMITTED] = "turned away, not admitted",
		[FDPASS_EVENT_TURNED_AWAY] = "turned away",
		[FDPASS_EVENT_DISCONNECTED] = "gone without sending anything",
		[FDPASS_EVENT_CROWDED_OUT] = "turned away, idle longest of too many",
		[FDPASS_EVENT_BUSY] = "turned away",
	};
	const struct reception *reception = context;

	if ((size_t)event->kind >= sizeof(what) / sizeof(*what) || what[event->kind] == NULL)
		return;
	cli_verbose("%s: process %jd of user %ju: %s%s%s",
		    fdpass_address_text(reception->addresses[event->index]),
		    (intmax_t)event->peer.pid, (uintmax_t)event->peer.uid, what[event->kind],
		    *event->reason != '\0' ? ": " : "", event->reason);
}

static void check_ready_fd(const struct request *request)
{
	int fd = request->ready_fd;

	if (fd < 0)
		return;
	if (!cli_standard_was_closed(fd) && fcntl(fd, F_GETFD) >= 0)
		return;
	cli_error("--ready-fd: descriptor %d is not open", fd);
	exit(FAILED);
}

/* Two SOCKSPECs may be spelt differently and be one. */
static void check_addresses(const struct reception *reception)
{
	const struct request *request = reception->request;

	for (size_t i = 0; i < request->group_count; i++) {
		for (size_t j = 0; j < i; j++) {
			if (strcmp(fdpass_address_text(reception->addresses[i]),
				   fdpass_address_text(reception->addresses[j])) == 0)
				cli_usage_error(&fdrecv_program, "'%s' is named twice",
						request->groups[i].socket);
		}
	}
}

/* What can be known before anybody is asked for anything. */
static void prepare(struct reception *reception)
{
	const struct request *request = reception->request;
	int highest = fdrecv_request_highest(request);
	int r, status;

	reception->addresses = calloc(request->group_count, sizeof(struct fdpass_address *));
	reception->handovers = calloc(request->group_count, sizeof(struct fdpass_handover *));
	if (reception->addresses == NULL || reception->handovers == NULL) {
		cli_error("%s", strerror(ENOMEM));
		leave(reception, FAILED);
	}
	for (size_t i = 0; i < request->group_count; i++)
		reception->addresses[i] = cli_sockspec_address(
			&fdrecv_program, request->groups[i].kind, request->groups[i].socket);
	check_addresses(reception);
	check_ready_fd(request);
	reception->path = fdrecv_command_find(request->command[0], &status);
	if (reception->path == NULL) {
		cli_error("%s: %s%s", request->command[0], strerror(errno),
			  status == COMMAND_NOT_FOUND ? "; there is no such command" : "");
		leave(reception, status);
	}
	/* Whatever is opened from here on is close-on-exec anyway. */
	if (request->others == CLOSE_OTHERS)
		fdrecv_table_keep_back(STDERR_FILENO + 1);
	r = fdrecv_table_open(&reception->table, highest,
			      request->target_count + OWN_PER_GROUP * request->group_count +
				      OWN_DESCRIPTORS);
	if (r == -EMFILE) {
		cli_error(
			"the hard limit on open files, %ju, is too low for target %d and what else "
			"is needed (ulimit -Hn)",
			(uintmax_t)reception->table.inherited.rlim_max, highest);
		leave(reception, FAILED);
	}
	if (r < 0) {
		cli_error("preparing the table of open files failed: %s", strerror(-r));
		leave(reception, FAILED);
	}
}

static void listen_all(struct reception *reception)
{
	const struct request *request = reception->request;
	struct fdpass_listen_options options = FDPASS_LISTEN_OPTIONS_INIT;
	struct fdpass_error error = FDPASS_ERROR_INIT;
	int r = fdpass_receiver_new(reception->rule, report, reception, &reception->receiver);

	if (r < 0) {
		cli_error("%s", strerror(-r));
		leave(reception, FAILED);
	}
	/* The credentials decide then. */
	if (fdpass_rule_admits_others(reception->rule))
		options.mode = 0666;
	options.wait = &reception->wait;
	for (size_t i = 0; i < request->group_count; i++) {
		const char *where = fdpass_address_text(reception->addresses[i]);
		struct fdpass_listener *listener;

		if (fdpass_listener_open(reception->addresses[i], &options, &listener, &error) < 0)
			leave_failed(reception, where, &error);
		r = fdpass_receiver_add(reception->receiver, listener);
		if (r < 0) {
			fdpass_listener_close(listener);
			cli_error("%s: %s", where, strerror(-r));
			leave(reception, FAILED);
		}
		cli_verbose("%s: listening", where);
	}
}

static void tell_ready(struct reception *reception)
{
	int fd = reception->request->ready_fd;
	int r;

	if (fd < 0)
		return;
	r = cli_ready_tell(fd, &reception->wait);
	if (r == -ECANCELED)
		leave_cancelled(reception);
	if (r < 0) {
		cli_error("--ready-fd: writing to descriptor %d failed: %s", fd, strerror(-r));
		leave(reception, r == -ETIMEDOUT ? TIMED_OUT : FAILED);
	}
	close(fd);
	/* What is opened from here on must not become stdin, stdout or stderr. */
	cli_standard_reserve();
}

/* 1 when the handover fills its group's targets; else it is refused. */
static int fits(const struct reception *reception, struct fdpass_handover *handover)
{
	const struct group *group = &reception->request->groups[fdpass_handover_index(handover)];
	size_t came = fdpass_set_count(fdpass_handover_set(handover));
	struct fdpass_peer peer = fdpass_handover_peer(handover);
	char reason[FDPASS_REASON_MAX + 1];

	if (came >= group->targets.count)
		return 1;
	snprintf(reason, sizeof(reason), "%zu descriptors are wanted, and %zu came",
		 group->targets.count, came);
	/* Said without -v too: a sender that does not read answers does not say it. */
	cli_error("%s: refused what process %jd of user %ju sent, and still waiting: %s",
		  fdpass_address_text(reception->addresses[fdpass_handover_index(handover)]),
		  (intmax_t)peer.pid, (uintmax_t)peer.uid, reason);
	fdpass_handover_refuse(handover, reason);
	return 0;
}

static void receive_all(struct reception *reception)
{
	const struct request *request = reception->request;
	struct fdpass_error error = FDPASS_ERROR_INIT;

	while (reception->served < request->group_count) {
		struct fdpass_handover *handover;
		int index;

		if (fdpass_receiver_next(reception->receiver, &reception->wait, &handover, &error) <
		    0) {
			size_t missing = 0;

			while (reception->handovers[missing] != NULL)
				missing++;
			leave_failed(reception, fdpass_address_text(reception->addresses[missing]),
				     &error);
		}
		index = fdpass_handover_index(handover);
		if (!fits(reception, handover)) {
			fdpass_handover_free(handover);
			continue;
		}
		/* More than asked for is closed. */
		fdpass_set_discard(fdpass_handover_set(handover),
				   request->groups[index].targets.count);
		fdpass_handover_accept(handover, (uint32_t)request->groups[index].targets.count);
		cli_verbose("%s: received %zu from process %jd",
			    fdpass_address_text(reception->addresses[index]),
			    request->groups[index].targets.count,
			    (intmax_t)fdpass_handover_peer(handover).pid);
		reception->handovers[index] = handover;
		reception->served++;
		fdpass_receiver_drop(reception->receiver, index);
	}
	reception->receiver = fdpass_receiver_free(reception->receiver);
}

static _Noreturn void leave_unplaced(struct reception *reception, int fd, int code)
{
	char reason[FDPASS_REASON_MAX + 1];

	snprintf(reason, sizeof(reason), "putting a descriptor on %d failed: %s", fd,
		 strerror(code));
	cli_error("%s", reason);
	for (size_t i = 0; i < reception->request->group_count; i++)
		fdpass_handover_fail(reception->handovers[i], reason);
	leave(reception, FAILED);
}

/* What this program still needs must not be where a target is: the connections, signals, stderr. */
static void step_aside(struct reception *reception)
{
	const struct request *request = reception->request;
	int messages = STDERR_FILENO;
	int beside, r = 0;

	while (r == 0 && (beside = fdrecv_request_beside(request, messages)) != messages) {
		/* The number may be taken, and the next free one be a target again. */
		messages = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, beside);
		r = messages < 0 ? -errno : 0;
	}
	while (r == 0 &&
	       (beside = fdrecv_request_beside(request, cli_signals_fd())) != cli_signals_fd())
		r = cli_signals_move(beside);
	for (size_t i = 0; r == 0 && i < request->group_count; i++) {
		struct fdpass_handover *handover = reception->handovers[i];

		while (r == 0 &&
		       (beside = fdrecv_request_beside(request, fdpass_handover_fd(handover))) !=
			       fdpass_handover_fd(handover))
			r = fdpass_handover_move(handover, beside);
	}
	if (r < 0)
		leave_unplaced(reception, fdrecv_request_highest(request), -r);
	cli_diagnostic_fd(messages);
}

/* Beyond this point there is no way back: numbers of the caller's are overwritten. */
static void place(struct reception *reception)
{
	const struct request *request = reception->request;
	struct fdpass_error error = FDPASS_ERROR_INIT;
	struct fdpass_plan *plan;
	int r = fdpass_plan_new(&plan);

	for (size_t i = 0; r == 0 && i < request->group_count; i++) {
		const struct cli_list *targets = &request->groups[i].targets;
		struct fdpass_set *set = fdpass_handover_set(reception->handovers[i]);

		for (size_t j = 0; r == 0 && j < targets->count; j++)
			r = fdpass_plan_add(plan, fdpass_set_steal(set, j), targets->numbers[j]);
	}
	if (r < 0)
		leave_unplaced(reception, fdrecv_request_highest(request), -r);
	if (fdpass_plan_run(plan, &error) < 0)
		leave_unplaced(reception, error.fd, error.code);
	fdpass_plan_free(plan);
}

static _Noreturn void exec_command(struct reception *reception)
{
	const struct request *request = reception->request;
	rlim_t inherited = reception->table.inherited.rlim_cur;
	rlim_t limit = fdrecv_table_restore(&reception->table, fdrecv_request_highest(request));
	char reason[FDPASS_REASON_MAX + 1];
	int status, code;

	if (limit != inherited)
		cli_verbose(
			"the command's soft limit on open files is %ju, since the inherited %ju "
			"leaves no room",
			(uintmax_t)limit, (uintmax_t)inherited);
	cli_signals_restore();
	status = fdrecv_command_exec(reception->path, request->command);
	code = errno;
	snprintf(reason, sizeof(reason), "running %s failed: %s", request->command[0],
		 strerror(code));
	cli_error("%s", reason);
	for (size_t i = 0; i < request->group_count; i++)
		fdpass_handover_fail(reception->handovers[i], reason);
	leave(reception, status);
}

int main(int argc, char **argv)
{
	struct request request;
	struct reception reception = {.request = &request, .wait = FDPASS_WAIT_INIT};
	int r;

	cli_diagnostic_name(fdrecv_program.name);
	r = cli_standard_reserve();
	if (r < 0) {
		cli_error("keeping descriptors 0 to 2 free failed: %s", strerror(-r));
		return FAILED;
	}
	fdrecv_request_parse(&request, argc, argv);
	if (request.patience > 0)
		reception.wait.deadline = fdpass_deadline_in(request.patience);
	reception.rule = cli_admit_rule(&request.admissions, &fdrecv_program);
	prepare(&reception);
	r = cli_signals_block();
	if (r < 0) {
		cli_error("preparing for signals failed: %s", strerror(-r));
		leave(&reception, FAILED);
	}
	reception.wait.cancel_fd = cli_signals_fd();
	listen_all(&reception);
	tell_ready(&reception);
	receive_all(&reception);
	step_aside(&reception);
	place(&reception);
	exec_command(&reception);
}
