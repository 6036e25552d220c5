/* SPDX-License-Identifier: MIT */
/* The one place where the library blocks: for a descriptor, a deadline and a cancel descriptor. */
#include "base/wait.h"

#include <errno.h>
#include <poll.h>

#include "base/deadline.h"

int fdpass_wait_for(const struct fdpass_wait *wait, int fd, short events, int64_t until)
{
	static const struct fdpass_wait without_end = FDPASS_WAIT_INIT;

	if (wait == NULL)
		wait = &without_end;
	for (;;) {
		/* poll ignores negative descriptors. */
		struct pollfd polled[2] = {
			{.fd = wait->cancel_fd, .events = POLLIN},
			{.fd = fd, .events = events},
		};
		struct timespec left;
		int64_t now;
		int n = ppoll(polled, 2,
			      fdpass_deadline_left(deadline_earlier(wait->deadline, until), &left),
			      NULL);

		if (n < 0) {
			if (errno == EINTR)
				continue;
			return -errno;
		}
		if (polled[0].revents != 0)
			return -ECANCELED;
		if (polled[1].revents != 0)
			return 1;
		now = fdpass_deadline_now();
		if (now >= wait->deadline)
			return -ETIMEDOUT;
		if (now >= until)
			return 0;
	}
}

int fdpass_poll(int fd, short events, const struct fdpass_wait *wait)
{
	return fdpass_wait_for(wait, fd, events, FDPASS_NO_DEADLINE);
}

int fdpass_wait_over(const struct fdpass_wait *wait)
{
	struct pollfd cancel;

	if (wait == NULL)
		return 0;
	cancel = (struct pollfd){.fd = wait->cancel_fd, .events = POLLIN};
	if (wait->cancel_fd >= 0 && poll(&cancel, 1, 0) > 0)
		return -ECANCELED;
	return fdpass_deadline_now() >= wait->deadline ? -ETIMEDOUT : 0;
}

int64_t fdpass_pause_next(struct fdpass_pause *pause)
{
	int64_t length = pause->next == 0 ? pause->first : pause->next;

	pause->next = length * 2 < pause->most ? length * 2 : pause->most;
	return fdpass_deadline_in(length);
}
