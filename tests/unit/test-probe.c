/* SPDX-License-Identifier: MIT */
/* Whether a name still has a socket behind it: everything that can be there, and nobody disturbed. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "descriptors.h"
#include "raw.h"
#include "scratch.h"
#include "sockfile/probe.h"
#include "suite.h"

static int here;

static void open_directory(void)
{
	here = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_ge(here, 0);
}

static void close_directory(void)
{
	close(here);
}

static enum probe_result probe(const char *name)
{
	struct stat status, expected;
	enum probe_result result = fdpass_probe(here, ".", name, &status);

	if (result != PROBE_GONE) {
		ck_assert_int_eq(lstat(name, &expected), 0);
		ck_assert_uint_eq(status.st_ino, expected.st_ino);
		ck_assert_uint_eq(status.st_dev, expected.st_dev);
	}
	return result;
}

static int bind_type(const char *path, int type)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);

	strcpy(un.sun_path, path);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&un, sizeof(un)), 0);
	return fd;
}

START_TEST(what_is_gone)
{
	ck_assert_int_eq(probe("s"), PROBE_GONE);
}
END_TEST

START_TEST(what_is_stale)
{
	static const int types[] = {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET};

	close(bind_type("s", types[_i]));
	ck_assert_int_eq(probe("s"), PROBE_STALE);
	close(raw_listen("t", 1));
	ck_assert_int_eq(probe("t"), PROBE_STALE);
}
END_TEST

START_TEST(what_is_live)
{
	static const int types[] = {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET};
	int fd = bind_type("s", types[_i]);

	/* Bound, and not listening. */
	ck_assert_int_eq(probe("s"), PROBE_LIVE);
	if (types[_i] != SOCK_DGRAM) {
		ck_assert_int_eq(listen(fd, 0), 0);
		ck_assert_int_eq(probe("s"), PROBE_LIVE);
	}
	/* A duplicate keeps it. */
	ck_assert_int_ge(fcntl(fd, F_DUPFD_CLOEXEC, 100), 100);
	close(fd);
	ck_assert_int_eq(probe("s"), PROBE_LIVE);
	close(100);
	ck_assert_int_eq(probe("s"), PROBE_STALE);
}
END_TEST

START_TEST(a_listener_does_not_wake)
{
	int fd = raw_listen("s", 4);
	struct pollfd polled = {.fd = fd, .events = POLLIN};

	for (int i = 0; i < 100; i++)
		ck_assert_int_eq(probe("s"), PROBE_LIVE);
	ck_assert_int_eq(poll(&polled, 1, 0), 0);
	close(fd);
	/* Nor is a datagram socket sent anything. */
	polled.fd = bind_type("d", SOCK_DGRAM);
	ck_assert_int_eq(probe("d"), PROBE_LIVE);
	ck_assert_int_eq(poll(&polled, 1, 0), 0);
	close(polled.fd);
}
END_TEST

START_TEST(what_is_no_socket)
{
	int fd;

	close(open("file", O_CREAT | O_RDWR | O_CLOEXEC, 0600));
	ck_assert_int_eq(probe("file"), PROBE_OTHER);
	ck_assert_int_eq(mkdir("directory", 0700), 0);
	ck_assert_int_eq(probe("directory"), PROBE_OTHER);
	ck_assert_int_eq(mkfifo("fifo", 0600), 0);
	ck_assert_int_eq(probe("fifo"), PROBE_OTHER);
	ck_assert_int_eq(symlink("nowhere", "dangling"), 0);
	ck_assert_int_eq(probe("dangling"), PROBE_OTHER);
	/* A link is not what it leads to, be that live or stale. */
	fd = raw_listen("s", 1);
	ck_assert_int_eq(symlink("s", "link"), 0);
	ck_assert_int_eq(probe("link"), PROBE_OTHER);
	close(fd);
	ck_assert_int_eq(probe("link"), PROBE_OTHER);
}
END_TEST

