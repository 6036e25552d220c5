/* SPDX-License-Identifier: MIT */
/* The run directory: made private whatever the umask, and refused when others could change it. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "descriptors.h"
#include "raw.h"
#include "rendezvous/rundir.h"
#include "scratch.h"
#include "suite.h"

static void assert_mode(const char *path, mode_t mode)
{
	struct stat status;

	ck_assert_int_eq(lstat(path, &status), 0);
	ck_assert_uint_eq(status.st_mode & 07777, mode);
}

static void assert_opens(const char *path)
{
	struct fdpass_error error = FDPASS_ERROR_INIT;
	struct stat by_path, by_fd;
	int fd = fdpass_rundir_open(path, &error);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(error.step, FDPASS_STEP_NONE);
	ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
	ck_assert_int_eq(fstat(fd, &by_fd), 0);
	ck_assert_int_eq(stat(path, &by_path), 0);
	ck_assert_uint_eq(by_fd.st_ino, by_path.st_ino);
	close(fd);
	ck_assert_int_eq(fdpass_rundir_check(path, &error), 0);
	ck_assert_int_eq(error.step, FDPASS_STEP_NONE);
}

/* Both refuse, with a reason in words that has `word` in it. */
static void assert_refused(const char *path, const char *word)
{
	struct fdpass_error error = FDPASS_ERROR_INIT;

	ck_assert_int_eq(fdpass_rundir_open(path, &error), -EPERM);
	ck_assert_int_eq(error.step, FDPASS_STEP_RUNDIR);
	ck_assert_int_eq(error.code, EPERM);
	ck_assert_msg(strstr(error.text, word) != NULL, "%s: %s", path, error.text);
	error = (struct fdpass_error)FDPASS_ERROR_INIT;
	ck_assert_int_eq(fdpass_rundir_check(path, &error), -EPERM);
	ck_assert_int_eq(error.step, FDPASS_STEP_RUNDIR);
	ck_assert_msg(strstr(error.text, word) != NULL, "%s: %s", path, error.text);
}

START_TEST(it_is_made_private_under_any_umask)
{
	static const mode_t umasks[] = {0, 022, 077, 0277, 0700, 0777};

	umask(umasks[_i]);
	assert_opens("run");
	umask(077);
	assert_mode("run", 0700);
	assert_opens("run");
}
END_TEST

START_TEST(checking_makes_nothing)
{
	struct fdpass_error error = FDPASS_ERROR_INIT;
	struct stat status;

	ck_assert_int_eq(fdpass_rundir_check("run", &error), 0);
	/* That it is not there is no failure, so the record stays as it was. */
	ck_assert_int_eq(error.step, FDPASS_STEP_NONE);
	ck_assert_int_eq(lstat("run", &status), -1);
	ck_assert_int_eq(fdpass_rundir_check("no/run", &error), 0);
}
END_TEST

START_TEST(what_is_there_is_left_as_it_is)
{
	static const mode_t modes[] = {0700, 0711, 0755, 0500, 01700};

	umask(0);
	ck_assert_int_eq(mkdir("run", 0700), 0);
	ck_assert_int_eq(chmod("run", modes[_i]), 0);
	assert_opens("run");
	assert_mode("run", modes[_i]);
}
END_TEST

START_TEST(nobody_else_may_write)
{
	static const mode_t modes[] = {0720, 0702, 0777, 01777, 0730};

	ck_assert_int_eq(mkdir("run", 0700), 0);
	ck_assert_int_eq(chmod("run", modes[_i]), 0);
	assert_refused("run", "write");
}
END_TEST

START_TEST(it_is_no_link_and_no_file)
{
	ck_assert_int_eq(mkdir("real", 0700), 0);
	ck_assert_int_eq(symlink("real", "link"), 0);
	assert_refused("link", "symbolic link");
	ck_assert_int_eq(symlink("nowhere", "dangling"), 0);
	assert_refused("dangling", "symbolic link");
	assert_mode("dangling", 0777);
	close(open("file", O_CREAT | O_RDWR | O_CLOEXEC, 0600));
	assert_refused("file", "not a directory");
}
END_TEST

START_TEST(its_parent_must_be_there)
{
	struct fdpass_error error = FDPASS_ERROR_INIT;

	ck_assert_int_eq(fdpass_rundir_open("no/run", &error), -ENOENT);
	ck_assert_int_eq(error.step, FDPASS_STEP_RUNDIR);
	ck_assert_int_eq(error.code, ENOENT);
	ck_assert_int_eq(fdpass_rundir_open("no/run", NULL), -ENOENT);
	close(open("file", O_CREAT | O_RDWR | O_CLOEXEC, 0600));
	ck_assert_int_eq(fdpass_rundir_open("file/run", &error), -ENOTDIR);
}
END_TEST

static void use_as_nobody(void *context)
{
	struct fdpass_error error = FDPASS_ERROR_INIT;

	(void)context;
	raw_become_nobody();
	raw_check(fdpass_rundir_open("another", &error) == -EPERM);
	raw_check(strstr(error.text, "another user") != NULL);
	raw_check(fdpass_rundir_check("another", &error) == -EPERM);
	/* One that may not even be opened, and one that cannot be made. */
	raw_check(fdpass_rundir_open("closed", &error) == -EACCES);
	raw_check(error.step == FDPASS_STEP_RUNDIR && error.code == EACCES);
	raw_check(fdpass_rundir_open("unmakable/run", &error) == -EACCES);
	raw_check(error.step == FDPASS_STEP_RUNDIR && error.code == EACCES);
}

START_TEST(it_is_nobody_elses)
{
	umask(0);
	ck_assert_int_eq(mkdir("another", 0755), 0);
	ck_assert_int_eq(mkdir("closed", 0000), 0);
	ck_assert_int_eq(mkdir("unmakable", 0555), 0);
	/* Without root there is no other user's directory but the root's. */
	if (geteuid() != 0) {
		ck_assert_int_eq(rmdir("another"), 0);
		assert_refused("/", "another user");
		ck_assert_int_eq(fdpass_rundir_open("closed", NULL), -EACCES);
		ck_assert_int_eq(fdpass_rundir_open("unmakable/run", NULL), -EACCES);
		return;
	}
	scratch_open_to_others();
	raw_join(raw_fork(use_as_nobody, NULL));
}
END_TEST

/* What was to be made and has come meanwhile from somebody else is judged like anything else. */
START_TEST(every_failure_is_told_without_a_record)
{
	ck_assert_int_eq(mkdir("run", 0700), 0);
	ck_assert_int_eq(chmod("run", 0777), 0);
	ck_assert_int_eq(fdpass_rundir_open("run", NULL), -EPERM);
	ck_assert_int_eq(fdpass_rundir_check("run", NULL), -EPERM);
	ck_assert_int_eq(fdpass_rundir_check("absent", NULL), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("rundir");
	TCase *tcase = descriptors_tcase("rundir");

	scratch_add(tcase);
	tcase_add_loop_test(tcase, it_is_made_private_under_any_umask, 0, 6);
	tcase_add_test(tcase, checking_makes_nothing);
	tcase_add_loop_test(tcase, what_is_there_is_left_as_it_is, 0, 5);
	tcase_add_loop_test(tcase, nobody_else_may_write, 0, 5);
	tcase_add_test(tcase, it_is_no_link_and_no_file);
	tcase_add_test(tcase, its_parent_must_be_there);
	tcase_add_test(tcase, it_is_nobody_elses);
	tcase_add_test(tcase, every_failure_is_told_without_a_record);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
