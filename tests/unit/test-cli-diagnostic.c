/* SPDX-License-Identifier: MIT */
/* Messages: what they look like, and that writing them neither hangs nor kills. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "cli/diagnostic.h"
#include "suite.h"

/* A pair that keeps messages apart, so that what one write(2) wrote is what one read(2) reads. */
static int written, shown;

static void start(void)
{
	int ends[2];
	sigset_t none;

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
	written = ends[0];
	shown = ends[1];
	cli_diagnostic_name("fdtest");
	cli_diagnostic_fd(shown);
	ck_assert(signal(SIGPIPE, SIG_DFL) != SIG_ERR);
	sigemptyset(&none);
	ck_assert_int_eq(sigprocmask(SIG_SETMASK, &none, NULL), 0);
}

/* The next line, or "" when there is none. */
static const char *line(void)
{
	static char text[2 * CLI_DIAGNOSTIC_MAX];
	ssize_t length = recv(written, text, sizeof text - 1, MSG_DONTWAIT);

	text[length < 0 ? 0 : length] = '\0';
	return text;
}

static int64_t milliseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

START_TEST(each_message_is_one_line_and_one_write)
{
	cli_error("%s: %d", "one", 1);
	cli_error("two");
	ck_assert_str_eq(line(), "fdtest: one: 1\n");
	ck_assert_str_eq(line(), "fdtest: two\n");
	cli_hint("Try %s.", "that");
	ck_assert_str_eq(line(), "Try that.\n");
	ck_assert_str_eq(line(), "");
}
END_TEST

START_TEST(levels)
{
	cli_verbose("normal");
	cli_diagnostic_level(CLI_VERBOSE);
	cli_verbose("verbose");
	cli_error("error");
	ck_assert_str_eq(line(), "fdtest: verbose\n");
	ck_assert_str_eq(line(), "fdtest: error\n");
	cli_diagnostic_level(CLI_QUIET);
	cli_verbose("verbose");
	cli_error("error");
	cli_hint("hint");
	cli_diagnostic_level(CLI_NORMAL);
	cli_verbose("verbose");
	cli_error("last");
	ck_assert_str_eq(line(), "fdtest: last\n");
	ck_assert_str_eq(line(), "");
}
END_TEST

START_TEST(insisting)
{
	cli_diagnostic_level(CLI_SILENT);
	cli_diagnostic_insist();
	cli_error("silent");
	cli_diagnostic_level(CLI_QUIET);
	cli_diagnostic_insist();
	cli_error("error");
	cli_hint("hint");
	cli_verbose("verbose");
	ck_assert_str_eq(line(), "fdtest: error\n");
	ck_assert_str_eq(line(), "hint\n");
	ck_assert_str_eq(line(), "");
}
END_TEST

static const struct {
	const char *outside;
	const char *shown;
} texts[] = {
	{"plain ~", "plain ~"},
	{"\033[31mred\033[0m", "?[31mred?[0m"},
	{"a\nb\rc\td\be\177", "a?b?c?d?e?"},
	{"\001\037", "??"},
	{"\303\251 \342\202\254 \360\237\230\200", "\303\251 \342\202\254 \360\237\230\200"},
	{"\302\240", "\302\240"}, /* U+00A0, the first after the C1 controls */
	{"\302\205", "??"},       /* U+0085, NEL, in UTF-8 */
	{"\302\233", "??"},       /* U+009B, CSI */
	{"\233[31m", "?[31m"},    /* CSI in Latin-1 */
	{"\300\233", "??"},       /* overlong ESC */
	{"\340\200\233", "???"},
	{"\360\200\200\233", "????"},
	{"\355\240\200", "???"},      /* a surrogate */
	{"\364\220\200\200", "????"}, /* above U+10FFFF */
	{"\303", "?"},
	{"\342\202", "??"},
	{"\342\202x", "??x"},
	{"\303\033", "??"},
	{"\377\376", "??"},
};

START_TEST(text_from_outside_controls_nothing)
{
	char expected[64];

	cli_error("'%s'", texts[_i].outside);
	snprintf(expected, sizeof expected, "fdtest: '%s'\n", texts[_i].shown);
	ck_assert_str_eq(line(), expected);
}
END_TEST

