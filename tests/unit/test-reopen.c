/* SPDX-License-Identifier: MIT */
/* Opening again what another process has open: as it is, and not more. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "acquire/reopen.h"
#include "children.h"
#include "descriptors.h"
#include "suite.h"

static const struct {
	int flags;
	enum fdpass_method method;
	int expected;
} flags[] = {
	{O_RDONLY, FDPASS_METHOD_REOPEN, O_RDONLY},
	{O_WRONLY, FDPASS_METHOD_REOPEN, O_WRONLY},
	{O_RDWR, FDPASS_METHOD_REOPEN, O_RDWR},
	{O_RDWR, FDPASS_METHOD_REOPEN_READ, O_RDONLY},
	{O_RDWR, FDPASS_METHOD_REOPEN_WRITE, O_WRONLY},
	{O_RDONLY, FDPASS_METHOD_REOPEN_READ_WRITE, O_RDWR},
	{O_WRONLY | O_APPEND, FDPASS_METHOD_REOPEN, O_WRONLY | O_APPEND},
	{O_RDWR | O_APPEND, FDPASS_METHOD_REOPEN_WRITE, O_WRONLY | O_APPEND},
	{O_RDWR | O_NONBLOCK | O_DIRECT, FDPASS_METHOD_REOPEN, O_RDWR | O_NONBLOCK | O_DIRECT},
	{O_RDWR | O_SYNC | O_NOATIME, FDPASS_METHOD_REOPEN, O_RDWR | O_SYNC | O_NOATIME},
	{O_WRONLY | O_DSYNC, FDPASS_METHOD_REOPEN, O_WRONLY | O_DSYNC},
	{O_RDONLY | O_DIRECTORY, FDPASS_METHOD_REOPEN, O_RDONLY | O_DIRECTORY},
	{O_RDWR | O_TMPFILE, FDPASS_METHOD_REOPEN, O_RDWR},
	{O_RDWR | O_CREAT | O_EXCL | O_TRUNC, FDPASS_METHOD_REOPEN, O_RDWR},
	{O_RDWR | O_NOFOLLOW | O_NOCTTY | O_CLOEXEC | O_ASYNC, FDPASS_METHOD_REOPEN, O_RDWR},
	{O_PATH, FDPASS_METHOD_REOPEN, O_PATH},
	{O_PATH | O_NOFOLLOW | O_DIRECTORY, FDPASS_METHOD_REOPEN, O_PATH | O_DIRECTORY},
	{O_PATH, FDPASS_METHOD_REOPEN_READ, O_RDONLY},
};

START_TEST(which_flags_are_kept)
{
	ck_assert_int_eq(fdpass_reopen_flags(flags[_i].flags, flags[_i].method),
			 flags[_i].expected);
}
END_TEST

/* What a child opens, as number 5 and on; `folder` is a new one. */
struct opened {
	char folder[32];
	int flags;
};

static struct opened *new_folder(void)
{
	struct opened *opened = shared_memory(sizeof(*opened));

