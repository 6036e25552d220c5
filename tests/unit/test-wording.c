/* SPDX-License-Identifier: MIT */
/* An error record as one line: that it says what is known, and fits. */
#include <errno.h>
#include <string.h>

#include "base/error.h"
#include "descriptors.h"
#include "suite.h"

static const char *line_of(const struct fdpass_error *error)
{
	static char text[FDPASS_ERROR_LINE_MAX];

	ck_assert_ptr_eq(fdpass_error_format(error, text, sizeof(text)), text);
	return text;
}

static const char *line(enum fdpass_step step, int code, const char *text)
{
	struct fdpass_error error;

	fdpass_error_text(&error, step, -code, text);
	return line_of(&error);
}

START_TEST(the_step_and_the_errno)
{
	ck_assert_str_eq(line(FDPASS_STEP_CONNECT, ECONNREFUSED, ""),
			 "connecting: Connection refused");
	ck_assert_str_eq(line(FDPASS_STEP_ADDRESS, EINVAL, "it is empty"),
			 "reading the address: Invalid argument: it is empty");
}
END_TEST

START_TEST(what_says_more_than_they_do)
{
	ck_assert_str_eq(line(FDPASS_STEP_ANSWER, EREMOTEIO, "the disk is full"),
			 "waiting for the answer: the receiver refused: the disk is full");
	ck_assert_str_eq(line(FDPASS_STEP_ANSWER, EPROTO, "unasked"),
			 "waiting for the answer: what the receiver wrote is no answer; nothing "
			 "was given");
	ck_assert_str_eq(line(FDPASS_STEP_ANSWER, EPROTO, ""),
			 "waiting for the answer: what the receiver wrote is no answer");
	ck_assert_str_eq(line(FDPASS_STEP_ACQUIRE, EPERM, "yama"),
			 "taking the descriptor: kernel.yama.ptrace_scope does not allow it");
	ck_assert_str_eq(line(FDPASS_STEP_PROCESS, ENOTUNIQ, "123 (nginx), 124 (nginx)"),
			 "finding the process: several processes hold it: 123 (nginx), 124 "
			 "(nginx)");
}
END_TEST

START_TEST(how_a_wait_ended_and_what_stood_in_the_way)
{
	const char *cancelled;

	ck_assert_str_eq(line(FDPASS_STEP_WAIT, ETIMEDOUT, ""), "waiting: the time ran out");
	ck_assert_str_eq(line(FDPASS_STEP_WAIT, ETIMEDOUT, "backlog"),
			 "waiting: the time ran out; the receiver accepts nobody");
	cancelled = line(FDPASS_STEP_WAIT, ECANCELED, "backlog");
	ck_assert_int_eq(strncmp(cancelled, "waiting: ", 9), 0);
	ck_assert_ptr_nonnull(strstr(cancelled, "; the receiver accepts nobody"));
}
END_TEST

START_TEST(the_descriptor_and_the_process)
{
	const struct fdpass_peer peer = {11, 22, 33};
	struct fdpass_error error;

	fdpass_error_fd(&error, FDPASS_STEP_PLACE, -EBADF, 7);
	ck_assert_str_eq(line_of(&error),
			 "placing the descriptors: Bad file descriptor (descriptor 7)");
	/* There it is the index of a connection. */
	fdpass_error_fd(&error, FDPASS_STEP_RECEIVE, -EBADF, 7);
	ck_assert_str_eq(line_of(&error), "receiving: Bad file descriptor");
	fdpass_error_peer(&error, FDPASS_STEP_PEER, -EPERM, &peer);
	ck_assert_str_eq(line_of(&error),
			 "checking the other end: it is not admitted (process 11) (user 22)");
}
END_TEST

START_TEST(an_errno_that_is_none)
{
	ck_assert_ptr_nonnull(line(FDPASS_STEP_BIND, 99999, ""));
	ck_assert_ptr_nonnull(line(FDPASS_STEP_NONE, 0, ""));
	ck_assert_ptr_nonnull(line((enum fdpass_step)99, 1, "?"));
}
END_TEST

START_TEST(it_is_cut_to_what_there_is)
{
	struct fdpass_error error;
	char text[40], whole[FDPASS_ERROR_LINE_MAX];

	fdpass_error_text(&error, FDPASS_STEP_ANSWER, -EREMOTEIO, "a reason");
	fdpass_error_format(&error, whole, sizeof(whole));
	for (size_t size = 0; size < sizeof(text); size++) {
		memset(text, 0x5a, sizeof(text));
		fdpass_error_format(&error, text, size);
		ck_assert_int_eq(text[size], 0x5a);
		if (size > 0) {
			ck_assert_uint_eq(strlen(text), size - 1);
			ck_assert_int_eq(strncmp(text, whole, size - 1), 0);
		}
	}
}
END_TEST

/* The longest that there can be. */
START_TEST(every_line_fits)
{
	static const char *const words[] = {
		"",       "sent",   "accepted", "started", "stranger",     "denied",   "backlog",
		"unread", "old",    "partly",   "lock",    "unasked",      "until",    "killed",
		"hidden", "kernel", "gone",     "inode",   "capabilities", "dumpable", "yama",
	};
	char longest[FDPASS_REASON_MAX + 1];

	memset(longest, 'x', FDPASS_REASON_MAX);
	longest[FDPASS_REASON_MAX] = '\0';
	for (int step = FDPASS_STEP_NONE; step <= FDPASS_STEP_START; step++) {
		for (int code = 0; code < 140; code++) {
			struct fdpass_error error;

			for (size_t i = 0; i <= sizeof(words) / sizeof(*words); i++) {
				fdpass_error_text(&error, (enum fdpass_step)step, -code,
						  i == 0 ? longest : words[i - 1]);
				error.fd = 1048575;
				error.peer = (struct fdpass_peer){4194304, 4294967294, 1};
				ck_assert_uint_lt(strlen(line_of(&error)),
						  FDPASS_ERROR_LINE_MAX - 1);
			}
		}
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("wording");
	TCase *tcase = descriptors_tcase("wording");

	tcase_add_test(tcase, the_step_and_the_errno);
	tcase_add_test(tcase, what_says_more_than_they_do);
	tcase_add_test(tcase, how_a_wait_ended_and_what_stood_in_the_way);
	tcase_add_test(tcase, the_descriptor_and_the_process);
	tcase_add_test(tcase, an_errno_that_is_none);
	tcase_add_test(tcase, it_is_cut_to_what_there_is);
	tcase_add_test(tcase, every_line_fits);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
