/* SPDX-License-Identifier: MIT */
/* One descriptor: closing it, owning it in a scope, giving it away, moving it. */
#include "base/fd.h"

#include <fcntl.h>
#include <unistd.h>

int fdpass_fd_close(int fd)
{
	if (fd >= 0) {
		int saved = errno;

		close(fd);
		errno = saved;
	}
	return FD_NONE;
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
