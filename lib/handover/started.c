/* SPDX-License-Identifier: MIT */
/*
 * What becomes of a receiver after it has accepted.
 *
 * Its connection is close-on-exec, so that it ends when the receiver becomes what it was to run; or when it
 * dies. Looking whether it lives does not tell the two apart: a killed process closes its sockets before its
 * pidfd says so (1691 of 2000 looked alive). But it is marked as exiting by then, and an exec marks nothing.
 */
#include "handover/started.h"

#include <errno.h>
#include <poll.h>
#include <sys/wait.h>

#include "base/deadline.h"
#include "base/error.h"
#include "base/fd.h"
#include "base/process.h"

/* How long a process that has ended is given to be reaped, where only that tells how it ended. */
#define REAPED_WITHIN (2 * NSEC_PER_SEC)

static int wait_failed(int code, const char *what, struct fdpass_error *error)
{
	enum fdpass_step step =
		code == -ETIMEDOUT || code == -ECANCELED ? FDPASS_STEP_WAIT : FDPASS_STEP_START;

	return fdpass_error_text(error, step, code, what);
}

/* Waits for the end of the connection. 0; -ENOEXEC when the receiver says that it failed. */
static int wait_for_end(struct outgoing *outgoing, const struct fdpass_wait *wait,
			struct fdpass_error *error)
{
	for (;;) {
		int r = fdpass_outgoing_hear(outgoing);

		if (r == -ENODATA || r == -ECONNRESET)
			return 0;
		if (r > 0 && outgoing->answer.type == FRAME_FAILED)
			return fdpass_error_text(error, FDPASS_STEP_START, -ENOEXEC,
						 outgoing->answer.text);
		if (r != 0)
			return wait_failed(r > 0 ? -EPROTO : r, "", error);
		r = fdpass_outgoing_wait(outgoing, wait);
		if (r < 0)
			return wait_failed(r, "accepted", error);
	}
}

/* How a process ended that was ending when its connection did. 0: of its own accord, so that it had become
 * what it was to run, or would have said why not. */
static int judge_end(int pidfd, int proc, const struct fdpass_wait *wait,
		     struct fdpass_error *error)
{
	int64_t until;
	int status;
	int r = fdpass_poll(pidfd, POLLIN, wait);

	if (r < 0)
		return wait_failed(r, "accepted", error);
	until = fdpass_deadline_in(REAPED_WITHIN);
	r = fdpass_process_end(pidfd, proc, &status);
	if (r < 0) {
		/* POLLHUP, which needs no asking for. */
		r = fdpass_wait_for(wait, pidfd, 0, until);
		if (r < 0)
			return wait_failed(r, "accepted", error);
		r = fdpass_process_end(pidfd, proc, &status);
	}
	if (r < 0)
		return wait_failed(-EOWNERDEAD, "unknown", error);
	return WIFEXITED(status) ? 0 : wait_failed(-EOWNERDEAD, "killed", error);
}

/* The connection has ended: by exec, or by death? */
static int judge(int pidfd, int proc, const struct fdpass_wait *wait, struct fdpass_error *error)
{
	struct process_stat stat;
	int r = proc >= 0 ? fdpass_process_stat(proc, &stat) : -ENOENT;

	if (r == 0 && (stat.flags & PROCESS_EXITING) == 0)
		return 0;
	if (r < 0 && !fdpass_process_has_ended(pidfd))
		return wait_failed(-EOWNERDEAD, "hidden", error);
	return judge_end(pidfd, proc, wait, error);
}

int fdpass_started_wait(struct outgoing *outgoing, enum fdpass_until until,
			const struct fdpass_wait *wait, started_tell tell, void *context,
			struct fdpass_error *error)
{
	fd_owned int proc = FD_NONE;
	int pidfd = outgoing->answerer;
	int r;

	/* Opened while the receiver still waits to become something else. */
	if (pidfd >= 0)
		proc = fdpass_process_open(pidfd, 0);
	r = wait_for_end(outgoing, wait, error);
	if (r < 0)
		return r;
	if (pidfd < 0)
		return wait_failed(-EOWNERDEAD, "hidden", error);
	r = judge(pidfd, proc, wait, error);
	if (r < 0)
		return r;
	tell(context);
	if (until != FDPASS_UNTIL_ENDED)
		return 0;
	r = fdpass_poll(pidfd, POLLIN, wait);
	return r < 0 ? wait_failed(r, "started", error) : 0;
}
