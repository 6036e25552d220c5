/* SPDX-License-Identifier: MIT */
/* Taking what is announced: all of it or nothing, and nothing that is not there or not ours. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "descriptors.h"
#include "fdpass.h"
#include "lacking.h"
#include "suite.h"

/* 3 to 6 belong to the test; what the runner has there comes back. */
enum { FIRST = 3, COUNT = 4, OUT_OF_THE_WAY = 100 };

static int kept[COUNT], flags[COUNT];

static void numbers_before(void)
{
	for (int i = 0; i < COUNT; i++) {
		flags[i] = fcntl(FIRST + i, F_GETFD);
		kept[i] = fcntl(FIRST + i, F_DUPFD_CLOEXEC, OUT_OF_THE_WAY);
		close(FIRST + i);
	}
}

static void numbers_after(void)
{
	for (int i = 0; i < COUNT; i++) {
		if (kept[i] < 0)
			continue;
		ck_assert_int_eq(dup3(kept[i], FIRST + i, flags[i] != 0 ? O_CLOEXEC : 0),
				 FIRST + i);
		close(kept[i]);
	}
}

/* Opens `count` of them, inheritable, as after an exec. */
static void open_numbers(int count)
{
	for (int i = 0; i < count; i++)
		ck_assert_int_eq(open("/dev/null", O_RDWR), FIRST + i);
}

static void close_numbers(int count)
{
	for (int i = 0; i < count; i++)
		close(FIRST + i);
}

static void set_number(const char *variable, uint64_t number)
{
	char text[24];

	snprintf(text, sizeof(text), "%ju", (uintmax_t)number);
	ck_assert_int_eq(setenv(variable, text, 1), 0);
}

static void announce(const char *fds, const char *names)
{
	unsetenv("LISTEN_PIDFDID");
	unsetenv("LISTEN_FDNAMES");
	set_number("LISTEN_PID", (uint64_t)getpid());
	ck_assert_int_eq(setenv("LISTEN_FDS", fds, 1), 0);
	if (names != NULL)
		ck_assert_int_eq(setenv("LISTEN_FDNAMES", names, 1), 0);
}

static struct fdpass_set *expect(enum fdpass_activation_check check, int count)
{
	struct fdpass_error error = FDPASS_ERROR_INIT;
	struct fdpass_set *set = NULL;
	int r = fdpass_activation_import(check, &set, &error);

	if (r != count)
		ck_abort_msg("%d instead of %d: %s", r, count, error.text);
	ck_assert_uint_eq(fdpass_set_count(set), (size_t)count);
	for (int i = 0; i < count; i++) {
		ck_assert_int_eq(fdpass_set_get(set, (size_t)i), FIRST + i);
		ck_assert_int_eq(fcntl(FIRST + i, F_GETFD), FD_CLOEXEC);
	}
	return set;
}

/* Nothing is taken, and nothing that is open is changed. */
static void expect_refusal(int code, int fd)
{
	struct fdpass_error error = FDPASS_ERROR_INIT;
	struct fdpass_set *set = NULL;

	ck_assert_int_eq(fdpass_activation_import(FDPASS_ACTIVATION_OURS, &set, &error), code);
	ck_assert_ptr_null(set);
	ck_assert_int_eq(error.step, FDPASS_STEP_ACTIVATION);
	ck_assert_int_eq(error.code, -code);
	ck_assert_int_eq(error.fd, fd);
	ck_assert_str_ne(error.text, "");
	ck_assert_int_eq(fdpass_activation_import(FDPASS_ACTIVATION_OURS, &set, NULL), code);
	for (int i = 0; i < COUNT; i++)
		if (fdpass_fd_is_open(FIRST + i))
			ck_assert_int_eq(fcntl(FIRST + i, F_GETFD), 0);
}

START_TEST(nothing_announced)
{
	unsetenv("LISTEN_FDS");
	setenv("LISTEN_PID", "nonsense", 1);
	fdpass_set_free(expect(FDPASS_ACTIVATION_OURS, 0));
	announce("0", NULL);
	fdpass_set_free(expect(FDPASS_ACTIVATION_OURS, 0));
}
END_TEST

