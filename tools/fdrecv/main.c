/* SPDX-License-Identifier: MIT */
/*
 * fdrecv: receive open file descriptors, or take them out of other processes, and run a command with them.
 *
 * Everything that can be checked is checked first; then other processes' descriptors are taken; then every
 * socket listens at once, and senders are served in any order; then everything is put in its place and the
 * command takes over this process.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/descriptors.h"
#include "cli/diagnostic.h"
#include "cli/signals.h"
#include "cli/sockspec.h"
#include "cli/standard.h"
#include "tools/fdrecv/acquire.h"
#include "tools/fdrecv/become.h"
#include "tools/fdrecv/command.h"
#include "tools/fdrecv/program.h"
#include "tools/fdrecv/receive.h"
#include "tools/fdrecv/retire.h"

static void check_ready_fd(const struct request *request)
{
	int fd = request->ready_fd;

	if (fd < 0)
		return;
	if (!cli_standard_was_closed(fd) && fcntl(fd, F_GETFD) >= 0)
		return;
	cli_error("--ready-fd: descriptor %d is not open; open it with a redirection, such as "
		  "%d>FIFO",
		  fd, fd);
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
		if (reception->addresses[i] == NULL)
			continue;
		for (size_t j = 0; j < i; j++) {
			if (reception->addresses[j] != NULL &&
			    strcmp(fdpass_address_text(reception->addresses[i]),
				   fdpass_address_text(reception->addresses[j])) == 0)
				cli_usage_error(&fdrecv_program, "'%s' is named twice",
						request->groups[i].source);
		}
		check_connection(request, fdpass_address_fd(reception->addresses[i]));
	}
}

static void prepare_table(struct reception *reception)
{
	const struct request *request = reception->request;
	char reason[FDPASS_REASON_MAX + 1];
	int r;

	/* Whatever is opened from here on is close-on-exec anyway. */
	if (request->others == CLOSE_OTHERS)
		cli_descriptors_keep_back(STDERR_FILENO + 1);
	r = fdrecv_placement_make(&reception->placement, request, reception->came,
				  fdrecv_table_is_free, reason, sizeof(reason));
	if (r == -EEXIST)
		cli_usage_error(&fdrecv_program, "%s", reason);
	if (r == 0)
		r = fdrecv_table_open(&reception->table,
				      fdrecv_placement_highest(&reception->placement),
				      fdrecv_reception_needs(reception));
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

	for (size_t i = 0; i < request->group_count; i++)
		if (request->groups[i].origin < 0)
			reception->addresses[i] =
				cli_sockspec_address(&fdrecv_program, request->groups[i].kind,
						     request->groups[i].source);
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

int main(int argc, char **argv)
{
	struct request request;
	struct reception reception;
	int r;

	cli_diagnostic_name(fdrecv_program.name);
	r = cli_standard_reserve();
	if (r < 0) {
		cli_error("keeping descriptors 0 to 2 free failed: %s", strerror(-r));
		return FAILED;
	}
	fdrecv_request_parse(&request, argc, argv);
	fdrecv_reception_init(&reception, &request);
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
	fdrecv_acquire(&reception);
	fdrecv_retire_prepare(&reception);
	fdrecv_listen(&reception);
	fdrecv_tell_ready(&reception);
	fdrecv_receive(&reception);
	fdrecv_become(&reception);
}