START_TEST(long_line_loses_its_middle)
{
	static char path[5000];
	const char *text;

	memset(path, 'p', sizeof path - 1);
	cli_error("begin %s end", path);
	text = line();
	ck_assert_uint_eq(strlen(text), CLI_DIAGNOSTIC_MAX);
	ck_assert_int_eq(strncmp(text, "fdtest: begin ppp", 17), 0);
	ck_assert_ptr_nonnull(strstr(text, "p...p"));
	ck_assert_str_eq(text + CLI_DIAGNOSTIC_MAX - 9, "pppp end\n");
	ck_assert_str_eq(line(), "");
}
END_TEST

START_TEST(longest_line_is_whole)
{
	static char path[CLI_DIAGNOSTIC_MAX];
	static char expected[CLI_DIAGNOSTIC_MAX + 16];

	memset(path, 'p', CLI_DIAGNOSTIC_MAX - sizeof "fdtest: ");
	cli_error("%s", path);
	snprintf(expected, sizeof expected, "fdtest: %s\n", path);
	ck_assert_uint_eq(strlen(expected), CLI_DIAGNOSTIC_MAX);
	ck_assert_str_eq(line(), expected);
}
END_TEST

START_TEST(enormous_line_is_cut)
{
	static char path[100000];

	memset(path, 'p', sizeof path - 1);
	cli_error("begin %s end", path);
	ck_assert_uint_eq(strlen(line()), CLI_DIAGNOSTIC_MAX);
}
END_TEST

START_TEST(errno_is_kept)
{
	errno = EXDEV;
	cli_error("%m");
	ck_assert_int_eq(errno, EXDEV);
	cli_diagnostic_fd(-1);
	cli_error("nowhere");
	ck_assert_int_eq(errno, EXDEV);
	ck_assert_ptr_nonnull(strstr(line(), strerror(EXDEV)));
}
END_TEST

static void broken_pipe(void)
{
	int ends[2];

	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	close(ends[0]);
	cli_diagnostic_fd(ends[1]);
}

static int sigpipe_is(int (*look)(sigset_t *))
{
	sigset_t set;

	ck_assert_int_eq(look(&set), 0);
	return sigismember(&set, SIGPIPE);
}

static int look_at_mask(sigset_t *set)
{
	return sigprocmask(SIG_SETMASK, NULL, set);
}

START_TEST(reader_that_has_gone_does_not_kill)
{
	broken_pipe();
	cli_error("nobody sees this");
	ck_assert_int_eq(sigpipe_is(sigpending), 0);
	ck_assert_int_eq(sigpipe_is(look_at_mask), 0);
}
END_TEST

START_TEST(no_sigpipe_is_left_for_the_command)
{
	sigset_t broken;

	sigemptyset(&broken);
	sigaddset(&broken, SIGPIPE);
	ck_assert_int_eq(sigprocmask(SIG_BLOCK, &broken, NULL), 0);
	broken_pipe();
	cli_error("nobody sees this");
	ck_assert_int_eq(sigpipe_is(sigpending), 0);
	ck_assert_int_eq(sigpipe_is(look_at_mask), 1);
}
END_TEST

START_TEST(sigpipe_of_somebody_else_stays)
{
	sigset_t broken;

	sigemptyset(&broken);
	sigaddset(&broken, SIGPIPE);
	ck_assert_int_eq(sigprocmask(SIG_BLOCK, &broken, NULL), 0);
	raise(SIGPIPE);
	broken_pipe();
	cli_error("nobody sees this");
	ck_assert_int_eq(sigpipe_is(sigpending), 1);
}
END_TEST

