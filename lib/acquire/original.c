/* SPDX-License-Identifier: MIT */
/*
 * How another process has a file open, asked so that it cannot answer for another file.
 *
 * /proc/PID/fdinfo/N names file and flags in one breath, but the file only by mount and inode number, which
 * overlayfs, btrfs and others have more than one file for. A duplicate is the very same open file description, so
 * that is looked at where it matters: in processes of other users, who ask somebody more powerful. It is not made
 * otherwise, since it takes more permission (ptrace(2), PTRACE_MODE_ATTACH).
 */
#include "acquire/original.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/discard.h"
#include "base/fdinfo.h"

static int is_same(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_rdev == b->st_rdev;
}

static int flags_told(const struct fdpass_pidref *ref, int number, int pinned,
		      const struct stat *status)
{
	struct fdpass_fdinfo theirs = {.mount = -1}, ours = {.mount = -1};
	struct stat again;
	char name[32];
	int r;

	snprintf(name, sizeof(name), "fdinfo/%d", number);
	r = fdpass_fdinfo_read(ref->proc, name, &theirs);
	if (r == 0)
		r = fdpass_fdinfo_own(pinned, &ours);
	if (r < 0)
		return r;
	if (theirs.mount != ours.mount || theirs.inode != ours.inode)
		return -ENOENT;
	/* Before Linux 5.14 there is no inode to compare: at least it is the same file once more. */
	snprintf(name, sizeof(name), "fd/%d", number);
	if (fstatat(ref->proc, name, &again, 0) < 0 || !is_same(status, &again))
		return -ENOENT;
	return theirs.flags;
}

static int flags_of_duplicate(const struct fdpass_pidref *ref, int number,
			      const struct stat *status)
{
	int duplicate = (int)syscall(SYS_pidfd_getfd, ref->pidfd, number, 0);
	struct stat seen;
	int r;

	if (duplicate < 0)
		return errno == EBADF ? -ENOENT : -errno;
	r = fstat(duplicate, &seen);
	if (r == 0)
		r = is_same(status, &seen) ? fcntl(duplicate, F_GETFL) : -ENOENT;
	if (r == -1)
		r = -errno;
	/* It may be anything by now: what lingers, or waits for a daemon, when it is closed. */
	fdpass_discard(&duplicate, 1);
	return r;
}

/* The directory belongs to who the process runs as, whatever else of it does not: proc(5), /proc/PID. */
static int is_of_another_user(const struct fdpass_pidref *ref)
{
	struct stat status;

	return fstat(ref->proc, &status) < 0 || status.st_uid != geteuid();
}

int fdpass_original_flags(const struct fdpass_pidref *ref, int number, int pinned,
			  const struct stat *status)
{
	int flags = -ENOSYS;

	if (is_of_another_user(ref))
		flags = flags_of_duplicate(ref, number, status);
	return flags == -ENOSYS ? flags_told(ref, number, pinned, status) : flags;
}
