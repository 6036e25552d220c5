/* SPDX-License-Identifier: MIT */
/* Files that are opened to be given away: what is there, as it is, and without waiting for anybody. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "descriptors.h"
#include "fdpass.h"
#include "raw.h"
#include "scratch.h"
#include "suite.h"

static const int accesses[] = {
	[FDPASS_ACCESS_READ] = O_RDONLY,
	[FDPASS_ACCESS_WRITE] = O_WRONLY,
	[FDPASS_ACCESS_READ_WRITE] = O_RDWR,
};

static void make(const char *content)
{
	int fd = open("file", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, content, strlen(content)), (ssize_t)strlen(content));
	close(fd);
}

START_TEST(what_is_there)
{
	struct stat status;
	int fd = -1;

	make("content");
	ck_assert_int_eq(fdpass_open_file("file", (enum fdpass_access)_i, &fd, NULL), 0);
	ck_assert_int_eq(fcntl(fd, F_GETFL) & (O_ACCMODE | O_NONBLOCK | O_APPEND), accesses[_i]);
	ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
	ck_assert_int_eq(fstat(fd, &status), 0);
	ck_assert_int_eq(status.st_size, 7);
	ck_assert_int_eq(lseek(fd, 0, SEEK_CUR), 0);
	close(fd);
}
END_TEST

static void fails(const char *path, enum fdpass_access access, int code)
{
	struct fdpass_error error = FDPASS_ERROR_INIT;
	int fd = -2;

	ck_assert_int_eq(fdpass_open_file(path, access, &fd, &error), -code);
	ck_assert_int_eq(error.step, FDPASS_STEP_OPEN);
	ck_assert_int_eq(error.code, code);
	ck_assert_int_eq(fd, -2);
}

START_TEST(what_is_not)
{
	fails("missing", FDPASS_ACCESS_READ, ENOENT);
	fails("missing", FDPASS_ACCESS_WRITE, ENOENT);
	fails("missing", FDPASS_ACCESS_READ_WRITE, ENOENT);
	fails("", FDPASS_ACCESS_READ, ENOENT);
	fails(".", FDPASS_ACCESS_WRITE, EISDIR);
	fails("/dev/null/x", FDPASS_ACCESS_READ, ENOTDIR);
	fails("file", (enum fdpass_access)3, EINVAL);
	ck_assert_int_eq(access("missing", F_OK), -1);
	/* Root reads it all the same. */
	make("secret");
	ck_assert_int_eq(chmod("file", 0), 0);
	if (geteuid() != 0)
		fails("file", FDPASS_ACCESS_READ, EACCES);
}
END_TEST

START_TEST(a_fifo_does_not_block)
{
	char byte;
	int reader = -1, writer = -1, both = -1;

	ck_assert_int_eq(mkfifo("fifo", 0600), 0);
	fails("fifo", FDPASS_ACCESS_WRITE, ENXIO);
	ck_assert_int_eq(fdpass_open_file("fifo", FDPASS_ACCESS_READ, &reader, NULL), 0);
	ck_assert_int_eq(fcntl(reader, F_GETFL) & O_NONBLOCK, 0);
	/* With somebody who reads, it opens to write. */
	ck_assert_int_eq(fdpass_open_file("fifo", FDPASS_ACCESS_WRITE, &writer, NULL), 0);
	ck_assert_int_eq(fcntl(writer, F_GETFL) & O_NONBLOCK, 0);
	ck_assert_int_eq(write(writer, "x", 1), 1);
	ck_assert_int_eq(read(reader, &byte, 1), 1);
	ck_assert_int_eq(fdpass_open_file("fifo", FDPASS_ACCESS_READ_WRITE, &both, NULL), 0);
	close(both);
	close(writer);
	close(reader);
}
END_TEST

/* A process without a controlling terminal opens one: it does not become its own. */
static int open_terminal(const char *path)
{
	int fd;

	if (setsid() < 0)
		return 2;
	if (open("/dev/tty", O_RDWR | O_CLOEXEC) >= 0 || errno != ENXIO)
		return 3;
	if (fdpass_open_file(path, FDPASS_ACCESS_READ_WRITE, &fd, NULL) < 0 || !isatty(fd))
		return 4;
	if (open("/dev/tty", O_RDWR | O_CLOEXEC) >= 0 || errno != ENXIO)
		return 5;
	/* What would have happened otherwise, so that this proves something. */
	if (open(path, O_RDWR | O_CLOEXEC) < 0 || open("/dev/tty", O_RDWR | O_CLOEXEC) < 0)
		return 6;
	return 0;
}

START_TEST(a_terminal_does_not_become_the_controlling_one)
{
	int leader = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	char path[64];
	int status;
	pid_t child;

	ck_assert_int_ge(leader, 0);
	ck_assert_int_eq(grantpt(leader), 0);
	ck_assert_int_eq(unlockpt(leader), 0);
	ck_assert_int_eq(ptsname_r(leader, path, sizeof(path)), 0);
	child = fork();
	if (child == 0)
		raw_end(open_terminal(path));
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_msg(status == 0, "step %d", WEXITSTATUS(status));
	close(leader);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("open-file");
	TCase *tcase = descriptors_tcase("open-file");

	scratch_add(tcase);
	tcase_set_timeout(tcase, 30);
	tcase_add_loop_test(tcase, what_is_there, 0, 3);
	tcase_add_test(tcase, what_is_not);
	tcase_add_test(tcase, a_fifo_does_not_block);
	tcase_add_test(tcase, a_terminal_does_not_become_the_controlling_one);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