/* Names alone are left over from something else. */
START_TEST(names_of_nothing)
{
	static const char *const names[] = {"", "web", "a:b", "\n"};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		announce("0", names[i]);
		fdpass_set_free(expect(FDPASS_ACTIVATION_OURS, 0));
		unsetenv("LISTEN_FDS");
		fdpass_set_free(expect(FDPASS_ACTIVATION_OURS, 0));
		fdpass_set_free(expect(FDPASS_ACTIVATION_ANY, 0));
	}
}
END_TEST

START_TEST(without_names)
{
	struct fdpass_set *set;

	open_numbers(COUNT);
	announce("3", NULL);
	set = expect(FDPASS_ACTIVATION_OURS, 3);
	ck_assert_ptr_null(fdpass_set_name(set, 0));
	ck_assert_ptr_null(fdpass_set_name(set, 2));
	fdpass_set_free(set);
	for (int i = 0; i < COUNT; i++)
		ck_assert_int_eq(fdpass_fd_is_open(FIRST + i), i == 3);
	/* It was not announced. */
	ck_assert_int_eq(fcntl(FIRST + 3, F_GETFD), 0);
	close(FIRST + 3);
}
END_TEST

START_TEST(with_names)
{
	struct fdpass_set *set;
	char longest[FDPASS_NAME_MAX + sizeof(":unknown::b c")];

	memset(longest, 'x', FDPASS_NAME_MAX);
	strcpy(longest + FDPASS_NAME_MAX, ":unknown::b c");
	open_numbers(COUNT);
	announce("4", longest);
	set = expect(FDPASS_ACTIVATION_OURS, 4);
	ck_assert_uint_eq(strlen(fdpass_set_name(set, 0)), FDPASS_NAME_MAX);
	ck_assert_ptr_null(fdpass_set_name(set, 1));
	ck_assert_ptr_null(fdpass_set_name(set, 2));
	ck_assert_str_eq(fdpass_set_name(set, 3), "b c");
	fdpass_set_free(set);
}
END_TEST

START_TEST(for_another_process)
{
	open_numbers(1);
	announce("1", NULL);
	set_number("LISTEN_PID", (uint64_t)getppid());
	expect_refusal(-ESRCH, -1);
	unsetenv("LISTEN_PID");
	expect_refusal(-ESRCH, -1);
	fdpass_set_free(expect(FDPASS_ACTIVATION_ANY, 1));
	open_numbers(1);
	setenv("LISTEN_PID", "nonsense", 1);
	setenv("LISTEN_PIDFDID", "1", 1);
	expect_refusal(-EINVAL, -1);
	fdpass_set_free(expect(FDPASS_ACTIVATION_ANY, 1));
}
END_TEST

START_TEST(for_an_earlier_process)
{
	uint64_t id = 0;
	int known = fdpass_activation_pid_id(&id);

	open_numbers(1);
	announce("1", NULL);
	setenv("LISTEN_PIDFDID", "-1", 1);
	expect_refusal(-EINVAL, -1);
	if (known == 0) {
		set_number("LISTEN_PIDFDID", id + 1);
		expect_refusal(-ESRCH, -1);
	} else {
		ck_assert_int_eq(known, -EOPNOTSUPP);
	}
	/* Where it cannot be checked, LISTEN_PID has to do. */
	set_number("LISTEN_PIDFDID", id);
	fdpass_set_free(expect(FDPASS_ACTIVATION_OURS, 1));
}
END_TEST

START_TEST(the_identity_is_that_of_the_pidfd)
{
	fd_owned int fd = (int)syscall(SYS_pidfd_open, getpid(), 0U);
	struct stat status;
	uint64_t id, again;

	if (fdpass_activation_pid_id(&id) < 0) {
		lacking(sizeof(long) < sizeof(id) ? "64 bits" : "Linux 6.9",
			"the_identity_is_that_of_the_pidfd");
		return;
	}
	ck_assert_int_eq(fdpass_activation_pid_id(&again), 0);
	ck_assert_uint_eq(again, id);
	ck_assert_int_eq(fstat(fd, &status), 0);
	ck_assert_uint_eq(status.st_ino, id);
}
END_TEST

