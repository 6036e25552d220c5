/* SPDX-License-Identifier: MIT */
#ifndef FDPASS_SOCKFILE_LOCK_H
#define FDPASS_SOCKFILE_LOCK_H

/* The lock of a directory under which receivers remove stale sockets. */

#include "fdpass.h"

/* Anybody who may read a directory can lock it, also /tmp: nobody waits longer than this for it, in
 * nanoseconds, when a stale socket is to be removed, ... */
#define LOCK_WAIT_MAX INT64_C(2000000000)
/* ... and when it only keeps births and the sweep of leftovers apart. */
#define LOCK_WAIT_SHORT INT64_C(50000000)

/* Locks the directory open as `fd` (flock(2), exclusive) at once: 0, or -EWOULDBLOCK, -EBADF for a
 * directory that could only be opened with O_PATH. */
int fdpass_lock_try(int fd);

/* The same, waiting until the deadline but not longer than `most` nanoseconds: -EWOULDBLOCK then;
 * -ETIMEDOUT, -ECANCELED. */
int fdpass_lock_wait(int fd, const struct fdpass_wait *wait, int64_t most);

void fdpass_lock_release(int fd);

#endif
