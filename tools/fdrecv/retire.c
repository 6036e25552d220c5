/* SPDX-License-Identifier: MIT */
/* --retire: who ends the old process, when, and what it says. */
#include "tools/fdrecv/retire.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/descriptors.h"
#include "cli/diagnostic.h"
#include "cli/signals.h"
#include "cli/signame.h"
#include "tools/fdrecv/nonblock.h"
#include "tools/fdrecv/retiree.h"

/* What the retiring process has to know of the one that becomes the command. */
struct successor {
	struct fdpass_pidref *ref;
	int end; /* a socket: one byte says that all is ready; end of file, that the command was run */
};

static _Noreturn void fail(struct reception *reception, int code)
{
	cli_fail("--retire: preparing to look at the old process", -code);
	fdrecv_leave(reception, FAILED);
}

/* The one for that process, which may have been named before, in the same words or in others: it is to be
 * without all that was taken from it, and gets one signal. */
static struct retiree *retiree_for(struct reception *reception, const struct fdpass_pidref *ref)
{
	struct retiree *retiree = reception->retirees;

	for (; retiree < reception->retirees + reception->retiree_count; retiree++) {
		if (fdpass_pidref_pid(retiree->ref) == fdpass_pidref_pid(ref) &&
		    fdpass_pidref_inode(retiree->ref) == fdpass_pidref_inode(ref))
			return retiree;
	}
	retiree->ref = ref;
	reception->retiree_count++;
	return retiree;
}

static void note(struct reception *reception, size_t origin)
{
	const struct request *request = reception->request;
	struct retiree *retiree = retiree_for(reception, reception->pidrefs[origin]);

	for (size_t i = 0; i < request->group_count; i++) {
		int r = request->groups[i].origin == (int)origin
				? fdrecv_retiree_note(retiree, reception->sets[i])
				: 0;

		if (r < 0)
			fail(reception, r);
	}
}

/* The others would go on without the one that rules them: nginx's workers, for one. */
static void check_alone(struct reception *reception, const struct fdpass_set *set)
{
	for (size_t i = 0; i < fdpass_set_count(set); i++) {
		struct fdpass_match *match;
		int holders;

		if (fdpass_match_accepted(fdpass_set_get(set, i), &match, NULL) < 0)
			continue;
		fdpass_match_free(match);
		if (fdpass_match_same(fdpass_set_get(set, i), &match, NULL) < 0)
			fail(reception, -ENOMEM);
		holders = fdpass_pidref_count(match, NULL);
		fdpass_match_free(match);
		if (holders < 0)
			fail(reception, holders);
		if (holders <= 1)
			continue;
		cli_error("--retire: %d processes hold the listening socket; a server of several "
			  "is ended by its own signal, such as --retire=QUIT or --retire=TERM",
			  holders);
		fdrecv_leave(reception, FAILED);
	}
}

static void check(struct reception *reception, const struct retiree *retiree)
{
	intmax_t pid = (intmax_t)fdpass_pidref_pid(retiree->ref);

	if (fdpass_pidref_pid(retiree->ref) == getpid()) {
		cli_error("--retire: process %jd is this one, which becomes the command", pid);
		fdrecv_leave(reception, FAILED);
	}
	if (reception->request->retire == RETIRE_IDLE && retiree->accepted_count == 0) {
		cli_error("--retire: no listening socket was taken from process %jd, so that it "
			  "cannot be seen whether it is idle; name the signal that ends it, such "
			  "as --retire=TERM",
			  pid);
		fdrecv_leave(reception, FAILED);
	}
}

void fdrecv_retire_check(struct reception *reception)
{
	if (reception->request->retire == RETIRE_NOTHING || access("/proc/self/stat", R_OK) == 0)
		return;
	cli_error("--retire: /proc does not show this process (%s), and whether the command was "
		  "started is seen there; is it mounted?",
		  strerror(errno));
	fdrecv_leave(reception, FAILED);
}

