/* SPDX-License-Identifier: MIT */
/* Taking descriptors out of another process, placing them, and what programs are told of them. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <check.h>

#include "base/fd.h"
#include "children.h"
#include "given.h"
#include "raw.h"
#include "scenarios.h"

#define TAKEN 20 /* the number of the file in the other process */

static struct child child;

/* What the other process has, for others to take. */
static void hold(void *context)
{
	int ends[2], fd;

	(void)context;
	child_check(pipe2(ends, O_CLOEXEC) == 0);
	child_check(raw_listen("taken", 4) >= 0);
	fd = open("taken-file", O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	child_check(fd >= 0 && dup2(fd, TAKEN) == TAKEN && close(fd) == 0);
}

static void hold_on(void)
{
	unlink("taken");
	child = child_start(hold, NULL);
}

static void let_go(void)
{
	child_stop(&child);
	unlink("taken");
	unlink("taken-file");
}

static void ignore(void *context, int number, const char *text)
{
	(void)context;
	(void)number;
	(void)text;
}

/* Takes what `text` describes out of the process: one thing, which is the one with that name. */
static int take(const char *text, const char *path, struct fdpass_error *error)
{
	struct fdpass_pidref *ref = NULL;
	struct fdpass_match *match = NULL;
	struct fdpass_set *set = NULL;
	struct stat wanted, taken;
	int count = 0, r;

	ck_assert_int_eq(fdpass_set_new(&set), 0);
	failing_begin();
	r = fdpass_match_parse(text, &match, error);
	if (r == 0)
		r = fdpass_pidref_open(child.pid, 0, &ref, error);
	if (r >= 0)
		r = fdpass_acquire_match(ref, match, FDPASS_METHOD_REOPEN, set, ignore, NULL,
					 error);
	if (r >= 0)
		r = count = fdpass_acquire_count(ref, match, error);
	failing_end();
	if (r >= 0) {
		/* What cannot be looked at may be something else. */
		ck_assert(count == 1 || (count == 0 && failing_count() > 0));
		ck_assert_uint_eq(fdpass_set_count(set), 1);
		ck_assert(fstat(fdpass_set_get(set, 0), &taken) == 0 && stat(path, &wanted) == 0);
		ck_assert((taken.st_mode & S_IFMT) == (wanted.st_mode & S_IFMT));
		ck_assert(S_ISSOCK(wanted.st_mode) || taken.st_ino == wanted.st_ino);
	}
	failing_begin();
	fdpass_set_free(set);
	fdpass_match_free(match);
	fdpass_pidref_free(ref);
	failing_end();
	return r;
}

static int taking_a_listener(struct fdpass_error *error)
{
	return take("listen:./taken", "taken", error);
}

static int taking_a_file(struct fdpass_error *error)
{
	return take("file:./taken-file", "taken-file", error);
}

/* In all processes, of which there may be many. */
static int finding(struct fdpass_error *error)
{
	struct fdpass_pidref *ref = NULL;
	struct fdpass_match *match = NULL;
	int r;

	failing_begin();
	r = fdpass_match_parse("listen:./taken", &match, error);
	if (r == 0)
		r = fdpass_pidref_find(match, &ref, error);
	failing_end();
	if (r == 0)
		ck_assert_int_eq(fdpass_pidref_pid(ref), child.pid);
	fdpass_match_free(match);
	fdpass_pidref_free(ref);
	return r;
}

static int taking_by_number(struct fdpass_error *error)
{
	struct fdpass_pidref *ref = NULL;
	struct stat wanted, taken;
	int r, fd = FD_NONE;

	failing_begin();
	r = fdpass_pidref_open(child.pid, 0, &ref, error);
	if (r == 0)
		r = fdpass_acquire_list(ref, ignore, NULL, error);
	for (int method = FDPASS_METHOD_DUPLICATE; r >= 0 && method <= FDPASS_METHOD_REOPEN_READ;
	     method++) {
		r = fdpass_acquire(ref, TAKEN, (enum fdpass_method)method, &fd, error);
		if (r < 0)
			break;
		failing_end();
		ck_assert(fstat(fd, &taken) == 0 && stat("taken-file", &wanted) == 0);
		ck_assert_uint_eq(taken.st_ino, wanted.st_ino);
		close(fd);
		failing_begin();
	}
	if (r >= 0)
		r = scenario_untold(fdpass_pidref_is_stopped(ref), error);
	if (r >= 0)
		r = scenario_untold(fdpass_pidref_is_ending(ref), error);
	if (r >= 0)
		r = scenario_untold(fdpass_pidref_signal(ref, 0), error);
	fdpass_pidref_free(ref);
	failing_end();
	return r;
}

static int describing_a_socket(struct fdpass_error *error)
{
	struct fdpass_match *accepted = NULL, *same = NULL;
	int fd, r;

	unlink("described");
	fd = raw_listen("described", 4);
	failing_begin();
	r = fdpass_match_accepted(fd, &accepted, error);
	if (r == 0)
		r = fdpass_match_same(fd, &same, error);
	fdpass_match_free(accepted);
	fdpass_match_free(same);
	failing_end();
	close(fd);
	unlink("described");
	return r;
}

/* Connections of a socket that another process has, of which there are none. */
static int counting(struct fdpass_error *error)
{
	struct fdpass_pidref *ref = NULL;
	struct fdpass_match *accepted = NULL;
	char name[64];
	int fd, r;

	snprintf(name, sizeof(name), "fdpass-unit-failing-counted-%d", getpid());
	fd = raw_listen_abstract(name, 4);
	failing_begin();
	r = fdpass_match_accepted(fd, &accepted, error);
	if (r == 0)
		r = fdpass_pidref_open(child.pid, 0, &ref, error);
	if (r == 0)
		r = fdpass_acquire_count(ref, accepted, error);
	fdpass_pidref_free(ref);
	fdpass_match_free(accepted);
	failing_end();
	ck_assert_int_le(r, 0);
	close(fd);
	return r;
}

/* ----------------------------------------------------------------------- placing, announcing -- */

#define TARGET 100

/* A cycle, and one beside it. There is no way back when that fails, so all that is asked then is that it says so. */
static int placing(struct fdpass_error *error)
{
	struct fdpass_set *set = given_set(3, GIVEN_WITHOUT_NAMES);
	struct fdpass_plan *plan = NULL;
	struct stat wanted[3], placed[3];
	int r;

	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(fstat(fdpass_set_get(set, (size_t)i), &wanted[i]), 0);
		ck_assert_int_eq(dup2(fdpass_set_get(set, (size_t)i), TARGET + i), TARGET + i);
	}
	failing_begin();
	r = scenario_untold(fdpass_plan_new(&plan), error);
	for (int i = 0; r == 0 && i < 3; i++)
		r = scenario_untold(fdpass_plan_add(plan, TARGET + i, TARGET + (i + 1) % 3), error);
	if (r == 0)
		r = scenario_untold(fdpass_plan_add(plan, TARGET, TARGET + 3), error);
	if (r == 0)
		r = fdpass_plan_run(plan, error);
	fdpass_plan_free(plan);
	failing_end();
	for (int i = 0; r == 0 && i < 3; i++) {
		ck_assert_int_eq(fstat(TARGET + (i + 1) % 3, &placed[i]), 0);
		ck_assert_uint_eq(placed[i].st_ino, wanted[i].st_ino);
		ck_assert_int_eq(fcntl(TARGET + i, F_GETFD), 0);
	}
	for (int i = 0; i < 4; i++)
		close(TARGET + i);
	fdpass_set_free(set);
	return r;
}

