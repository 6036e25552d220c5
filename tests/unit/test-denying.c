/* SPDX-License-Identifier: MIT */
/* What the library says, and does instead, where the kernel is older or something does not allow its calls. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/socket.h"
#include "children.h"
#include "denying.h"
#include "descriptors.h"
#include "lacking.h"
#include "raw.h"
#include "scratch.h"
#include "sending.h"
#include "suite.h"

/* What the C library's function is, where numbers have 32 bits. */
#ifdef SYS_fstatfs64
#define FSTATFS SYS_fstatfs64
#else
#define FSTATFS SYS_fstatfs
#endif

/* On i386 the C library goes through socketcall(2), whose arguments no filter sees. */
static int lacks_socket_calls(const char *test)
{
#ifdef SYS_socketcall
	return lacking("socket calls", test);
#else
	(void)test;
	return 0;
#endif
}

static void prepare_file(void *context)
{
	(void)context;
	child_check(open("/dev/null", O_RDONLY | O_CLOEXEC) == 5);
}

static void is(const struct fdpass_error *error, enum fdpass_step step, int code, const char *text)
{
	ck_assert_int_eq(error->step, step);
	ck_assert_int_eq(error->code, code);
	ck_assert_str_eq(error->text, text);
}

static const struct {
	int denied, code;
	const char *word;
} pinning[] = {
	{ENOSYS, ENOSYS, "kernel"}, {EPERM, EPERM, "policy"},   {EACCES, EACCES, "policy"},
	{ENFILE, ENFILE, "table"},  {ENOENT, EINVAL, "thread"},
};

START_TEST(pinning_a_process)
{
	struct fdpass_error error = FDPASS_ERROR_INIT;
	struct fdpass_pidref *ref = NULL;
	uint64_t id = 1;

	denying_call(SYS_pidfd_open, DENYING_ANY, 0, pinning[_i].denied);
	ck_assert_int_eq(fdpass_pidref_open(getpid(), 0, &ref, &error), -pinning[_i].code);
	is(&error, FDPASS_STEP_PROCESS, pinning[_i].code, pinning[_i].word);
	ck_assert_int_eq(error.peer.pid, getpid());
	ck_assert_ptr_null(ref);
	ck_assert_int_eq(fdpass_activation_pid_id(&id),
			 pinning[_i].denied == ENOSYS ? -EOPNOTSUPP : -pinning[_i].denied);
	ck_assert_uint_eq(id, 1);
}
END_TEST

START_TEST(inodes_of_pidfds)
{
	struct fdpass_error error = FDPASS_ERROR_INIT;
	struct fdpass_pidref *ref = NULL;
	uint64_t id = 1;

	denying_call(FSTATFS, DENYING_ANY, 0, ENOSYS);
	ck_assert_int_eq(fdpass_pidref_open(getpid(), 7, &ref, &error), -EOPNOTSUPP);
	is(&error, FDPASS_STEP_PROCESS, EOPNOTSUPP, "pidfs");
	ck_assert_int_lt(fdpass_activation_pid_id(&id), 0);
	ck_assert_int_eq(fdpass_pidref_open(getpid(), 0, &ref, &error), 0);
	ck_assert_uint_eq(fdpass_pidref_inode(ref), 0);
	fdpass_pidref_free(ref);
}
END_TEST

static const struct {
	int denied, code;
	const char *word;
} duplicating[] = {
	{ENOSYS, ENOSYS, "kernel"}, {EPERM, EPERM, "policy"}, {EACCES, EPERM, "policy"},
	{ENFILE, ENFILE, "table"},  {ENODEV, ENODEV, "file"},
};

START_TEST(duplicating_a_descriptor)
{
	struct child child = child_start(prepare_file, NULL);
	struct fdpass_pidref *ref = child_pin(&child);
	struct fdpass_error error = FDPASS_ERROR_INIT;
	int fd = -7;

	denying_call(SYS_pidfd_getfd, DENYING_ANY, 0, duplicating[_i].denied);
	ck_assert_int_eq(fdpass_acquire(ref, 5, FDPASS_METHOD_DUPLICATE, &fd, &error),
			 -duplicating[_i].code);
	is(&error, FDPASS_STEP_ACQUIRE, duplicating[_i].code, duplicating[_i].word);
	ck_assert_int_eq(error.fd, 5);
	ck_assert_int_eq(fdpass_acquire(ref, 5, FDPASS_METHOD_DUPLICATE, &fd, NULL),
			 -duplicating[_i].code);
	ck_assert_int_eq(fd, -7);
	/* Opening it again takes another way. */
	ck_assert_int_eq(fdpass_acquire(ref, 5, FDPASS_METHOD_REOPEN, &fd, &error), 0);
	close(fd);
	fdpass_pidref_free(ref);
	child_stop(&child);
}
END_TEST

