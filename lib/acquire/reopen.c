/* SPDX-License-Identifier: MIT */
/*
 * Opening a file again that another process has open, through /proc: whatever its name is by now, with an
 * offset of its own, and as the original was opened.
 *
 * It is pinned first with O_PATH, which opens nothing, looked at, and then opened through our own link to it:
 * so what was looked at is what is opened, and no device is opened that must not be.
 */
#include "acquire/reopen.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "acquire/device.h"
#include "acquire/original.h"
#include "base/fd.h"

/* Half of O_TMPFILE, the other half of which is O_DIRECTORY: a file that was made so is no directory.
 * include/uapi/asm-generic/fcntl.h; the other architectures of Linux have O_TMPFILE composed likewise. */
#define TMPFILE_ALONE (O_TMPFILE & ~O_DIRECTORY)

#define KEPT                                                                                       \
	(O_APPEND | O_NONBLOCK | O_DIRECT | O_SYNC | O_DSYNC | O_NOATIME | O_PATH | O_DIRECTORY)

int fdpass_reopen_flags(int flags, enum fdpass_method method)
{
	int kept = flags & KEPT;

	if (flags & TMPFILE_ALONE)
		kept &= ~O_DIRECTORY;
	if (method != FDPASS_METHOD_REOPEN)
		kept &= ~O_PATH;
	switch (method) {
	case FDPASS_METHOD_REOPEN_READ:
		return kept | O_RDONLY;
	case FDPASS_METHOD_REOPEN_WRITE:
		return kept | O_WRONLY;
	case FDPASS_METHOD_REOPEN_READ_WRITE:
		return kept | O_RDWR;
	default:
		return kept | (flags & O_ACCMODE & ~O_PATH);
	}
}

/* Opening something below /proc/PID failed. */
static int open_failed(const struct fdpass_pidref *ref, int number, int code,
		       struct fdpass_error *error)
{
	if (code == -EACCES || code == -EPERM)
		return fdpass_pidref_deny(ref, error, DENIED_LOOK, -EACCES, number);
	if (code == -ENOENT)
		code = -EBADF;
	return fdpass_pidref_call_failed(ref, error, code, number,
					 code == -EBADF ? "number" : "file");
}

/* What has no file of its own: its one inode, which all share, belongs to root, so that opening it says
 * EACCES to all others and not ENXIO (fs/anon_inodes.c, fs/pidfs.c). */
static int is_anonymous(int pinned)
{
	static const char *const prefixes[] = {"anon_inode:", "pidfd:"};
	char path[64], text[32];
	ssize_t length;

	snprintf(path, sizeof(path), "/proc/thread-self/fd/%d", pinned);
	length = readlink(path, text, sizeof(text) - 1);
	text[length > 0 ? length : 0] = '\0';
	for (size_t i = 0; i < sizeof(prefixes) / sizeof(*prefixes); i++) {
		if (strncmp(text, prefixes[i], strlen(prefixes[i])) == 0)
			return 1;
	}
	return 0;
}

/* File systems whose files remember who opened them, and let him do what he might: proc(5), /proc/PID/mem;
 * cgroups(7), "Cgroup delegation containment". Opened again by root they would be more than they were. */
static int asks_the_opener(int pinned, const struct stat *status)
{
	struct statfs system;

	if (!S_ISREG(status->st_mode) || fstatfs(pinned, &system) < 0)
		return 0;
	return system.f_type == PROC_SUPER_MAGIC || system.f_type == CGROUP_SUPER_MAGIC ||
	       system.f_type == CGROUP2_SUPER_MAGIC;
}

/* Why what is pinned cannot be opened again at all; 0 when it can. */
static int check_kind(int pinned, const struct stat *status, const char **ret_word)
{
	if (S_ISSOCK(status->st_mode)) {
		*ret_word = "socket";
		return -ENXIO;
	}
	if (S_ISCHR(status->st_mode) && fdpass_device_is_per_open(status->st_rdev)) {
		*ret_word = "device";
		return -EOPNOTSUPP;
	}
	if (asks_the_opener(pinned, status)) {
		*ret_word = "opener";
		return -EOPNOTSUPP;
	}
	if (is_anonymous(pinned)) {
		*ret_word = "anonymous";
		return -ENXIO;
	}
	return 0;
}

static const char *word_for(int code, const struct stat *status)
{
	if (code == -EAGAIN)
		return "lease";
	return code == -ENXIO && S_ISFIFO(status->st_mode) ? "fifo" : "file";
}

/* Opens what `pinned` is, with `flags`. */
static int open_pinned(int pinned, int flags)
{
	fd_owned int fd = FD_NONE;
	char path[64];
	int now;

	snprintf(path, sizeof(path), "/proc/thread-self/fd/%d", pinned);
	/* Nobody is waited for, whether the original would have been or not: fifo(7), open(2). */
	fd = open(path, flags | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if ((flags & (O_NONBLOCK | O_PATH)) == 0) {
		now = fcntl(fd, F_GETFL);
		if (now < 0 || fcntl(fd, F_SETFL, now & ~O_NONBLOCK) < 0)
			return -errno;
	}
	return fd_give(&fd);
}

int fdpass_reopen(const struct fdpass_pidref *ref, int number, enum fdpass_method method,
		  int *ret_fd, struct fdpass_error *error)
{
	fd_owned int pinned = FD_NONE;
	struct stat status;
	const char *word;
	char name[32];
	int flags, fd, r;

	snprintf(name, sizeof(name), "fd/%d", number);
	pinned = openat(ref->proc, name, O_PATH | O_CLOEXEC);
	if (pinned < 0)
		return open_failed(ref, number, -errno, error);
	if (fstat(pinned, &status) < 0)
		return fdpass_pidref_call_failed(ref, error, -errno, number, "file");
	r = check_kind(pinned, &status, &word);
	if (r < 0)
		return fdpass_pidref_fail(ref, error, FDPASS_STEP_ACQUIRE, r, number, word);
	flags = fdpass_original_flags(ref, number, pinned, &status);
	if (flags == -EPERM)
		return fdpass_pidref_deny(ref, error, DENIED_DUPLICATE, -EPERM, number);
	if (flags < 0)
		return open_failed(ref, number, flags, error);
	fd = open_pinned(pinned, fdpass_reopen_flags(flags, method));
	if (fd < 0)
		return fdpass_pidref_call_failed(ref, error, fd, number, word_for(fd, &status));
	*ret_fd = fd;
	return 0;
}
