/* SPDX-License-Identifier: MIT */
/* The rule: who is admitted, judged by ids alone, by a connection, and by a message's credentials. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "descriptors.h"
#include "lacking.h"
#include "peer/idmap.h"
#include "peer/rule.h"
#include "raw.h"
#include "suite.h"

#define NONE ((uid_t)-1)
#define OVERFLOW 65534

static struct fdpass_rule *rule;

static void make_rule(void)
{
	ck_assert_int_eq(fdpass_rule_new(&rule), 0);
}

static void free_rule(void)
{
	rule = fdpass_rule_free(rule);
	ck_assert_ptr_null(rule);
}

static struct fdpass_identity somebody(uid_t uid, gid_t gid)
{
	struct fdpass_identity identity = {uid, gid, NULL, 0, NONE, NONE};

	return identity;
}

static int admits(uid_t uid, gid_t gid)
{
	struct fdpass_identity identity = somebody(uid, gid);

	return fdpass_rule_decide(rule, &identity);
}

/* An id that is neither ours nor root's nor the overflow id. */
static uid_t other(void)
{
	return geteuid() == 4711 ? 4712 : 4711;
}

START_TEST(by_default_oneself_and_root)
{
	ck_assert(admits(geteuid(), other()));
	ck_assert(admits(0, other()));
	ck_assert(!admits(other(), 0));
	ck_assert(!admits(other(), getegid()));
	ck_assert(!admits(NONE, NONE));
	ck_assert(!fdpass_rule_admits_others(rule));
}
END_TEST

START_TEST(naming_a_user_replaces_the_default)
{
	ck_assert_int_eq(fdpass_rule_admit_user(rule, other()), 0);
	ck_assert(admits(other(), 0));
	ck_assert(!admits(geteuid(), 0));
	ck_assert(!admits(0, 0));
	ck_assert(!admits(other() + 1, other()));
	ck_assert(fdpass_rule_admits_others(rule));
}
END_TEST

START_TEST(naming_a_group_replaces_the_default)
{
	ck_assert_int_eq(fdpass_rule_admit_group(rule, 50), 0);
	ck_assert(admits(other(), 50));
	ck_assert(!admits(0, 0));
	ck_assert(!admits(geteuid(), getegid()));
	ck_assert(!admits(50, 51));
	ck_assert(fdpass_rule_admits_others(rule));
}
END_TEST

START_TEST(oneself_and_root_are_no_others)
{
	ck_assert_int_eq(fdpass_rule_admit_user(rule, 0), 0);
	ck_assert_int_eq(fdpass_rule_admit_user(rule, geteuid()), 0);
	ck_assert(!fdpass_rule_admits_others(rule));
	ck_assert(admits(0, 50));
	ck_assert(admits(geteuid(), 50));
	ck_assert_int_eq(fdpass_rule_admit_group(rule, 0), 0);
	ck_assert(fdpass_rule_admits_others(rule));
}
END_TEST

START_TEST(anyone)
{
	struct fdpass_identity identity = somebody(OVERFLOW, OVERFLOW);

	ck_assert_int_eq(fdpass_rule_admit_anyone(rule), 0);
	ck_assert(admits(other(), other()));
	identity.unmapped_uid = OVERFLOW;
	identity.unmapped_gid = OVERFLOW;
	ck_assert(fdpass_rule_decide(rule, &identity));
	ck_assert(fdpass_rule_admits_others(rule));
}
END_TEST

START_TEST(many_users_and_groups)
{
	uid_t id;

	for (id = 10000; id < 11000; id += 2) {
		ck_assert_int_eq(fdpass_rule_admit_user(rule, id), 0);
		ck_assert_int_eq(fdpass_rule_admit_user(rule, id), 0);
		ck_assert_int_eq(fdpass_rule_admit_group(rule, id + 1), 0);
	}
	for (id = 10000; id < 11000; id++) {
		ck_assert_int_eq(admits(id, 5), id % 2 == 0);
		ck_assert_int_eq(admits(5, id), id % 2 == 1);
	}
}
END_TEST

