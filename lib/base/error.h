/* SPDX-License-Identifier: MIT */
#ifndef FDPASS_BASE_ERROR_H
#define FDPASS_BASE_ERROR_H

/* Filling the caller's error record. A NULL record is fine everywhere. */

#include "fdpass.h"

/* Clears `error` and sets the step and the code. Returns `code`, a negative errno, so that
 * `return fdpass_error_set(error, FDPASS_STEP_BIND, -errno);` is the whole error path. */
int fdpass_error_set(struct fdpass_error *error, enum fdpass_step step, int code);

/* The same, with a text (cut if too long; control characters become '?', since it may come from the
 * other end and go to a terminal). */
int fdpass_error_text(struct fdpass_error *error, enum fdpass_step step, int code,
		      const char *text);

/* The same, about one descriptor number. */
int fdpass_error_fd(struct fdpass_error *error, enum fdpass_step step, int code, int fd);

/* The same, about one process. */
int fdpass_error_peer(struct fdpass_error *error, enum fdpass_step step, int code,
		      const struct fdpass_peer *peer);

#endif
