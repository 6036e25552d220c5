/* SPDX-License-Identifier: MIT */
#ifndef FDPASS_CLI_DIAGNOSTIC_H
#define FDPASS_CLI_DIAGNOSTIC_H

/*
 * Messages for a person, on stderr: each is one line and one write(2), so that the lines of programs
 * that share a terminal or a pipe do not mix.
 *
 * What comes from outside (arguments, file names, the other end's words) may hold anything, so every
 * control character, and every byte that is not UTF-8, is shown as '?'. A line that is too long loses
 * its middle. A reader that does not read costs at most CLI_DIAGNOSTIC_PATIENCE once, and then the
 * lines; a reader that has gone costs the lines only: no SIGPIPE is left behind. errno is kept.
 */

/* Milliseconds. */
#define CLI_DIAGNOSTIC_PATIENCE 1000

/* Bytes of a line with its newline: PIPE_BUF on Linux, what a pipe that polls as writable takes
 * whole and without blocking, pipe(7). */
#define CLI_DIAGNOSTIC_MAX 4096

enum cli_level {
	CLI_SILENT,  /* nothing at all */
	CLI_QUIET,   /* -q: only what cli_diagnostic_insist() stands before */
	CLI_NORMAL,  /* cli_error() and cli_hint(): the default */
	CLI_VERBOSE, /* cli_verbose(), too */
};

/* What lines begin with: "NAME: ". Borrowed. */
void cli_diagnostic_name(const char *name);

void cli_diagnostic_level(enum cli_level level);

/* What follows is said in spite of CLI_QUIET. */
void cli_diagnostic_insist(void);

/* Where messages go, instead of to 2. Borrowed: who sets it keeps it open. */
void cli_diagnostic_fd(int fd);

/* "NAME: MESSAGE". No newline in the format. */
void cli_error(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* "NAME: WHAT failed: REASON" for an errno, and the way out of a full table of open files. */
void cli_fail(const char *what, int code);

/* The same, with -v only. */
void cli_verbose(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* A line that continues a message, without "NAME: ". */
void cli_hint(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
