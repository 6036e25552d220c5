/* SPDX-License-Identifier: MIT */
#ifndef FDPASS_ACQUIRE_STATUS_H
#define FDPASS_ACQUIRE_STATUS_H

/* What /proc/PID/status says of a process, and why the kernel lets nobody look into it: ptrace(2). */

#include <stdint.h>
#include <sys/types.h>

#include "acquire/pidref.h"

enum status_id {
	STATUS_REAL,
	STATUS_EFFECTIVE,
	STATUS_SAVED,
	STATUS_FS,
	STATUS_IDS,
};

struct fdpass_status {
	char state; /* 'R', 'S', 'T', 'Z', ... */
	uid_t uids[STATUS_IDS];
	gid_t gids[STATUS_IDS];
	uint64_t permitted, effective; /* capabilities */
};

/* Takes the text of such a file apart. -EPROTO when something is missing. */
int fdpass_status_parse(const char *text, struct fdpass_status *ret_status);

/* Of the process whose directory in /proc is `proc`. */
int fdpass_status_read(int proc, struct fdpass_status *ret_status);

/* 1 when that process has crashed and its core is being written (CoreDumping, Linux 4.15); 0 when not, or when it
 * cannot be seen. */
int fdpass_status_is_dumping(int proc);

enum dumpable {
	DUMPABLE_NO,
	DUMPABLE_YES, /* or it cannot be seen */
};

/* The word for why `ours` may not do that with `theirs`, in the order in which the kernel asks
 * (kernel/ptrace.c, __ptrace_may_access()). `yama` is kernel.yama.ptrace_scope, 0 without Yama. */
const char *fdpass_status_denial(enum denied denied, const struct fdpass_status *ours,
				 const struct fdpass_status *theirs, enum dumpable dumpable,
				 int yama);

#endif
