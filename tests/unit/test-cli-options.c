/* SPDX-License-Identifier: MIT */
/* The command line: what the parser delivers, in order, and what it says about wrong usage, exactly. */
#include <check.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/diagnostic.h"
#include "cli/options.h"
#include "cli/value.h"
#include "descriptors.h"
#include "suite.h"

enum {
	FD,
	FROM_USER,
	FROM_GROUP,
	QUIET,
	VERBOSE,
	RETIRE,
	MODE,
	CONFIRM,
	READY_FD,
	MATCH,
	RUN,
	TIME
};

static const struct cli_option options[] = {
	{.name = "fd", .letter = 'f', .id = FD, .argument = "LIST", .kind = CLI_FDS},
	{.name = "fdname", .id = FD, .argument = "NAMES", .kind = CLI_TEXT},
	{.name = "from-user", .id = FROM_USER, .argument = "USER", .kind = CLI_USER},
	{.name = "from-group", .id = FROM_GROUP, .argument = "GROUP", .kind = CLI_GROUP},
	{.name = "quiet", .letter = 'q', .id = QUIET},
	{.name = "verbose", .letter = 'v', .id = VERBOSE},
	{.name = "retire",
	 .letter = 'R',
	 .id = RETIRE,
	 .argument = "SIG",
	 .kind = CLI_SIGNAL,
	 .presence = CLI_OPTIONAL},
	{.name = "mode",
	 .letter = 'm',
	 .id = MODE,
	 .argument = "MODE",
	 .kind = CLI_CHOICE,
	 .choices = "r|w|r+"},
	{.name = "confirm",
	 .id = CONFIRM,
	 .argument = "HOW",
	 .kind = CLI_CHOICE,
	 .choices = "answer"},
	{.name = "ready-fd", .id = READY_FD, .argument = "N", .kind = CLI_NUMBER},
	{.name = "match", .letter = 'M', .id = MATCH, .argument = "EXPR", .kind = CLI_TEXT},
	{.name = "timeout", .letter = 't', .id = TIME, .argument = "SECONDS", .kind = CLI_SECONDS},
	{.name = "run", .letter = 'r', .id = RUN, .argument = "COMMAND", .kind = CLI_COMMAND},
};

static const char *const synopsis[] = {"[options]", NULL};

static const struct cli_program program = {
	.name = "fdtest",
	.synopsis = synopsis,
	.purpose = "Nothing.",
	.options = options,
	.option_count = sizeof options / sizeof options[0],
	.usage_status = 125,
	.failure_status = 99,
};

/* A command line as words; a NUL-terminated vector in `argv`, which is left writable. */
struct words {
	const char *word[10];
};

static int fill(char *argv[], const struct words *words)
{
	int argc = 0;

	argv[argc++] = strdup("fdtest");
	while (words->word[argc - 1]) {
		argv[argc] = strdup(words->word[argc - 1]);
		argc++;
	}
	argv[argc] = NULL;
	return argc;
}

static void empty(char *const argv[], int argc)
{
	for (int i = 0; i < argc; i++)
		free(argv[i]);
}

__attribute__((format(printf, 3, 4))) static void add(char *text, size_t size, const char *format,
						      ...)
{
	size_t used = strlen(text);
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text + used, size - used, format, arguments);
	va_end(arguments);
}

/* Writes what the parser delivers: "-f(3) --quiet <operand> -- <after> END | rest". */
static void transcribe(char *text, size_t size, int argc, char **argv)
{
	struct cli_parser parser;
	const struct cli_option *option;
	const char *argument;

	text[0] = '\0';
	cli_parser_init(&parser, &program, argc, argv);
	for (;;) {
		switch (cli_next(&parser, &option, &argument)) {
		case CLI_OPTION:
			ck_assert_ptr_nonnull(option);
			add(text, size, "%s%s%s%s ", cli_spelling(&parser), argument ? "(" : "",
			    argument ? argument : "", argument ? ")" : "");
			continue;
		case CLI_OPERAND:
			ck_assert_ptr_null(option);
			add(text, size, "<%s> ", argument);
			continue;
		case CLI_DASHES:
			ck_assert_ptr_null(option);
			ck_assert_ptr_null(argument);
			add(text, size, "-- ");
			continue;
		case CLI_END:
			ck_assert_ptr_null(option);
			ck_assert_ptr_null(argument);
			break;
		}
		break;
	}
	ck_assert_int_eq(cli_next(&parser, &option, &argument), CLI_END);
	add(text, size, "|");
	for (char **rest = cli_rest(&parser); *rest; rest++)
		add(text, size, " %s", *rest);
}

