/* SPDX-License-Identifier: MIT */
/* The command line: getopt_long(3) goes through it by a program's table; the words about wrong usage
 * are ours, from the table and argv, so that they are the same whatever the C library. */
#include "cli/options.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/diagnostic.h"
#include "cli/usage.h"

/* What getopt_long() returns for long names: this and the index in the table. Letters are below. */
#define NAMES_START 0x1000

static int has_argument(const struct cli_option *option)
{
	/* Optional, because what follows -r is left alone; in --run=COMMAND it is attached. */
	if (option->kind == CLI_COMMAND)
		return optional_argument;
	if (option->kind == CLI_NO_ARGUMENT)
		return no_argument;
	return option->presence == CLI_OPTIONAL ? optional_argument : required_argument;
}

void cli_parser_init(struct cli_parser *parser, const struct cli_program *program, int argc,
		     char **argv)
{
	char *letter = parser->letters;

	assert(program->option_count <= CLI_OPTIONS_MAX);
	*parser = (struct cli_parser){.program = program, .argc = argc, .argv = argv};
	*letter++ = '-'; /* operands in order, as the argument of option 1 */
	for (size_t i = 0; i < program->option_count; i++) {
		const struct cli_option *option = &program->options[i];
		int has = has_argument(option);

		assert(strlen(option->name) <= CLI_NAME_MAX);
		parser->names[i].name = option->name;
		parser->names[i].has_arg = has;
		parser->names[i].val = NAMES_START + (int)i;
		if (!option->letter)
			continue;
		*letter++ = option->letter;
		if (has != no_argument)
			*letter++ = ':';
		if (has == optional_argument)
			*letter++ = ':';
	}
	opterr = 0;
	optind = 0; /* both C libraries begin anew */
}

static const struct cli_option *find_letter(const struct cli_program *program, int letter)
{
	for (size_t i = 0; i < program->option_count; i++)
		if (letter && program->options[i].letter == letter)
			return &program->options[i];
	return NULL;
}

/* Writes "'--from-user', '--from-group'": the options whose names begin with `name`. Returns how many
 * these are, and the last one. A full name is only itself. */
static int find_names(const struct cli_program *program, const char *name, size_t length,
		      const struct cli_option **ret_option, char *text, size_t size)
{
	int count = 0;

	text[0] = '\0';
	for (size_t i = 0; i < program->option_count; i++) {
		const struct cli_option *option = &program->options[i];
		size_t used = strlen(text);

		if (strncmp(option->name, name, length) != 0)
			continue;
		*ret_option = option;
		if (option->name[length] == '\0')
			return 1;
		snprintf(text + used, size - used, "%s'--%s'", count ? ", " : "", option->name);
		count++;
	}
	return count;
}

static void spell_letter(struct cli_parser *parser, const struct cli_option *option)
{
	parser->spelling[0] = '-';
	parser->spelling[1] = option->letter;
	parser->spelling[2] = '\0';
}

static void spell_name(struct cli_parser *parser, const struct cli_option *option)
{
	strcpy(stpcpy(parser->spelling, "--"), option->name);
}

/* "a LIST", "an EXPR", "an N". */
static const char *article(const char *metavariable)
{
	const char *vowels = metavariable[1] ? "AEIO" : "AEFHILMNORSX";

	return strchr(vowels, metavariable[0]) ? "an" : "a";
}

static _Noreturn void missing_argument(struct cli_parser *parser, const struct cli_option *option)
{
	cli_usage_error(parser->program, "option '%s' requires %s %s", parser->spelling,
			article(option->argument), option->argument);
}

/* getopt_long() did not like `argument`, which is a long option. */
static _Noreturn void wrong_name(struct cli_parser *parser, const char *argument)
{
	size_t length = strcspn(argument, "=");
	char similar[CLI_OPTIONS_MAX * (CLI_NAME_MAX + sizeof "'--', ")];
	const struct cli_option *option = NULL;
	int count;

	if (length == 2) /* "--=VALUE", which begins every name */
		cli_usage_error(parser->program, "unrecognized option '%s'", argument);
	count = find_names(parser->program, argument + 2, length - 2, &option, similar,
			   sizeof similar);
	if (count == 0)
		cli_usage_error(parser->program, "unrecognized option '%.*s'", (int)length,
				argument);
	if (count > 1)
		cli_usage_error(parser->program, "option '%.*s' is ambiguous: %s", (int)length,
				argument, similar);
	spell_name(parser, option);
	if (argument[length] == '=')
		cli_usage_error(parser->program, "option '%s' takes no value", parser->spelling);
	missing_argument(parser, option);
}

/* getopt_long() did not like a letter in the cluster `argument`; `optopt` is it. */
static _Noreturn void wrong_letter(struct cli_parser *parser, const char *argument)
{
	const struct cli_option *option = find_letter(parser->program, optopt);

	if (option) {
		spell_letter(parser, option);
		missing_argument(parser, option);
	}
	/* Beyond ASCII the C libraries do not agree on what a letter is, and "--" would mislead: show
	 * all there is. */
	if (optopt <= ' ' || optopt > '~' || optopt == '-')
		cli_usage_error(parser->program, "unrecognized option '%s'", argument);
	cli_usage_error(parser->program, "unrecognized option '-%c'", optopt);
}

