/* SPDX-License-Identifier: MIT */
/* Taking one descriptor out of another process. */
#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "acquire/pidref.h"
#include "acquire/reopen.h"
#include "base/error.h"

static int duplicate(const struct fdpass_pidref *ref, int number, int *ret_fd,
		     struct fdpass_error *error)
{
	int fd = (int)syscall(SYS_pidfd_getfd, ref->pidfd, number, 0);

	if (fd >= 0) {
		*ret_fd = fd;
		return 0;
	}
	fd = -errno;
	if (fd == -EPERM || fd == -EACCES)
		return fdpass_pidref_deny(ref, error, DENIED_DUPLICATE, -EPERM, number);
	return fdpass_pidref_call_failed(ref, error, fd, number,
					 fd == -EBADF    ? "number"
					 : fd == -ENOSYS ? "kernel"
							 : "file");
}

int fdpass_acquire(const struct fdpass_pidref *ref, int number, enum fdpass_method method,
		   int *ret_fd, struct fdpass_error *error)
{
	if ((unsigned)method > FDPASS_METHOD_REOPEN_READ_WRITE)
		return fdpass_error_set(error, FDPASS_STEP_ACQUIRE, -EINVAL);
	if (method == FDPASS_METHOD_DUPLICATE)
		return duplicate(ref, number, ret_fd, error);
	if (ref->proc < 0)
		return fdpass_pidref_call_failed(ref, error, ref->proc, number, "proc");
	return fdpass_reopen(ref, number, method, ret_fd, error);
}
