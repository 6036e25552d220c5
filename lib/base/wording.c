/* SPDX-License-Identifier: MIT */
/*
 * An error record as one line of English, for a log. The programs have words of their own, which know the
 * options that would help (cli/explain.c).
 */
#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"

/* What says more than the step and the errno do. In order: the first row that fits counts. */
struct phrase {
	enum fdpass_step step;
	int code; /* 0: any */
	const char *
		word; /* what error->text must be, and is not shown then; NULL: any, and it is shown */
	const char *text;
};

static const struct phrase phrases[] = {
	{FDPASS_STEP_WAIT, 0, "sent", "it had been sent, and may still be read"},
	{FDPASS_STEP_WAIT, 0, "accepted", "it was accepted, and nothing was started yet"},
	{FDPASS_STEP_WAIT, 0, "started", "it was accepted and started, and has not ended"},
	{FDPASS_STEP_WAIT, 0, "stranger", "whoever listens there is not admitted"},
	{FDPASS_STEP_WAIT, 0, "denied", "there was no permission to connect"},
	{FDPASS_STEP_WAIT, 0, "backlog", "the receiver accepts nobody"},
	{FDPASS_STEP_WAIT, 0, "unread", "the last receiver closed without reading"},
	{FDPASS_STEP_WAIT, 0, "old", "the receiver did not ask for the descriptors"},
	{FDPASS_STEP_WAIT, 0, "partly", "in the middle of the handover; nothing was given"},
	{FDPASS_STEP_WAIT, 0, "lock", "another process has the lock of the directory"},
	{FDPASS_STEP_PEER, EPERM, NULL, "it is not admitted"},
	{FDPASS_STEP_ANSWER, ECONNRESET, NULL, "the receiver closed without reading"},
	{FDPASS_STEP_ANSWER, EBUSY, NULL, "not taken"},
	{FDPASS_STEP_ANSWER, EREMOTEIO, NULL, "the receiver refused"},
	{FDPASS_STEP_ANSWER, ECONNABORTED, "partly",
	 "the receiver ended in the middle of the handover; nothing was given"},
	{FDPASS_STEP_ANSWER, ECONNABORTED, NULL,
	 "the receiver read it and ended without an answer"},
	{FDPASS_STEP_ANSWER, EPROTONOSUPPORT, NULL,
	 "the receiver did not ask for the descriptors; it may be too old for that"},
	{FDPASS_STEP_ANSWER, EPROTO, "unasked",
	 "what the receiver wrote is no answer; nothing was given"},
	{FDPASS_STEP_ANSWER, EPROTO, NULL, "what the receiver wrote is no answer"},
	{FDPASS_STEP_ANSWER, ENOMSG, "until", "it was read, by a receiver that does not answer"},
	{FDPASS_STEP_ANSWER, ENOMSG, NULL, "it was read, by a receiver that does not answer"},
	{FDPASS_STEP_START, ENOEXEC, NULL, "the receiver could not start it"},
	{FDPASS_STEP_START, EOWNERDEAD, "killed", "the receiver was killed after it had accepted"},
	{FDPASS_STEP_START, EOWNERDEAD, "hidden", "the receiver is not visible in /proc"},
	{FDPASS_STEP_START, EOWNERDEAD, "relay", "the receiver has passed them on"},
	{FDPASS_STEP_START, EOWNERDEAD, "unknown", "the receiver ended, nobody knows how"},
	{FDPASS_STEP_START, EOPNOTSUPP, "kernel", "this kernel does not tell who answers"},
	{FDPASS_STEP_PROCESS, 0, "gone", "there is no such process"},
	{FDPASS_STEP_PROCESS, 0, "zombie", "it has ended"},
	{FDPASS_STEP_PROCESS, 0, "thread", "that is a thread, and no process"},
	{FDPASS_STEP_PROCESS, 0, "number", "no process has such a number"},
	{FDPASS_STEP_PROCESS, 0, "inode", "another process has that number now"},
	{FDPASS_STEP_PROCESS, 0, "pidfs", "the inodes of this kernel's pidfds say nothing"},
	{FDPASS_STEP_PROCESS, 0, "hidden", "whoever holds it is not visible to this user"},
	{FDPASS_STEP_PROCESS, 0, "nobody", "no process holds such a thing"},
	{FDPASS_STEP_PROCESS, ENOTUNIQ, NULL, "several processes hold it"},
	{FDPASS_STEP_ACQUIRE, 0, "number", "nothing is open there under that number"},
	{FDPASS_STEP_ACQUIRE, 0, "gone", "the process has ended"},
	{FDPASS_STEP_ACQUIRE, 0, "zombie", "the process has ended"},
	{FDPASS_STEP_ACQUIRE, 0, "user", "the process runs as another user"},
	{FDPASS_STEP_ACQUIRE, 0, "group", "the process runs as another group"},
	{FDPASS_STEP_ACQUIRE, 0, "capabilities", "the process has more capabilities"},
	{FDPASS_STEP_ACQUIRE, 0, "dumpable", "the process has protected itself"},
	{FDPASS_STEP_ACQUIRE, 0, "yama", "kernel.yama.ptrace_scope does not allow it"},
	{FDPASS_STEP_ACQUIRE, 0, "socket", "a socket can only be duplicated"},
	{FDPASS_STEP_ACQUIRE, 0, "anonymous", "what has no file can only be duplicated"},
	{FDPASS_STEP_ACQUIRE, 0, "device", "opening that device again makes something new"},
	{FDPASS_STEP_ACQUIRE, 0, "opener", "a file of procfs or cgroupfs can only be duplicated"},
	{FDPASS_STEP_ACQUIRE, 0, "fifo", "nobody reads from that FIFO"},
	{FDPASS_STEP_ACQUIRE, 0, "lease", "another process has a lease on the file"},
	{FDPASS_STEP_ACQUIRE, 0, "match", "nothing that the process holds fits"},
	{FDPASS_STEP_PROCESS, 0, "proc", "/proc does not show it"},
	{FDPASS_STEP_ACQUIRE, 0, "proc", "/proc does not show it"},
};