/* "'r', 'w', 'r+'" from "r|w|r+"; returns 1 when `argument` is one of them. */
static int match_choice(const char *choices, const char *argument, char *text, size_t size)
{
	text[0] = '\0';
	for (const char *choice = choices;; choice++) {
		size_t length = strcspn(choice, "|");
		size_t used = strlen(text);

		if (strlen(argument) == length && strncmp(choice, argument, length) == 0)
			return 1;
		snprintf(text + used, size - used, "%s'%.*s'", used ? ", " : "", (int)length,
			 choice);
		choice += length;
		if (*choice == '\0')
			return 0;
	}
}

static void check_choice(struct cli_parser *parser, const struct cli_option *option,
			 const char *argument)
{
	char choices[256];

	if (match_choice(option->choices, argument, choices, sizeof choices))
		return;
	cli_usage_error(parser->program, "%s: '%s' is not %s%s", parser->spelling, argument,
			strchr(option->choices, '|') ? "one of " : "", choices);
}

/* The command begins with what is attached, as in --run=COMMAND, or with the next argument. */
static void begin_command(struct cli_parser *parser, char *attached)
{
	parser->rest = parser->argv + optind;
	if (attached)
		*--parser->rest = attached;
	else if (*parser->rest && strcmp(*parser->rest, "--") == 0)
		parser->rest++;
	while (parser->rest[parser->operand])
		parser->operand++;
}

static enum cli_item next_rest(struct cli_parser *parser, const char **ret_argument)
{
	*ret_argument = parser->rest[parser->operand];
	if (!*ret_argument)
		return CLI_END;
	parser->operand++;
	return CLI_OPERAND;
}

static enum cli_item next(struct cli_parser *parser, const struct cli_option **ret_option,
			  const char **ret_argument)
{
	const struct cli_option *option;
	char *argument;
	int result;

	*ret_option = NULL;
	*ret_argument = NULL;
	if (parser->rest)
		return next_rest(parser, ret_argument);
	/* In the middle of a cluster `optind` still points at it. */
	argument = parser->argv[optind ? optind : parser->argc > 0];
	result = getopt_long(parser->argc, parser->argv, parser->letters, parser->names, NULL);
	switch (result) {
	case -1:
		if (!argument) {
			parser->rest = parser->argv + parser->argc;
			return CLI_END;
		}
		if (strcmp(argument, "--") == 0) {
			parser->rest = parser->argv + optind;
			return CLI_DASHES;
		}
		/* musl ends at a lone "-"; glibc takes it for the operand that it is. */
		optind++;
		*ret_argument = argument;
		return CLI_OPERAND;
	case 1:
		*ret_argument = optarg;
		return CLI_OPERAND;
	case '?':
		if (strncmp(argument, "--", 2) == 0)
			wrong_name(parser, argument);
		wrong_letter(parser, argument);
	default:
		break;
	}
	if (result >= NAMES_START) {
		option = &parser->program->options[result - NAMES_START];
		spell_name(parser, option);
	} else {
		option = find_letter(parser->program, result);
		spell_letter(parser, option);
	}
	*ret_option = option;
	if (option->kind == CLI_COMMAND) {
		begin_command(parser, optarg);
		return CLI_OPTION;
	}
	if (option->kind == CLI_CHOICE && optarg)
		check_choice(parser, option, optarg);
	*ret_argument = optarg;
	return CLI_OPTION;
}

/* 1 when it was one of CLI_USUAL_OPTIONS(). */
static int act_on_usual(const struct cli_program *program, const struct cli_option *option)
{
	switch (option->id) {
	case CLI_OPT_VERBOSE:
		cli_diagnostic_level(CLI_VERBOSE);
		return 1;
	case CLI_OPT_QUIET:
		cli_diagnostic_level(CLI_QUIET);
		return 1;
	case CLI_OPT_HELP:
		cli_usage_print(program);
	case CLI_OPT_VERSION:
		cli_version_print(program);
	default:
		return 0;
	}
}

enum cli_item cli_next(struct cli_parser *parser, const struct cli_option **ret_option,
		       const char **ret_argument)
{
	enum cli_item item;

	do
		item = next(parser, ret_option, ret_argument);
	while (item == CLI_OPTION && act_on_usual(parser->program, *ret_option));
	return item;
}

char **cli_rest(const struct cli_parser *parser)
{
	return parser->rest ? parser->rest : parser->argv + parser->argc;
}

const char *cli_spelling(const struct cli_parser *parser)
{
	return parser->spelling;
}

_Noreturn void cli_usage_error(const struct cli_program *program, const char *format, ...)
{
	va_list arguments;
	char text[2 * CLI_DIAGNOSTIC_MAX];

	va_start(arguments, format);
	vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	cli_diagnostic_name(program->name);
	/* Whoever has mistyped a command line is told so, wherever in it -q stands. */
	cli_diagnostic_insist();
	cli_error("%s", text);
	cli_hint("Try '%s --help' for more information.", program->name);
	exit(program->usage_status);
}

void cli_out_of_memory(const struct cli_program *program)
{
	cli_error("%s", strerror(ENOMEM));
	exit(program->failure_status);
}