START_TEST(fifo_without_a_reader)
{
	char path[] = "/tmp/test-cli-diagnostic-XXXXXX";
	char fifo[sizeof path + 5];
	int reader, writer;

	ck_assert_ptr_nonnull(mkdtemp(path));
	snprintf(fifo, sizeof fifo, "%s/fifo", path);
	ck_assert_int_eq(mkfifo(fifo, 0600), 0);
	reader = open(fifo, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	writer = open(fifo, O_WRONLY | O_CLOEXEC);
	unlink(fifo);
	rmdir(path);
	ck_assert_int_ge(reader, 0);
	ck_assert_int_ge(writer, 0);
	close(reader);
	cli_diagnostic_fd(writer);
	cli_error("nobody sees this");
	ck_assert_int_eq(sigpipe_is(sigpending), 0);
}
END_TEST

START_TEST(closed_descriptor_costs_nothing)
{
	int64_t before = milliseconds();
	int fd = open("/", O_PATH | O_CLOEXEC);

	cli_diagnostic_fd(fd);
	cli_error("nobody sees this");
	close(fd);
	cli_error("nobody sees this");
	ck_assert_int_lt(milliseconds() - before, CLI_DIAGNOSTIC_PATIENCE / 2);
}
END_TEST

/* A pipe that takes nothing any more; returns its read end, and how many blocks it holds. */
static int full_pipe(int *ret_writer, int *ret_blocks)
{
	static const char block[4096];
	int ends[2];

	ck_assert_int_eq(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
	for (*ret_blocks = 0; write(ends[1], block, sizeof block) > 0; ++*ret_blocks)
		continue;
	ck_assert_int_eq(errno, EAGAIN);
	ck_assert_int_eq(fcntl(ends[1], F_SETFL, 0), 0);
	cli_diagnostic_fd(ends[1]);
	*ret_writer = ends[1];
	return ends[0];
}

static void drain(int fd, int blocks)
{
	char block[4096];

	while (blocks-- > 0)
		if (read(fd, block, sizeof block) != sizeof block)
			_exit(2);
}

START_TEST(full_pipe_costs_one_wait_and_the_lines)
{
	int64_t before = milliseconds();
	int writer, blocks;
	int reader = full_pipe(&writer, &blocks);
	char text[64];

	cli_error("nobody sees this");
	ck_assert_int_ge(milliseconds() - before, CLI_DIAGNOSTIC_PATIENCE - 1);
	ck_assert_int_lt(milliseconds() - before, CLI_DIAGNOSTIC_PATIENCE * 2);
	before = milliseconds();
	for (int i = 0; i < 100; i++)
		cli_error("nor this");
	ck_assert_int_lt(milliseconds() - before, CLI_DIAGNOSTIC_PATIENCE / 2);

	/* And it comes back. */
	drain(reader, blocks);
	cli_error("there");
	ck_assert_int_eq(read(reader, text, sizeof text), (int)sizeof "fdtest: there\n" - 1);
	ck_assert_int_eq(strncmp(text, "fdtest: there\n", sizeof "fdtest: there\n" - 1), 0);

	/* Those who share the pipe did not get O_NONBLOCK. */
	ck_assert_int_eq(fcntl(writer, F_GETFL) & O_NONBLOCK, 0);
}
END_TEST

START_TEST(full_socket_does_not_hang)
{
	int64_t before;

	while (send(shown, "block", 5, MSG_DONTWAIT) == 5)
		continue;
	ck_assert_int_eq(errno, EAGAIN);
	before = milliseconds();
	cli_error("nobody sees this");
	cli_error("nor this");
	ck_assert_int_lt(milliseconds() - before, CLI_DIAGNOSTIC_PATIENCE * 2);
}
END_TEST

/* 1 when process `pid` sleeps: proc_pid_stat(5), field 3. */
static int sleeps(pid_t pid)
{
	char path[64];
	char state = 0;
	FILE *stat;

	snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
	stat = fopen(path, "re");
	if (!stat || fscanf(stat, "%*d (%*[^)]) %c", &state) != 1)
		_exit(1);
	fclose(stat);
	return state == 'S';
}

START_TEST(slow_reader_gets_the_line)
{
	int writer, blocks, status;
	int reader = full_pipe(&writer, &blocks);
	pid_t parent = getpid();
	char text[64];
	pid_t child = fork();

	ck_assert_int_ge(child, 0);
	if (child == 0) {
		while (!sleeps(parent))
			continue;
		drain(reader, blocks);
		_exit(0);
	}
	cli_error("there");
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(status, 0);
	ck_assert_int_eq(read(reader, text, sizeof text), (int)sizeof "fdtest: there\n" - 1);
	ck_assert_int_eq(strncmp(text, "fdtest: there\n", sizeof "fdtest: there\n" - 1), 0);
}
END_TEST

static int terminal(int *ret_slave)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	struct termios attributes;

	ck_assert_int_ge(master, 0);
	ck_assert_int_eq(grantpt(master), 0);
	ck_assert_int_eq(unlockpt(master), 0);
	*ret_slave = open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC);
	ck_assert_int_ge(*ret_slave, 0);
	ck_assert_int_eq(tcgetattr(*ret_slave, &attributes), 0);
	cfmakeraw(&attributes);
	ck_assert_int_eq(tcsetattr(*ret_slave, TCSANOW, &attributes), 0);
	return master;
}

