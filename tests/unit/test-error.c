/* SPDX-License-Identifier: MIT */
/* The error record: what is filled, what is cleared, and what a terminal never gets to see. */
#include <errno.h>
#include <string.h>

#include "base/error.h"
#include "descriptors.h"
#include "suite.h"

START_TEST(a_null_record_is_fine)
{
	struct fdpass_peer peer = {1, 2, 3};

	ck_assert_int_eq(fdpass_error_set(NULL, FDPASS_STEP_BIND, -EACCES), -EACCES);
	ck_assert_int_eq(fdpass_error_text(NULL, FDPASS_STEP_BIND, -EACCES, "x"), -EACCES);
	ck_assert_int_eq(fdpass_error_fd(NULL, FDPASS_STEP_BIND, -EACCES, 3), -EACCES);
	ck_assert_int_eq(fdpass_error_peer(NULL, FDPASS_STEP_BIND, -EACCES, &peer), -EACCES);
}
END_TEST

START_TEST(the_initial_record_says_nothing)
{
	struct fdpass_error error = FDPASS_ERROR_INIT;

	ck_assert_int_eq(error.step, FDPASS_STEP_NONE);
	ck_assert_int_eq(error.code, 0);
	ck_assert_int_eq(error.fd, -1);
	ck_assert_int_eq(error.peer.pid, 0);
	ck_assert(error.peer.uid == (uid_t)-1);
	ck_assert_str_eq(error.text, "");
}
END_TEST

START_TEST(each_fills_its_fact_and_clears_the_others)
{
	struct fdpass_peer peer = {11, 22, 33};
	struct fdpass_error error;

	memset(&error, 0x5a, sizeof(error));
	ck_assert_int_eq(fdpass_error_fd(&error, FDPASS_STEP_PLACE, -EMFILE, 7), -EMFILE);
	ck_assert_int_eq(error.step, FDPASS_STEP_PLACE);
	ck_assert_int_eq(error.code, EMFILE);
	ck_assert_int_eq(error.fd, 7);
	ck_assert(error.peer.uid == (uid_t)-1);
	ck_assert_str_eq(error.text, "");

	ck_assert_int_eq(fdpass_error_peer(&error, FDPASS_STEP_PEER, -EPERM, &peer), -EPERM);
	ck_assert_int_eq(error.fd, -1);
	ck_assert_int_eq(error.peer.pid, 11);
	ck_assert_int_eq(error.peer.uid, 22);
	ck_assert_int_eq(error.peer.gid, 33);

	ck_assert_int_eq(fdpass_error_text(&error, FDPASS_STEP_BIND, -EINVAL, "name"), -EINVAL);
	ck_assert_str_eq(error.text, "name");
	ck_assert_int_eq(error.peer.pid, 0);

	ck_assert_int_eq(fdpass_error_set(&error, FDPASS_STEP_MEMORY, -ENOMEM), -ENOMEM);
	ck_assert_str_eq(error.text, "");
}
END_TEST

START_TEST(text_is_cut_and_made_harmless)
{
	char text[2 * FDPASS_REASON_MAX];
	struct fdpass_error error;

	memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	fdpass_error_text(&error, FDPASS_STEP_ANSWER, -EREMOTEIO, text);
	ck_assert_uint_eq(strlen(error.text), FDPASS_REASON_MAX);

	fdpass_error_text(&error, FDPASS_STEP_ANSWER, -EREMOTEIO,
			  "a\033[2J\n\x7f\tgr\xc3\xbc\xc3\x9f");
	ck_assert_str_eq(error.text, "a?[2J???gr\xc3\xbc\xc3\x9f");
}
END_TEST

START_TEST(every_step_has_its_own_words)
{
	int step, other;

	for (step = FDPASS_STEP_NONE; step <= FDPASS_STEP_START; step++) {
		const char *text = fdpass_step_text((enum fdpass_step)step);

		ck_assert_str_ne(text, "an unknown step");
		for (other = FDPASS_STEP_NONE; other < step; other++)
			ck_assert_str_ne(text, fdpass_step_text((enum fdpass_step)other));
	}
	ck_assert_str_eq(fdpass_step_text((enum fdpass_step)1000), "an unknown step");
}
END_TEST

START_TEST(the_library_is_the_headers_version)
{
	ck_assert_str_eq(fdpass_version(), FDPASS_VERSION);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("error");
	TCase *tcase = descriptors_tcase("error");

	tcase_add_test(tcase, a_null_record_is_fine);
	tcase_add_test(tcase, the_initial_record_says_nothing);
	tcase_add_test(tcase, each_fills_its_fact_and_clears_the_others);
	tcase_add_test(tcase, text_is_cut_and_made_harmless);
	tcase_add_test(tcase, every_step_has_its_own_words);
	tcase_add_test(tcase, the_library_is_the_headers_version);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