START_TEST(what_is_no_id_cannot_be_named)
{
	ck_assert_int_eq(fdpass_rule_admit_user(rule, NONE), -EINVAL);
	ck_assert_int_eq(fdpass_rule_admit_group(rule, NONE), -EINVAL);
	/* And has not replaced the default. */
	ck_assert(admits(geteuid(), 5));
	ck_assert(!fdpass_rule_admits_others(rule));
}
END_TEST

START_TEST(supplementary_groups_count)
{
	const gid_t groups[] = {7, OVERFLOW, 50};
	struct fdpass_identity identity = somebody(other(), 5);

	identity.groups = groups;
	identity.group_count = 3;
	ck_assert(!fdpass_rule_decide(rule, &identity));
	ck_assert_int_eq(fdpass_rule_admit_group(rule, 51), 0);
	ck_assert(!fdpass_rule_decide(rule, &identity));
	ck_assert_int_eq(fdpass_rule_admit_group(rule, 50), 0);
	ck_assert(fdpass_rule_decide(rule, &identity));
	identity.group_count = 2;
	ck_assert(!fdpass_rule_decide(rule, &identity));
	ck_assert_int_eq(fdpass_rule_admit_group(rule, OVERFLOW), 0);
	ck_assert(fdpass_rule_decide(rule, &identity));
	identity.unmapped_gid = OVERFLOW;
	ck_assert(!fdpass_rule_decide(rule, &identity));
}
END_TEST

START_TEST(the_overflow_id_is_ordinary_where_every_id_has_a_name)
{
	ck_assert_int_eq(fdpass_rule_admit_user(rule, OVERFLOW), 0);
	ck_assert(admits(OVERFLOW, 5));
	ck_assert_int_eq(fdpass_rule_admit_group(rule, OVERFLOW), 0);
	ck_assert(admits(5, OVERFLOW));
}
END_TEST

START_TEST(the_overflow_id_matches_nothing_elsewhere)
{
	struct fdpass_identity user = somebody(OVERFLOW, 5), group = somebody(5, OVERFLOW);

	user.unmapped_uid = group.unmapped_uid = OVERFLOW;
	user.unmapped_gid = group.unmapped_gid = OVERFLOW;
	ck_assert_int_eq(fdpass_rule_admit_user(rule, OVERFLOW), 0);
	ck_assert_int_eq(fdpass_rule_admit_group(rule, OVERFLOW), 0);
	ck_assert(!fdpass_rule_decide(rule, &user));
	ck_assert(!fdpass_rule_decide(rule, &group));
	/* Its other id still counts. */
	ck_assert_int_eq(fdpass_rule_admit_user(rule, 5), 0);
	ck_assert(fdpass_rule_decide(rule, &group));
	ck_assert_int_eq(fdpass_rule_admit_group(rule, 5), 0);
	ck_assert(fdpass_rule_decide(rule, &user));
}
END_TEST

/* A uid that has no name says nothing about a gid that has the same number, and vice versa. */
START_TEST(users_and_groups_are_mapped_apart)
{
	struct fdpass_identity identity = somebody(OVERFLOW, OVERFLOW);

	ck_assert_int_eq(fdpass_rule_admit_user(rule, OVERFLOW), 0);
	identity.unmapped_gid = OVERFLOW;
	ck_assert(fdpass_rule_decide(rule, &identity));
	identity.unmapped_uid = OVERFLOW;
	identity.unmapped_gid = NONE;
	ck_assert(!fdpass_rule_decide(rule, &identity));
}
END_TEST

