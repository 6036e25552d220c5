/* SPDX-License-Identifier: MIT */
#ifndef FDPASS_BASE_PROCESS_H
#define FDPASS_BASE_PROCESS_H

/* Another process, by its pidfd and by its directory in /proc. Both are borrowed everywhere. */

#include <sys/types.h>

/* 1 when the process has ended, reaped or not. */
int fdpass_process_has_ended(int pidfd);

/*
 * Opens its directory in /proc; the caller owns it. `pid` is its number, where that cannot be found out, or
 * 0. -ENOENT when /proc does not show it, -ESRCH when it was reaped, -EMFILE, ... It is this process's for
 * sure, though the number may be used again meanwhile; where only `pid` said it, if it has not ended by now.
 */
int fdpass_process_open(int pidfd, pid_t pid);

/* What /proc/PID/stat says: proc_pid_stat(5). */
struct process_stat {
	char state;     /* 3: 'R', 'S', 'Z', ... */
	unsigned flags; /* 9 */
	int exit_code;  /* 52, as in wait(2); 0 when it may not be seen */
};

/* The process is ending: fields 9, include/linux/sched.h. Set before its descriptors are closed (kernel/exit.c,
 * do_exit()), and not by execve(2), which closes some of them as well. */
#define PROCESS_EXITING 0x00000004u

/* Takes the line apart. -EPROTO when something is missing. Pure. */
int fdpass_process_parse(const char *line, struct process_stat *ret_stat);

/* Reads it, of the directory `proc`. -ESRCH when the process was reaped. */
int fdpass_process_stat(int proc, struct process_stat *ret_stat);

/*
 * How it ended, as in wait(2): once it was reaped the pidfd tells (PIDFD_GET_INFO, Linux 6.15), and before that
 * the directory, unless `proc` is negative. -ENODATA when that is not known, or not yet; when it is reaped, the
 * pidfd has POLLHUP.
 */
int fdpass_process_end(int pidfd, int proc, int *ret_status);

#endif