static const struct phrase *find(const struct fdpass_error *error)
{
	for (size_t i = 0; i < sizeof(phrases) / sizeof(*phrases); i++) {
		const struct phrase *phrase = &phrases[i];

		if (phrase->step == error->step &&
		    (phrase->code == 0 || phrase->code == error->code) &&
		    (phrase->word == NULL || strcmp(phrase->word, error->text) == 0))
			return phrase;
	}
	return NULL;
}

/* The words for an errno, not translated where the C library lets one choose. */
static const char *words(int code, char *room, size_t size)
{
#ifdef __GLIBC__
	const char *text = strerrordesc_np(code);

	if (text != NULL)
		return text;
#else
	if (strerror_r(code, room, size) == 0)
		return room;
#endif
	snprintf(room, size, "error %d", code);
	return room;
}

struct line {
	char *text;
	size_t size, used;
};

/* Appends what fits. */
__attribute__((format(printf, 2, 3))) static void add(struct line *line, const char *format, ...)
{
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = vsnprintf(line->text + line->used, line->size - line->used, format, arguments);
	va_end(arguments);
	if (length > 0)
		line->used += (size_t)length;
	if (line->used >= line->size)
		line->used = line->size - 1;
}

char *fdpass_error_format(const struct fdpass_error *error, char *text, size_t size)
{
	const struct phrase *phrase = find(error);
	struct line line = {text, size, 0};
	char room[64];

	if (size == 0)
		return text;
	text[0] = '\0';
	add(&line, "%s: ", fdpass_step_text(error->step));
	if (error->step == FDPASS_STEP_WAIT && error->code == ETIMEDOUT)
		add(&line, "the time ran out"); /* its errno speaks of connections */
	else if (phrase == NULL || phrase->step == FDPASS_STEP_WAIT)
		add(&line, "%s", words(error->code, room, sizeof(room)));
	if (phrase != NULL && phrase->step == FDPASS_STEP_WAIT)
		add(&line, "; ");
	if (phrase != NULL)
		add(&line, "%s", phrase->text);
	if (error->text[0] != '\0' && (phrase == NULL || phrase->word == NULL))
		add(&line, ": %s", error->text);
	/* Of receiving, it is the index of a connection. */
	if (error->fd >= 0 && error->step != FDPASS_STEP_RECEIVE)
		add(&line, " (descriptor %d)", error->fd);
	if (error->peer.pid > 0)
		add(&line, " (process %jd)", (intmax_t)error->peer.pid);
	if (error->peer.uid != (uid_t)-1)
		add(&line, " (user %ju)", (uintmax_t)error->peer.uid);
	return text;
}
