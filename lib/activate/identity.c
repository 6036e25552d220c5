/* SPDX-License-Identifier: MIT */
/* Which process this is, beyond its number, which may be another's tomorrow. */
#include <errno.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/fd.h"
#include "fdpass.h"

/* Linux 6.9, linux/magic.h. Before, all pidfds shared one anonymous inode. */
#ifndef PID_FS_MAGIC
#define PID_FS_MAGIC 0x50494446
#endif

int fdpass_activation_pid_id(uint64_t *ret_id)
{
	fd_owned int fd = (int)syscall(SYS_pidfd_open, getpid(), 0U);
	struct statfs system;
	struct stat status;

	if (fd < 0)
		return errno == ENOSYS ? -EOPNOTSUPP : -errno;
	if (fstatfs(fd, &system) < 0 || fstat(fd, &status) < 0)
		return -errno;
	/* The kernel's inode numbers are as long as its pointers. */
	if (system.f_type != PID_FS_MAGIC || sizeof(long) < sizeof(uint64_t))
		return -EOPNOTSUPP;
	*ret_id = status.st_ino;
	return 0;
}