	strcpy(opened->folder, "/tmp/fdpass-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(opened->folder));
	ck_assert_int_eq(chmod(opened->folder, 0777), 0);
	return opened;
}

static const char *in(const struct opened *opened, char path[64])
{
	snprintf(path, 64, "%s/file", opened->folder);
	return path;
}

static void remove_folder(const struct opened *opened)
{
	char path[64];

	unlink(in(opened, path));
	ck_assert_int_eq(rmdir(opened->folder), 0);
}

static void prepare_file(void *context)
{
	struct opened *opened = context;
	char path[64];
	int fd;

	umask(0);
	fd = open(in(opened, path), O_WRONLY | O_CREAT, 0666);
	child_check(fd == 5 && write(fd, "hello", 5) == 5 && close(fd) == 0);
	fd = open(path, opened->flags);
	child_check(fd == 5);
	child_check((opened->flags & O_ACCMODE) == O_WRONLY || read(fd, path, 2) == 2);
}

static int reopen(const struct child *child, int number, enum fdpass_method method)
{
	struct fdpass_pidref *ref = child_pin(child);
	struct fdpass_error error = FDPASS_ERROR_INIT;
	int fd = -1;

	ck_assert_msg(fdpass_acquire(ref, number, method, &fd, &error) == 0, "%s: %s", error.text,
		      strerror(error.code));
	fdpass_pidref_free(ref);
	ck_assert((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
	return fd;
}

static void refused(const struct child *child, int number, enum fdpass_method method, int code,
		    const char *word)
{
	struct fdpass_pidref *ref = child_pin(child);
	struct fdpass_error error = FDPASS_ERROR_INIT;
	int fd = -77;

	ck_assert_int_eq(fdpass_acquire(ref, number, method, &fd, &error), code);
	ck_assert_int_eq(fd, -77);
	ck_assert_int_eq(error.step, FDPASS_STEP_ACQUIRE);
	ck_assert_int_eq(error.fd, number);
	ck_assert_str_eq(error.text, word);
	fdpass_pidref_free(ref);
}

START_TEST(read_only_stays_read_only)
{
	struct opened *opened = new_folder();
	struct child child = child_start(prepare_file, opened);
	int fd = reopen(&child, 5, FDPASS_METHOD_REOPEN);
	char text[8];

	ck_assert_int_eq(fcntl(fd, F_GETFL) & O_ACCMODE, O_RDONLY);
	ck_assert_int_eq(write(fd, "x", 1), -1);
	ck_assert_int_eq(errno, EBADF);
	/* From the beginning: its own offset. */
	ck_assert_int_eq(read(fd, text, sizeof(text)), 5);
	close(fd);
	fd = reopen(&child, 5, FDPASS_METHOD_REOPEN_READ_WRITE);
	ck_assert_int_eq(fcntl(fd, F_GETFL) & O_ACCMODE, O_RDWR);
	close(fd);
	fd = reopen(&child, 5, FDPASS_METHOD_REOPEN_WRITE);
	ck_assert_int_eq(fcntl(fd, F_GETFL) & O_ACCMODE, O_WRONLY);
	close(fd);
	child_stop(&child);
	remove_folder(opened);
}
END_TEST

static const int status_flags[] = {
	0, O_APPEND, O_NONBLOCK, O_APPEND | O_NONBLOCK, O_SYNC, O_DSYNC, O_NOATIME,
};

START_TEST(status_flags_stay)
{
	const int looked_at = O_ACCMODE | O_APPEND | O_NONBLOCK | O_SYNC | O_DSYNC | O_NOATIME;
	struct opened *opened = new_folder();
	struct child child;
	int fd;

	opened->flags = O_WRONLY | status_flags[_i];
	child = child_start(prepare_file, opened);
	fd = reopen(&child, 5, FDPASS_METHOD_REOPEN);
	ck_assert_int_eq(fcntl(fd, F_GETFL) & looked_at, opened->flags);
	ck_assert_int_eq(write(fd, "x", 1), 1);
	ck_assert_int_eq(lseek(fd, 0, SEEK_END), opened->flags & O_APPEND ? 6 : 5);
	close(fd);
	child_stop(&child);
	remove_folder(opened);
}
END_TEST

START_TEST(a_deleted_file)
{
	struct opened *opened = new_folder();
	struct child child = child_start(prepare_file, opened);
	char path[64], text[8];
	int fd, other;

	ck_assert_int_eq(unlink(in(opened, path)), 0);
	/* Nor is it the one that has its name now. */
	other = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	ck_assert_int_ge(other, 0);
	close(other);
	fd = reopen(&child, 5, FDPASS_METHOD_REOPEN);
	ck_assert_int_eq(read(fd, text, sizeof(text)), 5);
	close(fd);
	child_stop(&child);
	remove_folder(opened);
}
END_TEST

static void prepare_tmpfile(void *context)
{
	const struct opened *opened = context;

	child_check(open(opened->folder, O_RDWR | O_TMPFILE, 0600) == 5);
	child_check(write(5, "x", 1) == 1);
	child_check(open(opened->folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW) == 6);
	child_check(open(opened->folder, O_PATH) == 7);
	child_check(symlink("/", "/proc/self/fd/6/file") == 0);
	child_check(open("/proc/self/fd/6/file", O_PATH | O_NOFOLLOW) == 8);
}

START_TEST(what_is_opened_in_a_special_way)
{
	struct opened *opened = new_folder();
	struct child child = child_start(prepare_tmpfile, opened);
	int fd = reopen(&child, 5, FDPASS_METHOD_REOPEN);
	struct stat status;
	char text[8];

	ck_assert_int_eq(read(fd, text, sizeof(text)), 1);
	close(fd);
	fd = reopen(&child, 6, FDPASS_METHOD_REOPEN);
	ck_assert((fcntl(fd, F_GETFL) & O_DIRECTORY) != 0);
	close(fd);
	fd = reopen(&child, 7, FDPASS_METHOD_REOPEN);
	ck_assert((fcntl(fd, F_GETFL) & O_PATH) != 0);
	close(fd);
	fd = reopen(&child, 7, FDPASS_METHOD_REOPEN_READ);
	ck_assert((fcntl(fd, F_GETFL) & O_PATH) == 0);
	close(fd);
	fd = reopen(&child, 8, FDPASS_METHOD_REOPEN);
	ck_assert_int_eq(fstat(fd, &status), 0);
	ck_assert(S_ISLNK(status.st_mode));
	close(fd);
	refused(&child, 6, FDPASS_METHOD_REOPEN_WRITE, -EISDIR, "file");
	refused(&child, 8, FDPASS_METHOD_REOPEN_READ, -ELOOP, "file");
	child_stop(&child);
	remove_folder(opened);
}
END_TEST

static void prepare_pipe(void *context)
{
	int fds[2];

	(void)context;
	child_check(pipe(fds) == 0 && fds[0] == 5 && fds[1] == 6);
	child_check(write(6, "x", 1) == 1);
}

START_TEST(the_read_end_of_a_pipe_sees_its_end)
{
	struct child child = child_start(prepare_pipe, NULL);
	int fd = reopen(&child, 5, FDPASS_METHOD_REOPEN), out;
	char text[8];

	out = reopen(&child, 6, FDPASS_METHOD_REOPEN);
	ck_assert_int_eq(fcntl(fd, F_GETFL) & (O_ACCMODE | O_NONBLOCK), O_RDONLY);
	ck_assert_int_eq(fcntl(out, F_GETFL) & (O_ACCMODE | O_NONBLOCK), O_WRONLY);
	ck_assert_int_eq(read(fd, text, 1), 1);
	close(out);
	child_stop(&child);
	ck_assert_int_eq(read(fd, text, 1), 0);
	close(fd);
}
END_TEST

static void prepare_fifo(void *context)
{
	const struct opened *opened = context;
	char path[64];

	child_check(mkfifo(in(opened, path), 0600) == 0);
	child_check(open(path, O_RDWR) == 5);
	child_check(open(path, O_WRONLY) == 6);
	child_check(open(path, O_RDONLY) == 7);
	child_check(close(5) == 0 && close(7) == 0);
}

START_TEST(a_fifo_is_not_waited_for)
{
	struct opened *opened = new_folder();
	struct child child = child_start(prepare_fifo, opened);
	int in_end, out_end;

	refused(&child, 6, FDPASS_METHOD_REOPEN, -ENXIO, "fifo");
	in_end = reopen(&child, 6, FDPASS_METHOD_REOPEN_READ);
	ck_assert_int_eq(fcntl(in_end, F_GETFL) & (O_ACCMODE | O_NONBLOCK), O_RDONLY);
	out_end = reopen(&child, 6, FDPASS_METHOD_REOPEN);
	ck_assert_int_eq(fcntl(out_end, F_GETFL) & (O_ACCMODE | O_NONBLOCK), O_WRONLY);
	close(in_end);
	close(out_end);
	child_stop(&child);
	remove_folder(opened);
}
END_TEST

static void prepare_what_has_no_file(void *context)
{
	int pair[2];

	(void)context;
	child_check(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0 && pair[0] == 5);
	child_check(eventfd(0, 0) == 7);
	child_check(epoll_create1(0) == 8);
	child_check(open("/dev/ptmx", O_RDWR | O_NOCTTY) == 9);
	child_check(syscall(SYS_pidfd_open, getpid(), 0) == 10);
	child_check(open("/proc/self/stat", O_RDONLY) == 11);
}

START_TEST(what_cannot_be_opened_again)
{
	struct child child = child_start(prepare_what_has_no_file, NULL);

	for (int method = FDPASS_METHOD_REOPEN; method <= FDPASS_METHOD_REOPEN_READ_WRITE;
	     method++) {
		enum fdpass_method how = (enum fdpass_method)method;

		refused(&child, 5, how, -ENXIO, "socket");
		refused(&child, 7, how, -ENXIO, "anonymous");
		refused(&child, 8, how, -ENXIO, "anonymous");
		refused(&child, 9, how, -EOPNOTSUPP, "device");
		refused(&child, 10, how, -ENXIO, "anonymous");
		refused(&child, 11, how, -EOPNOTSUPP, "opener");
	}
	child_stop(&child);
}
END_TEST

static void prepare_program(void *context)
{
	(void)context;
	child_check(open("/proc/self/exe", O_RDONLY) == 5);
	child_check(open("/dev/null", O_RDWR) == 6);
}

START_TEST(the_file_decides)
{
	struct child child = child_start(prepare_program, NULL);
	int fd = reopen(&child, 5, FDPASS_METHOD_REOPEN);

	close(fd);
	/* ETXTBSY for who may write to it at all. */
	ck_assert_int_eq(open("/proc/self/exe", O_WRONLY | O_CLOEXEC), -1);
	refused(&child, 5, FDPASS_METHOD_REOPEN_WRITE, -errno, "file");
	fd = reopen(&child, 6, FDPASS_METHOD_REOPEN);
	ck_assert_int_eq(fcntl(fd, F_GETFL) & O_ACCMODE, O_RDWR);
	close(fd);
	child_stop(&child);
}
END_TEST

static void prepare_private_file(void *context)
{
	const struct opened *opened = context;
	char path[64];

	child_check(open(in(opened, path), O_RDWR | O_CREAT, 0600) == 5);
	child_check(chmod(path, 0) == 0);
	if (geteuid() == 0)
		become_nobody();
}

/* What was open before its permissions changed is not a way around them. */
START_TEST(permissions_are_checked_again)
{
	struct opened *opened = new_folder();
	struct child child = child_start(prepare_private_file, opened);
	int as_root = geteuid() == 0;

	/* Who may remove it afterwards. */
	if (as_root) {
		ck_assert_int_eq(chown(opened->folder, 65534, 65534), 0);
		become_nobody();
	}
	refused(&child, 5, FDPASS_METHOD_REOPEN, -EACCES, "file");
	child_stop(&child);
	remove_folder(opened);
}
END_TEST

static void prepare_lease(void *context)
{
	struct opened *opened = context;

	opened->flags = O_RDONLY;
	prepare_file(opened);
	signal(SIGIO, SIG_IGN);
	child_check(fcntl(5, F_SETLEASE, F_RDLCK) == 0);
}

START_TEST(a_lease_is_not_waited_for)
{
	struct opened *opened = new_folder();
	struct child child = child_start(prepare_lease, opened);

	refused(&child, 5, FDPASS_METHOD_REOPEN_WRITE, -EAGAIN, "lease");
	child_stop(&child);
	remove_folder(opened);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("reopen");
	TCase *tcase = descriptors_tcase("reopen");
	TCase *pidfds = descriptors_tcase_tagged("pidfds");

	tcase_add_loop_test(tcase, which_flags_are_kept, 0, (int)(sizeof(flags) / sizeof(*flags)));
	tcase_add_test(pidfds, read_only_stays_read_only);
	tcase_add_loop_test(pidfds, status_flags_stay, 0,
			    (int)(sizeof(status_flags) / sizeof(*status_flags)));
	tcase_add_test(pidfds, a_deleted_file);
	tcase_add_test(pidfds, what_is_opened_in_a_special_way);
	tcase_add_test(pidfds, the_read_end_of_a_pipe_sees_its_end);
	tcase_add_test(pidfds, a_fifo_is_not_waited_for);
	tcase_add_test(pidfds, what_cannot_be_opened_again);
	tcase_add_test(pidfds, the_file_decides);
	tcase_add_test(pidfds, permissions_are_checked_again);
	tcase_add_test(pidfds, a_lease_is_not_waited_for);
	suite_add_tcase(suite, tcase);
	suite_add_tcase(suite, pidfds);
	return suite_run(suite);
}
