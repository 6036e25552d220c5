/* SPDX-License-Identifier: MIT */
/* --help and --version: the layout, its width, and an stdout that does not take it. */
#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/usage.h"
#include "descriptors.h"
#include "fdpass.h"
#include "suite.h"

static const struct cli_option options[] = {
	{.name = "fd",
	 .letter = 'f',
	 .argument = "LIST",
	 .kind = CLI_FDS,
	 .help = "send these descriptors, such as 3 or 0,1,2 or 4-9; they are looked at before "
		 "anything is waited for",
	 .group = "What to send"},
	{.name = "hidden", .help = NULL},
	{.name = "retire",
	 .argument = "SIG",
	 .kind = CLI_SIGNAL,
	 .presence = CLI_OPTIONAL,
	 .help = "end it"},
	{.name = "a-very-long-option-name",
	 .argument = "METAVARIABLE",
	 .kind = CLI_TEXT,
	 .help = "on a line of its own",
	 .group = "More"},
	{.name = "quiet", .letter = 'q', .help = "no messages", .group = "More"},
};

static const char *const synopsis[] = {"[options] SOCKSPEC", "--list -p PID", NULL};
static const char *const trailer[] = {"Examples:", " fdtest -f 3 name", NULL};

static const struct cli_program program = {
	.name = "fdtest",
	.synopsis = synopsis,
	.purpose = "Send open file descriptors to a process that is waiting for them, and tell "
		   "whether they got there.",
	.options = options,
	.option_count = sizeof options / sizeof options[0],
	.usage_status = 2,
	.failure_status = 99,
	.trailer = trailer,
};

static const char help[] =
	"\n"
	"Usage:\n"
	" fdtest [options] SOCKSPEC\n"
	" fdtest --list -p PID\n"
	"\n"
	"Send open file descriptors to a process that is waiting for them, and tell\n"
	"whether they got there.\n"
	"\n"
	"What to send:\n"
	" -f, --fd LIST       send these descriptors, such as 3 or 0,1,2 or 4-9; they are\n"
	"                     looked at before anything is waited for\n"
	"     --retire[=SIG]  end it\n"
	"\n"
	"More:\n"
	"     --a-very-long-option-name METAVARIABLE\n"
	"                     on a line of its own\n"
	" -q, --quiet         no messages\n"
	"\n"
	"Examples:\n"
	" fdtest -f 3 name\n";

static void print(const struct cli_program *printed, char *text, size_t size)
{
	FILE *stream = fmemopen(text, size, "w");

	ck_assert_ptr_nonnull(stream);
	cli_usage_write(printed, stream);
	ck_assert_int_eq(ferror(stream), 0);
	ck_assert_int_eq(fclose(stream), 0);
}

START_TEST(layout)
{
	char text[4096];

	print(&program, text, sizeof text);
	ck_assert_str_eq(text, help);
}
END_TEST

START_TEST(minimal_program)
{
	static const char *const lines[] = {"", NULL};
	static const struct cli_option only[] = {{.name = "quiet", .help = "no messages"}};
	struct cli_program minimal = {.name = "x",
				      .synopsis = lines,
				      .purpose = "Nothing.",
				      .options = only,
				      .option_count = 1};
	char text[256];

	print(&minimal, text, sizeof text);
	ck_assert_str_eq(text,
			 "\nUsage:\n x \n\nNothing.\n\nOptions:\n     --quiet  no messages\n");
}
END_TEST

