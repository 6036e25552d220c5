/* SPDX-License-Identifier: MIT */
/*
 * Writes the completion file of a shell. Runs when fdpass is built, and is not installed.
 *
 * usage: generate bash|zsh|fish TEMPLATE COMPLETE.SH
 *
 * The programs' option tables, and how an ADDR and an EXPR begin, go into the script; the script goes
 * into the shell's template, as a string.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "completions/programs.h"

/* No file here is nearly as large. */
#define TEXT_MAX ((size_t)256 * 1024)

enum quoting { QUOTE_POSIX, QUOTE_FISH };

static const struct cli_program *const programs[] = {
	&fdsend_program,
	&fdrecv_program,
	&fdfwd_program,
};

static const char *const addresses[][2] = {
	{"tcp:", "[HOST:]PORT"},
	{"tcp4:", "[HOST:]PORT"},
	{"tcp6:", "[HOST:]PORT"},
	{"udp:", "[HOST:]PORT"},
	{"udp4:", "[HOST:]PORT"},
	{"udp6:", "[HOST:]PORT"},
	{"unix:", "stream socket"},
	{"unix-abstract:", "stream socket with an abstract name"},
	{"unix-dgram:", "datagram socket"},
	{"unix-seqpacket:", "sequenced-packet socket"},
};

static const char *const expressions[][2] = {
	{"listen", "every socket that listens"},
	{"listen:", "[HOST:]PORT, PATH or @NAME"},
	{"tcp", "every TCP socket"},
	{"tcp:", "[HOST:]PORT"},
	{"udp", "every UDP socket"},
	{"udp:", "[HOST:]PORT"},
	{"unix", "every Unix socket"},
	{"unix:", "PATH or @NAME"},
	{"file:", "also if it was deleted since"},
};

static _Noreturn void fail(const char *what, const char *why)
{
	fprintf(stderr, "generate: %s: %s\n", what, why);
	exit(1);
}

/* What complete.sh calls the kinds of arguments. */
static const char *kind_of(const struct cli_option *option)
{
	switch (option->kind) {
	case CLI_NO_ARGUMENT:
		return "none";
	case CLI_FDS:
		return "fds";
	case CLI_ADDRESS:
		return "address";
	case CLI_SOCKSPEC:
		return "sockspec";
	case CLI_PROCESS:
		return "process";
	case CLI_MATCH:
		return "match";
	case CLI_USER:
		return strcmp(option->argument, "USER") == 0 ? "user" : "owner";
	case CLI_GROUP:
		return "group";
	case CLI_SECONDS:
		return "seconds";
	case CLI_NUMBER:
		return "number";
	case CLI_VARIABLE:
		return "variable";
	case CLI_SIGNAL:
		return "signal";
	case CLI_CHOICE:
		return "choice";
	case CLI_PATH:
		return "path";
	case CLI_TEXT:
		return "text";
	case CLI_COMMAND:
		return "command";
	}
	fail(option->name, "an argument of a kind that completion does not know");
}

static void write_options(FILE *stream)
{
	const char *end = "";

	for (size_t i = 0; i < sizeof(programs) / sizeof(*programs); i++) {
		for (size_t j = 0; j < programs[i]->option_count; j++) {
			const struct cli_option *option = &programs[i]->options[j];

			if (!option->help)
				continue;
			fprintf(stream, "%s%s\t%c\t%s\t%s\t%s\t%s\t%s", end, programs[i]->name,
				option->letter ? option->letter : '-', option->name,
				kind_of(option),
				option->presence == CLI_OPTIONAL ? "optional" : "required",
				option->choices ? option->choices : "-", option->help);
			end = "\n";
		}
	}
}

static void write_pairs(FILE *stream, const char *const (*pairs)[2], size_t count)
{
	for (size_t i = 0; i < count; i++)
		fprintf(stream, "%s%s\t%s", i ? "\n" : "", pairs[i][0], pairs[i][1]);
}

static char *read_file(const char *path)
{
	FILE *file = fopen(path, "r");
	char *text = malloc(TEXT_MAX);
	size_t length;

	if (!file || !text)
		fail(path, strerror(errno));
	length = fread(text, 1, TEXT_MAX, file);
	if (ferror(file) || length == TEXT_MAX)
		fail(path, "cannot be read");
	text[length] = '\0';
	fclose(file);
	return text;
}

/* The script without what the shells do not need to read every time. */
static void without_comments(char *text)
{
	char *to = text;

	for (char *line = text, *next; *line; line = next) {
		size_t indent = strspn(line, "\t");
		size_t length = strcspn(line, "\n");

		next = line + length + (line[length] != '\0');
		if (line[indent] == '#' || length == 0)
			continue;
		memmove(to, line, (size_t)(next - line));
		to += next - line;
	}
	*to = '\0';
}

/* Writes what goes between single quotes. */
static void write_quoted(FILE *stream, const char *text, enum quoting quoting)
{
	for (; *text; text++) {
		if (*text == '\'')
			fputs(quoting == QUOTE_FISH ? "\\'" : "'\\''", stream);
		else if (*text == '\\' && quoting == QUOTE_FISH)
			fputs("\\\\", stream);
		else
			fputc(*text, stream);
	}
}

/* Writes `text` up to `mark`, of which there is one, and returns what follows it. */
static const char *write_until(FILE *stream, const char *text, const char *mark)
{
	const char *found = strstr(text, mark);

	if (!found || strstr(found + 1, mark))
		fail(mark, "does not stand there once");
	fwrite(text, 1, (size_t)(found - text), stream);
	return found + strlen(mark);
}

/* complete.sh with everything in its place. */
static char *whole_script(const char *path)
{
	char *source = read_file(path), *script = NULL;
	const char *rest = source;
	size_t size;
	FILE *stream = open_memstream(&script, &size);

	if (!stream)
		fail(path, strerror(errno));
	without_comments(source);
	rest = write_until(stream, rest, "@OPTIONS@");
	write_options(stream);
	rest = write_until(stream, rest, "@ADDRESSES@");
	write_pairs(stream, addresses, sizeof(addresses) / sizeof(*addresses));
	rest = write_until(stream, rest, "@EXPRESSIONS@");
	write_pairs(stream, expressions, sizeof(expressions) / sizeof(*expressions));
	fputs(rest, stream);
	if (fclose(stream) != 0)
		fail(path, strerror(errno));
	free(source);
	return script;
}

int main(int argc, char **argv)
{
	char *template, *script;
	const char *rest;

	if (argc != 4)
		fail("usage", "generate bash|zsh|fish TEMPLATE COMPLETE.SH");
	template = read_file(argv[2]);
	script = whole_script(argv[3]);
	rest = write_until(stdout, template, "@SCRIPT@");
	write_quoted(stdout, script, strcmp(argv[1], "fish") == 0 ? QUOTE_FISH : QUOTE_POSIX);
	fputs(rest, stdout);
	free(template);
	free(script);
	if (fflush(stdout) != 0)
		fail("stdout", strerror(errno));
	return 0;
}
