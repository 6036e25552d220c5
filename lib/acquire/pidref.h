/* SPDX-License-Identifier: MIT */
#ifndef FDPASS_ACQUIRE_PIDREF_H
#define FDPASS_ACQUIRE_PIDREF_H

/* A pinned process, for the code that takes something out of it. */

#include "fdpass.h"

struct fdpass_pidref {
	pid_t pid;
	int pidfd;
	int proc; /* its directory in /proc, opened while it lived; or why there is none, a negative errno */
	uint64_t inode;
};

/* Fills the error record: a step, a code, and its word in fdpass.h; `number` is a descriptor of that
 * process, or -1. Returns `code`. */
int fdpass_pidref_fail(const struct fdpass_pidref *ref, struct fdpass_error *error,
		       enum fdpass_step step, int code, int number, const char *word);

/* What access was denied: the two are checked differently, ptrace(2). */
enum denied {
	DENIED_DUPLICATE, /* pidfd_getfd: PTRACE_MODE_ATTACH_REALCREDS */
	DENIED_LOOK,      /* /proc/PID/fd: PTRACE_MODE_READ_FSCREDS */
};

/* The same (step ACQUIRE) for a permission that the process as a whole does not give, with the reason
 * as far as it can be seen. */
int fdpass_pidref_deny(const struct fdpass_pidref *ref, struct fdpass_error *error,
		       enum denied denied, int code, int number);

/* The same for a failed call: finds the word for what is the same everywhere (a full table, a process that
 * has ended), else it is `word`. */
int fdpass_pidref_call_failed(const struct fdpass_pidref *ref, struct fdpass_error *error, int code,
			      int number, const char *word);

/* 1 when the process has ended, reaped or not. */
int fdpass_pidref_has_ended(const struct fdpass_pidref *ref);

/* "zombie" or "gone", of a process that has ended. */
const char *fdpass_pidref_end_word(const struct fdpass_pidref *ref);

#endif
