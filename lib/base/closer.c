/* SPDX-License-Identifier: MIT */
/* Closing files whose closing waits for somebody. */
#include "base/closer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/child.h"
#include "base/deadline.h"
#include "base/fd.h"

/* include/uapi/linux/fcntl.h, Linux 4.11; fstatat(2) takes it as well as statx(2) does. */
#ifndef AT_STATX_DONT_SYNC
#define AT_STATX_DONT_SYNC 0x4000
#endif

/* Milliseconds for one close, as long as none has hung; and afterwards. */
#define PATIENCE 100
#define MOMENT 2

/* For as long, all of them are given PATIENCE while they come on. */
#define PATIENCE_IN_ALL (1 * NSEC_PER_SEC)

/* How far a child has come, for both to see. */
struct progress {
	atomic_size_t begun;
};

/* Everything is from what the kernel knows already: neither a daemon nor a server is asked. */
enum closing fdpass_closing(int fd)
{
	struct stat status;

	if (fd < 0)
		return CLOSING_IS_QUICK;
	/* It says EACCES of a FUSE mount that is another user's. */
	if (fstatat(fd, "", &status, AT_EMPTY_PATH | AT_STATX_DONT_SYNC) < 0)
		return errno == EACCES ? CLOSING_MAY_WAIT : CLOSING_IS_QUICK;
	if (S_ISSOCK(status.st_mode))
		return CLOSING_MAY_LINGER;
	/* Only regular files are flushed; who has a disk under it waits for nobody, nor does a file in memory, which is
	 * known by its seals (fcntl(2), F_GET_SEALS). What is left are FUSE, network file systems, and some others. */
	if (!S_ISREG(status.st_mode) || major(status.st_dev) != 0 || fcntl(fd, F_GET_SEALS) >= 0)
		return CLOSING_IS_QUICK;
	return CLOSING_MAY_WAIT;
}

static _Noreturn void close_each(const int *fds, size_t count, struct progress *progress)
{
	for (size_t i = 0; i < count; i++) {
		atomic_store(&progress->begun, i + 1);
		close(fds[i]);
	}
	_exit(0);
}

/* Waits until it has ended (1), or hangs in one of them (0). */
static int wait_for(const struct fdpass_child *child, struct progress *progress, int patience,
		    int64_t deadline)
{
	size_t before, begun;

	do {
		before = atomic_load(&progress->begun);
		if (fdpass_child_wait(child, patience))
			return 1;
		begun = atomic_load(&progress->begun);
		/* Until it has run at all, none of the numbers is free. */
	} while (begun == 0 || (begun != before && fdpass_deadline_now() < deadline));
	return 0;
}

/* How many of them are closed, or are not here any more; 0 when there is no way. */
static size_t close_in_child(const int *fds, size_t count, struct progress *progress, int patience,
			     int64_t deadline)
{
	struct fdpass_child child;
	int ended;

	atomic_store(&progress->begun, 0);
	if (fdpass_child_start_shared(&child) < 0)
		return 0;
	if (child.process == 0)
		close_each(fds, count, progress);
	ended = wait_for(&child, progress, patience, deadline);
	if (!ended) {
		/* It closes what it is at, and no more: when it wakes up, it dies. */
		fdpass_child_kill(&child);
		fdpass_child_wait(&child, MOMENT);
	}
	fdpass_child_end(&child);
	return ended ? count : atomic_load(&progress->begun);
}

void fdpass_closer_run(const int *fds, size_t count)
{
	int64_t deadline = fdpass_deadline_in(PATIENCE_IN_ALL);
	struct progress *progress = mmap(NULL, sizeof(*progress), PROT_READ | PROT_WRITE,
					 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	size_t closed;

	for (size_t i = 0; i < count; i += closed) {
		closed = 0;
		if (progress != MAP_FAILED)
			closed = close_in_child(fds + i, count - i, progress,
						i == 0 ? PATIENCE : MOMENT, deadline);
		if (closed > 0)
			continue;
		fdpass_fd_close(fds[i]);
		closed = 1;
	}
	if (progress != MAP_FAILED)
		munmap(progress, sizeof(*progress));
}