START_TEST(what_may_not_be_connected_to_counts_as_live)
{
	int fd = raw_listen("s", 1);

	/* Nobody but root may connect to it. */
	ck_assert_int_eq(chmod("s", 0), 0);
	ck_assert_int_eq(probe("s"), PROBE_LIVE);
	close(fd);
	ck_assert_int_eq(probe("s"), geteuid() == 0 ? PROBE_STALE : PROBE_LIVE);
}
END_TEST

static void probe_as_nobody(void *context)
{
	struct stat status;

	(void)context;
	raw_become_nobody();
	raw_check(fdpass_probe(here, ".", "s", &status) == PROBE_LIVE);
}

/* Another user's 0600, live or stale. Without root there is no other user; then it is 0000. */
START_TEST(what_belongs_to_another_user_counts_as_live)
{
	int fd = raw_listen("s", 1);

	scratch_open_to_others();
	ck_assert_int_eq(chmod("s", geteuid() == 0 ? 0600 : 0), 0);
	raw_join(raw_fork(probe_as_nobody, NULL));
	close(fd);
	raw_join(raw_fork(probe_as_nobody, NULL));
}
END_TEST

/* Whatever the length of the way: nothing is looked up but the name in the open directory. */
START_TEST(long_paths)
{
	char part[NAME_MAX + 1], path[2 * NAME_MAX + 2];
	struct stat status;
	int fd, directory;

	memset(part, 'x', NAME_MAX);
	part[NAME_MAX] = '\0';
	ck_assert_int_eq(mkdir(part, 0700), 0);
	directory = open(part, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_eq(chdir(part), 0);
	fd = raw_listen("s", 1);
	/* The longest name that a file can have. */
	ck_assert_int_eq(rename("s", part), 0);
	snprintf(path, sizeof(path), "%s", "/nowhere");
	ck_assert_int_eq(fdpass_probe(directory, path, part, &status), PROBE_LIVE);
	close(fd);
	ck_assert_int_eq(fdpass_probe(directory, path, part, &status), PROBE_STALE);
	ck_assert_int_eq(fdpass_probe_unlink(directory, part, &status), 0);
	ck_assert_int_eq(fdpass_probe(directory, path, part, &status), PROBE_GONE);
	close(directory);
}
END_TEST

START_TEST(only_the_probed_inode_is_removed)
{
	struct stat status;

	close(raw_listen("s", 1));
	ck_assert_int_eq(fdpass_probe(here, ".", "s", &status), PROBE_STALE);
	/* Somebody else's takes its place, while the old inode lives on. */
	ck_assert_int_eq(rename("s", "old"), 0);
	close(raw_listen("s", 1));
	ck_assert_int_eq(fdpass_probe_unlink(here, "s", &status), -ESTALE);
	ck_assert_int_eq(probe("s"), PROBE_STALE);
	ck_assert_int_eq(fdpass_probe_unlink(here, "old", &status), 0);
	ck_assert_int_eq(fdpass_probe_unlink(here, "old", &status), -ENOENT);
	/* A link to the very same is another inode. */
	ck_assert_int_eq(fdpass_probe(here, ".", "s", &status), PROBE_STALE);
	ck_assert_int_eq(symlink("s", "link"), 0);
	ck_assert_int_eq(fdpass_probe_unlink(here, "link", &status), -ESTALE);
	ck_assert_int_eq(fdpass_probe_unlink(here, "s", &status), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("probe");
	TCase *tcase = descriptors_tcase("probe");

	scratch_add(tcase);
	tcase_add_checked_fixture(tcase, open_directory, close_directory);
	tcase_add_test(tcase, what_is_gone);
	tcase_add_loop_test(tcase, what_is_stale, 0, 3);
	tcase_add_loop_test(tcase, what_is_live, 0, 3);
	tcase_add_test(tcase, a_listener_does_not_wake);
	tcase_add_test(tcase, what_is_no_socket);
	tcase_add_test(tcase, what_may_not_be_connected_to_counts_as_live);
	tcase_add_test(tcase, what_belongs_to_another_user_counts_as_live);
	tcase_add_test(tcase, long_paths);
	tcase_add_test(tcase, only_the_probed_inode_is_removed);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
