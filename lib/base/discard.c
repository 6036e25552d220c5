/* SPDX-License-Identifier: MIT */
/* Closing what somebody else made, without waiting for what closing it may wait for. */
#include "base/discard.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"

static int has_socket(const int *fds, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct stat status;

		if (fds[i] >= 0 && fstat(fds[i], &status) == 0 && S_ISSOCK(status.st_mode))
			return 1;
	}
	return 0;
}

/* A fork that runs no handlers of the program's and sends it no SIGCHLD: a child with no signal for its
 * end is seen by nobody who does not ask for it with __WCLONE (clone(2)). */
static pid_t quiet_fork(void)
{
	return (pid_t)syscall(SYS_clone, 0, 0, 0, 0, 0);
}

/* Nothing but calls that are safe after a fork, signal-safety(7). */
static _Noreturn void outlive(int until)
{
	char byte;

	while (read(until, &byte, 1) < 0 && errno == EINTR)
		;
	_exit(0);
}

/* A child that has a copy of every descriptor until `keep`, the end of a pipe, is closed, and then exits. */
struct heir {
	pid_t process;
	int keep;
};

static struct heir start_heir(void)
{
	struct heir heir = {-1, FD_NONE};
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return heir;
	heir.keep = ends[1];
	heir.process = quiet_fork();
	if (heir.process == 0) {
		close(ends[1]);
		outlive(ends[0]);
	}
	fdpass_fd_close(ends[0]);
	return heir;
}

/* It closes for the last time, in exiting, and nothing of it is left when this returns. */
static void let_go(struct heir *heir)
{
	heir->keep = fdpass_fd_close(heir->keep);
	while (heir->process > 0 && waitpid(heir->process, NULL, __WCLONE) < 0 && errno == EINTR)
		;
}

static void close_all(const int *fds, size_t count)
{
	for (size_t i = 0; i < count; i++)
		fdpass_fd_close(fds[i]);
}

void fdpass_discard(const int *fds, size_t count)
{
	int saved = errno;

	if (has_socket(fds, count)) {
		/* Without one (no memory, no process left) closing is still better than keeping. */
		struct heir heir = start_heir();

		close_all(fds, count);
		let_go(&heir);
	} else {
		close_all(fds, count);
	}
	errno = saved;
}

void fdpass_discard_connection(int fd)
{
	int unread = 0;

	/* Nothing can be added to the queue after that, so that what we see now is all there is. */
	shutdown(fd, SHUT_RD);
	if (ioctl(fd, FIONREAD, &unread) == 0 && unread == 0)
		fdpass_fd_close(fd);
	else
		fdpass_discard(&fd, 1);
}
