/* SPDX-License-Identifier: MIT */
#ifndef FDPASS_ACQUIRE_REOPEN_H
#define FDPASS_ACQUIRE_REOPEN_H

/* Opening a file again that another process has open. */

#include "acquire/pidref.h"

/* As fdpass_acquire() with one of the FDPASS_METHOD_REOPENs. */
int fdpass_reopen(const struct fdpass_pidref *ref, int number, enum fdpass_method method,
		  int *ret_fd, struct fdpass_error *error);

/* The flags to open with, for an original with `flags` (octal in /proc/PID/fdinfo, proc(5)). Pure. */
int fdpass_reopen_flags(int flags, enum fdpass_method method);

#endif
