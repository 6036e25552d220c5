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
#include "tools/fdrecv/announce.h"
#include "tools/fdrecv/command.h"
#include "tools/fdrecv/program.h"
#include "tools/fdrecv/reception.h"

/* Descriptors of this program's own: signals, epoll, a second stderr, a caller that is looked at, and one
 * for the placement of a cycle; and for each group its listening socket, that one's directory, and the
 * connection. */
#define OWN_DESCRIPTORS 5
#define OWN_PER_GROUP 3

_Noreturn void fdrecv_leave(struct reception *reception, int status)
{
	fdpass_receiver_free(reception->receiver);
	for (size_t i = 0; i < reception->request->group_count; i++) {
		if (reception->handovers != NULL)
			fdpass_handover_free(reception->handovers[i]);
		if (reception->addresses != NULL)
			fdpass_address_free(reception->addresses[i]);
	}
	fdrecv_placement_clear(&reception->placement);
	free(reception->came);
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
	fdrecv_leave(reception, error->code == ETIMEDOUT ? TIMED_OUT : FAILED);
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

/* What is written on an inherited connection goes to its other end. */
static void check_connection(const struct request *request, int connection)
{
	if (connection < 0)
		return;
	if (connection == request->ready_fd)
		cli_usage_error(&fdrecv_program,
				"--ready-fd: descriptor %d is the connection that is received from",
				connection);
	if (connection == STDERR_FILENO)
		cli_diagnostic_level(CLI_QUIET);
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
		check_connection(request, fdpass_address_fd(reception->addresses[i]));
	}
}

/* How many numbers are needed at once: what is to be placed, and what is needed until then. */
static size_t numbers_needed(const struct reception *reception)
{
	return reception->placement.count + OWN_PER_GROUP * reception->request->group_count +
	       OWN_DESCRIPTORS;
}

static void prepare_table(struct reception *reception)
{
	const struct request *request = reception->request;
	char reason[FDPASS_REASON_MAX + 1];
	int r;

	/* Whatever is opened from here on is close-on-exec anyway. */
	if (request->others == CLOSE_OTHERS)
		fdrecv_table_keep_back(STDERR_FILENO + 1);
	r = fdrecv_placement_make(&reception->placement, request, reception->came,
				  fdrecv_table_is_free, reason, sizeof(reason));
	if (r == -EEXIST)
		cli_usage_error(&fdrecv_program, "%s", reason);
	if (r == 0)
		r = fdrecv_table_open(&reception->table,
				      fdrecv_placement_highest(&reception->placement),
				      numbers_needed(reception));
	if (r == -EMFILE) {
		cli_error(
			"the hard limit on open files, %ju, is too low for target %d and what else "
			"is needed (ulimit -Hn)",
			(uintmax_t)reception->table.inherited.rlim_max,
			fdrecv_placement_highest(&reception->placement));
		fdrecv_leave(reception, FAILED);
	}
	if (r < 0) {
		cli_error("preparing the table of open files failed: %s", strerror(-r));
		fdrecv_leave(reception, FAILED);
	}
}

/* What can be known before anybody is asked for anything. */
static void prepare(struct reception *reception)
{
	const struct request *request = reception->request;
	int status;

	reception->addresses = calloc(request->group_count, sizeof(struct fdpass_address *));
	reception->handovers = calloc(request->group_count, sizeof(struct fdpass_handover *));
	reception->came = calloc(request->group_count, sizeof(*reception->came));
	if (reception->addresses == NULL || reception->handovers == NULL ||
	    reception->came == NULL) {
		cli_error("%s", strerror(ENOMEM));
		fdrecv_leave(reception, FAILED);
	}
	for (size_t i = 0; i < request->group_count; i++)
		reception->addresses[i] = cli_sockspec_address(
			&fdrecv_program, request->groups[i].kind, request->groups[i].socket);
	check_addresses(reception);
	check_ready_fd(request);
	reception->path = fdrecv_command_find(request->command[0], &status);
	if (reception->path == NULL) {
		cli_error("%s: %s%s", request->command[0], strerror(errno),
			  status != COMMAND_NOT_FOUND ? ""
			  : strchr(request->command[0], ' ') == NULL
				  ? "; there is no such command"
				  : "; there is no such command: write its "
				    "arguments as words of their own");
		fdrecv_leave(reception, status);
	}
	prepare_table(reception);
}

/* Where one group's descriptors come from: a socket that listens, or a connection. */
static void attach(struct reception *reception, size_t i,
		   const struct fdpass_listen_options *options)
{
	const struct fdpass_address *address = reception->addresses[i];
	const char *where = fdpass_address_text(address);
	struct fdpass_error error = FDPASS_ERROR_INIT;
	struct fdpass_listener *listener;
	int connection = fdpass_address_fd(address);
	int r;

	if (connection >= 0) {
		if (cli_standard_was_closed(connection))
			connection = -EBADF;
		if (fdpass_receiver_add_connection(reception->receiver, connection, &error) < 0)
			leave_failed(reception, where, &error);
		/* It is used up: the command does not get it. */
		fcntl(connection, F_SETFD, FD_CLOEXEC);
		return;
	}
	if (fdpass_listener_open(address, options, &listener, &error) < 0)
		leave_failed(reception, where, &error);
	r = fdpass_receiver_add(reception->receiver, listener);
	if (r < 0) {
		fdpass_listener_close(listener);
		cli_error("%s: %s", where, strerror(-r));
		fdrecv_leave(reception, FAILED);
	}
	cli_verbose("%s: listening", where);
}

