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
		if (n == 0 && wait->deadline <= until)
			return wait->deadline == FDPASS_NO_DEADLINE ? -EDEADLK : -ETIMEDOUT;
		if (n == 0)
			return 0;
	}
}

int64_t fdpass_pause_next(struct fdpass_pause *pause)
{
	int64_t length = pause->next == 0 ? pause->first : pause->next;

	pause->next = length * 2 < pause->most ? length * 2 : pause->most;
	return fdpass_deadline_in(length);
}
