/* SPDX-License-Identifier: MIT */
/* The same open file description out of another process; and who may not, and why. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "children.h"
#include "descriptors.h"
#include "lacking.h"
#include "suite.h"

static void prepare_pipe(void *context)
{
	int fds[2];

	(void)context;
	child_check(pipe(fds) == 0 && fds[0] == 5 && fds[1] == 6);
}

START_TEST(it_is_the_same)
{
	struct child child = child_start(prepare_pipe, NULL);
	struct fdpass_pidref *ref = child_pin(&child);
	int in = -1, out = -1, out_again = -1;
	char byte = 'x';

	ck_assert_int_eq(fdpass_acquire(ref, 5, FDPASS_METHOD_DUPLICATE, &in, NULL), 0);
	ck_assert_int_eq(fdpass_acquire(ref, 6, FDPASS_METHOD_DUPLICATE, &out, NULL), 0);
	ck_assert_int_eq(fdpass_acquire(ref, 6, FDPASS_METHOD_DUPLICATE, &out_again, NULL), 0);
	ck_assert_int_eq(fcntl(in, F_GETFD), FD_CLOEXEC);
	ck_assert_int_eq(write(out, &byte, 1), 1);
	byte = 0;
	ck_assert_int_eq(read(in, &byte, 1), 1);
	ck_assert_int_eq(byte, 'x');
	/* Status flags are shared. */
	ck_assert_int_eq(fcntl(out, F_SETFL, O_NONBLOCK), 0);
	ck_assert((fcntl(out_again, F_GETFL) & O_NONBLOCK) != 0);
	close(in);
	close(out);
	close(out_again);
	child_stop(&child);
	fdpass_pidref_free(ref);
}
END_TEST

/* The same for every method. */
static void refused(const struct fdpass_pidref *ref, int number, int duplicate, int reopen,
		    const char *word)
{
	struct fdpass_error error;
	int fd = -77;

	for (int method = 0; method <= FDPASS_METHOD_REOPEN_READ_WRITE; method++) {
		int code = method == FDPASS_METHOD_DUPLICATE ? duplicate : reopen;

		ck_assert_int_eq(
			fdpass_acquire(ref, number, (enum fdpass_method)method, &fd, &error), code);
		ck_assert_int_eq(error.step, FDPASS_STEP_ACQUIRE);
		ck_assert_int_eq(error.code, -code);
		ck_assert_int_eq(error.fd, number);
		ck_assert_int_eq(error.peer.pid, fdpass_pidref_pid(ref));
		ck_assert_str_eq(error.text, word);
		ck_assert_int_eq(fd, -77);
		ck_assert_int_eq(fdpass_acquire(ref, number, (enum fdpass_method)method, &fd, NULL),
				 code);
	}
}

START_TEST(numbers_that_are_not_open)
{
	struct child child = child_start(prepare_pipe, NULL);
	struct fdpass_pidref *ref = child_pin(&child);
	struct fdpass_error error;
	int fd;

	refused(ref, 7, -EBADF, -EBADF, "number");
	refused(ref, 2000000000, -EBADF, -EBADF, "number");
	refused(ref, -1, -EBADF, -EBADF, "number");
	ck_assert_int_eq(fdpass_acquire(ref, 5, (enum fdpass_method)5, &fd, &error), -EINVAL);
	ck_assert_int_eq(fdpass_acquire(ref, 5, (enum fdpass_method) - 1, &fd, &error), -EINVAL);
	child_stop(&child);
	fdpass_pidref_free(ref);
}
END_TEST

START_TEST(a_full_table)
{
	struct child child = child_start(prepare_pipe, NULL);
	struct fdpass_pidref *ref = child_pin(&child);
	int lowest = fcntl(0, F_DUPFD_CLOEXEC, 3);
	struct rlimit before, now;

	close(lowest);
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
	now = before;
	now.rlim_cur = (rlim_t)lowest;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &now), 0);
	refused(ref, 5, -EMFILE, -EMFILE, "table");
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
	child_stop(&child);
	fdpass_pidref_free(ref);
}
END_TEST

static void nobody_looks_into(const struct child *child, const char *word)
{
	struct fdpass_pidref *ref = child_pin(child);
	struct fdpass_error error;

	refused(ref, 5, -EPERM, -EACCES, word);
	ck_assert_int_eq(fdpass_acquire_list(ref, NULL, NULL, &error), -EACCES);
	ck_assert_str_eq(error.text, word);
	ck_assert_int_eq(error.fd, -1);
	fdpass_pidref_free(ref);
}