void fdrecv_retire_prepare(struct reception *reception)
{
	const struct request *request = reception->request;

	if (request->retire == RETIRE_NOTHING)
		return;
	reception->retirees = calloc(request->origin_count, sizeof(*reception->retirees));
	if (reception->retirees == NULL)
		fail(reception, -ENOMEM);
	for (size_t i = 0; i < request->origin_count; i++)
		note(reception, i);
	for (size_t i = 0; i < reception->retiree_count; i++)
		check(reception, &reception->retirees[i]);
	for (size_t i = 0; i < request->group_count; i++)
		if (request->retire == RETIRE_IDLE && request->groups[i].origin >= 0)
			check_alone(reception, reception->sets[i]);
}

void fdrecv_retire_forget(struct reception *reception)
{
	if (reception->retirees == NULL)
		return;
	for (size_t i = 0; i < reception->retiree_count; i++)
		fdrecv_retiree_clear(&reception->retirees[i]);
	free(reception->retirees);
	reception->retirees = NULL;
}

static void send_signal(const struct retiree *retiree, int signal)
{
	intmax_t pid = (intmax_t)fdpass_pidref_pid(retiree->ref);
	int r = fdpass_pidref_signal(retiree->ref, signal);
	char number[16];

	if (r == 0)
		cli_verbose("sent %s to process %jd", cli_signame_text(signal, number), pid);
	else if (r == -ESRCH)
		cli_verbose("process %jd has ended by itself", pid);
	else
		cli_error("--retire: sending %s to process %jd failed: %s; it goes on",
			  cli_signame_text(signal, number), pid, strerror(-r));
}

static void tell_goes_on(const struct retiree *retiree)
{
	cli_error(
		"--retire: the command was not started, or has ended already; process %jd goes on",
		(intmax_t)fdpass_pidref_pid(retiree->ref));
}

static void tell(const struct retiree *retiree, int result)
{
	intmax_t pid = (intmax_t)fdpass_pidref_pid(retiree->ref);

	if (result == 0)
		cli_verbose("ended process %jd, which had no connections left", pid);
	else if (result == -ESRCH)
		cli_verbose("process %jd has ended by itself", pid);
	else if (result == -ETIMEDOUT && retiree->connections > 0)
		cli_error("--retire: process %jd still had %d connection%s when the time ran out; "
			  "it goes on, beside the command",
			  pid, retiree->connections, retiree->connections == 1 ? "" : "s");
	else if (result == -ETIMEDOUT)
		cli_error("--retire: process %jd was not stopped when the time ran out, and could "
			  "not be looked at; it goes on, beside the command",
			  pid);
	else if (result == -ECHILD)
		tell_goes_on(retiree);
	else if (result == -ECANCELED)
		cli_error("--retire: interrupted; process %jd goes on, beside the command", pid);
	else
		cli_error("--retire: ending process %jd failed: %s; it goes on, beside the command",
			  pid, strerror(-result));
}

/* Whether the command stays: most that cannot serve, since the address is in use or their configuration is
 * wrong, end at once. As wait_started(). */
static int wait_stays(const struct reception *reception, const struct successor *successor)
{
	struct fdpass_wait trial = reception->wait;
	int64_t end = fdpass_deadline_in(reception->request->retire_after);
	int r;

	if (end < trial.deadline)
		trial.deadline = end;
	r = fdpass_poll(fdpass_pidref_fd(successor->ref), POLLIN, &trial);
	if (r != -ETIMEDOUT || end >= reception->wait.deadline)
		return r < 0 ? r : 0;
	/* One that crashed is there until its core is written. */
	r = fdpass_pidref_is_ending(successor->ref);
	return r < 0 ? r : r == 0;
}

/* Waits until this process is the command, and stays: 1; or is not, or not any more: 0; or a negative errno. */
static int wait_started(const struct reception *reception, const struct successor *successor)
{
	int r = fdpass_poll(successor->end, POLLIN, &reception->wait);

	if (r >= 0)
		r = fdpass_pidref_is_ending(successor->ref);
	if (r == 0)
		return wait_stays(reception, successor);
	return r < 0 ? r : 0;
}

/* It is not known whether the command stays, for `code`. */
static void tell_unknown(const struct retiree *retiree, int code)
{
	if (code == -ETIMEDOUT)
		cli_error("--retire: the time ran out before the command had run for long enough; "
			  "process %jd goes on, beside the command",
			  (intmax_t)fdpass_pidref_pid(retiree->ref));
	else
		tell(retiree, code);
}

/* Whoever waits for the end of a pipe that we inherited, or for a port to become free, does not wait for the
 * retiring process. */
