/* SPDX-License-Identifier: MIT */
/* Waiting for what goes on in steps. */
#include "driving.h"

#include <poll.h>

#include "raw.h"

int driving_outgoing(struct outgoing *outgoing, const struct fdpass_wait *wait)
{
	const struct interest interest = fdpass_outgoing_interest(outgoing);
	int r = wait_for_interest(wait, &interest);

	raw_check(fdpass_outgoing_woken(outgoing) == 0);
	return r < 0 ? r : 0;
}

int driving_dialer(struct dialer *dialer, int code, const struct fdpass_wait *wait)
{
	fdpass_dialer_arm(dialer, code);
	while (!fdpass_dialer_is_due(dialer)) {
		const struct interest interest = fdpass_dialer_interest(dialer);
		int r = wait_for_interest(wait, &interest);

		if (r == 0)
			continue;
		if (r > 0)
			r = fdpass_wait_over(wait);
		if (r < 0)
			return r;
	}
	return fdpass_wait_over(wait);
}

void driving_pause(int fd, int64_t until, int cancel_fd)
{
	struct pollfd polled[2] = {{.fd = fd, .events = POLLIN},
				   {.fd = cancel_fd, .events = POLLIN}};
	int64_t left = until == FDPASS_NO_DEADLINE ? -1 : until - fdpass_deadline_in(0);

	if (left < 0 && until != FDPASS_NO_DEADLINE)
		left = 0;
	/* To the next millisecond, so that it does not spin through the last one. */
	raw_check(poll(polled, 2, left < 0 ? -1 : (int)((left + 999999) / 1000000)) >= 0);
}