/* Writes until the terminal takes no more, and then reads as little as makes it poll as writable: it
 * has room again, and not for a whole line. */
static void almost_fill(int master, int slave)
{
	struct pollfd poll_fd = {.fd = slave, .events = POLLOUT};
	char block[64] = "block";

	ck_assert_int_eq(fcntl(slave, F_SETFL, O_NONBLOCK), 0);
	do {
		while (write(slave, block, sizeof block) > 0)
			continue;
		ck_assert_int_eq(errno, EAGAIN);
	} while (poll(&poll_fd, 1, 10) == 1);
	ck_assert_int_eq(fcntl(slave, F_SETFL, 0), 0);
	while (poll(&poll_fd, 1, 10) == 0)
		ck_assert_int_gt(read(master, block, sizeof block), 0);
}

START_TEST(terminal_that_nobody_reads)
{
	static char text[CLI_DIAGNOSTIC_MAX];
	int64_t before;
	int slave;
	int master = terminal(&slave);

	almost_fill(master, slave);
	before = milliseconds();
	cli_diagnostic_fd(slave);
	memset(text, 't', sizeof text - 1);
	for (int i = 0; i < 100; i++)
		cli_error("%s", text);
	/* Some room may come back as the terminal moves what it has from buffer to buffer. */
	ck_assert_int_lt(milliseconds() - before, CLI_DIAGNOSTIC_PATIENCE * 5);
	ck_assert_int_eq(fcntl(slave, F_GETFL) & O_NONBLOCK, 0);
}
END_TEST

START_TEST(stopped_terminal)
{
	int64_t before = milliseconds();
	char text[64];
	int slave;
	int master = terminal(&slave);

	cli_diagnostic_fd(slave);
	ck_assert_int_eq(tcflow(slave, TCOOFF), 0);
	cli_error("nobody sees this");
	ck_assert_int_lt(milliseconds() - before, CLI_DIAGNOSTIC_PATIENCE * 2);
	ck_assert_int_eq(tcflow(slave, TCOON), 0);
	cli_error("there");
	ck_assert_int_eq(read(master, text, sizeof text), (int)sizeof "fdtest: there\n" - 1);
	ck_assert_int_eq(strncmp(text, "fdtest: there\n", sizeof "fdtest: there\n" - 1), 0);
}
END_TEST

START_TEST(master_of_a_terminal_is_not_opened_again)
{
	char text[64];
	int slave;
	int master = terminal(&slave);

	cli_diagnostic_fd(master);
	cli_error("there");
	ck_assert_int_eq(fcntl(slave, F_SETFL, O_NONBLOCK), 0);
	ck_assert_int_eq(read(slave, text, sizeof text), (int)sizeof "fdtest: there\n" - 1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("cli-diagnostic");
	TCase *tcase = tcase_create("diagnostic");

	tcase_add_checked_fixture(tcase, start, NULL);
	tcase_set_timeout(tcase, 20);
	tcase_add_test(tcase, each_message_is_one_line_and_one_write);
	tcase_add_test(tcase, levels);
	tcase_add_test(tcase, insisting);
	tcase_add_loop_test(tcase, text_from_outside_controls_nothing, 0,
			    sizeof texts / sizeof texts[0]);
	tcase_add_test(tcase, long_line_loses_its_middle);
	tcase_add_test(tcase, longest_line_is_whole);
	tcase_add_test(tcase, enormous_line_is_cut);
	tcase_add_test(tcase, errno_is_kept);
	tcase_add_test(tcase, reader_that_has_gone_does_not_kill);
	tcase_add_test(tcase, no_sigpipe_is_left_for_the_command);
	tcase_add_test(tcase, sigpipe_of_somebody_else_stays);
	tcase_add_test(tcase, fifo_without_a_reader);
	tcase_add_test(tcase, closed_descriptor_costs_nothing);
	tcase_add_test(tcase, full_pipe_costs_one_wait_and_the_lines);
	tcase_add_test(tcase, full_socket_does_not_hang);
	tcase_add_test(tcase, slow_reader_gets_the_line);
	tcase_add_test(tcase, terminal_that_nobody_reads);
	tcase_add_test(tcase, stopped_terminal);
	tcase_add_test(tcase, master_of_a_terminal_is_not_opened_again);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
