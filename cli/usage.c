/* SPDX-License-Identifier: MIT */
/* --help and --version, from a program's table, in util-linux's layout. */
#include "cli/usage.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/result.h"
#include "fdpass.h"

/* Where help begins at most; longer options get a line of their own. */
#define HELP_COLUMN_MAX 30

/* Writes words from `column` on, and goes on at `indent` on the next line when one does not fit. */
static void write_wrapped(FILE *stream, size_t column, size_t indent, const char *text)
{
	while (*text) {
		size_t length = strcspn(text, " ");
		int begins = column == indent;

		if (!begins && column + 1 + length > CLI_USAGE_WIDTH) {
			fprintf(stream, "\n%*s", (int)indent, "");
			column = indent;
			begins = 1;
		}
		fprintf(stream, "%s%.*s", begins ? "" : " ", (int)length, text);
		column += length + !begins;
		text += length;
		text += strspn(text, " ");
	}
	fputc('\n', stream);
}

/* " -f, --fd LIST"; "     --retire[=SIG]". */
static size_t label(const struct cli_option *option, char *text, size_t size)
{
	const char *before = " ", *after = "";
	int length;

	if (option->presence == CLI_OPTIONAL) {
		before = "[=";
		after = "]";
	}
	length = snprintf(text, size, " %c%c%c --%s%s%s%s", option->letter ? '-' : ' ',
			  option->letter ? option->letter : ' ', option->letter ? ',' : ' ',
			  option->name, option->argument ? before : "",
			  option->argument ? option->argument : "", option->argument ? after : "");
	return length < 0 ? 0 : (size_t)length < size ? (size_t)length : size - 1;
}

static size_t help_column(const struct cli_program *program)
{
	size_t column = 0;
	char text[CLI_USAGE_WIDTH];

	for (size_t i = 0; i < program->option_count; i++) {
		size_t width = label(&program->options[i], text, sizeof text) + 2;

		if (program->options[i].help && width <= HELP_COLUMN_MAX && width > column)
			column = width;
	}
	return column ? column : HELP_COLUMN_MAX;
}

static void write_option(FILE *stream, const struct cli_option *option, size_t column)
{
	char text[CLI_USAGE_WIDTH];
	size_t width = label(option, text, sizeof text);

	fputs(text, stream);
	if (width + 2 > column) {
		fputc('\n', stream);
		width = 0;
	}
	fprintf(stream, "%*s", (int)(column - width), "");
	write_wrapped(stream, column, column, option->help);
}

void cli_usage_write(const struct cli_program *program, FILE *stream)
{
	size_t column = help_column(program);
	const char *group = "";

	fputs("\nUsage:\n", stream);
	for (const char *const *line = program->synopsis; *line; line++)
		fprintf(stream, " %s %s\n", program->name, *line);
	fputc('\n', stream);
	write_wrapped(stream, 0, 0, program->purpose);
	for (size_t i = 0; i < program->option_count; i++) {
		const struct cli_option *option = &program->options[i];

		if (option->group && strcmp(option->group, group) != 0) {
			group = option->group;
			fprintf(stream, "\n%s:\n", group);
		} else if (i == 0) {
			fputs("\nOptions:\n", stream);
		}
		if (option->help)
			write_option(stream, option, column);
	}
	if (!program->trailer)
		return;
	fputc('\n', stream);
	for (const char *const *line = program->trailer; *line; line++)
		fprintf(stream, "%s\n", *line);
}

_Noreturn void cli_usage_print(const struct cli_program *program)
{
	size_t size;
	char *text;
	FILE *stream = open_memstream(&text, &size);

	if (stream)
		cli_usage_write(program, stream);
	cli_result_finish(program, stream, &text);
}

_Noreturn void cli_version_print(const struct cli_program *program)
{
	size_t size;
	char *text;
	FILE *stream = open_memstream(&text, &size);

	if (stream)
		fprintf(stream, "%s from fdpass %s\n", program->name, fdpass_version());
	cli_result_finish(program, stream, &text);
}
