/* SPDX-License-Identifier: MIT */
/* Pinning a process: that one, alive, and no other. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "acquire/pidref.h"
#include "acquire/status.h"
#include "children.h"
#include "descriptors.h"
#include "lacking.h"
#include "suite.h"

static void prepare_nothing(void *context)
{
	(void)context;
}

static void refused(pid_t pid, uint64_t inode, int code, const char *word)
{
	struct fdpass_error error = FDPASS_ERROR_INIT;
	struct fdpass_pidref *ref = NULL;

	ck_assert_int_eq(fdpass_pidref_open(pid, inode, &ref, &error), code);
	ck_assert_ptr_null(ref);
	ck_assert_int_eq(error.step, FDPASS_STEP_PROCESS);
	ck_assert_int_eq(error.code, -code);
	ck_assert_int_eq(error.peer.pid, pid);
	ck_assert_int_eq(error.fd, -1);
	ck_assert_str_eq(error.text, word);
	ck_assert_int_eq(fdpass_pidref_open(pid, inode, &ref, NULL), code);
}

START_TEST(a_living_process)
{
	struct child child = child_start(prepare_nothing, NULL);
	struct fdpass_pidref *ref = child_pin(&child), *again = NULL;
	struct pollfd end = {.fd = fdpass_pidref_fd(ref), .events = POLLIN};
	uint64_t inode = fdpass_pidref_inode(ref);

	ck_assert_int_eq(fdpass_pidref_pid(ref), child.pid);
	ck_assert_int_eq(fcntl(fdpass_pidref_fd(ref), F_GETFD), FD_CLOEXEC);
	ck_assert_int_eq(fdpass_pidref_signal(ref, 0), 0);
	ck_assert_int_eq(fdpass_pidref_signal(ref, -1), -EINVAL);
	ck_assert_int_eq(poll(&end, 1, 0), 0);
	ck_assert_int_eq(fdpass_pidref_open(child.pid, inode, &again, NULL), 0);
	ck_assert_uint_eq(fdpass_pidref_inode(again), inode);
	fdpass_pidref_free(again);
	/* Linux 6.9 and later have pidfs; before, no inode can be asked for. */
	if (inode != 0)
		refused(child.pid, inode + 1, -ESRCH, "inode");
	else
		refused(child.pid, 1, -EOPNOTSUPP, "pidfs");
	child_stop(&child);
	ck_assert_int_eq(poll(&end, 1, 0), 1);
	ck_assert_int_eq(fdpass_pidref_signal(ref, SIGKILL), -ESRCH);
	ck_assert_ptr_null(fdpass_pidref_free(ref));
	ck_assert_ptr_null(fdpass_pidref_free(NULL));
}
END_TEST

START_TEST(a_signal_reaches_it)
{
	struct child child = child_start(prepare_nothing, NULL);
	struct fdpass_pidref *ref = child_pin(&child);
	int status;

	ck_assert_int_eq(fdpass_pidref_signal(ref, SIGKILL), 0);
	ck_assert_int_eq(waitpid(child.pid, &status, 0), child.pid);
	ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	close(child.hold);
	fdpass_pidref_free(ref);
}
END_TEST

START_TEST(oneself)
{
	struct fdpass_pidref *ref = NULL;

	ck_assert_int_eq(fdpass_pidref_open(getpid(), 0, &ref, NULL), 0);
	ck_assert_int_eq(fdpass_pidref_pid(ref), getpid());
	fdpass_pidref_free(ref);
}
END_TEST

START_TEST(the_dead)
{
	struct fdpass_error error = FDPASS_ERROR_INIT;
	struct child child = child_start(prepare_nothing, NULL);
	struct fdpass_pidref *ref = child_pin(&child);
	siginfo_t info;
	int fd;

	close(child.hold);
	ck_assert_int_eq(waitid(P_PID, (id_t)child.pid, &info, WEXITED | WNOWAIT), 0);
	refused(child.pid, 0, -ESRCH, "zombie");
	for (int method = 0; method <= FDPASS_METHOD_REOPEN_READ_WRITE; method++) {
		ck_assert_int_eq(fdpass_acquire(ref, 0, (enum fdpass_method)method, &fd, &error),
				 -ESRCH);
		ck_assert_int_eq(error.step, FDPASS_STEP_ACQUIRE);
		ck_assert_int_eq(error.fd, 0);
		ck_assert_str_eq(error.text, "zombie");
	}
	ck_assert_int_eq(waitpid(child.pid, NULL, 0), child.pid);
	refused(child.pid, 0, -ESRCH, "gone");
	for (int method = 0; method <= FDPASS_METHOD_REOPEN_READ_WRITE; method++) {
		ck_assert_int_eq(fdpass_acquire(ref, 0, (enum fdpass_method)method, &fd, &error),
				 -ESRCH);
		ck_assert_str_eq(error.text, "gone");
	}
	fdpass_pidref_free(ref);
}
END_TEST

