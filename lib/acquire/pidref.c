/* SPDX-License-Identifier: MIT */
/*
 * Pinning a process, so that every later look goes to that one, and not to whoever has its number by then.
 *
 * A pidfd is one by itself. The directory in /proc is one as well once it is open, but its number may have
 * been used again before: it was the right one if the pidfd is still alive after it was opened.
 */
#include "acquire/pidref.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "acquire/status.h"
#include "base/error.h"
#include "base/fd.h"
#include "base/process.h"

#define PIDFS_SUPER_MAGIC 0x50494446 /* linux/magic.h, 6.9 */

int fdpass_pidref_fail(const struct fdpass_pidref *ref, struct fdpass_error *error,
		       enum fdpass_step step, int code, int number, const char *word)
{
	struct stat status;

	fdpass_error_text(error, step, code, word);
	if (error != NULL) {
		error->fd = number;
		error->peer.pid = ref->pid;
		/* The directory itself always shows the effective ids: fs/proc/base.c, task_dump_owner(). */
		if (ref->proc >= 0 && fstat(ref->proc, &status) == 0) {
			error->peer.uid = status.st_uid;
			error->peer.gid = status.st_gid;
		}
	}
	return code;
}

int fdpass_pidref_has_ended(const struct fdpass_pidref *ref)
{
	return fdpass_process_has_ended(ref->pidfd);
}

const char *fdpass_pidref_end_word(const struct fdpass_pidref *ref)
{
	struct fdpass_status status;

	return ref->proc >= 0 && fdpass_status_read(ref->proc, &status) == 0 && status.state == 'Z'
		       ? "zombie"
		       : "gone";
}

int fdpass_pidref_call_failed(const struct fdpass_pidref *ref, struct fdpass_error *error, int code,
			      int number, const char *word)
{
	if (code == -EMFILE || code == -ENFILE)
		word = "table";
	else if (code == -ENOMEM)
		return fdpass_pidref_fail(ref, error, FDPASS_STEP_MEMORY, code, number, "");
	else if (code == -ESRCH || fdpass_pidref_is_ending(ref) > 0)
		return fdpass_pidref_fail(ref, error, FDPASS_STEP_ACQUIRE, -ESRCH, number,
					  fdpass_pidref_end_word(ref));
	return fdpass_pidref_fail(ref, error, FDPASS_STEP_ACQUIRE, code, number, word);
}

/* pidfd_open(2). */
static const char *word_for_open(int *code)
{
	switch (*code) {
	case -ESRCH:
		return "gone";
	case -EINVAL:
	case -ENOENT: /* what newer kernels say */
		*code = -EINVAL;
		return "thread";
	case -ENOSYS:
		return "kernel";
	case -EMFILE:
	case -ENFILE:
		return "table";
	default:
		return "policy";
	}
}

static int pin(struct fdpass_pidref *ref, pid_t pid, uint64_t inode, struct fdpass_error *error)
{
	struct statfs filesystem;
	struct stat status;
	int r;

	ref->pid = pid;
	if (pid <= 0)
		return fdpass_pidref_fail(ref, error, FDPASS_STEP_PROCESS, -EINVAL, -1, "number");
	ref->pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (ref->pidfd < 0) {
		const char *word;

		r = -errno;
		word = word_for_open(&r);
		return fdpass_pidref_fail(ref, error, FDPASS_STEP_PROCESS, r, -1, word);
	}
	/* Before Linux 6.9 all pidfds have one inode, which names nobody. */
	if (fstatfs(ref->pidfd, &filesystem) == 0 && fstat(ref->pidfd, &status) == 0 &&
	    (unsigned long)filesystem.f_type == PIDFS_SUPER_MAGIC)
		ref->inode = status.st_ino;
	if (inode != 0 && ref->inode == 0)
		return fdpass_pidref_fail(ref, error, FDPASS_STEP_PROCESS, -EOPNOTSUPP, -1,
					  "pidfs");
	if (inode != 0 && ref->inode != inode)
		return fdpass_pidref_fail(ref, error, FDPASS_STEP_PROCESS, -ESRCH, -1, "inode");
	ref->proc = fdpass_process_open(ref->pidfd, pid);
	if (fdpass_pidref_has_ended(ref))
		return fdpass_pidref_fail(ref, error, FDPASS_STEP_PROCESS, -ESRCH, -1,
					  fdpass_pidref_end_word(ref));
	/* Without /proc there is still pidfd_getfd(). */
	if (ref->proc == -EMFILE || ref->proc == -ENFILE || ref->proc == -ENOMEM)
		return fdpass_pidref_fail(ref, error, FDPASS_STEP_PROCESS, ref->proc, -1,
					  ref->proc == -ENOMEM ? "" : "table");
	return 0;
}

int fdpass_pidref_open(pid_t pid, uint64_t inode, struct fdpass_pidref **ret_ref,
		       struct fdpass_error *error)
{
	struct fdpass_pidref *ref = calloc(1, sizeof(*ref));
	int r;

	if (ref == NULL)
		return fdpass_error_set(error, FDPASS_STEP_MEMORY, -ENOMEM);
	ref->pidfd = FD_NONE;
	ref->proc = FD_NONE;
	r = pin(ref, pid, inode, error);
	if (r < 0) {
		fdpass_pidref_free(ref);
		return r;
	}
	*ret_ref = ref;
	return 0;
}

struct fdpass_pidref *fdpass_pidref_free(struct fdpass_pidref *ref)
{
	if (ref != NULL) {
		fdpass_fd_close(ref->pidfd);
		fdpass_fd_close(ref->proc);
		free(ref);
	}
	return NULL;
}

pid_t fdpass_pidref_pid(const struct fdpass_pidref *ref)
{
	return ref->pid;
}

uint64_t fdpass_pidref_inode(const struct fdpass_pidref *ref)
{
	return ref->inode;
}

int fdpass_pidref_fd(const struct fdpass_pidref *ref)
{
	return ref->pidfd;
}

int fdpass_pidref_directory(const struct fdpass_pidref *ref)
{
	return ref->proc;
}

int fdpass_pidref_signal(const struct fdpass_pidref *ref, int signal)
{
	return syscall(SYS_pidfd_send_signal, ref->pidfd, signal, NULL, 0) == 0 ? 0 : -errno;
}