static void prepare_listener(void *context)
{
	int fd;

	fd = raw_listen(context, 4);
	child_check(fd == 5);
	fd = raw_listen_abstract("fdpass-unit-denying", 4);
	child_check(fd == 6);
}

static void is_held(const char *text, pid_t by)
{
	struct fdpass_error error = FDPASS_ERROR_INIT;
	struct fdpass_match *match = NULL;
	struct fdpass_pidref *ref = NULL;

	ck_assert_int_eq(fdpass_match_parse(text, &match, NULL), 0);
	ck_assert_msg(fdpass_pidref_find(match, &ref, &error) == 0, "%s: %s", text, error.text);
	ck_assert_int_eq(fdpass_pidref_pid(ref), by);
	fdpass_pidref_free(ref);
	fdpass_match_free(match);
}

/* Without sock_diag(7) there are the tables in /proc, which have a path as it was bound. */
START_TEST(finding_who_holds_a_socket)
{
	char path[64], text[80];
	struct child child;

	snprintf(path, sizeof(path), "%s/here", scratch_path());
	snprintf(text, sizeof(text), "listen:%s", path);
	child = child_start(prepare_listener, path);
	denying_call(SYS_socket, 0, AF_NETLINK, EAFNOSUPPORT);
	is_held("listen:@fdpass-unit-denying", child.pid);
	is_held(text, child.pid);
	child_stop(&child);
}
END_TEST

/* Whether somebody listens is found by connecting, and only who it is remains unknown. */
START_TEST(a_live_listener_is_kept)
{
	struct fdpass_error error = FDPASS_ERROR_INIT;
	struct fdpass_listener *listener = NULL;
	struct fdpass_address *address = NULL;
	int fd = raw_listen("s", 4);

	ck_assert_int_eq(fdpass_address_parse(FDPASS_ADDRESS_NAMED, "./s", &address, NULL), 0);
	ck_assert_int_eq(fdpass_listener_open(address, NULL, &listener, &error), -EADDRINUSE);
	ck_assert_int_eq(error.peer.pid, getpid());
	denying_call(SYS_socket, 0, AF_NETLINK, EAFNOSUPPORT);
	ck_assert_int_eq(fdpass_listener_open(address, NULL, &listener, &error), -EADDRINUSE);
	ck_assert_int_eq(error.peer.pid, 0);
	fdpass_address_free(address);
	close(fd);
}
END_TEST

/* Before Linux 6.5 nothing says who answered: such a receiver is not even connected to. */
START_TEST(waiting_for_a_start)
{
	int fd = raw_listen("s", 4);
	struct sending sending;

	sending_init(&sending);
	sending.options.until = FDPASS_UNTIL_STARTED;
	denying_call(SYS_getsockopt, 2, SO_PASSPIDFD, ENOPROTOOPT);
	ck_assert_int_eq(sending_one(&sending, "./s"), -EOPNOTSUPP);
	is(&sending.error, FDPASS_STEP_START, EOPNOTSUPP, "kernel");
	close(fd);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("denying");
	TCase *tcase = descriptors_tcase("denying");
	TCase *pidfds = descriptors_tcase_tagged("pidfds");

	scratch_add(tcase);
	scratch_add(pidfds);
	tcase_add_loop_test(pidfds, pinning_a_process, 0, sizeof(pinning) / sizeof(*pinning));
	tcase_add_test(pidfds, inodes_of_pidfds);
	tcase_add_loop_test(pidfds, duplicating_a_descriptor, 0,
			    sizeof(duplicating) / sizeof(*duplicating));
	if (!lacks_socket_calls(
		    "finding_who_holds_a_socket, a_live_listener_is_kept, waiting_for_a_start")) {
		tcase_add_test(pidfds, finding_who_holds_a_socket);
		tcase_add_test(tcase, a_live_listener_is_kept);
		tcase_add_test(tcase, waiting_for_a_start);
	}
	suite_add_tcase(suite, tcase);
	suite_add_tcase(suite, pidfds);
	return suite_run(suite);
}
