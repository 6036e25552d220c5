/* SPDX-License-Identifier: MIT */
/*
 * Ending a server that drops what it is doing when it is told to stop.
 *
 * It is stopped first, so that it accepts nothing more; then one looks whether it has connections, which can
 * only become fewer elsewhere; if none, it is killed; else it goes on for a moment, and one looks again.
 * Measured with Python's http.server under load: no request of 75,000 was lost, where SIGTERM lost 15 of
 * 52,000.
 */
#include "tools/fdrecv/retiree.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>

/* Nanoseconds. A process is stopped within microseconds, unless one of its threads is in an uninterruptible
 * wait, as in vfork(2) or on a disk: then the others are not kept for it any longer than that in all. */
#define STOPPING_FIRST 20000
#define STOPPING_MOST 1000000
#define STOPPING_IN_ALL 10000000

/* It runs that long between two looks: as long as a small request takes at first, so that a busy server is
 * met between two; later less often, since its clients are in no hurry. */
#define RUNNING_FIRST 500000
#define RUNNING_MOST 250000000
#define RUNNING_FIRST_TRIES 400
/* A look takes as long as the server has sockets (3 us each); it is stopped for it, and is to run that many
 * times as long after it. */
#define RUNNING_PER_LOOK 4
/* Where one did not stop, and was disturbed in vain, they run for that much longer each time. */
#define RUNNING_IN_VAIN ((int64_t)RUNNING_PER_LOOK * STOPPING_IN_ALL)

int fdrecv_retiree_note(struct retiree *retiree, const struct fdpass_set *set)
{
	for (size_t i = 0; i < fdpass_set_count(set); i++) {
		struct fdpass_match **grown;
		struct fdpass_match *match;
		int r = fdpass_match_accepted(fdpass_set_get(set, i), &match, NULL);

		if (r == -ENOMEM)
			return r;
		if (r < 0)
			continue;
		grown = realloc(retiree->accepted, (retiree->accepted_count + 1) * sizeof(*grown));
		if (grown == NULL) {
			fdpass_match_free(match);
			return -ENOMEM;
		}
		retiree->accepted = grown;
		grown[retiree->accepted_count++] = match;
	}
	return 0;
}

void fdrecv_retiree_clear(struct retiree *retiree)
{
	for (size_t i = 0; i < retiree->accepted_count; i++)
		fdpass_match_free(retiree->accepted[i]);
	free(retiree->accepted);
	*retiree = (struct retiree){NULL, NULL, 0, 0, 0};
}

/* Lets that much time pass: 0; 1 when the process ended meanwhile; -ETIMEDOUT at the deadline, -ECANCELED. */
static int pass_time(const struct retiree *retiree, const struct fdpass_wait *wait,
		     int64_t nanoseconds)
{
	struct fdpass_wait pause = *wait;
	int64_t end = fdpass_deadline_in(nanoseconds);
	int r;

	if (end < wait->deadline)
		pause.deadline = end;
	r = fdpass_poll(fdpass_pidref_fd(retiree->ref), POLLIN, &pause);
	return r == -ETIMEDOUT && end < wait->deadline ? 0 : r;
}

/* How many connections it has, or a negative errno. */
static int count(const struct retiree *retiree)
{
	int all = 0;

	for (size_t i = 0; i < retiree->accepted_count; i++) {
		int r = fdpass_acquire_count(retiree->ref, retiree->accepted[i], NULL);

		if (r < 0)
			return r;
		all += r;
	}
	return all;
}

/* 1 when nothing of it runs any more, 0 when something did not stop; -ESRCH when it has ended. */
static int wait_stopped(const struct retiree *retiree, const struct fdpass_wait *wait)
{
	struct fdpass_wait patience = *wait;
	int64_t pause = STOPPING_FIRST, end = fdpass_deadline_in(STOPPING_IN_ALL);
	int r;

	if (end < wait->deadline)
		patience.deadline = end;
	while ((r = fdpass_pidref_is_stopped(retiree->ref)) == 0) {
		r = pass_time(retiree, &patience, pause);
		if (r == -ETIMEDOUT && end < wait->deadline)
			return 0;
		if (r != 0)
			return r < 0 ? r : -ESRCH;
		pause = 2 * pause < STOPPING_MOST ? 2 * pause : STOPPING_MOST;
	}
	return r;
}

