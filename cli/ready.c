/* SPDX-License-Identifier: MIT */
/* --ready-fd: telling whoever started the program that it can be reached now. */
#include "cli/ready.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

static struct timespec time_left(int64_t deadline)
{
	int64_t left = deadline - fdpass_deadline_in(0);

	if (left < 0)
		left = 0;
	return (struct timespec){(time_t)(left / 1000000000), (long)(left % 1000000000)};
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

int cli_ready_tell(int fd, const struct fdpass_wait *wait)
{
	for (;;) {
		struct pollfd polled[2] = {
			{.fd = wait->cancel_fd, .events = POLLIN},
			{.fd = fd, .events = POLLOUT},
		};
		struct timespec left = time_left(wait->deadline);
		int n = ppoll(polled, 2, wait->deadline == FDPASS_NO_DEADLINE ? NULL : &left, NULL);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n == 0)
			return -ETIMEDOUT;
		if (n > 0 && polled[0].revents != 0)
			return -ECANCELED;
		if (n > 0)
			break;
	}
	if (write(fd, "\n", 1) == 1)
		return 0;
	if (errno == EPIPE)
		forget_sigpipe();
	return -errno;
}