START_TEST(checking_a_connection)
{
	struct fdpass_peer peer = {-5, 6, 7};
	int pair[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	ck_assert_int_eq(fdpass_rule_check(rule, pair[0], &peer), 1);
	ck_assert_int_eq(peer.pid, getpid());
	ck_assert_uint_eq(peer.uid, geteuid());
	ck_assert_uint_eq(peer.gid, getegid());
	ck_assert_int_eq(fdpass_rule_check(rule, pair[0], NULL), 1);

	ck_assert_int_eq(fdpass_rule_admit_user(rule, other()), 0);
	peer.pid = -5;
	ck_assert_int_eq(fdpass_rule_check(rule, pair[0], &peer), 0);
	ck_assert_int_eq(peer.pid, getpid());
	ck_assert_int_eq(fdpass_rule_admit_group(rule, getegid()), 0);
	ck_assert_int_eq(fdpass_rule_check(rule, pair[0], &peer), 1);
	close(pair[0]);
	close(pair[1]);
}
END_TEST

START_TEST(what_is_not_connected_is_an_error)
{
	struct fdpass_peer peer = {-5, 6, 7};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_int_eq(fdpass_rule_admit_anyone(rule), 0);
	ck_assert_int_eq(fdpass_rule_check(rule, fd, &peer), -ENOTCONN);
	ck_assert_int_eq(peer.pid, -5);
	close(fd);
	ck_assert_int_eq(fdpass_rule_check(rule, fd, &peer), -EBADF);
	fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	ck_assert_int_eq(fdpass_rule_check(rule, fd, &peer), -ENOTSOCK);
	close(fd);
}
END_TEST

/* What a child that became somebody else makes of a socket pair. It ends with 0 when all is well. */
#define child_test(expression)                                                                     \
	do {                                                                                       \
		if (!(expression))                                                                 \
			raw_end(__LINE__ & 0xff ? __LINE__ & 0xff : 1);                            \
	} while (0)

static void assert_child(pid_t child)
{
	int status;

	ck_assert_int_gt(child, 0);
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_msg(status == 0, "the child failed at line %d (mod 256), status %#x",
		      WEXITSTATUS(status), (unsigned)status);
}

/* As another user with supplementary groups: few, and more than the first guess makes room for. */
START_TEST(supplementary_groups_of_a_connection)
{
	int count = _i;
	pid_t child;

	if (lacks_root("supplementary_groups_of_a_connection"))
		return;
	child = fork();
	if (child == 0) {
		gid_t groups[300];
		int pair[2], i;

		for (i = 0; i < count; i++)
			groups[i] = (gid_t)(2000 + i);
		child_test(setgroups((size_t)count, groups) == 0);
		child_test(setresgid(1001, 1001, 1001) == 0 && setresuid(1000, 1000, 1000) == 0);
		child_test(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);

		child_test(fdpass_rule_admit_group(rule, 1999) == 0);
		child_test(fdpass_rule_check(rule, pair[0], NULL) == 0);
		child_test(fdpass_rule_admit_group(rule, (gid_t)(2000 + count - 1)) == 0);
		child_test(fdpass_rule_check(rule, pair[0], NULL) == (count > 0));
		child_test(fdpass_rule_admit_group(rule, 1001) == 0);
		child_test(fdpass_rule_check(rule, pair[0], NULL) == 1);
		raw_end(0);
	}
	assert_child(child);
}
END_TEST

START_TEST(another_user_is_not_admitted_by_default)
{
	int pair[2], report[2];
	char byte;
	pid_t child;

	if (lacks_root("another_user_is_not_admitted_by_default"))
		return;
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, report), 0);
	child = fork();
	if (child == 0) {
		struct iovec data = {(void *)"x", 1};
		union {
			struct cmsghdr header;
			char space[CMSG_SPACE(sizeof(int))];
		} control = {.space = {0}};
		struct msghdr message = {.msg_iov = &data,
					 .msg_iovlen = 1,
					 .msg_control = &control,
					 .msg_controllen = sizeof(control)};

		child_test(setresuid(OVERFLOW, OVERFLOW, OVERFLOW) == 0);
		child_test(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(&control.header), &pair[0], sizeof(int));
		child_test(sendmsg(report[1], &message, 0) == 1);
		raw_end(0);
	}
	assert_child(child);
	{
		struct iovec data = {&byte, 1};
		union {
			struct cmsghdr header;
			char space[CMSG_SPACE(sizeof(int))];
		} control;
		struct msghdr message = {.msg_iov = &data,
					 .msg_iovlen = 1,
					 .msg_control = &control,
					 .msg_controllen = sizeof(control)};
		struct fdpass_peer peer;
		int fd;

		ck_assert_int_eq(recvmsg(report[0], &message, MSG_CMSG_CLOEXEC), 1);
		memcpy(&fd, CMSG_DATA(&control.header), sizeof(int));
		ck_assert_int_eq(fdpass_rule_check(rule, fd, &peer), 0);
		ck_assert_uint_eq(peer.uid, OVERFLOW);
		ck_assert_int_eq(peer.pid, child);
		/* Ordinary here, if our map is whole. */
		ck_assert_int_eq(fdpass_rule_admit_user(rule, OVERFLOW), 0);
		ck_assert_int_eq(fdpass_rule_check(rule, fd, &peer),
				 fdpass_idmap_covers_all(FDPASS_IDMAP_USERS));
		close(fd);
	}
	close(report[0]);
	close(report[1]);
}
END_TEST

