/* SPDX-License-Identifier: MIT */
/* The end of fdrecv: everything is put in its place, and the command takes over this process. */
#include "tools/fdrecv/become.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/diagnostic.h"
#include "cli/signals.h"
#include "tools/fdrecv/announce.h"
#include "tools/fdrecv/command.h"
#include "tools/fdrecv/nonblock.h"
#include "tools/fdrecv/retire.h"
#include "tools/fdrecv/standard.h"

static _Noreturn void leave_unplaced(struct reception *reception, int fd, int code)
{
	char reason[FDPASS_REASON_MAX + 1];

	snprintf(reason, sizeof(reason), "putting a descriptor on %d failed: %s", fd,
		 strerror(code));
	fdrecv_leave_failed(reception, reason, FAILED);
}

static void announce(struct reception *reception)
{
	char reason[FDPASS_REASON_MAX + 1];
	int r = fdrecv_announce(reception);

	if (r == 0)
		return;
	snprintf(reason, sizeof(reason), "announcing the descriptors failed: %s", strerror(-r));
	fdrecv_leave_failed(reception, reason, FAILED);
}

static void retire(struct reception *reception)
{
	char reason[FDPASS_REASON_MAX + 1];
	int r;

	if (reception->request->retire == RETIRE_NOTHING)
		return;
	r = fdrecv_retire_start(reception);
	if (r == -ECANCELED)
		fdrecv_leave_cancelled(reception);
	if (r == 0)
		return;
	snprintf(reason, sizeof(reason), "preparing to retire the old process failed: %s",
		 strerror(-r));
	fdrecv_leave_failed(reception, reason, r == -ETIMEDOUT ? TIMED_OUT : FAILED);
}

static void unblock(struct reception *reception, struct nonblock *changed)
{
	char reason[FDPASS_REASON_MAX + 1];
	int r = fdrecv_nonblock_set(reception, changed);

	if (r == 0)
		return;
	snprintf(reason, sizeof(reason), "making the sockets non-blocking failed: %s",
		 strerror(-r));
	fdrecv_leave_failed(reception, reason, FAILED);
}

/* A copy of `fd` that is on no target, if it is on one itself; it may be the same number. */
static int copy_beside(const struct placement *placement, int fd)
{
	int copy = fd, beside;

	/* The number may be taken, and the next free one be a target again. */
	while (copy >= 0 && (beside = fdrecv_placement_beside(placement, copy)) != copy)
		copy = fcntl(fd, F_DUPFD_CLOEXEC, beside);
	return copy < 0 ? -errno : copy;
}

/* What this program still needs must not be where a target is: the connections, signals, stderr, and the
 * end of which only the closing is waited for. */
static void step_aside(struct reception *reception)
{
	const struct request *request = reception->request;
	const struct placement *placement = &reception->placement;
	int messages = copy_beside(placement, STDERR_FILENO);
	int beside, r = messages < 0 ? messages : 0;

	if (r == 0 && reception->retirement >= 0) {
		reception->retirement = copy_beside(placement, reception->retirement);
		r = reception->retirement < 0 ? reception->retirement : 0;
	}
	while (r == 0 &&
	       (beside = fdrecv_placement_beside(placement, cli_signals_fd())) != cli_signals_fd())
		r = cli_signals_move(beside);
	for (size_t i = 0; r == 0 && i < request->group_count; i++) {
		struct fdpass_handover *handover = reception->handovers[i];

		while (handover != NULL && r == 0 &&
		       (beside =
				fdrecv_placement_beside(placement, fdpass_handover_fd(handover))) !=
			       fdpass_handover_fd(handover))
			r = fdpass_handover_move(handover, beside);
	}
	if (r < 0)
		leave_unplaced(reception, fdrecv_placement_highest(&reception->placement), -r);
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
		struct fdpass_set *set = reception->sets[i];
		int to_all = request->groups[i].target == TARGET_INETD;
		size_t count;
		const int *numbers = fdrecv_placement_of(&reception->placement, i, &count);
		int source = -EBADF;

		for (size_t j = 0; r == 0 && j < count; j++) {
			if (j == 0 || !to_all)
				source = fdpass_set_steal(set, j);
			r = fdpass_plan_add(plan, source, numbers[j]);
		}
	}
	if (r < 0)
		leave_unplaced(reception, fdrecv_placement_highest(&reception->placement), -r);
	if (fdpass_plan_run(plan, &error) < 0)
		leave_unplaced(reception, error.fd, error.code);
	fdpass_plan_free(plan);
}

static void fill_standard(struct reception *reception)
{
	int number = fdrecv_standard_fill(reception);

	if (number >= 0)
		leave_unplaced(reception, number, errno);
}

static _Noreturn void exec_command(struct reception *reception)
{
	const struct request *request = reception->request;
	rlim_t inherited = reception->table.inherited.rlim_cur;
	rlim_t limit = fdrecv_table_restore(&reception->table,
					    fdrecv_placement_highest(&reception->placement));
	struct nonblock changed = NONBLOCK_INIT;
	char reason[FDPASS_REASON_MAX + 1];
	int status, code, caught;

	unblock(reception, &changed);
	if (limit != inherited)
		cli_verbose("the command's soft limit on open files is %ju, since the inherited "
			    "%ju leaves no room",
			    (uintmax_t)limit, (uintmax_t)inherited);
	caught = cli_signals_restore();
	if (caught != 0) {
		fdrecv_nonblock_undo(&changed);
		fdrecv_leave_killed(reception, caught);
	}
	status = fdrecv_command_exec(reception->path, request->command);
	code = errno;
	fdrecv_nonblock_undo(&changed);
	snprintf(reason, sizeof(reason), "running %s failed: %s%s", request->command[0],
		 strerror(code),
		 code == ENOENT ? "; it was found, but not the interpreter that it names" : "");
	fdrecv_leave_failed(reception, reason, status);
}

_Noreturn void fdrecv_become(struct reception *reception)
{
	announce(reception);
	retire(reception);
	step_aside(reception);
	place(reception);
	fill_standard(reception);
	exec_command(reception);
}
