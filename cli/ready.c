/* SPDX-License-Identifier: MIT */
/* --ready-fd: telling whoever started the program that it can be reached now. */
#include "cli/ready.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/diagnostic.h"
#include "cli/standard.h"

void cli_ready_check(const struct cli_program *program, int fd)
{
	if (fd < 0 || (!cli_standard_was_closed(fd) && fcntl(fd, F_GETFD) >= 0))
		return;
	cli_error("--ready-fd: descriptor %d is not open; open it with a redirection, such as "
		  "%d>FIFO",
		  fd, fd);
	exit(program->failure_status);
}

/* A pipe whose reader has gone: SIGPIPE is blocked here, and must not wait for the command. */
static void forget_sigpipe(void)
{
	const struct timespec at_once = {0, 0};
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGPIPE);
	sigtimedwait(&set, NULL, &at_once);
}

static int write_line(int fd, const struct fdpass_wait *wait)
{
	int r = fdpass_poll(fd, POLLOUT, wait);

	if (r < 0)
		return r;
	if (write(fd, "\n", 1) == 1)
		return 0;
	r = -errno;
	if (r == -EPIPE)
		forget_sigpipe();
	return r;
}

int cli_ready_tell(int fd, const struct fdpass_wait *wait)
{
	int r = fd >= 0 ? write_line(fd, wait) : 0;

	if (r < 0 && r != -ECANCELED)
		cli_error("--ready-fd: writing to descriptor %d failed: %s", fd, strerror(-r));
	if (r < 0 || fd < 0)
		return r;
	close(fd);
	/* What is opened from here on must not become stdin, stdout or stderr. */
	cli_standard_reserve();
	return 0;
}
