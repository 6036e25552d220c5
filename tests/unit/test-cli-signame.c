/* SPDX-License-Identifier: MIT */
/* Names of signals. */
#include <check.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>

#include "cli/signame.h"
#include "descriptors.h"
#include "suite.h"

static const struct {
	const char *text;
	int number;
} good[] = {
	{"TERM", SIGTERM},   {"SIGTERM", SIGTERM}, {"term", SIGTERM}, {"sigTerm", SIGTERM},
	{"15", 15},          {"QUIT", SIGQUIT},    {"USR2", SIGUSR2}, {"1", SIGHUP},
	{"WINCH", SIGWINCH}, {"POLL", SIGPOLL},
};

START_TEST(names_and_numbers)
{
	ck_assert_int_eq(cli_signame_parse(good[_i].text), good[_i].number);
}
END_TEST

START_TEST(realtime)
{
	char text[32];

	ck_assert_int_eq(cli_signame_parse("RTMIN"), SIGRTMIN);
	ck_assert_int_eq(cli_signame_parse("SIGRTMIN+1"), SIGRTMIN + 1);
	ck_assert_int_eq(cli_signame_parse("rtmax"), SIGRTMAX);
	ck_assert_int_eq(cli_signame_parse("RTMAX-2"), SIGRTMAX - 2);
	snprintf(text, sizeof(text), "RTMIN+%d", SIGRTMAX - SIGRTMIN + 1);
	ck_assert_int_eq(cli_signame_parse(text), -EINVAL);
	snprintf(text, sizeof(text), "RTMAX-%d", SIGRTMAX - SIGRTMIN + 1);
	ck_assert_int_eq(cli_signame_parse(text), -EINVAL);
	snprintf(text, sizeof(text), "%d", SIGRTMAX + 1);
	ck_assert_int_eq(cli_signame_parse(text), -EINVAL);
}
END_TEST

static const char *const bad[] = {
	"",
	"0",
	"-1",
	"SIG",
	"SIG15",
	"TERMX",
	"TER",
	" TERM",
	"TERM ",
	"RTMIN-1",
	"RTMAX+1",
	"RTMIN+",
	"RTMIN1",
	"999",
	"15x",
	"SIGSIGTERM",
	"99999999999999999999",
};

START_TEST(anything_else_is_refused)
{
	ck_assert_int_eq(cli_signame_parse(bad[_i]), -EINVAL);
}
END_TEST

START_TEST(the_way_back)
{
	char text[16];

	for (int signal = 1; signal <= SIGRTMAX; signal++)
		ck_assert_int_eq(cli_signame_parse(cli_signame_text(signal, text)), signal);
	ck_assert_str_eq(cli_signame_text(SIGTERM, text), "TERM");
	ck_assert_str_eq(cli_signame_text(SIGIO, text), "IO");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("signame");
	TCase *tcase = descriptors_tcase("signame");

	tcase_add_loop_test(tcase, names_and_numbers, 0, sizeof(good) / sizeof(*good));
	tcase_add_test(tcase, realtime);
	tcase_add_loop_test(tcase, anything_else_is_refused, 0, sizeof(bad) / sizeof(*bad));
	tcase_add_test(tcase, the_way_back);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
