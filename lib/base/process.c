/* SPDX-License-Identifier: MIT */
/* Looking at another process, which may end, and whose number may be used again, at any moment. */
#include "base/process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/wait.h"

#define FDINFO_MAX 1024
#define STAT_MAX 2048

/* Fields of the line, counted from 1, of which the second ends with the last ')'. */
#define FIELD_STATE 3
#define FIELD_FLAGS 9
#define FIELD_EXIT_CODE 52

/* Linux 6.13, and 6.15 for the exit code; Debian 12's headers are older (include/uapi/linux/pidfd.h). */
struct info {
	uint64_t mask, cgroup;
	uint32_t pid, tgid, ppid, ids[8];
	int32_t exit_code;
};
#define GET_INFO _IOWR(0xff, 11, struct info)
#define INFO_EXIT (UINT64_C(1) << 3)

int fdpass_process_has_ended(int pidfd)
{
	static const struct fdpass_wait at_once = {0, -1};

	/* By the very call that whoever waits for it is woken by: two that did not agree would spin. */
	return fdpass_wait_for(&at_once, pidfd, POLLIN, FDPASS_NO_DEADLINE) > 0;
}

/* The process's number in /proc, which may belong to another pid namespace than we do; 0 if it has
 * none there. The kernel says -1 when it was reaped: fs/pidfs.c, pidfd_show_fdinfo(). */
static long number_in_proc(int pidfd, pid_t pid)
{
	char path[64], text[FDINFO_MAX], *found;
	fd_owned int fd = FD_NONE;
	ssize_t length;
	long number;

	snprintf(path, sizeof(path), "/proc/thread-self/fdinfo/%d", pidfd);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	/* Older kernels hide it even from oneself, if one is not dumpable. */
	if (fd < 0)
		return errno == EACCES ? pid : -errno;
	length = read(fd, text, sizeof(text) - 1);
	if (length < 0)
		return -errno;
	text[length] = '\0';
	found = strstr(text, "\nPid:");
	number = found != NULL ? strtol(found + strlen("\nPid:"), NULL, 10) : 0;
	return number == -1 ? -ESRCH : number;
}

int fdpass_process_open(int pidfd, pid_t pid)
{
	char path[64];
	long number = number_in_proc(pidfd, pid);
	int proc;

	if (number <= 0)
		return number < 0 ? (int)number : -ENOENT;
	snprintf(path, sizeof(path), "/proc/%ld", number);
	proc = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (proc < 0)
		return -errno;
	/* It was the right one if the number is still this process's. */
	if (fdpass_process_has_ended(pidfd) && number_in_proc(pidfd, pid) != number) {
		fdpass_fd_close(proc);
		return -ESRCH;
	}
	return proc;
}

/* Goes from one field to a later one; NULL when there are not so many. */
static const char *skip(const char *text, int fields)
{
	for (; text != NULL && fields > 0; fields--) {
		text = strchr(text, ' ');
		if (text != NULL)
			text++;
	}
	return text;
}

int fdpass_process_parse(const char *line, struct process_stat *ret_stat)
{
	/* The program's name, which may be anything, is in parentheses. */
	const char *name = strrchr(line, ')');
	const char *state = name != NULL ? skip(name, 1) : NULL;
	const char *flags = skip(state, FIELD_FLAGS - FIELD_STATE);
	const char *exit_code = skip(flags, FIELD_EXIT_CODE - FIELD_FLAGS);

	if (exit_code == NULL)
		return -EPROTO;
	ret_stat->state = *state;
	ret_stat->flags = (unsigned)strtoul(flags, NULL, 10);
	ret_stat->exit_code = atoi(exit_code);
	return 0;
}

int fdpass_process_stat(int proc, struct process_stat *ret_stat)
{
	fd_owned int fd = openat(proc, "stat", O_RDONLY | O_CLOEXEC);
	char line[STAT_MAX];
	ssize_t length;

	/* ENOENT: what is left of the directory when its process was reaped. */
	if (fd < 0)
		return errno == ENOENT ? -ESRCH : -errno;
	length = read(fd, line, sizeof(line) - 1);
	if (length < 0)
		return -errno;
	line[length] = '\0';
	return fdpass_process_parse(line, ret_stat);
}

/* Of a process that was not reaped: the same permission as for its links, proc(5), which say EACCES. */
static int end_of_zombie(int proc, int *ret_status)
{
	struct process_stat stat;
	char target[2];

	if (fdpass_process_stat(proc, &stat) < 0 || stat.state != 'Z')
		return -ENODATA;
	if (readlinkat(proc, "exe", target, sizeof(target)) < 0 && errno == EACCES)
		return -ENODATA;
	*ret_status = stat.exit_code;
	return 0;
}

int fdpass_process_end(int pidfd, int proc, int *ret_status)
{
	struct info info = {.mask = INFO_EXIT};

	/* The first thread may have ended before the others. */
	if (!fdpass_process_has_ended(pidfd))
		return -ENODATA;
	if (ioctl(pidfd, GET_INFO, &info) == 0 && (info.mask & INFO_EXIT) != 0) {
		*ret_status = info.exit_code;
		return 0;
	}
	return proc >= 0 ? end_of_zombie(proc, ret_status) : -ENODATA;
}