START_TEST(numbers_that_no_process_has)
{
	refused(0, 0, -EINVAL, "number");
	refused(-1, 0, -EINVAL, "number");
	refused(-7, 3, -EINVAL, "number");
	/* The highest that pid_max can be is 4194304: include/linux/threads.h. */
	refused(4194305, 0, -ESRCH, "gone");
}
END_TEST

struct thread {
	pid_t id;
	int known[2], end[2];
};

static void *run_thread(void *context)
{
	struct thread *thread = context;
	char byte = 0;

	thread->id = (pid_t)syscall(SYS_gettid);
	if (write(thread->known[1], &byte, 1) == 1)
		while (read(thread->end[0], &byte, 1) > 0)
			continue;
	return NULL;
}

START_TEST(a_thread_is_no_process)
{
	struct thread thread;
	pthread_t id;
	char byte;

	ck_assert_int_eq(pipe2(thread.known, O_CLOEXEC), 0);
	ck_assert_int_eq(pipe2(thread.end, O_CLOEXEC), 0);
	ck_assert_int_eq(pthread_create(&id, NULL, run_thread, &thread), 0);
	ck_assert_int_eq(read(thread.known[0], &byte, 1), 1);
	refused(thread.id, 0, -EINVAL, "thread");
	close(thread.end[1]);
	pthread_join(id, NULL);
	close(thread.end[0]);
	close(thread.known[0]);
	close(thread.known[1]);
}
END_TEST

/* The pidfd, its fdinfo, and the directory are opened one after the other. */
START_TEST(a_full_table)
{
	struct rlimit before, now;
	int lowest = fcntl(0, F_DUPFD_CLOEXEC, 3);

	close(lowest);
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
	now = before;
	now.rlim_cur = (rlim_t)(lowest + _i);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &now), 0);
	refused(getppid(), 0, -EMFILE, "table");
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
}
END_TEST

static void prepare_file(void *context)
{
	(void)context;
	child_check(open("/dev/null", O_RDONLY) == 5);
}

/* A process that can see no /proc still duplicates, and says why it cannot do the rest. */
START_TEST(without_proc)
{
	struct child child = child_start(prepare_file, NULL);
	struct fdpass_error error = FDPASS_ERROR_INIT;
	struct fdpass_match *match = NULL;
	struct fdpass_pidref *ref = NULL;
	struct fdpass_set *set = NULL;
	int fd = -1;

	ck_assert_int_eq(unshare(CLONE_NEWNS), 0);
	ck_assert_int_eq(mount(NULL, "/proc", NULL, MS_PRIVATE, NULL), 0);
	ck_assert_int_eq(mount("none", "/proc", "tmpfs", 0, NULL), 0);
	ref = child_pin(&child);
	ck_assert_int_eq(fdpass_acquire(ref, 5, FDPASS_METHOD_DUPLICATE, &fd, &error), 0);
	close(fd);
	ck_assert_int_eq(fdpass_acquire(ref, 5, FDPASS_METHOD_REOPEN, &fd, &error), -ENOENT);
	ck_assert_str_eq(error.text, "proc");
	ck_assert_int_eq(fdpass_match_parse("listen", &match, NULL), 0);
	ck_assert_int_eq(fdpass_set_new(&set), 0);
	ck_assert_int_eq(
		fdpass_acquire_match(ref, match, FDPASS_METHOD_DUPLICATE, set, NULL, NULL, &error),
		-ENOENT);
	ck_assert_str_eq(error.text, "proc");
	fdpass_match_free(match);
	fdpass_set_free(set);
	fdpass_pidref_free(ref);
	ck_assert_int_eq(umount("/proc"), 0);
	child_stop(&child);
}
END_TEST

#define IDS(N)                                                                                     \
	{                                                                                          \
		N, N, N, N                                                                         \
	}
#define PTRACE (UINT64_C(1) << 19)

