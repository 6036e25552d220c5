/* SPDX-License-Identifier: MIT */
/* Taking descriptors out of another process, as a command line asks for it. */
#include "cli/acquire.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/diagnostic.h"
#include "cli/wording.h"

/* Lines of "that is what it has" after a description that fits nothing. */
#define HINTS_MAX 16

static const struct cli_wording wordings[] = {
	{FDPASS_STEP_PROCESS, 0, "gone",
	 "{where}: there is no such process, or no more ({errno}); listen:PORT names the one "
	 "behind a port"},
	{FDPASS_STEP_PROCESS, 0, "zombie",
	 "{where}: process {process} has ended and holds nothing any more; its parent has not "
	 "asked for its status yet"},
	{FDPASS_STEP_PROCESS, 0, "thread",
	 "{where}: {process} is a thread; name its process, see Tgid in /proc/{process}/status"},
	{FDPASS_STEP_PROCESS, 0, "number", "{where}: no process has such a number"},
	{FDPASS_STEP_PROCESS, 0, "inode",
	 "{where}: the process with the number {process} is another one by now; look again, with "
	 "fdsend --pidref"},
	{FDPASS_STEP_PROCESS, 0, "pidfs",
	 "{where}: this kernel has no inode that names a process (Linux 6.9 does, on 64-bit "
	 "machines); use the PID alone"},
	{FDPASS_STEP_PROCESS, 0, "hidden",
	 "{where}: it is there, but no process that holds it is visible to this user; try it as "
	 "root, or in the PID namespace of that process"},
	{FDPASS_STEP_PROCESS, 0, "nobody",
	 "{where}: no process holds that; 'fdsend --list -p PID' shows what a process holds"},
	{FDPASS_STEP_PROCESS, ENOTUNIQ, NULL,
	 "{where}: several processes hold that, and none is the ancestor of all the others: "
	 "{text}; name one of them by its PID"},
	{FDPASS_STEP_PROCESS, 0, "policy",
	 "{where}: this process may not look at others ({errno}): a seccomp filter or security "
	 "module forbids pidfd_open(2)"},
	{FDPASS_STEP_PROCESS, 0, "proc",
	 "{where}: /proc cannot be read ({errno}); is it mounted, and does it show other users' "
	 "processes (hidepid)?"},
	{FDPASS_STEP_PROCESS, 0, "kernel", "{where}: this kernel is too old; Linux 5.6 is needed"},
	{FDPASS_STEP_PROCESS, 0, "table",
	 "{where}: the table of open files is full ({errno}); raise the limit, ulimit -n"},
	{FDPASS_STEP_ACQUIRE, 0, "number",
	 "{where}: nothing is open there; 'fdsend --list -p {process}' shows what is"},
	{FDPASS_STEP_ACQUIRE, 0, "gone", "{where}: the process has ended"},
	{FDPASS_STEP_ACQUIRE, 0, "zombie", "{where}: the process has ended"},
	{FDPASS_STEP_ACQUIRE, 0, "user",
	 "{where}: not allowed ({errno}): the process runs, or began, as another user ({user}); do "
	 "this as root (CAP_SYS_PTRACE), as with sudo"},
	{FDPASS_STEP_ACQUIRE, 0, "group",
	 "{where}: not allowed ({errno}): the process runs, or began, with another group; do this "
	 "as root (CAP_SYS_PTRACE), as with sudo"},
	{FDPASS_STEP_ACQUIRE, 0, "capabilities",
	 "{where}: not allowed ({errno}): the process has capabilities that this one has not; do "
	 "this as root (CAP_SYS_PTRACE), as with sudo"},
	{FDPASS_STEP_ACQUIRE, 0, "dumpable",
	 "{where}: not allowed ({errno}): the process has protected itself (PR_SET_DUMPABLE, or "
	 "its program may not be read); do this as root (CAP_SYS_PTRACE), as with sudo"},
	{FDPASS_STEP_ACQUIRE, 0, "yama",
	 "{where}: not allowed ({errno}): kernel.yama.ptrace_scope lets only ancestors or root do "
	 "this; do it as root, or lower it with sysctl"},
	{FDPASS_STEP_ACQUIRE, 0, "policy",
	 "{where}: not allowed ({errno}): a security module, a user namespace or a seccomp filter "
	 "forbids it"},
	{FDPASS_STEP_ACQUIRE, 0, "socket",
	 "{where}: a socket cannot be opened a second time, only duplicated: use --dup"},
	{FDPASS_STEP_ACQUIRE, 0, "anonymous",
	 "{where}: it has no file that could be opened a second time, it can only be duplicated: "
	 "use --dup"},
	{FDPASS_STEP_ACQUIRE, 0, "device",
	 "{where}: opening this device a second time makes another one of it, it can only be "
	 "duplicated: use --dup"},
	{FDPASS_STEP_ACQUIRE, 0, "opener",
	 "{where}: a file of procfs or cgroupfs does what its opener might, so it is not opened a "
	 "second time, only "
	 "duplicated: use --dup"},
	{FDPASS_STEP_ACQUIRE, 0, "fifo",
	 "{where}: nobody reads from this FIFO, so it cannot be opened for writing; use --dup"},
	{FDPASS_STEP_ACQUIRE, 0, "lease",
	 "{where}: another process has a lease on this file ({errno}); use --dup"},
	{FDPASS_STEP_ACQUIRE, ENOSYS, "kernel",
	 "{where}: this kernel cannot duplicate it; Linux 5.6 does"},
	{FDPASS_STEP_ACQUIRE, 0, "file",
	 "{where}: the file cannot be opened a second time ({errno}); --dup duplicates it instead"},
	{FDPASS_STEP_ACQUIRE, 0, "match", "{where}: process {process} holds nothing that fits"},
	{FDPASS_STEP_ACQUIRE, 0, "table",
	 "{where}: the table of open files is full ({errno}); raise the limit, ulimit -n"},
	{FDPASS_STEP_ACQUIRE, 0, "proc",
	 "{where}: /proc does not show the process ({errno}); is it mounted?"},
};