static const struct {
	struct words words;
	const char *delivered;
} good[] = {
	{{{NULL}}, "|"},
	{{{"-f", "3", "name"}}, "-f(3) <name> |"},
	{{{"name", "-f", "3"}}, "<name> -f(3) |"},
	{{{"-f3"}}, "-f(3) |"},
	{{{"--fd=3"}}, "--fd(3) |"},
	{{{"--fd", "3", "a", "--quiet", "b", "-v"}}, "--fd(3) <a> --quiet <b> -v |"},
	{{{"--fd="}}, "--fd() |"},
	{{{"--fd", ""}}, "--fd() |"},
	{{{"--fd", "--quiet"}}, "--fd(--quiet) |"},
	{{{"-f", "--"}}, "-f(--) |"},
	{{{"--fd=a=b"}}, "--fd(a=b) |"},
	/* A full name is itself, though it begins another one. */
	{{{"--fdn", "a:b"}}, "--fdname(a:b) |"},
	{{{"--q", "--verb", "--from-u", "0", "--from-g=0"}},
	 "--quiet --verbose --from-user(0) --from-group(0) |"},
	{{{"-qv", "-qvf3", "-vqf", "4"}}, "-q -v -q -v -f(3) -v -q -f(4) |"},
	{{{"--retire", "TERM"}}, "--retire <TERM> |"},
	{{{"--retire=TERM"}}, "--retire(TERM) |"},
	{{{"-R", "TERM"}}, "-R <TERM> |"},
	{{{"-RTERM"}}, "-R(TERM) |"},
	{{{"-m", "r", "-mr+", "--mode=w"}}, "-m(r) -m(r+) --mode(w) |"},
	{{{"--confirm=answer"}}, "--confirm(answer) |"},
	{{{"-"}}, "<-> |"},
	{{{"-", "-q", "-", "x"}}, "<-> -q <-> <x> |"},
	{{{"", "-q"}}, "<> -q |"},
	/* "--": the rest is there at once, and operand by operand. */
	{{{"--"}}, "-- |"},
	{{{"-q", "--", "-f", "--", "-"}}, "-q -- <-f> <--> <-> | -f -- -"},
	{{{"a", "--", "b"}}, "<a> -- <b> | b"},
	/* A command takes everything. */
	{{{"-r"}}, "-r |"},
	{{{"--run"}}, "--run |"},
	{{{"-r", "cmd", "-q", "--", "x"}}, "-r | cmd -q -- x"},
	{{{"--run", "cmd", "-q", "--", "x"}}, "--run | cmd -q -- x"},
	{{{"--run=cmd", "-q", "--", "x"}}, "--run | cmd -q -- x"},
	{{{"--ru=cmd"}}, "--run | cmd"},
	{{{"-rcmd", "-q"}}, "-r | cmd -q"},
	{{{"-qrcmd", "-q"}}, "-q -r | cmd -q"},
	{{{"a", "-qr", "cmd", "-q"}}, "<a> -q -r | cmd -q"},
	{{{"-r", "-q"}}, "-r | -q"},
	{{{"--run", "--", "cmd", "--"}}, "--run | cmd --"},
	{{{"--run=cmd", "--"}}, "--run | cmd --"},
	{{{"-f", "3", "a", "-r", "cmd", "--fd", "4"}}, "-f(3) <a> -r | cmd --fd 4"},
};

static void check_delivered(size_t index)
{
	char text[512];
	char *argv[12];
	int argc = fill(argv, &good[index].words);
	char *first[12];

	/* --run=COMMAND rewrites an element. */
	memcpy(first, argv, sizeof first);
	transcribe(text, sizeof text, argc, argv);
	ck_assert_str_eq(text, good[index].delivered);
	empty(first, argc);
}

