/* SPDX-License-Identifier: MIT */
/* Closing what somebody else made, without waiting for what closing it may wait for. */
#include "base/discard.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/child.h"
#include "base/closer.h"
#include "base/fd.h"

/* How many are looked at before they are closed: a message full. */
#define CHUNK 254

/* Milliseconds. Exiting takes microseconds. */
#define HEIR_PATIENCE 1000

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
	struct fdpass_child child;
	int keep;
};

static struct heir start_heir(void)
{
	struct heir heir = {{-1, FD_NONE}, FD_NONE};
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return heir;
	heir.keep = ends[1];
	if (fdpass_child_start(&heir.child) < 0)
		heir.child.process = -1;
	if (heir.child.process == 0) {
		close(ends[1]);
		outlive(ends[0]);
	}
	fdpass_fd_close(ends[0]);
	return heir;
}

/* It closes for the last time, in exiting. Nothing of it is left when this returns, unless it hangs there in what
 * else it has a copy of. */
static void let_go(struct heir *heir)
{
	heir->keep = fdpass_fd_close(heir->keep);
	if (heir->child.process > 0)
		fdpass_child_wait(&heir->child, HEIR_PATIENCE);
	fdpass_child_end(&heir->child);
}

static void close_those(enum closing kind, const int *fds, size_t count, const unsigned char *kinds)
{
	for (size_t i = 0; i < count; i++)
		if (kinds[i] == kind)
			fdpass_fd_close(fds[i]);
}

/* Those whose closing may wait. */
static void run_closer(const int *fds, size_t count, const unsigned char *kinds)
{
	int waiting[CHUNK];
	size_t found = 0;

	for (size_t i = 0; i < count; i++)
		if (kinds[i] == CLOSING_MAY_WAIT)
			waiting[found++] = fds[i];
	fdpass_closer_run(waiting, found);
}

/* At most CHUNK of them. */
static void discard_some(const int *fds, size_t count)
{
	unsigned char kinds[CHUNK];
	int seen = 0;

	for (size_t i = 0; i < count; i++) {
		kinds[i] = (unsigned char)fdpass_closing(fds[i]);
		seen |= 1 << kinds[i];
	}
	/* First, so that there are free numbers for what closes the others. */
	close_those(CLOSING_IS_QUICK, fds, count, kinds);
	/* Then these, so that the heir has no copy of them. */
	if (seen & 1 << CLOSING_MAY_WAIT)
		run_closer(fds, count, kinds);
	if (seen & 1 << CLOSING_MAY_LINGER) {
		/* Without one (no memory, no process left) closing is still better than keeping. */
		struct heir heir = start_heir();

		close_those(CLOSING_MAY_LINGER, fds, count, kinds);
		let_go(&heir);
	}
}

void fdpass_discard(const int *fds, size_t count)
{
	int saved = errno;

	for (size_t done = 0; done < count; done += CHUNK)
		discard_some(fds + done, count - done < CHUNK ? count - done : CHUNK);
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