/* Help texts of every length, made of words of every length up to 9. */
START_TEST(no_line_is_wider_than_80)
{
	static const char *const lines[] = {"", NULL};
	struct cli_option option = {.name = "fd", .argument = "LIST", .kind = CLI_FDS};
	struct cli_program wide = {
		.name = "x", .synopsis = lines, .options = &option, .option_count = 1};
	char words[200];
	char text[2048];
	size_t widest = 0;

	for (size_t i = 0; i < sizeof words; i++)
		words[i] = (i % (size_t)(_i + 1)) == (size_t)_i ? ' ' : 'w';
	for (size_t length = 1; length < sizeof words; length++) {
		char *help_text = words + sizeof words - 1 - length;

		words[sizeof words - 1] = '\0';
		option.help = help_text;
		wide.purpose = help_text;
		print(&wide, text, sizeof text);
		for (const char *line = text; *line;) {
			size_t width = strcspn(line, "\n");

			ck_assert_uint_le(width, CLI_USAGE_WIDTH);
			if (width > widest)
				widest = width;
			line += width + 1;
		}
	}
	/* And the room is used. */
	ck_assert_uint_gt(widest + (size_t)_i + 1, CLI_USAGE_WIDTH);
}
END_TEST

struct result {
	int status;
	char out[4096];
	char err[512];
};

static void read_all(int fd, char *text, size_t size)
{
	size_t length = 0;
	ssize_t got;

	while ((got = read(fd, text + length, size - 1 - length)) > 0)
		length += (size_t)got;
	text[length] = '\0';
	close(fd);
}

/* Runs `function` in a child whose stdout is `out`, or captured with -1, or closed with -2. */
static void run(void (*function)(const struct cli_program *), int out, struct result *result)
{
	int out_ends[2], err_ends[2];
	int status;
	pid_t child;

	ck_assert_int_eq(pipe2(out_ends, O_CLOEXEC), 0);
	ck_assert_int_eq(pipe2(err_ends, O_CLOEXEC), 0);
	child = fork();
	ck_assert_int_ge(child, 0);
	if (child == 0) {
		dup2(err_ends[1], 2);
		if (out == -2)
			close(1);
		else
			dup2(out == -1 ? out_ends[1] : out, 1);
		function(&program);
	}
	close(out_ends[1]);
	close(err_ends[1]);
	read_all(out_ends[0], result->out, sizeof result->out);
	read_all(err_ends[0], result->err, sizeof result->err);
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert(WIFEXITED(status));
	result->status = WEXITSTATUS(status);
}

START_TEST(help_on_stdout)
{
	struct result result;

	run(cli_usage_print, -1, &result);
	ck_assert_int_eq(result.status, 0);
	ck_assert_str_eq(result.out, help);
	ck_assert_str_eq(result.err, "");
}
END_TEST

START_TEST(version_on_stdout)
{
	struct result result;
	char expected[64];

	snprintf(expected, sizeof expected, "fdtest from fdpass %s\n", fdpass_version());
	run(cli_version_print, -1, &result);
	ck_assert_int_eq(result.status, 0);
	ck_assert_str_eq(result.out, expected);
	ck_assert_str_eq(result.err, "");
}
END_TEST

static void (*const printers[])(const struct cli_program *) = {cli_usage_print, cli_version_print};

START_TEST(full_disk_is_a_failure)
{
	struct result result;
	int full = open("/dev/full", O_WRONLY | O_CLOEXEC);

	ck_assert_int_ge(full, 0);
	run(printers[_i], full, &result);
	close(full);
	ck_assert_int_eq(result.status, 99);
	ck_assert_str_eq(result.err,
			 "fdtest: cannot write to standard output: No space left on device\n");
}
END_TEST

START_TEST(closed_stdout_is_a_failure)
{
	struct result result;

	run(printers[_i], -2, &result);
	ck_assert_int_eq(result.status, 99);
	ck_assert_str_eq(result.err,
			 "fdtest: cannot write to standard output: Bad file descriptor\n");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("cli-usage");
	TCase *tcase = descriptors_tcase("usage");

	tcase_add_test(tcase, layout);
	tcase_add_test(tcase, minimal_program);
	tcase_add_loop_test(tcase, no_line_is_wider_than_80, 1, 10);
	tcase_add_test(tcase, help_on_stdout);
	tcase_add_test(tcase, version_on_stdout);
	tcase_add_loop_test(tcase, full_disk_is_a_failure, 0, 2);
	tcase_add_loop_test(tcase, closed_stdout_is_a_failure, 0, 2);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