static void prepare_undumpable(void *context)
{
	prepare_pipe(context);
	if (geteuid() == 0)
		child_check(setgroups(0, NULL) == 0 && setresgid(65534, 65534, 65534) == 0 &&
			    setresuid(65534, 65534, 65534) == 0);
	child_check(prctl(PR_SET_DUMPABLE, 0) == 0);
}

START_TEST(one_that_is_not_dumpable)
{
	struct child child = child_start(prepare_undumpable, NULL);

	if (geteuid() == 0) {
		struct fdpass_pidref *ref = child_pin(&child);
		int fd = -1;

		/* Root is not kept out by that. */
		ck_assert_int_eq(fdpass_acquire(ref, 5, FDPASS_METHOD_DUPLICATE, &fd, NULL), 0);
		close(fd);
		ck_assert_int_eq(fdpass_acquire(ref, 5, FDPASS_METHOD_REOPEN, &fd, NULL), 0);
		close(fd);
		fdpass_pidref_free(ref);
		become_nobody();
	}
	nobody_looks_into(&child, "dumpable");
	child_stop(&child);
}
END_TEST

START_TEST(another_users)
{
	struct child child = child_start(prepare_pipe, NULL);
	struct fdpass_pidref *ref;
	struct fdpass_error error;
	int fd;

	become_nobody();
	nobody_looks_into(&child, "user");
	ref = child_pin(&child);
	ck_assert_int_eq(fdpass_acquire(ref, 5, FDPASS_METHOD_DUPLICATE, &fd, &error), -EPERM);
	ck_assert_uint_eq(error.peer.uid, 0);
	ck_assert_uint_eq(error.peer.gid, 0);
	ck_assert_int_eq(fdpass_pidref_signal(ref, 0), -EPERM);
	fdpass_pidref_free(ref);
	child_stop(&child);
}
END_TEST

struct ids {
	gid_t group;
	uid_t user, saved_user;
	int capable;
};

static void prepare_ids(void *context)
{
	const struct ids *ids = context;

	prepare_pipe(NULL);
	child_check(prctl(PR_SET_KEEPCAPS, ids->capable) == 0);
	child_check(setgroups(0, NULL) == 0);
	child_check(setresgid(ids->group, ids->group, ids->group) == 0);
	child_check(setresuid(ids->user, ids->user, ids->saved_user) == 0);
	child_check(prctl(PR_SET_DUMPABLE, 1) == 0);
}

/* Root takes from all of them; user 65534 is told why not, or may. */
static const struct {
	struct ids ids;
	const char *word;
} others[] = {
	{{65534, 65533, 65533, 0}, "user"},  {{65534, 65534, 65533, 0}, "user"},
	{{65533, 65534, 65534, 0}, "group"}, {{65534, 65534, 65534, 1}, "capabilities"},
	{{65534, 65534, 65534, 0}, NULL},
};

START_TEST(ids_that_differ)
{
	struct fdpass_error error = FDPASS_ERROR_INIT;
	struct ids ids = others[_i].ids;
	struct child child = child_start(prepare_ids, &ids);
	struct fdpass_pidref *ref = child_pin(&child);
	int fd = -1;

	ck_assert_int_eq(fdpass_acquire(ref, 5, FDPASS_METHOD_DUPLICATE, &fd, NULL), 0);
	close(fd);
	become_nobody();
	if (others[_i].word != NULL) {
		nobody_looks_into(&child, others[_i].word);
	} else {
		ck_assert_int_eq(fdpass_acquire(ref, 5, FDPASS_METHOD_DUPLICATE, &fd, NULL), 0);
		close(fd);
		/* The process does not refuse; the pipe, which root made, does. */
		ck_assert_int_eq(fdpass_acquire(ref, 5, FDPASS_METHOD_REOPEN, &fd, &error),
				 -EACCES);
		ck_assert_str_eq(error.text, "file");
	}
	fdpass_pidref_free(ref);
	child_stop(&child);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("duplicate");
	TCase *tcase = descriptors_tcase("duplicate"), *root = descriptors_tcase("root");

	tcase_add_test(tcase, it_is_the_same);
	tcase_add_test(tcase, numbers_that_are_not_open);
	tcase_add_test(tcase, a_full_table);
	tcase_add_test(tcase, one_that_is_not_dumpable);
	suite_add_tcase(suite, tcase);
	tcase_add_test(root, another_users);
	tcase_add_loop_test(root, ids_that_differ, 0, (int)(sizeof(others) / sizeof(*others)));
	if (!lacks_root("another_users, ids_that_differ"))
		suite_add_tcase(suite, root);
	return suite_run(suite);
}