static void close_all_others(const struct reception *reception, const struct successor *successor,
			     const struct nonblock *blocking)
{
	size_t origins = reception->request->origin_count, count = 0;
	int *kept = calloc(5 + 2 * origins + blocking->count, sizeof(*kept));

	if (kept == NULL)
		return;
	kept[count++] = STDERR_FILENO;
	kept[count++] = cli_signals_fd();
	kept[count++] = successor->end;
	kept[count++] = fdpass_pidref_fd(successor->ref);
	kept[count++] = fdpass_pidref_directory(successor->ref);
	for (size_t i = 0; i < origins; i++) {
		kept[count++] = fdpass_pidref_fd(reception->pidrefs[i]);
		kept[count++] = fdpass_pidref_directory(reception->pidrefs[i]);
	}
	for (size_t i = 0; i < blocking->count; i++)
		kept[count++] = blocking->numbers[i];
	cli_descriptors_close_others(kept, count);
	free(kept);
}

/* The command stays: closes the sockets that were kept for as long as that was open. */
static void let_go(struct nonblock *blocking)
{
	for (size_t i = 0; i < blocking->count; i++)
		close(blocking->numbers[i]);
	free(blocking->numbers);
}

/* Ctrl-Z is for the command; and would else leave behind a server that is stopped to be looked at. */
static void stay_awake(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTSTP);
	sigaddset(&set, SIGTTIN);
	sigaddset(&set, SIGTTOU);
	sigprocmask(SIG_BLOCK, &set, NULL);
}

/* The retiring process. */
static _Noreturn void work(const struct reception *reception, const struct successor *successor)
{
	const struct request *request = reception->request;
	struct nonblock blocking = NONBLOCK_INIT;
	int started;

	stay_awake();
	if (fdrecv_nonblock_note(reception, &blocking) < 0)
		_exit(FAILED);
	close_all_others(reception, successor, &blocking);
	if (write(successor->end, "", 1) != 1)
		_exit(FAILED);
	started = wait_started(reception, successor);
	if (started == 0)
		fdrecv_nonblock_undo(&blocking);
	else
		let_go(&blocking);
	if (started > 0 && request->retire == RETIRE_IDLE)
		fdrecv_retirees_end_idle(reception->retirees, reception->retiree_count,
					 successor->ref, &reception->wait, tell);
	for (size_t i = 0; i < reception->retiree_count; i++) {
		if (started < 0)
			tell_unknown(&reception->retirees[i], started);
		else if (started == 0)
			tell_goes_on(&reception->retirees[i]);
		else if (request->retire == RETIRE_SIGNAL)
			send_signal(&reception->retirees[i], request->retire_signal);
	}
	if (cli_signals_caught() != 0)
		_exit(FAILED);
	_exit(0);
}

/* Forks twice, so that the command has no child that it does not know: whoever adopts orphans reaps it. */
static int fork_twice(const struct reception *reception, const struct successor *successor)
{
	pid_t child = fork();
	int status;

	if (child < 0)
		return -errno;
	if (child == 0) {
		if (fork() == 0)
			work(reception, successor);
		_exit(0);
	}
	/* ECHILD where SIGCHLD is ignored; it has ended by then, too (wait(2)). */
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		continue;
	return 0;
}

/* The retiring process says that it is there, or is not. */
static int hear(int end, const struct fdpass_wait *wait)
{
	char byte;
	int r = fdpass_poll(end, POLLIN, wait);

	if (r < 0)
		return r;
	return read(end, &byte, 1) == 1 ? 0 : -EAGAIN;
}

int fdrecv_retire_start(struct reception *reception)
{
	struct successor successor;
	int ends[2];
	int r = fdpass_pidref_open(getpid(), 0, &successor.ref, NULL);

	if (r < 0)
		return r;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0) {
		r = -errno;
		fdpass_pidref_free(successor.ref);
		return r;
	}
	successor.end = ends[1];
	r = fork_twice(reception, &successor);
	close(ends[1]);
	fdpass_pidref_free(successor.ref);
	/* On failure too it closes only with this process: else it would seem to have become the command. */
	reception->retirement = ends[0];
	return r == 0 ? hear(ends[0], &reception->wait) : r;
}