static int write_text(const char *name, pid_t pid, const char *text)
{
	char path[64];
	int fd, r;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	r = write(fd, text, strlen(text)) == (ssize_t)strlen(text) ? 0 : -1;
	close(fd);
	return r;
}

enum maps { MAPS_NONE, MAPS_PARTIAL, MAPS_WHOLE };

/*
 * A child in a user namespace of its own, whose maps we write. Where 65534 stands for "no name", it
 * is not admitted, though the caller itself goes by that number; where the map is whole, it is.
 */
static void in_namespace(enum maps maps)
{
	int ready[2], go[2], status;
	char byte = 0;
	pid_t child;

	ck_assert_int_eq(pipe2(ready, O_CLOEXEC), 0);
	ck_assert_int_eq(pipe2(go, O_CLOEXEC), 0);
	child = fork();
	if (child == 0) {
		struct fdpass_rule *fresh;
		int pair[2], nameless = maps != MAPS_WHOLE;

		close(ready[0]);
		close(go[1]);
		if (maps == MAPS_WHOLE)
			child_test(setresgid(OVERFLOW, OVERFLOW, OVERFLOW) == 0 &&
				   setresuid(OVERFLOW, OVERFLOW, OVERFLOW) == 0);
		if (unshare(CLONE_NEWUSER) < 0)
			raw_end(77);
		child_test(write(ready[1], &byte, 1) == 1);
		child_test(read(go[0], &byte, 1) == 1);

		child_test(geteuid() == OVERFLOW && getegid() == OVERFLOW);
		child_test(fdpass_idmap_covers_all(FDPASS_IDMAP_USERS) == !nameless);
		child_test(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
		child_test(fdpass_rule_new(&fresh) == 0);
		child_test(fdpass_rule_check(fresh, pair[0], NULL) == !nameless);
		child_test(fdpass_rule_admit_group(fresh, OVERFLOW) == 0);
		child_test(fdpass_rule_check(fresh, pair[0], NULL) == !nameless);
		child_test(fdpass_rule_admit_user(fresh, OVERFLOW) == 0);
		child_test(fdpass_rule_check(fresh, pair[0], NULL) == !nameless);
		child_test(fdpass_rule_admit_anyone(fresh) == 0);
		child_test(fdpass_rule_check(fresh, pair[0], NULL) == 1);
		raw_end(0);
	}
	ck_assert_int_gt(child, 0);
	close(ready[1]);
	close(go[0]);
	if (read(ready[0], &byte, 1) == 1) {
		const char *map = maps == MAPS_WHOLE ? "0 0 4294967295\n" : "10 10 5\n";

		if (maps != MAPS_NONE) {
			ck_assert_int_eq(write_text("uid_map", child, map), 0);
			ck_assert_int_eq(write_text("gid_map", child, map), 0);
		}
		ck_assert_int_eq(write(go[1], &byte, 1), 1);
	}
	close(ready[0]);
	close(go[1]);
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77) {
		lacking("user namespaces", "in_a_namespace");
		return;
	}
	ck_assert_msg(status == 0, "the child failed at line %d (mod 256), status %#x",
		      WEXITSTATUS(status), (unsigned)status);
}

