/* SPDX-License-Identifier: MIT */
/* Names of signals. */
#include "cli/signame.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "cli/number.h"

/* signal(7); musl has no sigabbrev_np(3). */
static const struct {
	const char *name;
	int number;
} names[] = {
	{"HUP", SIGHUP},   {"INT", SIGINT},       {"QUIT", SIGQUIT}, {"ILL", SIGILL},
	{"TRAP", SIGTRAP}, {"ABRT", SIGABRT},     {"BUS", SIGBUS},   {"FPE", SIGFPE},
	{"KILL", SIGKILL}, {"USR1", SIGUSR1},     {"SEGV", SIGSEGV}, {"USR2", SIGUSR2},
	{"PIPE", SIGPIPE}, {"ALRM", SIGALRM},     {"TERM", SIGTERM}, {"CHLD", SIGCHLD},
	{"CONT", SIGCONT}, {"STOP", SIGSTOP},     {"TSTP", SIGTSTP}, {"TTIN", SIGTTIN},
	{"TTOU", SIGTTOU}, {"URG", SIGURG},       {"XCPU", SIGXCPU}, {"XFSZ", SIGXFSZ},
	{"PROF", SIGPROF}, {"VTALRM", SIGVTALRM}, {"IO", SIGIO},     {"WINCH", SIGWINCH},
	{"PWR", SIGPWR},   {"SYS", SIGSYS},       {"POLL", SIGIO},   {"IOT", SIGABRT},
};

/* "RTMIN", "RTMIN+1", "RTMAX-1", "RTMAX". */
static int parse_realtime(const char *text)
{
	int from_end = strncasecmp(text, "RTMAX", 5) == 0;
	uint64_t offset = 0;
	int number;

	if (!from_end && strncasecmp(text, "RTMIN", 5) != 0)
		return -EINVAL;
	if (text[5] != '\0' && (text[5] != (from_end ? '-' : '+') ||
				cli_number_parse(text + 6, SIGRTMAX, &offset) != CLI_NUMBER_OK))
		return -EINVAL;
	number = from_end ? SIGRTMAX - (int)offset : SIGRTMIN + (int)offset;
	return number >= SIGRTMIN && number <= SIGRTMAX ? number : -EINVAL;
}

int cli_signame_parse(const char *text)
{
	uint64_t number;

	if (cli_number_parse(text, SIGRTMAX, &number) == CLI_NUMBER_OK)
		return number > 0 ? (int)number : -EINVAL;
	if (strncasecmp(text, "SIG", 3) == 0)
		text += 3;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (strcasecmp(names[i].name, text) == 0)
			return names[i].number;
	return parse_realtime(text);
}

const char *cli_signame_text(int signal, char text[16])
{
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (names[i].number == signal)
			return names[i].name;
	snprintf(text, 16, "%d", signal);
	return text;
}
