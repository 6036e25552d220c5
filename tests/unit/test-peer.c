/* SPDX-License-Identifier: MIT */
/* Who is at the other end: what the kernel shows, and what it shows when there is nobody. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "descriptors.h"
#include "peer/peer.h"
#include "raw.h"
#include "suite.h"

/* What Linux allows; musl's NGROUPS_MAX is what it once was. */
#define GROUPS_MAX 65536

START_TEST(a_socket_pair_shows_its_maker)
{
	static const int types[] = {SOCK_STREAM, SOCK_SEQPACKET, SOCK_DGRAM};
	struct fdpass_peer peer = {-1, 1, 1};
	int pair[2];

	ck_assert_int_eq(socketpair(AF_UNIX, types[_i] | SOCK_CLOEXEC, 0, pair), 0);
	ck_assert_int_eq(fdpass_peer_get(pair[1], &peer), 0);
	ck_assert_int_eq(peer.pid, getpid());
	ck_assert_uint_eq(peer.uid, geteuid());
	ck_assert_uint_eq(peer.gid, getegid());
	close(pair[0]);
	/* Also when the other end is closed. */
	peer.pid = 0;
	ck_assert_int_eq(fdpass_peer_get(pair[1], &peer), 0);
	ck_assert_int_eq(peer.pid, getpid());
	close(pair[1]);
}
END_TEST

START_TEST(nobody_is_an_error)
{
	struct fdpass_peer peer = {-1, 1, 1};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_int_eq(fdpass_peer_get(fd, &peer), -ENOTCONN);
	close(fd);
	ck_assert_int_eq(fdpass_peer_get(fd, &peer), -EBADF);
	ck_assert_int_eq(fdpass_peer_get(-1, &peer), -EBADF);
	fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	ck_assert_int_eq(fdpass_peer_get(fd, &peer), -ENOTSOCK);
	close(fd);
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0) {
		ck_assert_int_lt(fdpass_peer_get(fd, &peer), 0);
		close(fd);
	}
	ck_assert_int_eq(peer.pid, -1);
	ck_assert_uint_eq(peer.uid, 1);
	ck_assert_uint_eq(peer.gid, 1);
}
END_TEST

/* An autobound abstract name (unix(7)), so that it collides with nobody's. */
static int listen_somewhere(struct sockaddr_un *address, socklen_t *size)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	*address = (struct sockaddr_un){.sun_family = AF_UNIX};
	ck_assert_int_eq(bind(fd, (struct sockaddr *)address, sizeof(sa_family_t)), 0);
	*size = sizeof(*address);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)address, size), 0);
	ck_assert_int_eq(listen(fd, 1), 0);
	return fd;
}

/* A child becomes uid 65534 and connects: the accepting side sees it, it sees the listener. */
START_TEST(another_user_connects)
{
	struct sockaddr_un address;
	struct fdpass_peer peer;
	int listener, fd, status;
	socklen_t size;
	pid_t child;

	listener = listen_somewhere(&address, &size);
	child = fork();
	if (child == 0) {
		pid_t parent = getppid();
		char byte;

		if (geteuid() == 0 &&
		    (setresgid(65533, 65533, 65533) < 0 || setresuid(65534, 65534, 65534) < 0))
			raw_end(1);
		fd = socket(AF_UNIX, SOCK_STREAM, 0);
		if (connect(fd, (struct sockaddr *)&address, size) < 0)
			raw_end(2);
		if (fdpass_peer_get(fd, &peer) < 0 || peer.pid != parent)
			raw_end(3);
		/* Until the other side has looked. */
		raw_end(read(fd, &byte, 1) == 0 ? 0 : 4);
	}
	ck_assert_int_gt(child, 0);
	fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(fdpass_peer_get(fd, &peer), 0);
	ck_assert_int_eq(peer.pid, child);
	ck_assert_uint_eq(peer.uid, geteuid() == 0 ? 65534 : geteuid());
	ck_assert_uint_eq(peer.gid, geteuid() == 0 ? 65533 : getegid());
	close(fd);
	close(listener);
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(status, 0);
}
END_TEST

START_TEST(supplementary_groups)
{
	gid_t ours[GROUPS_MAX], *groups = NULL;
	int count = getgroups(GROUPS_MAX, ours), pair[2], i;
	size_t theirs = 12345;

	if (geteuid() == 0) {
		/* Around the first guess of 32, where the kernel says ERANGE, and none at all. */
		count = _i;
		for (i = 0; i < count; i++)
			ours[i] = (gid_t)(3000 + i);
		ck_assert_int_eq(setgroups((size_t)count, ours), 0);
	}
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	ck_assert_int_eq(fdpass_peer_groups(pair[0], &groups, &theirs), 0);
	ck_assert_uint_eq(theirs, (size_t)count);
	ck_assert((groups == NULL) == (count == 0));
	for (i = 0; i < count; i++)
		ck_assert_uint_eq(groups[i], ours[i]);
	free(groups);
	close(pair[0]);
	close(pair[1]);
}
END_TEST

START_TEST(nobody_has_no_groups)
{
	gid_t *groups = (gid_t *)&groups;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	size_t count = 1;

	ck_assert_int_eq(fdpass_peer_groups(fd, &groups, &count), 0);
	ck_assert_ptr_null(groups);
	ck_assert_uint_eq(count, 0);
	close(fd);
	count = 1;
	ck_assert_int_eq(fdpass_peer_groups(fd, &groups, &count), -EBADF);
	ck_assert_uint_eq(count, 1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("peer");
	TCase *tcase = descriptors_tcase("peer");

	tcase_add_loop_test(tcase, a_socket_pair_shows_its_maker, 0, 3);
	tcase_add_test(tcase, nobody_is_an_error);
	tcase_add_test(tcase, another_user_connects);
	tcase_add_loop_test(tcase, supplementary_groups, 0, 2);
	tcase_add_loop_test(tcase, supplementary_groups, 31, 34);
	tcase_add_loop_test(tcase, supplementary_groups, 1000, 1001);
	tcase_add_test(tcase, nobody_has_no_groups);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