START_TEST(in_a_namespace)
{
	if (_i != MAPS_NONE && lacks_root("in_a_namespace"))
		return;
	if (_i != MAPS_NONE && !fdpass_idmap_covers_all(FDPASS_IDMAP_USERS)) {
		lacking("all users", "in_a_namespace");
		return;
	}
	in_namespace((enum maps)_i);
}
END_TEST

START_TEST(a_writer)
{
	struct fdpass_peer writer = {100, other(), 50};

	ck_assert(!fdpass_rule_admits_writer(rule, &writer, NULL));
	writer.uid = geteuid();
	ck_assert(fdpass_rule_admits_writer(rule, &writer, NULL));
	writer.uid = 0;
	ck_assert(fdpass_rule_admits_writer(rule, &writer, NULL));
	writer.uid = other();
	ck_assert_int_eq(fdpass_rule_admit_group(rule, 50), 0);
	ck_assert(fdpass_rule_admits_writer(rule, &writer, NULL));
	writer.gid = 51;
	ck_assert(!fdpass_rule_admits_writer(rule, &writer, NULL));
	ck_assert_int_eq(fdpass_rule_admit_anyone(rule), 0);
	ck_assert(fdpass_rule_admits_writer(rule, &writer, NULL));
}
END_TEST

/* The connector was admitted for a supplementary group, which a message does not show. */
START_TEST(a_writer_who_is_the_admitted_connector)
{
	struct fdpass_peer connector = {100, other(), 50}, writer = connector;

	ck_assert_int_eq(fdpass_rule_admit_group(rule, 4000), 0);
	ck_assert(!fdpass_rule_admits_writer(rule, &writer, NULL));
	ck_assert(fdpass_rule_admits_writer(rule, &writer, &connector));
	writer.pid++;
	ck_assert(!fdpass_rule_admits_writer(rule, &writer, &connector));
	writer = connector;
	writer.uid++;
	ck_assert(!fdpass_rule_admits_writer(rule, &writer, &connector));
	writer = connector;
	writer.gid++;
	ck_assert(!fdpass_rule_admits_writer(rule, &writer, &connector));
	writer = connector;
	writer.pid = connector.pid = 0;
	ck_assert(!fdpass_rule_admits_writer(rule, &writer, &connector));
}
END_TEST

START_TEST(no_rule_is_freed_too)
{
	ck_assert_ptr_null(fdpass_rule_free(NULL));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("rule");
	TCase *tcase = descriptors_tcase("rule");

	tcase_add_checked_fixture(tcase, make_rule, free_rule);
	tcase_add_test(tcase, by_default_oneself_and_root);
	tcase_add_test(tcase, naming_a_user_replaces_the_default);
	tcase_add_test(tcase, naming_a_group_replaces_the_default);
	tcase_add_test(tcase, oneself_and_root_are_no_others);
	tcase_add_test(tcase, anyone);
	tcase_add_test(tcase, many_users_and_groups);
	tcase_add_test(tcase, what_is_no_id_cannot_be_named);
	tcase_add_test(tcase, supplementary_groups_count);
	tcase_add_test(tcase, the_overflow_id_is_ordinary_where_every_id_has_a_name);
	tcase_add_test(tcase, the_overflow_id_matches_nothing_elsewhere);
	tcase_add_test(tcase, users_and_groups_are_mapped_apart);
	tcase_add_test(tcase, checking_a_connection);
	tcase_add_test(tcase, what_is_not_connected_is_an_error);
	tcase_add_loop_test(tcase, supplementary_groups_of_a_connection, 0, 4);
	tcase_add_loop_test(tcase, supplementary_groups_of_a_connection, 31, 34);
	tcase_add_loop_test(tcase, supplementary_groups_of_a_connection, 300, 301);
	tcase_add_test(tcase, another_user_is_not_admitted_by_default);
	tcase_add_loop_test(tcase, in_a_namespace, MAPS_NONE, MAPS_WHOLE + 1);
	tcase_add_test(tcase, a_writer);
	tcase_add_test(tcase, a_writer_who_is_the_admitted_connector);
	tcase_add_test(tcase, no_rule_is_freed_too);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
