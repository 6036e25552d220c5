/* SPDX-License-Identifier: MIT */
/* The lock of a directory under which receivers remove stale sockets. */
#include "sockfile/lock.h"

#include <errno.h>
#include <sys/file.h>

#include "base/deadline.h"
#include "base/fd.h"
#include "base/wait.h"

int fdpass_lock_try(int fd)
{
	return flock(fd, LOCK_EX | LOCK_NB) < 0 ? -errno : 0;
}

int fdpass_lock_wait(int fd, const struct fdpass_wait *wait, int64_t most)
{
	/* flock can wait, but neither with a deadline nor to be cancelled, and nothing tells when a
	 * lock becomes free; it is held for microseconds by those who mean well. */
	struct fdpass_pause pause = {.first = NSEC_PER_MSEC / 10, .most = 20 * NSEC_PER_MSEC};
	int64_t give_up = fdpass_deadline_in(most);
	int r;

	while ((r = fdpass_lock_try(fd)) == -EWOULDBLOCK) {
		if (fdpass_deadline_now() >= give_up)
			return -EWOULDBLOCK;
		r = fdpass_wait_for(wait, FD_NONE, 0, fdpass_pause_next(&pause));
		if (r < 0)
			return r;
	}
	return r;
}

void fdpass_lock_release(int fd)
{
	flock(fd, LOCK_UN);
}