static int announcing(struct fdpass_error *error)
{
	struct fdpass_announcement announcement = FDPASS_ANNOUNCEMENT_INIT;
	static const int numbers[] = {3, 4};
	char **changes = NULL;
	uint64_t id;
	int r;

	announcement.count = 2;
	announcement.numbers = numbers;
	announcement.pid = getpid();
	failing_begin();
	r = fdpass_activation_export(&announcement, &changes, error);
	free(changes);
	if (r == 0)
		r = scenario_untold(fdpass_activation_pid_id(&id), error);
	failing_end();
	/* Before Linux 6.9 there is none. */
	return r == -EOPNOTSUPP ? 0 : r;
}

/* In a process of its own, since the numbers are from 3 up: its exit status is the errno, or 255 when what came was
 * not what was announced. What failed is told in memory that both have. */
static int be_activated(struct fdpass_error *error)
{
	struct fdpass_set *set = NULL;
	struct fdpass_set *given = given_set(2, GIVEN_WITHOUT_NAMES);
	char pid[16];
	int r;

	snprintf(pid, sizeof(pid), "%d", getpid());
	for (int i = 0; i < 2; i++) {
		if (dup2(fdpass_set_get(given, (size_t)i), 50 + i) < 0)
			return -EBADF;
	}
	for (int i = 0; i < 2; i++)
		dup2(50 + i, FDPASS_ACTIVATION_FIRST + i);
	setenv("LISTEN_FDS", "2", 1);
	setenv("LISTEN_FDNAMES",
	       "the-descriptor-with-the-number-0:the-descriptor-with-the-number-1", 1);
	setenv("LISTEN_PID", pid, 1);
	failing_begin();
	r = fdpass_activation_import(FDPASS_ACTIVATION_OURS, &set, error);
	failing_end();
	if (r >= 0 && (r != 2 || !given_is(set, 2, GIVEN_WITH_NAMES)))
		r = -EBADMSG;
	/* Nothing is changed on failure. */
	if (r < 0 && fcntl(FDPASS_ACTIVATION_FIRST, F_GETFD) != 0)
		r = -EBADMSG;
	fdpass_set_free(set);
	return r;
}

static int importing(struct fdpass_error *error)
{
	struct told {
		struct fdpass_error error;
		int result;
	} *told = shared_memory(sizeof(*told));
	int status, r;
	pid_t process = fork();

	ck_assert_int_ge(process, 0);
	if (process == 0) {
		told->error = *error;
		told->result = be_activated(&told->error);
		raw_end(0);
	}
	ck_assert_int_eq(waitpid(process, &status, 0), process);
	ck_assert_int_eq(status, 0);
	*error = told->error;
	r = told->result;
	ck_assert_int_ne(r, -EBADMSG);
	return r;
}

const struct scenario scenarios_process[] = {
	{"taking a listener", taking_a_listener, hold_on, let_go, 0},
	{"taking a file", taking_a_file, hold_on, let_go, 0},
	{"finding", finding, hold_on, let_go, 60},
	{"taking by number", taking_by_number, hold_on, let_go, 0},
	{"describing a socket", describing_a_socket, NULL, NULL, 0},
	{"counting", counting, hold_on, let_go, 0},
	{"placing", placing, NULL, NULL, 0},
	{"announcing", announcing, NULL, NULL, 0},
	{"importing", importing, NULL, NULL, 0},
	{NULL, NULL, NULL, NULL, 0},
};