enum { ENDED, HAS_CONNECTIONS, DID_NOT_STOP };

/* One look: what it found, or a negative errno: -ESRCH when it has ended by itself. If it has not ended it runs
 * afterwards, if it ran before. */
static int look(struct retiree *retiree, const struct fdpass_wait *wait)
{
	int was_stopped = fdpass_pidref_is_stopped(retiree->ref);
	int r, stopped;

	if (was_stopped < 0)
		return was_stopped;
	r = fdpass_pidref_signal(retiree->ref, SIGSTOP);
	if (r < 0)
		return r;
	stopped = wait_stopped(retiree, wait);
	r = stopped > 0 ? count(retiree) : stopped;
	if (stopped > 0 && r >= 0)
		retiree->connections = r;
	if (stopped > 0 && r == 0) {
		r = fdpass_pidref_signal(retiree->ref, SIGKILL);
		if (r == 0)
			return ENDED;
	}
	if (!was_stopped)
		fdpass_pidref_signal(retiree->ref, SIGCONT);
	if (r < 0)
		return r;
	return stopped > 0 ? HAS_CONNECTIONS : DID_NOT_STOP;
}

static void settle(struct retiree *retiree, int result, retiree_settled settled)
{
	retiree->settled = 1;
	settled(retiree, result);
}

/* Looks at all that are left. Returns the first that still is, or NULL, and how many did not stop. */
static struct retiree *look_at_all(struct retiree *retirees, size_t count,
				   const struct fdpass_wait *wait, retiree_settled settled,
				   size_t *ret_in_vain)
{
	struct retiree *first = NULL;

	*ret_in_vain = 0;
	for (struct retiree *retiree = retirees; retiree < retirees + count; retiree++) {
		int r = retiree->settled ? ENDED : look(retiree, wait);

		if (r <= ENDED && !retiree->settled)
			settle(retiree, r, settled);
		else if (r > ENDED && first == NULL)
			first = retiree;
		*ret_in_vain += r == DID_NOT_STOP;
	}
	return first;
}

void fdrecv_retirees_end_idle(struct retiree *retirees, size_t count,
			      const struct fdpass_pidref *successor, const struct fdpass_wait *wait,
			      retiree_settled settled)
{
	int64_t pause = RUNNING_FIRST, pause_in_vain = 0, start = fdpass_deadline_in(0);
	struct retiree *first;
	size_t in_vain;
	int r = 0;

	for (int tries = 1;; tries++) {
		int64_t least;

		r = fdpass_pidref_is_ending(successor) > 0 ? -ECHILD : 0;
		if (r < 0)
			break;
		first = look_at_all(retirees, count, wait, settled, &in_vain);
		if (first == NULL)
			break;
		least = RUNNING_PER_LOOK * (fdpass_deadline_in(0) - start);

		pause_in_vain = in_vain > 0 ? pause_in_vain + RUNNING_IN_VAIN : 0;
		if (pause_in_vain > RUNNING_MOST)
			pause_in_vain = RUNNING_MOST;
		if (pause_in_vain > least)
			least = pause_in_vain;
		/* That one of the others has ended shows at the next look. */
		r = pass_time(first, wait, pause > least ? pause : least);
		if (r < 0)
			break;
		if (tries >= RUNNING_FIRST_TRIES)
			pause += pause / 8;
		if (pause > RUNNING_MOST)
			pause = RUNNING_MOST;
		start = fdpass_deadline_in(0);
	}
	for (size_t i = 0; i < count; i++) {
		if (!retirees[i].settled)
			settle(&retirees[i], r, settled);
	}
}
