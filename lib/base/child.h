/* SPDX-License-Identifier: MIT */
#ifndef FDPASS_BASE_CHILD_H
#define FDPASS_BASE_CHILD_H

/* A child that nobody notices: it runs no handlers of the program's for a fork, its end sends no SIGCHLD, and it is
 * seen by nobody who does not ask for it with __WCLONE (clone(2)). It may only make calls that are safe after a fork,
 * signal-safety(7). */

#include <sys/types.h>

struct fdpass_child {
	pid_t process; /* 0: this is the child */
	int pidfd;     /* FD_NONE: the kernel, or a seccomp filter, has no clone3(2) */
};

/* With a copy of our table of open files. 0, or a negative errno. */
int fdpass_child_start(struct fdpass_child *ret_child);

/* With our table of open files itself: what it closes is closed here. -ENOSYS and others: it cannot be had. */
int fdpass_child_start_shared(struct fdpass_child *ret_child);

/* Waits for its end, for so many milliseconds where there is a pidfd: 1 when it has ended; nothing of it is left
 * then. */
int fdpass_child_wait(const struct fdpass_child *child, int milliseconds);

/* Sends SIGKILL, where there is a pidfd. */
void fdpass_child_kill(const struct fdpass_child *child);

/* Lets it go: closes what we have of it. It may still run. */
void fdpass_child_end(struct fdpass_child *child);

#endif
