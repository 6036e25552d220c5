/* SPDX-License-Identifier: MIT */
/*
 * fdrecv: receive open file descriptors, or take them out of other processes, and run a command with them.
 *
 * Everything that can be checked is checked first; then other processes' descriptors are taken; then every
 * socket listens at once, and senders are served in any order; then everything is put in its place and the
 * command takes over this process.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/attach.h"
#include "cli/descriptors.h"
#include "cli/diagnostic.h"
#include "cli/ready.h"
#include "cli/signals.h"
#include "cli/sockspec.h"
#include "cli/standard.h"
#include "tools/fdrecv/acquire.h"
#include "tools/fdrecv/become.h"
#include "tools/fdrecv/command.h"
#include "tools/fdrecv/program.h"
#include "tools/fdrecv/receive.h"
#include "tools/fdrecv/retire.h"
#include "tools/fdrecv/standard.h"

static void check_addresses(const struct reception *reception)
{
	const struct group *groups = reception->request->groups;
	struct fdpass_address **addresses = reception->addresses;

	for (size_t i = 0; i < reception->request->group_count; i++) {
		if (addresses[i] == NULL)
			continue;
		for (size_t j = 0; j < i; j++)
			if (addresses[j] != NULL && groups[i].kind == groups[j].kind &&
			    cli_sockspec_is_same(groups[i].kind, addresses[i], addresses[j]))
				cli_usage_error(&fdrecv_program, "'%s' is named twice",
						groups[i].source);
		cli_attach_check(&fdrecv_program, addresses[i], reception->request->ready_fd);
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
		cli_error("the hard limit on open files, %ju, is too low for target %d and what "
			  "else is needed (ulimit -Hn)",
			  (uintmax_t)reception->table.inherited.rlim_max,
			  fdrecv_placement_highest(&reception->placement));
		fdrecv_leave(reception, FAILED);
	}
	if (r < 0) {
		cli_fail("preparing the table of open files", -r);
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
	fdrecv_standard_check(reception);
	cli_ready_check(&fdrecv_program, request->ready_fd);
	reception->path = fdrecv_command_find(request->command[0], &status);
	if (reception->path == NULL) {
		cli_error("%s: %s%s", request->command[0], strerror(errno),
			  fdrecv_command_is_no_program(request->command[0])
				  ? "; nobody may execute it, which chmod +x changes"
			  : status != COMMAND_NOT_FOUND ? ""
			  : strchr(request->command[0], ' ') == NULL
				  ? "; there is no such command"
				  : "; there is no such command: write its arguments as words of "
				    "their own");
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
		cli_fail("keeping descriptors 0 to 2 free", -r);
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
		cli_fail("preparing for signals", -r);
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
