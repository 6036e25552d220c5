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
#include "base/wait.h"

/* How long a process that has ended is given to be reaped, where only that tells how it ended. */
#define REAPED_WITHIN (2 * NSEC_PER_SEC)

static int lost(const char *what, struct fdpass_error *error)
{
	return fdpass_error_text(error, FDPASS_STEP_START, -EOWNERDEAD, what);
}

void fdpass_started_begin(struct started *started, const struct outgoing *outgoing,
			  enum fdpass_until until)
{
	*started = (struct started){.until = until, .pidfd = outgoing->answerer, .proc = FD_NONE};
	/* Opened while the receiver still waits to become something else. */
	if (started->pidfd >= 0)
		started->proc = fdpass_process_open(started->pidfd, 0);
}

/* Whether the connection is at its end: 1 or 0; -ENOEXEC when the receiver says that it failed, -EOWNERDEAD
 * when it is none that becomes anything. */
static int is_over(struct outgoing *outgoing, struct fdpass_error *error)
{
	int r = fdpass_outgoing_hear(outgoing);

	if (r == -ENODATA || r == -ECONNRESET)
		return 1;
	if (r > 0 && outgoing->answer.type == FRAME_FAILED)
		return fdpass_error_text(error, FDPASS_STEP_START, -ENOEXEC, outgoing->answer.text);
	if (r > 0 && outgoing->answer.type == FRAME_PASSED_ON)
		return lost("relay", error);
	return r == 0 ? 0 : fdpass_error_set(error, FDPASS_STEP_START, r > 0 ? -EPROTO : r);
}

/* POLLHUP says so, which needs no asking for: pidfd_open(2). */
static int is_reaped(int pidfd)
{
	static const struct fdpass_wait at_once = {0, -1};

	return fdpass_wait_for(&at_once, pidfd, 0, FDPASS_NO_DEADLINE) > 0;
}

/* How a process ended that was ending when its connection did. 1: of its own accord, so that it had become
 * what it was to run, or would have said why not. */
static int judge_end(struct started *started, struct fdpass_error *error)
{
	int reaped = is_reaped(started->pidfd); /* before it is asked, since it may be just now */
	int status;

	if (fdpass_process_end(started->pidfd, started->proc, &status) == 0)
		return WIFEXITED(status) ? 1 : lost("killed", error);
	/* Who was reaped without having told will never tell. */
	if (reaped)
		return lost("unknown", error);
	if (started->phase == STARTED_OR_ENDED) {
		started->phase = STARTED_OR_LOST;
		started->reaped = fdpass_deadline_in(REAPED_WITHIN);
	}
	return fdpass_deadline_now() < started->reaped ? 0 : lost("unknown", error);
}

/* The connection has ended: by exec, or by death? 1: by exec; 0: it is ending. */
static int judge(const struct started *started, struct fdpass_error *error)
{
	struct process_stat stat;
	int r;

	if (started->pidfd < 0)
		return lost("hidden", error);
	r = started->proc >= 0 ? fdpass_process_stat(started->proc, &stat) : -ENOENT;
	if (r == 0)
		return (stat.flags & PROCESS_EXITING) == 0;
	return fdpass_process_has_ended(started->pidfd) ? 0 : lost("hidden", error);
}

/* 1: it has become another program; 0: not yet. */
static int look(struct started *started, struct outgoing *outgoing, struct fdpass_error *error)
{
	int r;

	if (started->phase == STARTED_NOT_YET) {
		r = is_over(outgoing, error);
		if (r > 0)
			r = judge(started, error);
		else if (r == 0)
			return 0;
		if (r != 0)
			return r;
		started->phase = STARTED_OR_ENDED;
	}
	return fdpass_process_has_ended(started->pidfd) ? judge_end(started, error) : 0;
}

int fdpass_started_step(struct started *started, struct outgoing *outgoing,
			struct fdpass_error *error)
{
	if (started->phase != STARTED_RUNNING) {
		int r = look(started, outgoing, error);

		if (r <= 0)
			return r;
		started->phase = STARTED_RUNNING;
	}
	return started->until != FDPASS_UNTIL_ENDED || fdpass_process_has_ended(started->pidfd);
}

struct interest fdpass_started_interest(const struct started *started,
					const struct outgoing *outgoing)
{
	switch (started->phase) {
	case STARTED_NOT_YET:
		return fdpass_outgoing_interest(outgoing);
	case STARTED_OR_LOST:
		/* POLLHUP, which needs no asking for: it was reaped. */
		return (struct interest){started->pidfd, 0, started->reaped};
	case STARTED_OR_ENDED:
	case STARTED_RUNNING:
		break;
	}
	return (struct interest){started->pidfd, POLLIN, FDPASS_NO_DEADLINE};
}

void fdpass_started_end(struct started *started)
{
	started->proc = fdpass_fd_close(started->proc);
}
