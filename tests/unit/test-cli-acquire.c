/* SPDX-License-Identifier: MIT */
/* What stands against taking something out of a process, in words: each word of fdpass.h and its message. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cli/acquire.h"
#include "descriptors.h"
#include "suite.h"

static const struct {
	enum fdpass_step step;
	int code;
	const char *word;
	const char *message; /* its beginning; "<>" is what the C library calls the error */
	const char *advice;  /* its end */
} rows[] = {
	{FDPASS_STEP_PROCESS, ESRCH, "gone",
	 "w: there is no such process, or no more (<>); listen:PORT names the one behind a port",
	 ""},
	{FDPASS_STEP_PROCESS, ESRCH, "zombie", "w: process 42 has ended and holds nothing any more",
	 "its parent has not asked for its status yet"},
	{FDPASS_STEP_PROCESS, EINVAL, "thread", "w: 42 is a thread; name its process",
	 "see Tgid in /proc/42/status"},
	{FDPASS_STEP_PROCESS, EINVAL, "number", "w: no process has such a number", ""},
	{FDPASS_STEP_PROCESS, ESRCH, "inode",
	 "w: the process with the number 42 is another one by now", "with fdsend --pidref"},
	{FDPASS_STEP_PROCESS, EOPNOTSUPP, "pidfs", "w: this kernel has no inode",
	 "use the PID alone"},
	{FDPASS_STEP_PROCESS, EACCES, "hidden", "w: it is there, but no process that holds it",
	 "or in the PID namespace of that process"},
	{FDPASS_STEP_PROCESS, ESRCH, "nobody", "w: no process holds that",
	 "'fdsend --list -p PID' shows what a process holds"},
	{FDPASS_STEP_PROCESS, ENOTUNIQ, "1 (a), 2 (b)", "w: several processes hold that",
	 "1 (a), 2 (b); name one of them by its PID"},
	{FDPASS_STEP_PROCESS, EPERM, "policy", "w: this process may not look at others (<>)",
	 "forbids pidfd_open(2)"},
	{FDPASS_STEP_PROCESS, ENOENT, "proc", "w: /proc cannot be read (<>)", "(hidepid)?"},
	{FDPASS_STEP_PROCESS, ENOSYS, "kernel", "w: this kernel is too old", "5.6 is needed"},
	{FDPASS_STEP_PROCESS, EMFILE, "table", "w: the table of open files is full (<>)",
	 "ulimit -n"},
	{FDPASS_STEP_ACQUIRE, EBADF, "number", "w: nothing is open there",
	 "'fdsend --list -p 42' shows what is"},
	{FDPASS_STEP_ACQUIRE, ESRCH, "gone", "w: the process has ended", ""},
	{FDPASS_STEP_ACQUIRE, ESRCH, "zombie", "w: the process has ended", ""},
	{FDPASS_STEP_ACQUIRE, EPERM, "user",
	 "w: not allowed (<>): the process runs, or began, as "
	 "another user (1001)",
	 "as with sudo"},
	{FDPASS_STEP_ACQUIRE, EPERM, "group",
	 "w: not allowed (<>): the process runs, or began, with "
	 "another group",
	 "as with sudo"},
	{FDPASS_STEP_ACQUIRE, EPERM, "capabilities",
	 "w: not allowed (<>): the process has "
	 "capabilities",
	 "as with sudo"},
	{FDPASS_STEP_ACQUIRE, EACCES, "dumpable",
	 "w: not allowed (<>): the process has protected "
	 "itself",
	 "as with sudo"},
	{FDPASS_STEP_ACQUIRE, EPERM, "yama", "w: not allowed (<>): kernel.yama.ptrace_scope",
	 "lower it with sysctl"},
	{FDPASS_STEP_ACQUIRE, EPERM, "policy", "w: not allowed (<>): a security module",
	 "forbids it"},
	{FDPASS_STEP_ACQUIRE, ENXIO, "socket", "w: a socket cannot be opened a second time",
	 "use --dup"},
	{FDPASS_STEP_ACQUIRE, ENXIO, "anonymous", "w: it has no file", "use --dup"},
	{FDPASS_STEP_ACQUIRE, EOPNOTSUPP, "device", "w: opening this device a second time",
	 "use --dup"},
	{FDPASS_STEP_ACQUIRE, EOPNOTSUPP, "opener", "w: a file of procfs or cgroupfs", "use --dup"},
	{FDPASS_STEP_ACQUIRE, ENXIO, "fifo", "w: nobody reads from this FIFO", "use --dup"},
	{FDPASS_STEP_ACQUIRE, EAGAIN, "lease", "w: another process has a lease on this file (<>)",
	 "use --dup"},
	{FDPASS_STEP_ACQUIRE, ENOSYS, "kernel", "w: this kernel cannot duplicate it", "5.6 does"},
	{FDPASS_STEP_ACQUIRE, EROFS, "file", "w: the file cannot be opened a second time (<>)",
	 "--dup duplicates it instead"},
	{FDPASS_STEP_ACQUIRE, ENOENT, "match", "w: process 42 holds nothing that fits", ""},
	{FDPASS_STEP_ACQUIRE, ENFILE, "table", "w: the table of open files is full (<>)",
	 "ulimit -n"},
	{FDPASS_STEP_ACQUIRE, ENOENT, "proc", "w: /proc does not show the process (<>)",
	 "is it mounted?"},
	{FDPASS_STEP_MEMORY, ENOMEM, "", "w: allocating memory failed: <>", ""},
};

START_TEST(each_word_has_its_message)
{
	struct fdpass_error error = FDPASS_ERROR_INIT;
	char text[1024], begin[256];
	const char *gap = strstr(rows[_i].message, "<>");
	size_t length;

	error.step = rows[_i].step;
	error.code = rows[_i].code;
	error.peer = (struct fdpass_peer){42, 1001, 1002};
	strcpy(error.text, rows[_i].word);
	if (gap != NULL)
		snprintf(begin, sizeof(begin), "%.*s%s%s", (int)(gap - rows[_i].message),
			 rows[_i].message, strerror(rows[_i].code), gap + 2);
	else
		snprintf(begin, sizeof(begin), "%s", rows[_i].message);
	ck_assert_str_eq(cli_acquire_explain("w", &error, text, sizeof(text)), text);
	ck_assert_msg(strncmp(text, begin, strlen(begin)) == 0, "%s", text);
	length = strlen(rows[_i].advice);
	ck_assert_msg(strlen(text) >= length &&
			      strcmp(text + strlen(text) - length, rows[_i].advice) == 0,
		      "%s", text);
	ck_assert_ptr_null(strchr(text, '{'));
}
END_TEST

START_TEST(a_mode_is_a_method)
{
	ck_assert_int_eq(cli_acquire_mode("r"), FDPASS_METHOD_REOPEN_READ);
	ck_assert_int_eq(cli_acquire_mode("w"), FDPASS_METHOD_REOPEN_WRITE);
	ck_assert_int_eq(cli_acquire_mode("r+"), FDPASS_METHOD_REOPEN_READ_WRITE);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("acquire");
	TCase *tcase = descriptors_tcase("acquire");

	tcase_add_loop_test(tcase, each_word_has_its_message, 0, sizeof(rows) / sizeof(*rows));
	tcase_add_test(tcase, a_mode_is_a_method);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