START_TEST(items_in_order)
{
	unsetenv("POSIXLY_CORRECT");
	check_delivered((size_t)_i);
}
END_TEST

START_TEST(items_in_order_posixly_correct)
{
	setenv("POSIXLY_CORRECT", "1", 1);
	check_delivered((size_t)_i);
}
END_TEST

START_TEST(parsers_one_after_the_other)
{
	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
		check_delivered(i);
}
END_TEST

START_TEST(no_arguments_at_all)
{
	struct cli_parser parser;
	const struct cli_option *option;
	const char *argument;
	char *argv[] = {NULL};

	cli_parser_init(&parser, &program, 0, argv);
	ck_assert_int_eq(cli_next(&parser, &option, &argument), CLI_END);
	ck_assert_ptr_null(*cli_rest(&parser));
}
END_TEST

/* What a program does with these: the values are looked at, too. */
static void run(int argc, char **argv)
{
	struct cli_parser parser;
	struct cli_list list = CLI_LIST_INIT;
	const struct cli_option *option;
	const char *argument;
	enum cli_item item;

	cli_parser_init(&parser, &program, argc, argv);
	while ((item = cli_next(&parser, &option, &argument)) != CLI_END) {
		if (item != CLI_OPTION)
			continue;
		switch (option->id) {
		case FD:
			cli_value_list(&parser, argument, &list);
			break;
		case FROM_USER:
			cli_value_user(&program, cli_spelling(&parser), argument);
			break;
		case FROM_GROUP:
			cli_value_group(&program, cli_spelling(&parser), argument);
			break;
		case READY_FD:
			cli_value_fd(&parser, argument);
			break;
		case TIME:
			cli_value_seconds(&parser, argument);
			break;
		case QUIET:
			cli_diagnostic_level(CLI_QUIET);
			break;
		default:
			break;
		}
	}
}

/* Runs a command line in a child; returns its exit status, and what it wrote on stderr. */
static int run_child(const struct words *words, char *text, size_t size)
{
	int ends[2];
	size_t length = 0;
	ssize_t got;
	int status;
	pid_t child;

	ck_assert_int_eq(pipe(ends), 0);
	child = fork();
	ck_assert_int_ge(child, 0);
	if (child == 0) {
		char *argv[12];
		int argc;

		dup2(ends[1], 2);
		argc = fill(argv, words);
		run(argc, argv);
		_exit(0);
	}
	close(ends[1]);
	while ((got = read(ends[0], text + length, size - 1 - length)) > 0)
		length += (size_t)got;
	text[length] = '\0';
	close(ends[0]);
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static const struct {
	struct words words;
	const char *message;
} bad[] = {
	{{{"--foo"}}, "unrecognized option '--foo'"},
	{{{"--foo=bar"}}, "unrecognized option '--foo'"},
	{{{"a", "--quieter", "b"}}, "unrecognized option '--quieter'"},
	{{{"--=x"}}, "unrecognized option '--=x'"},
	{{{"-x"}}, "unrecognized option '-x'"},
	{{{"-vx"}}, "unrecognized option '-x'"},
	{{{"-v-"}}, "unrecognized option '-v-'"},
	{{{"-:"}}, "unrecognized option '-:'"},
	{{{"-v\303\251"}}, "unrecognized option '-v\303\251'"},
	{{{"-\001"}}, "unrecognized option '-?'"},
	{{{"--a\nb"}}, "unrecognized option '--a?b'"},
	{{{"--fro"}}, "option '--fro' is ambiguous: '--from-user', '--from-group'"},
	{{{"--fro=x"}}, "option '--fro' is ambiguous: '--from-user', '--from-group'"},
	{{{"--fd"}}, "option '--fd' requires a LIST"},
	{{{"-f"}}, "option '-f' requires a LIST"},
	{{{"-vf"}}, "option '-f' requires a LIST"},
	{{{"--fdn"}}, "option '--fdname' requires a NAMES"},
	{{{"--match"}}, "option '--match' requires an EXPR"},
	{{{"--from-u"}}, "option '--from-user' requires a USER"},
	{{{"--ready-fd"}}, "option '--ready-fd' requires an N"},
	{{{"--quiet=yes"}}, "option '--quiet' takes no value"},
	{{{"--verb="}}, "option '--verbose' takes no value"},
	{{{"-m", "rw"}}, "-m: 'rw' is not one of 'r', 'w', 'r+'"},
	{{{"--mode="}}, "--mode: '' is not one of 'r', 'w', 'r+'"},
	{{{"--mod", "r|w"}}, "--mode: 'r|w' is not one of 'r', 'w', 'r+'"},
	{{{"--confirm=x"}}, "--confirm: 'x' is not 'answer'"},
	{{{"--fd", "3-"}}, "--fd: '3-' is not a list of descriptors, such as 3 or 0,1,2 or 4-9"},
	{{{"-f99999999999"}}, "-f: 99999999999 is too large"},
	{{{"-f", "9-4"}}, "-f: '9-4' runs backwards"},
	{{{"-t", "soon"}}, "-t: 'soon' is not a number of seconds, such as 5 or 0.25"},
	{{{"--time=-1"}}, "--timeout: '-1' is not a number of seconds, such as 5 or 0.25"},
	{{{"--from-user", "no such user"}}, "--from-user: there is no user 'no such user'"},
	{{{"--from-group=no:group"}}, "--from-group: there is no group 'no:group'"},
	{{{"--from-user=4294967295"}}, "--from-user: 4294967295 is too large"},
	{{{"--ready-fd=x"}}, "--ready-fd: 'x' is not the number of a descriptor"},
	{{{"--ready-fd=2147483648"}}, "--ready-fd: 2147483648 is too large"},
};

START_TEST(wrong_usage_is_named)
{
	char text[1024];
	char expected[1024];

	snprintf(expected, sizeof expected,
		 "fdtest: %s\nTry 'fdtest --help' for more information.\n", bad[_i].message);
	ck_assert_int_eq(run_child(&bad[_i].words, text, sizeof text), 125);
	ck_assert_str_eq(text, expected);
}
END_TEST

/* Wherever -q stands. */
START_TEST(quiet_is_not_about_wrong_usage)
{
	static const struct words words[] = {{{"-q", "--foo"}}, {{"--foo", "-q"}}};
	char text[1024];

	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
		ck_assert_int_eq(run_child(&words[i], text, sizeof text), 125);
		ck_assert_str_eq(text, "fdtest: unrecognized option '--foo'\n"
				       "Try 'fdtest --help' for more information.\n");
	}
}
END_TEST

