/* SPDX-License-Identifier: MIT */
/* Another process while it lives, when it is a zombie, and when it is gone. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/process.h"
#include "descriptors.h"
#include "raw.h"
#include "suite.h"

#define LINE_TAIL                                                                                  \
	" 1 2 3 4 5 4194308 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 " \
	"31 32 33 34 35 36 37 38 39 40 41 42 43 44 45 46 47 48"

START_TEST(a_line_is_taken_apart)
{
	static const char *const names[] = {"cat", "a b", "x) R 1 2 3", ")", "((", ""};
	struct process_stat stat;
	char line[512];

	snprintf(line, sizeof(line), "4711 (%s) Z" LINE_TAIL " 256\n", names[_i]);
	ck_assert_int_eq(fdpass_process_parse(line, &stat), 0);
	ck_assert_int_eq(stat.state, 'Z');
	ck_assert_uint_eq(stat.flags, 4194308);
	ck_assert_uint_eq(stat.flags & PROCESS_EXITING, PROCESS_EXITING);
	/* Field 52 is the one behind the tail. */
	ck_assert_int_eq(stat.exit_code, 256);
}
END_TEST

START_TEST(a_line_that_is_cut)
{
	static const char line[] = "4711 (cat) Z" LINE_TAIL " 256";
	char cut[sizeof(line)];
	struct process_stat stat = {.state = '?'};

	for (size_t size = 0; size + 4 < sizeof(line); size++) {
		memcpy(cut, line, size);
		cut[size] = '\0';
		ck_assert_int_eq(fdpass_process_parse(cut, &stat), -EPROTO);
		ck_assert_int_eq(stat.state, '?');
	}
}
END_TEST

struct child {
	pid_t pid;
	int pidfd, proc, hold;
};

static void live(void *context)
{
	int how = ((int *)context)[1];
	char byte;

	raw_check(read(((int *)context)[0], &byte, 1) == 0);
	if (how < 0)
		raise(-how);
	raw_end(how);
}

/* Lives until `hold` is closed; ends with this status, or by this signal if negative. */
static struct child start(int how)
{
	struct child child;
	int ends[2], context[2];

	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	context[0] = ends[0];
	context[1] = how;
	child.hold = ends[1];
	child.pid = fork();
	ck_assert_int_ge(child.pid, 0);
	if (child.pid == 0) {
		close(ends[1]);
		live(context);
	}
	close(ends[0]);
	child.pidfd = (int)syscall(SYS_pidfd_open, child.pid, 0);
	ck_assert_int_ge(child.pidfd, 0);
	child.proc = fdpass_process_open(child.pidfd, 0);
	ck_assert_int_ge(child.proc, 0);
	return child;
}

static void wait_for_zombie(const struct child *child)
{
	siginfo_t info;

	ck_assert_int_eq(waitid(P_PID, (id_t)child->pid, &info, WEXITED | WNOWAIT), 0);
}

START_TEST(a_life)
{
	static const int ends[] = {0, 3, -SIGKILL, -SIGHUP};
	struct child child = start(ends[_i]);
	struct process_stat stat;
	int status = 4711, other;

	ck_assert_int_eq(fdpass_process_has_ended(child.pidfd), 0);
	ck_assert_int_eq(fdpass_process_stat(child.proc, &stat), 0);
	ck_assert_uint_eq(stat.flags & PROCESS_EXITING, 0);
	ck_assert_int_eq(fdpass_process_end(child.pidfd, child.proc, &status), -ENODATA);
	ck_assert_int_eq(status, 4711);

	close(child.hold);
	wait_for_zombie(&child);
	ck_assert_int_eq(fdpass_process_has_ended(child.pidfd), 1);
	ck_assert_int_eq(fdpass_process_stat(child.proc, &stat), 0);
	ck_assert_uint_eq(stat.flags & PROCESS_EXITING, PROCESS_EXITING);
	ck_assert_int_eq(fdpass_process_end(child.pidfd, child.proc, &status), 0);
	other = fdpass_process_open(child.pidfd, 0);
	ck_assert_int_ge(other, 0);
	close(other);
	if (ends[_i] >= 0)
		ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == ends[_i]);
	else
		ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == -ends[_i]);
	/* Without the directory it is not known yet. */
	ck_assert_int_eq(fdpass_process_end(child.pidfd, FD_NONE, &other), -ENODATA);

	ck_assert_int_eq(waitpid(child.pid, &other, 0), child.pid);
	ck_assert_int_eq(other, status);
	ck_assert_int_eq(fdpass_process_stat(child.proc, &stat), -ESRCH);
	ck_assert_int_eq(fdpass_process_open(child.pidfd, 0), -ESRCH);
	/* Linux 6.15 remembers. */
	if (fdpass_process_end(child.pidfd, FD_NONE, &other) == 0)
		ck_assert_int_eq(other, status);
	close(child.pidfd);
	close(child.proc);
}
END_TEST

static void look_as_nobody(void *context)
{
	const struct child *child = context;
	int status;

	raw_become_nobody();
	/* Somebody else's zombie: its line shows 0 for what may not be seen, and that is no end. */
	raw_check(fdpass_process_end(child->pidfd, child->proc, &status) == -ENODATA);
}

START_TEST(what_may_not_be_seen_is_not_known)
{
	struct child child = start(-SIGKILL);

	close(child.hold);
	wait_for_zombie(&child);
	if (geteuid() == 0)
		raw_join(raw_fork(look_as_nobody, &child));
	ck_assert_int_eq(waitpid(child.pid, NULL, 0), child.pid);
	close(child.pidfd);
	close(child.proc);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("process");
	TCase *tcase = descriptors_tcase("process");
	TCase *pidfds = descriptors_tcase_tagged("pidfds");

	tcase_add_loop_test(tcase, a_line_is_taken_apart, 0, 6);
	tcase_add_test(tcase, a_line_that_is_cut);
	tcase_add_loop_test(pidfds, a_life, 0, 4);
	tcase_add_test(pidfds, what_may_not_be_seen_is_not_known);
	suite_add_tcase(suite, tcase);
	suite_add_tcase(suite, pidfds);
	return suite_run(suite);
}
