/* SPDX-License-Identifier: MIT */
/* What a descriptor is, in one line: everything that a link in /proc/PID/fd can lead to. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "acquire/describe.h"
#include "descriptors.h"
#include "raw.h"
#include "scratch.h"
#include "suite.h"

#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif

/* Of a descriptor of this process. */
static int describe(int fd, char text[DESCRIBE_MAX])
{
	int proc = open("/proc/self", O_RDONLY | O_DIRECTORY | O_CLOEXEC), r;
	struct fdpass_links links = LINKS_INIT;

	ck_assert_int_eq(fdpass_links_read(proc, &links), 0);
	r = fdpass_describe(&links, fd, text);
	fdpass_links_free(&links);
	close(proc);
	return r;
}

/* "WORD PATH" of a name in the test's folder; `fd` is closed. */
static void is(int fd, const char *word, const char *name)
{
	char text[DESCRIBE_MAX], expected[512];

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(describe(fd, text), 0);
	snprintf(expected, sizeof(expected), "%s %s/%s", word, scratch_path(), name);
	ck_assert_str_eq(text, expected);
	close(fd);
}

START_TEST(files_of_every_kind)
{
	int fd;

	is(open("file", O_RDWR | O_CREAT | O_CLOEXEC, 0600), "file", "file");
	ck_assert_int_eq(mkdir("folder", 0700), 0);
	is(open("folder", O_RDONLY | O_CLOEXEC), "dir", "folder");
	ck_assert_int_eq(mkfifo("fifo", 0600), 0);
	is(open("fifo", O_RDWR | O_CLOEXEC), "fifo", "fifo");
	ck_assert_int_eq(symlink("nowhere", "link"), 0);
	is(open("link", O_PATH | O_NOFOLLOW | O_CLOEXEC), "link", "link");
	fd = raw_listen("socket", 1);
	is(open("socket", O_PATH | O_CLOEXEC), "socket-file", "socket");
	close(fd);
	/* What only root may make, and not everywhere. */
	if (mknod("block", S_IFBLK | 0600, makedev(7, 0)) == 0)
		is(open("block", O_PATH | O_CLOEXEC), "block", "block");
	if (mknod("char", S_IFCHR | 0600, makedev(1, 3)) == 0)
		is(open("char", O_PATH | O_CLOEXEC), "char", "char");
}
END_TEST

START_TEST(names_are_one_line)
{
	is(open("a\nb\x7f\x1b", O_RDWR | O_CREAT | O_CLOEXEC, 0600), "file", "a?b??");
	is(open("c\xc2\x9b\xc2\xa9\xc2", O_RDWR | O_CREAT | O_CLOEXEC, 0600), "file",
	   "c??\xc2\xa9\xc2");
	is(open("\xc3\xa9", O_RDWR | O_CREAT | O_CLOEXEC, 0600), "file", "\xc3\xa9");
}
END_TEST

START_TEST(both_ends_of_a_terminal)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY), slave;
	char text[DESCRIBE_MAX];

	ck_assert_int_ge(master, 0);
	ck_assert_int_eq(fcntl(master, F_SETFD, FD_CLOEXEC), 0);
	ck_assert_int_eq(grantpt(master), 0);
	ck_assert_int_eq(unlockpt(master), 0);
	slave = open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC);
	ck_assert_int_ge(slave, 0);
	ck_assert_int_eq(describe(master, text), 0);
	ck_assert_int_eq(strncmp(text, "pty /", 5), 0);
	ck_assert_int_eq(describe(slave, text), 0);
	ck_assert_int_eq(strncmp(text, "pty /", 5), 0);
	close(slave);
	close(master);
}
END_TEST

START_TEST(what_has_no_file)
{
	char text[DESCRIBE_MAX];
	int fd = inotify_init1(IN_CLOEXEC), ends[2];

	/* The one name of these that the kernel writes without brackets. */
	ck_assert_int_eq(describe(fd, text), 0);
	ck_assert_str_eq(text, "inotify");
	close(fd);
	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	ck_assert_int_eq(describe(ends[0], text), 0);
	ck_assert_str_eq(text, "pipe");
	close(ends[0]);
	close(ends[1]);
	ck_assert_int_eq(describe(1000000, text), -ENOENT);
}
END_TEST

static const struct {
	int family, type, protocol;
	const char *word;
} sockets[] = {
	{AF_INET, SOCK_STREAM, 0, "tcp"},
	{AF_INET6, SOCK_STREAM, 0, "tcp"},
	{AF_INET, SOCK_STREAM, IPPROTO_MPTCP, "tcp"},
	{AF_INET6, SOCK_DGRAM, 0, "udp"},
	{AF_UNIX, SOCK_STREAM, 0, "unix"},
	{AF_NETLINK, SOCK_RAW, 0, "netlink"},
};

/* By their protocols, where no table of the kernel's has them. */
START_TEST(sockets_in_no_table)
{
	const struct fdpass_socket unknown = {.kind = SOCKET_UNKNOWN};
	int proc = open("/proc/self", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int fd = socket(sockets[_i].family, sockets[_i].type | SOCK_CLOEXEC, sockets[_i].protocol);
	struct fdpass_links links = LINKS_INIT;
	char text[DESCRIBE_MAX];

	ck_assert_int_eq(fdpass_links_read(proc, &links), 0);
	/* A kernel need not know each of them. */
	if (fd >= 0) {
		fdpass_describe_socket(&links, fd, &unknown, text);
		ck_assert_str_eq(text, sockets[_i].word);
		close(fd);
	}
	/* One that was closed meanwhile. */
	fdpass_describe_socket(&links, 1000000, &unknown, text);
	ck_assert_str_eq(text, "socket");
	fdpass_links_free(&links);
	close(proc);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("describe");
	TCase *tcase = descriptors_tcase("describe");

	scratch_add(tcase);
	tcase_add_test(tcase, files_of_every_kind);
	tcase_add_test(tcase, names_are_one_line);
	tcase_add_test(tcase, both_ends_of_a_terminal);
	tcase_add_test(tcase, what_has_no_file);
	tcase_add_loop_test(tcase, sockets_in_no_table, 0, sizeof(sockets) / sizeof(*sockets));
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