START_TEST(right_usage_says_nothing)
{
	static const struct words words = {
		{"-f3,4", "--from-user=0", "--from-group=0", "-t.5", "--ready-fd=2147483647"}};
	char text[1024];

	ck_assert_int_eq(run_child(&words, text, sizeof text), 0);
	ck_assert_str_eq(text, "");
}
END_TEST

START_TEST(option_is_the_one_in_the_table)
{
	struct cli_parser parser;
	const struct cli_option *option;
	const char *argument;
	char words[3][16] = {"fdtest", "-qf", "3"};
	char *argv[] = {words[0], words[1], words[2], NULL};

	cli_parser_init(&parser, &program, 3, argv);
	ck_assert_int_eq(cli_next(&parser, &option, &argument), CLI_OPTION);
	ck_assert_ptr_eq(option, &options[4]);
	ck_assert_int_eq(option->id, QUIET);
	ck_assert_int_eq(cli_next(&parser, &option, &argument), CLI_OPTION);
	ck_assert_ptr_eq(option, &options[0]);
	ck_assert_ptr_eq(argument, argv[2]);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("cli-options");
	TCase *tcase = descriptors_tcase("options");

	tcase_add_loop_test(tcase, items_in_order, 0, sizeof good / sizeof good[0]);
	tcase_add_loop_test(tcase, items_in_order_posixly_correct, 0, sizeof good / sizeof good[0]);
	tcase_add_test(tcase, parsers_one_after_the_other);
	tcase_add_test(tcase, no_arguments_at_all);
	tcase_add_loop_test(tcase, wrong_usage_is_named, 0, sizeof bad / sizeof bad[0]);
	tcase_add_test(tcase, quiet_is_not_about_wrong_usage);
	tcase_add_test(tcase, right_usage_says_nothing);
	tcase_add_test(tcase, option_is_the_one_in_the_table);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