START_TEST(malformed)
{
	static const char *const counts[] = {"", "x", "1x", " 1", "+1", "-1", "0x1", "1 "};
	static const char *const pids[] = {
		"", "x", "1x", "-1", "0", "4294967297", "99999999999999999999999"};
	static const char *const names[] = {"", "a", "a:b:c", "a:b:", "a:b\n", "a:\xc3\xbc"};
	char longer[FDPASS_NAME_MAX + 4];

	open_numbers(2);
	for (size_t i = 0; i < sizeof(counts) / sizeof(*counts); i++) {
		announce(counts[i], NULL);
		expect_refusal(-EINVAL, -1);
	}
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		announce("2", names[i]);
		expect_refusal(-EINVAL, -1);
	}
	memset(longer, 'x', sizeof(longer));
	strcpy(longer + FDPASS_NAME_MAX + 1, ":b");
	announce("2", longer);
	expect_refusal(-EINVAL, -1);
	announce("2", NULL);
	for (size_t i = 0; i < sizeof(pids) / sizeof(*pids); i++) {
		setenv("LISTEN_PID", pids[i], 1);
		expect_refusal(-EINVAL, -1);
	}
	close_numbers(2);
}
END_TEST

START_TEST(too_many)
{
	announce("1048577", NULL);
	expect_refusal(-EMFILE, -1);
	announce("18446744073709551617", NULL);
	expect_refusal(-EMFILE, -1);
	announce("99999999999999999999999999", NULL);
	expect_refusal(-EMFILE, -1);
}
END_TEST

START_TEST(not_open)
{
	open_numbers(COUNT);
	close(FIRST + 1);
	announce("3", NULL);
	expect_refusal(-EBADF, FIRST + 1);
	announce("1", NULL);
	fdpass_set_free(expect(FDPASS_ACTIVATION_OURS, 1));
	expect_refusal(-EBADF, FIRST);
	close(FIRST + 2);
	close(FIRST + 3);
}
END_TEST

/* What is exported can be imported. */
START_TEST(there_and_back)
{
	struct fdpass_announcement announcement = FDPASS_ANNOUNCEMENT_INIT;
	char **changes = NULL;
	struct fdpass_set *set;

	announcement.count = 3;
	announcement.numbers = (const int[]){3, 4, 5};
	announcement.names = (const char *const[]){"a", NULL, "c"};
	announcement.pid = getpid();
	fdpass_activation_pid_id(&announcement.pid_id);
	setenv("LISTEN_FDNAMES", "stale", 1);
	ck_assert_int_eq(fdpass_activation_export(&announcement, &changes, NULL), 0);
	for (size_t i = 0; changes[i] != NULL; i++) {
		char *value = strchr(changes[i], '=');

		if (value != NULL)
			*value = '\0';
		if (value == NULL)
			unsetenv(changes[i]);
		else
			setenv(changes[i], value + 1, 1);
	}
	open_numbers(3);
	set = expect(FDPASS_ACTIVATION_OURS, 3);
	ck_assert_str_eq(fdpass_set_name(set, 0), "a");
	ck_assert_ptr_null(fdpass_set_name(set, 1));
	ck_assert_str_eq(fdpass_set_name(set, 2), "c");
	fdpass_set_free(set);
	free(changes);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("activate-import");
	TCase *tcase = descriptors_tcase("activate-import");

	tcase_add_checked_fixture(tcase, numbers_before, numbers_after);
	tcase_add_test(tcase, nothing_announced);
	tcase_add_test(tcase, names_of_nothing);
	tcase_add_test(tcase, without_names);
	tcase_add_test(tcase, with_names);
	tcase_add_test(tcase, for_another_process);
	tcase_add_test(tcase, for_an_earlier_process);
	tcase_add_test(tcase, the_identity_is_that_of_the_pidfd);
	tcase_add_test(tcase, malformed);
	tcase_add_test(tcase, too_many);
	tcase_add_test(tcase, not_open);
	tcase_add_test(tcase, there_and_back);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
