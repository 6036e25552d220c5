/* SPDX-License-Identifier: MIT */
#ifndef FDPASS_ACQUIRE_ORIGINAL_H
#define FDPASS_ACQUIRE_ORIGINAL_H

/* How another process has a file open. */

#include <sys/stat.h>

#include "acquire/pidref.h"

/*
 * The flags of descriptor `number` of that process (open(2), fcntl(2) F_GETFL), if it is still what `pinned`, a
 * descriptor of ours with O_PATH, and `status` of it say. A process that puts one file and another on a number in
 * turns must not make us take the flags of the one for those of the other: who may do more than it would give it
 * more than it had. -ENOENT when it is another file by now, -EPERM when it cannot be known, or another errno.
 */
int fdpass_original_flags(const struct fdpass_pidref *ref, int number, int pinned,
			  const struct stat *status);

#endif
