/* SPDX-License-Identifier: MIT */
/* A child that nobody notices. */
#include "base/child.h"

#include <errno.h>
#include <linux/sched.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"

static int start(uint64_t flags, struct fdpass_child *ret_child)
{
	int pidfd = FD_NONE;
	struct clone_args args = {.flags = flags | CLONE_PIDFD, .pidfd = (uintptr_t)&pidfd};
	pid_t process = (pid_t)syscall(SYS_clone3, &args, sizeof(args));

	if (process < 0)
		return -errno;
	*ret_child = (struct fdpass_child){process, process > 0 ? pidfd : FD_NONE};
	return 0;
}

int fdpass_child_start(struct fdpass_child *ret_child)
{
	int r = start(0, ret_child);

	/* Nor a number for the pidfd, perhaps. */
	if (r == 0)
		return 0;
	*ret_child = (struct fdpass_child){(pid_t)syscall(SYS_clone, 0, 0, 0, 0, 0), FD_NONE};
	return ret_child->process < 0 ? -errno : 0;
}

int fdpass_child_start_shared(struct fdpass_child *ret_child)
{
	return start(CLONE_FILES, ret_child);
}

int fdpass_child_wait(const struct fdpass_child *child, int milliseconds)
{
	struct pollfd poll_fd = {.fd = child->pidfd, .events = POLLIN};
	int r = 1;

	if (child->pidfd >= 0)
		do
			r = poll(&poll_fd, 1, milliseconds);
		while (r < 0 && errno == EINTR);
	if (r <= 0)
		return 0;
	while (waitpid(child->process, NULL, __WCLONE) < 0 && errno == EINTR)
		;
	return 1;
}

void fdpass_child_kill(const struct fdpass_child *child)
{
	if (child->pidfd >= 0)
		syscall(SYS_pidfd_send_signal, child->pidfd, SIGKILL, NULL, 0U);
}

void fdpass_child_end(struct fdpass_child *child)
{
	child->pidfd = fdpass_fd_close(child->pidfd);
}