const char *cli_acquire_explain(const char *where, const struct fdpass_error *error, char *text,
				size_t size)
{
	const char *pattern =
		cli_wording_find(wordings, sizeof(wordings) / sizeof(*wordings), error);

	return cli_wording_fill(pattern, where, error, text, size);
}

enum fdpass_method cli_acquire_mode(const char *mode)
{
	if (strcmp(mode, "r") == 0)
		return FDPASS_METHOD_REOPEN_READ;
	return strcmp(mode, "w") == 0 ? FDPASS_METHOD_REOPEN_WRITE
				      : FDPASS_METHOD_REOPEN_READ_WRITE;
}

/* Gives `fd` to the set in any case. */
static int keep(struct fdpass_set *set, int fd, const char *name)
{
	int r = fdpass_set_take(set, fd);

	if (r < 0) {
		close(fd);
		return r;
	}
	return name != NULL ? fdpass_set_rename(set, fdpass_set_count(set) - 1, name) : 0;
}

int cli_acquire_numbers(const struct fdpass_pidref *ref, const struct cli_list *numbers,
			enum fdpass_method method, struct fdpass_set *set)
{
	size_t before = fdpass_set_count(set);

	for (size_t i = 0; i < numbers->count; i++) {
		struct fdpass_error error = FDPASS_ERROR_INIT;
		char where[64], text[CLI_DIAGNOSTIC_MAX];
		int fd = -1;
		int r = fdpass_acquire(ref, numbers->numbers[i], method, &fd, &error);

		if (r == 0) {
			r = keep(set, fd, numbers->names != NULL ? numbers->names[i] : NULL);
			if (r == 0)
				continue;
			error.step = FDPASS_STEP_MEMORY;
			error.code = -r;
		}
		snprintf(where, sizeof(where), "descriptor %d of process %jd", numbers->numbers[i],
			 (intmax_t)fdpass_pidref_pid(ref));
		cli_error("%s", cli_acquire_explain(where, &error, text, sizeof(text)));
		fdpass_set_truncate(set, before);
		return r;
	}
	return 0;
}

struct hints {
	int sockets; /* only those; 0: all others */
	int told;
	int more;
};

static int is_socket(const char *text)
{
	return strncmp(text, "tcp", 3) == 0 || strncmp(text, "udp", 3) == 0 ||
	       strncmp(text, "unix", 4) == 0;
}

static void hint(void *context, int number, const char *text)
{
	struct hints *hints = context;

	if (hints->sockets != is_socket(text))
		return;
	if (hints->told == HINTS_MAX) {
		hints->more++;
		return;
	}
	if (hints->told++ == 0)
		cli_hint("It has:");
	cli_hint("  %d %s", number, text);
}

/* What it holds instead; there is nothing to say when that is not to be seen. */
static void hint_all(const struct fdpass_pidref *ref, const struct fdpass_match *match)
{
	struct hints hints = {.sockets = fdpass_match_is_socket(match)};

	if (fdpass_acquire_list(ref, hint, &hints, NULL) < 0)
		return;
	if (hints.told == 0)
		cli_hint("It has no %s.", hints.sockets ? "sockets" : "files");
	if (hints.more > 0)
		cli_hint("  and %d more: fdsend --list -p %jd", hints.more,
			 (intmax_t)fdpass_pidref_pid(ref));
}

static void tell_taken(void *context, int number, const char *text)
{
	const struct fdpass_pidref *ref = context;

	cli_verbose("process %jd: taken %d %s", (intmax_t)fdpass_pidref_pid(ref), number, text);
}

int cli_acquire_match(const struct fdpass_pidref *ref, const struct fdpass_match *match,
		      const char *text, enum fdpass_method method, struct fdpass_set *set)
{
	struct fdpass_error error = FDPASS_ERROR_INIT;
	char where[CLI_DIAGNOSTIC_MAX], words[CLI_DIAGNOSTIC_MAX];
	int r = fdpass_acquire_match(ref, match, method, set, tell_taken, (void *)(uintptr_t)ref,
				     &error);

	if (r >= 0)
		return 0;
	if (error.fd >= 0)
		snprintf(where, sizeof(where), "%s: descriptor %d of process %jd", text, error.fd,
			 (intmax_t)fdpass_pidref_pid(ref));
	else
		snprintf(where, sizeof(where), "%s", text);
	cli_error("%s", cli_acquire_explain(where, &error, words, sizeof(words)));
	if (r == -ENOENT)
		hint_all(ref, match);
	return r;
}
