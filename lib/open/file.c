/* SPDX-License-Identifier: MIT */
/* Opening a file to give it away: what is there, and without waiting for anybody. */
#include <errno.h>
#include <fcntl.h>

#include "base/error.h"
#include "base/fd.h"

int fdpass_open_file(const char *path, enum fdpass_access access, int *ret_fd,
		     struct fdpass_error *error)
{
	static const int modes[] = {
		[FDPASS_ACCESS_READ] = O_RDONLY,
		[FDPASS_ACCESS_WRITE] = O_WRONLY,
		[FDPASS_ACCESS_READ_WRITE] = O_RDWR,
	};
	fd_owned int fd = FD_NONE;
	int flags;

	if ((size_t)access >= sizeof(modes) / sizeof(*modes))
		return fdpass_error_set(error, FDPASS_STEP_OPEN, -EINVAL);
	/* A FIFO without another end, or a modem without a carrier, would be waited for. */
	fd = open(path, modes[access] | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0)
		return fdpass_error_set(error, FDPASS_STEP_OPEN, -errno);
	flags = fcntl(fd, F_GETFL);
	if (flags < 0 || fcntl(fd, F_SETFL, flags & ~O_NONBLOCK) < 0)
		return fdpass_error_set(error, FDPASS_STEP_OPEN, -errno);
	*ret_fd = fd_give(&fd);
	return 0;
}