static void listen_all(struct reception *reception)
{
	struct fdpass_listen_options options = FDPASS_LISTEN_OPTIONS_INIT;
	int r = fdpass_receiver_new(reception->rule, report, reception, &reception->receiver);

	if (r < 0) {
		cli_error("%s", strerror(-r));
		fdrecv_leave(reception, FAILED);
	}
	/* The credentials decide then. */
	if (fdpass_rule_admits_others(reception->rule))
		options.mode = 0666;
	options.wait = &reception->wait;
	for (size_t i = 0; i < reception->request->group_count; i++)
		attach(reception, i, &options);
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
		fdrecv_leave(reception, r == -ETIMEDOUT ? TIMED_OUT : FAILED);
	}
	close(fd);
	/* What is opened from here on must not become stdin, stdout or stderr. */
	cli_standard_reserve();
}

/* Whether everything that came so far can be placed and announced, the handover for `group` included, which
 * is counted already. 0 or a negative errno, with the reason. */
static int check_arrival(struct reception *reception, size_t group, struct fdpass_set *set,
			 char *reason, size_t size)
{
	const struct request *request = reception->request;
	int r = fdrecv_placement_make(&reception->placement, request, reception->came,
				      fdrecv_table_is_free, reason, size);

	if (r == -EEXIST)
		return r;
	if (r == 0)
		r = fdrecv_table_reach(&reception->table,
				       fdrecv_placement_highest(&reception->placement),
				       numbers_needed(reception));
	if (r == -EMFILE)
		snprintf(reason, size, "the hard limit on open files, %ju, is too low (ulimit -Hn)",
			 (uintmax_t)reception->table.inherited.rlim_max);
	else if (r < 0)
		snprintf(reason, size, "%s", strerror(-r));
	if (r == 0 && request->groups[group].target == TARGET_LISTEN)
		r = fdrecv_announce_check(request, reception->came, set, reason, size);
	return r;
}

/* 1 when the handover can be used for its group; else it is refused. */
static int fits(struct reception *reception, struct fdpass_handover *handover)
{
	size_t group = (size_t)fdpass_handover_index(handover);
	struct fdpass_set *set = fdpass_handover_set(handover);
	struct fdpass_peer peer = fdpass_handover_peer(handover);
	size_t came = fdpass_set_count(set);
	size_t wanted = fdrecv_group_keeps(&reception->request->groups[group], came);
	char reason[FDPASS_REASON_MAX + 1];

	if (came < wanted) {
		snprintf(reason, sizeof(reason), "%zu descriptors are wanted, and %zu came", wanted,
			 came);
	} else {
		reception->came[group] = wanted;
		if (check_arrival(reception, group, set, reason, sizeof(reason)) == 0)
			return 1;
		reception->came[group] = 0;
	}
	/* Said without -v too: a sender that does not read answers does not say it. */
	cli_error("%s: refused what process %jd of user %ju sent: %s",
		  fdpass_address_text(reception->addresses[group]), (intmax_t)peer.pid,
		  (uintmax_t)peer.uid, reason);
	fdpass_handover_refuse(handover, reason);
	return 0;
}

/* The first group that has not got anything yet. */
static int first_missing(const struct reception *reception)
{
	int i = 0;

	while (reception->handovers[i] != NULL)
		i++;
	return i;
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
			int which = error.step == FDPASS_STEP_RECEIVE && error.fd >= 0
					    ? error.fd
					    : first_missing(reception);

			leave_failed(reception, fdpass_address_text(reception->addresses[which]),
				     &error);
		}
		index = fdpass_handover_index(handover);
		if (!fits(reception, handover)) {
			fdpass_handover_free(handover);
			/* Nobody else can come by a connection. */
			if (fdpass_address_fd(reception->addresses[index]) >= 0)
				fdrecv_leave(reception, FAILED);
			continue;
		}
		/* More than asked for is closed. */
		fdpass_set_discard(fdpass_handover_set(handover), reception->came[index]);
		fdpass_handover_accept(handover, (uint32_t)reception->came[index]);
		cli_verbose("%s: received %zu from process %jd",
			    fdpass_address_text(reception->addresses[index]),
			    reception->came[index], (intmax_t)fdpass_handover_peer(handover).pid);
		reception->handovers[index] = handover;
		reception->served++;
		fdpass_receiver_drop(reception->receiver, index);
	}
	reception->receiver = fdpass_receiver_free(reception->receiver);
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
		fdrecv_leave(&reception, FAILED);
	}
	reception.wait.cancel_fd = cli_signals_fd();
	listen_all(&reception);
	tell_ready(&reception);
	receive_all(&reception);
	fdrecv_take_over(&reception);
}
