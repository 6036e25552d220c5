/* SPDX-License-Identifier: MIT */
/* Descriptors 0, 1 and 2 that are closed when the program starts: filled, and remembered. */
#include "cli/standard.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

static int closed_at_start;

int cli_standard_reserve(void)
{
	int closed = 0;

	for (int number = 0; number <= 2; number++) {
		int fd;

		if (fcntl(number, F_GETFD) >= 0)
			continue;
		/* The lowest free number, and those below are taken by now. O_PATH needs no permission
		 * on the directory, no /dev, and read(2) and write(2) fail on it with EBADF. */
		fd = open("/", O_PATH | O_CLOEXEC);
		if (fd < 0)
			return -errno;
		if (fd != number) {
			close(fd);
			return -EBUSY;
		}
		closed |= 1 << number;
	}
	closed_at_start |= closed;
	return closed;
}

int cli_standard_was_closed(int fd)
{
	return fd >= 0 && fd <= 2 && (closed_at_start >> fd & 1);
}
