/* SPDX-License-Identifier: MIT */
/* Messages for a person, on stderr: each is one line and one write(2), and costs a bounded time. */
#include "cli/diagnostic.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include "cli/printable.h"

static const char *program_name = "fdpass";
static enum cli_level current_level = CLI_NORMAL;
static int descriptor = STDERR_FILENO;

/* A line was dropped because nobody read: the next ones do not wait until one is taken again. */
static int nobody_reads;

void cli_diagnostic_name(const char *name)
{
	program_name = name;
}

void cli_diagnostic_level(enum cli_level level)
{
	current_level = level;
}

void cli_diagnostic_insist(void)
{
	if (current_level == CLI_QUIET)
		current_level = CLI_NORMAL;
}

void cli_diagnostic_fd(int fd)
{
	descriptor = fd;
	nobody_reads = 0;
}

/* Makes `text` at most `max` bytes long by taking out its middle: the beginning says what failed, the
 * end why. Returns the new length. */
static size_t shorten(char *text, size_t length, size_t max)
{
	static const char gap[] = "...";
	size_t head, tail;

	if (length <= max)
		return length;
	head = (max - (sizeof gap - 1)) / 2;
	tail = max - (sizeof gap - 1) - head;
	memmove(text + head + sizeof gap - 1, text + length - tail, tail);
	memcpy(text + head, gap, sizeof gap - 1);
	return max;
}

static int64_t milliseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/*
 * A way to the same place that never blocks, or -1. A terminal that polls as writable may still have
 * no room for a whole line, and a pipe's room may go to another writer after poll(2). The flag cannot
 * be set on what we inherited, because everybody who has it would get it; so it is opened again.
 *
 * Not the master of a pseudo-terminal: opening that device, 5:2, makes another one, ptmx(4).
 */
static int open_nonblocking(void)
{
	char path[sizeof "/proc/self/fd/" + 3 * sizeof descriptor];
	struct stat status;

	if (fstat(descriptor, &status) < 0)
		return -1;
	if (!S_ISFIFO(status.st_mode) && (!isatty(descriptor) || status.st_rdev == makedev(5, 2)))
		return -1;
	snprintf(path, sizeof path, "/proc/self/fd/%d", descriptor);
	return open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
}

/* 1 when `fd` takes something, or has an error that write(2) will tell, before `until`. */
static int wait_writable(int fd, int64_t until)
{
	struct pollfd poll_fd = {.fd = fd, .events = POLLOUT};
	int result;

	do {
		int64_t left = until - milliseconds();

		result = poll(&poll_fd, 1, left < 0 ? 0 : (int)left);
	} while (result < 0 && errno == EINTR);
	/* Where RLIMIT_NOFILE is 0, poll(2) refuses even one descriptor: EINVAL. */
	return result != 0;
}

/* 1 when the line is out or cannot be written at all, 0 when nobody took it in time. */
static int write_until(int fd, const char *line, size_t length, int64_t until)
{
	while (length > 0) {
		ssize_t written;

		if (!wait_writable(fd, until))
			return 0;
		written = write(fd, line, length);
		if (written >= 0) {
			line += written;
			length -= (size_t)written;
		} else if (errno != EAGAIN && errno != EINTR) {
			return 1;
		} else if (milliseconds() >= until) {
			return 0;
		}
	}
	return 1;
}

static void write_line(const char *line, size_t length)
{
	int64_t until = milliseconds() + (nobody_reads ? 0 : CLI_DIAGNOSTIC_PATIENCE);
	int fd = open_nonblocking();

	nobody_reads = !write_until(fd < 0 ? descriptor : fd, line, length, until);
	if (fd >= 0)
		close(fd);
}

/* write_line() without a SIGPIPE: held back during the write and taken away after it, unless one was
 * waiting before, which is not ours. */
static void write_line_quietly(const char *line, size_t length)
{
	const struct timespec at_once = {0, 0};
	sigset_t broken, pending, mask;

	sigemptyset(&broken);
	sigaddset(&broken, SIGPIPE);
	sigemptyset(&pending);
	sigprocmask(SIG_BLOCK, &broken, &mask);
	sigpending(&pending);
	write_line(line, length);
	if (!sigismember(&pending, SIGPIPE))
		while (sigtimedwait(&broken, NULL, &at_once) < 0 && errno == EINTR)
			continue;
	sigprocmask(SIG_SETMASK, &mask, NULL);
}

static void report(enum cli_level level, const char *prefix, const char *separator,
		   const char *format, va_list arguments) __attribute__((format(printf, 4, 0)));

static void report(enum cli_level level, const char *prefix, const char *separator,
		   const char *format, va_list arguments)
{
	/* Room for two paths and the words around them; what exceeds it loses its end. */
	char line[3 * CLI_DIAGNOSTIC_MAX];
	int saved = errno;
	size_t length;
	int added;

	if (level > current_level)
		return;
	added = snprintf(line, CLI_DIAGNOSTIC_MAX, "%s%s", prefix, separator);
	length = added < 0 ? 0 : (size_t)added;
	if (length >= CLI_DIAGNOSTIC_MAX)
		length = CLI_DIAGNOSTIC_MAX - 1;
	errno = saved; /* for %m */
	added = vsnprintf(line + length, sizeof line - length, format, arguments);
	if (added > 0)
		length += (size_t)added;
	if (length >= sizeof line)
		length = sizeof line - 1;
	length = shorten(line, length, CLI_DIAGNOSTIC_MAX - 1);
	cli_printable(line, length);
	line[length++] = '\n';
	write_line_quietly(line, length);
	errno = saved;
}

void cli_error(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	report(CLI_NORMAL, program_name, ": ", format, arguments);
	va_end(arguments);
}

void cli_fail(const char *what, int code)
{
	cli_error("%s failed: %s%s", what, strerror(code),
		  code == EMFILE ? "; raise the limit on open files, ulimit -n" : "");
}

void cli_verbose(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	report(CLI_VERBOSE, program_name, ": ", format, arguments);
	va_end(arguments);
}

void cli_hint(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	report(CLI_NORMAL, "", "", format, arguments);
	va_end(arguments);
}
