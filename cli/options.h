/* SPDX-License-Identifier: MIT */
#ifndef FDPASS_CLI_OPTIONS_H
#define FDPASS_CLI_OPTIONS_H

/*
 * A program's command line: what it may be, as pure data, and the parser that goes through it.
 *
 * The table of a program feeds the parser, --help and the completions, so that an option is described
 * once. The syntax is that of getopt_long(3): unambiguous abbreviations, --option=VALUE, clusters of
 * letters, -f3. Options and operands are delivered in the order in which they stand, whatever
 * POSIXLY_CORRECT says.
 *
 * Wrong usage ends the program: a message that names the option and the value as they were written,
 * "Try 'NAME --help' for more information.", and the program's `usage_status`.
 */

#include <getopt.h>
#include <stddef.h>

/* What an option's argument is; completion goes by it, and the parser where the comment says so. */
enum cli_argument {
	CLI_NO_ARGUMENT,
	CLI_FDS,      /* a LIST of descriptor numbers */
	CLI_ADDRESS,  /* an ADDR */
	CLI_SOCKSPEC, /* where two processes meet */
	CLI_PROCESS,  /* a PID[:INODE] or an EXPR */
	CLI_MATCH,    /* an EXPR */
	CLI_USER,
	CLI_GROUP,
	CLI_SECONDS,
	CLI_NUMBER,
	CLI_VARIABLE, /* the name of an environment variable */
	CLI_SIGNAL,
	CLI_CHOICE, /* one of `choices`; anything else is wrong usage, which the parser reports */
	CLI_PATH,
	CLI_TEXT,
	CLI_COMMAND, /* the rest of the command line, which the parser leaves alone: cli_rest() */
};

enum cli_presence {
	CLI_REQUIRED, /* --option VALUE, --option=VALUE, -oVALUE, -o VALUE */
	CLI_OPTIONAL, /* --option, --option=VALUE, -o, -oVALUE */
};

struct cli_option {
	const char *name;     /* without the dashes */
	char letter;          /* 0: none */
	int id;               /* the program's own; options that mean the same share it */
	const char *argument; /* the metavariable, such as "LIST"; NULL with CLI_NO_ARGUMENT */
	enum cli_argument kind;
	enum cli_presence presence; /* of the argument */
	const char *choices;        /* CLI_CHOICE: "r|w|r+" */
	const char *help;           /* one or two lines in --help; NULL: not shown there */
	const char *group;          /* the heading in --help from this option on; NULL: as before */
};

/* Options that every program has, and that the parser deals with itself: their rows, as the last ones of a
 * table. `group` is the heading before them, or NULL. */
enum { CLI_OPT_VERBOSE = -1, CLI_OPT_QUIET = -2, CLI_OPT_HELP = -3, CLI_OPT_VERSION = -4 };

#define CLI_FLAG(name, letter, id, help, group)                                                    \
	{                                                                                          \
		name, letter, id, NULL, CLI_NO_ARGUMENT, CLI_REQUIRED, NULL, help, group           \
	}

#define CLI_USUAL_OPTIONS(group)                                                                   \
	CLI_FLAG("verbose", 'v', CLI_OPT_VERBOSE, "say what happens, on stderr", group),           \
		CLI_FLAG("quiet", 'q', CLI_OPT_QUIET,                                              \
			 "no messages about failures, only the exit status", NULL),                \
		CLI_FLAG("help", 'h', CLI_OPT_HELP, "print this and exit", NULL),                  \
		CLI_FLAG("version", 'V', CLI_OPT_VERSION, "print the version and exit", NULL)

struct cli_program {
	const char *name;
	const char *const *synopsis; /* each is a line of --help, without `name`; ends with NULL */
	const char *purpose;         /* one sentence */
	const struct cli_option *options;
	size_t option_count;
	int usage_status;           /* the exit status of wrong usage */
	int failure_status;         /* the exit status of failures */
	const char *const *trailer; /* --help ends with these lines; ends with NULL, or is NULL */
};

/* Options in one table, and the length of an option's name. */
#define CLI_OPTIONS_MAX 64
#define CLI_NAME_MAX 31

enum cli_item {
	CLI_OPTION,  /* an option, and its argument or NULL */
	CLI_OPERAND, /* an argument that belongs to no option; a lone "-" is one, too */
	CLI_DASHES,  /* "--": from here on there are no options; what follows is in cli_rest(), and
			also delivered operand by operand to whoever goes on */
	CLI_END,
};

/* The parser's state. The members are its own. It uses getopt_long(3), so there is one at a time. */
struct cli_parser {
	const struct cli_program *program;
	int argc;
	char **argv;
	char **rest; /* where the command or the operands after "--" begin; NULL before that */
	int operand; /* index in `rest` of the operand to deliver next */
	char spelling[CLI_NAME_MAX + 3];
	char letters[2 + 3 * CLI_OPTIONS_MAX];
	struct option names[CLI_OPTIONS_MAX + 1];
};

/* `argv` stays the caller's and must outlive the parser; --run=COMMAND rewrites one element of it. */
void cli_parser_init(struct cli_parser *parser, const struct cli_program *program, int argc,
		     char **argv);

/* The next item that the program has to deal with. `ret_option` is NULL but for CLI_OPTION, `ret_argument` is NULL where there is none.
 * An option of kind CLI_COMMAND is the last item before CLI_END. */
enum cli_item cli_next(struct cli_parser *parser, const struct cli_option **ret_option,
		       const char **ret_argument);

/* What follows "--" or CLI_COMMAND: for `-r CMD ARG`, `--run CMD ARG`, `--run=CMD ARG`, `-- CMD ARG`
 * alike {CMD, ARG, NULL}. A "--" right after -r or --run is skipped, as by env(1). Empty, not NULL,
 * when there is nothing. A part of `argv`. */
char **cli_rest(const struct cli_parser *parser);

/* How the option that cli_next() delivered last was written, for messages: "-f", or "--fd" in full,
 * also when it was abbreviated. Changes with the next call of cli_next(). */
const char *cli_spelling(const struct cli_parser *parser);

/* "NAME: " and the message, the line about --help, with -q as well, and exit(usage_status). */
_Noreturn void cli_usage_error(const struct cli_program *program, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Says so and ends the program with its `failure_status`. */
_Noreturn void cli_out_of_memory(const struct cli_program *program);

#endif
