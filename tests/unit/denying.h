/* SPDX-License-Identifier: MIT */
#ifndef TESTS_UNIT_DENYING_H
#define TESTS_UNIT_DENYING_H

/* A kernel that is older than this one, or a sandbox: system calls that it has not, or does not allow. */

enum { DENYING_ANY = -1 };

/*
 * From here on system call `number` (SYS_...) fails with `code` in this process and its children, for good:
 * seccomp(2). Only where its argument `argument` (0 to 5) is `value`, unless that is DENYING_ANY.
 */
void denying_call(long number, int argument, unsigned value, int code);

#endif