static const struct {
	struct fdpass_status ours, theirs;
	enum dumpable dumpable;
	int yama;
	const char *duplicate, *look;
} denials[] = {
	{{'R', IDS(1), IDS(1), 0, 0}, {'S', IDS(2), IDS(1), 0, 0}, 1, 0, "user", "user"},
	{{'R', IDS(1), IDS(1), 0, 0}, {'S', {1, 1, 2, 1}, IDS(1), 0, 0}, 1, 0, "user", "user"},
	{{'R', IDS(1), IDS(1), 0, 0}, {'S', {2, 1, 1, 1}, IDS(1), 0, 0}, 0, 1, "user", "user"},
	{{'R', {1, 2, 2, 2}, IDS(1), 0, 0}, {'S', IDS(1), IDS(1), 0, 0}, 1, 0, "policy", "user"},
	{{'R', IDS(1), IDS(1), 0, 0}, {'S', IDS(1), IDS(2), 0, 0}, 1, 0, "group", "group"},
	{{'R', IDS(1), IDS(1), 1, 0}, {'S', IDS(1), IDS(1), 1, 0}, 1, 0, "policy", "capabilities"},
	{{'R', IDS(1), IDS(1), 2, 2},
	 {'S', IDS(1), IDS(1), 1, 0},
	 1,
	 0,
	 "capabilities",
	 "capabilities"},
	{{'R', IDS(1), IDS(1), 0, 0}, {'S', IDS(1), IDS(1), 0, 0}, 0, 0, "dumpable", "dumpable"},
	{{'R', IDS(1), IDS(1), 0, 0}, {'S', IDS(1), IDS(1), 0, 0}, 1, 1, "yama", "policy"},
	{{'R', IDS(0), IDS(0), PTRACE, PTRACE},
	 {'S', IDS(1), IDS(1), 1, 0},
	 0,
	 3,
	 "yama",
	 "policy"},
	{{'R', IDS(0), IDS(0), PTRACE, PTRACE},
	 {'S', IDS(1), IDS(1), 1, 0},
	 0,
	 2,
	 "policy",
	 "policy"},
};

START_TEST(why_it_is_denied)
{
	ck_assert_str_eq(fdpass_status_denial(DENIED_DUPLICATE, &denials[_i].ours,
					      &denials[_i].theirs, denials[_i].dumpable,
					      denials[_i].yama),
			 denials[_i].duplicate);
	ck_assert_str_eq(fdpass_status_denial(DENIED_LOOK, &denials[_i].ours, &denials[_i].theirs,
					      denials[_i].dumpable, denials[_i].yama),
			 denials[_i].look);
}
END_TEST

START_TEST(a_status_is_read)
{
	static const char text[] = "Name:\tx\\nUid:\t9\nUmask:\t0022\nState:\tZ (zombie)\nPid:\t5\n"
				   "Uid:\t1\t2\t3\t4\nGid:\t5\t6\t7\t8\nGroups:\t \n"
				   "CapInh:\t0000000000000000\nCapPrm:\t000001ffffffffff\n"
				   "CapEff:\t0000000000080000\n";
	struct fdpass_status status;
	char part[sizeof(text)];

	ck_assert_int_eq(fdpass_status_parse(text, &status), 0);
	ck_assert_int_eq(status.state, 'Z');
	ck_assert_uint_eq(status.uids[STATUS_REAL], 1);
	ck_assert_uint_eq(status.uids[STATUS_FS], 4);
	ck_assert_uint_eq(status.gids[STATUS_EFFECTIVE], 6);
	ck_assert_uint_eq(status.gids[STATUS_SAVED], 7);
	ck_assert(status.permitted == UINT64_C(0x1ffffffffff));
	ck_assert(status.effective == UINT64_C(0x80000));
	/* Cut anywhere before its last field. */
	for (size_t i = 0; i < strlen(text) - strlen("0000000000080000\n"); i++) {
		memcpy(part, text, i);
		part[i] = '\0';
		ck_assert_int_eq(fdpass_status_parse(part, &status), -EPROTO);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("pidref");
	TCase *tcase = descriptors_tcase("pidref"), *root = descriptors_tcase_tagged("pidfds");
	TCase *pidfds = descriptors_tcase_tagged("pidfds");

	tcase_add_test(pidfds, a_living_process);
	tcase_add_test(pidfds, a_signal_reaches_it);
	tcase_add_test(pidfds, oneself);
	tcase_add_test(pidfds, the_dead);
	tcase_add_test(pidfds, numbers_that_no_process_has);
	tcase_add_test(pidfds, a_thread_is_no_process);
	tcase_add_loop_test(pidfds, a_full_table, 0, 2);
	tcase_add_loop_test(tcase, why_it_is_denied, 0, (int)(sizeof(denials) / sizeof(*denials)));
	tcase_add_test(tcase, a_status_is_read);
	suite_add_tcase(suite, tcase);
	suite_add_tcase(suite, pidfds);
	tcase_add_test(root, without_proc);
	if (!lacks_root("without_proc"))
		suite_add_tcase(suite, root);
	return suite_run(suite);
}
