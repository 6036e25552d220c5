/* SPDX-License-Identifier: MIT */
/* One descriptor: closing it, owning it in a scope, giving it away, moving it. */
#include "base/fd.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Linux 6.6; older headers do not have the number, which is the same everywhere but on alpha. */
#if !defined(SYS_fchmodat2) && !defined(__alpha__)
#define SYS_fchmodat2 452
#endif

int fdpass_fd_close(int fd)
{
	if (fd >= 0) {
		int saved = errno;

		close(fd);
		errno = saved;
	}
	return FD_NONE;
}

/* fchmod(2) does not take a descriptor with O_PATH. Before Linux 6.6 only its link in /proc leads to the inode. */
int fdpass_fd_chmod(int fd, mode_t mode)
{
	char path[32];

#ifdef SYS_fchmodat2
	if (syscall(SYS_fchmodat2, fd, "", mode, AT_EMPTY_PATH) == 0)
		return 0;
#endif
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return chmod(path, mode) < 0 ? -errno : 0;
}

int fdpass_fd_is_open(int fd)
{
	return fd >= 0 && fcntl(fd, F_GETFD) >= 0;
}

int fdpass_fd_raise(int *fd, int lowest)
{
	int raised;

	if (*fd < 0 || *fd >= lowest)
		return 0;
	raised = fcntl(*fd, F_DUPFD_CLOEXEC, lowest);
	if (raised < 0)
		return -errno;
	fdpass_fd_close(*fd);
	*fd = raised;
	return 0;
}
