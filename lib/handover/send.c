/* SPDX-License-Identifier: MIT */
/* Sending to whoever listens at an address: all in one call, or driven by an event loop. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/epoll.h>

#include "base/deadline.h"
#include "base/error.h"
#include "base/fd.h"
#include "handover/sending.h"

/* When to look again by oneself, when the kernel has no memory to tell us of an event. */
#define UNWATCHED_PAUSE (10 * NSEC_PER_MSEC)

/* Waits until it makes sense to go on: 0. */
static int wait(const struct fdpass_sending *sending, struct fdpass_error *error)
{
	const struct interest interest = fdpass_sending_interest(sending);
	int r = wait_for_interest(&sending->wait, &interest);

	/* That the wait is over it finds out by itself, and knows what it means. */
	if (r >= 0 || r == -ETIMEDOUT || r == -ECANCELED)
		return 0;
	return fdpass_sending_give_up(sending, r, error);
}

int fdpass_send(const struct fdpass_address *address, const struct fdpass_set *set,
		const struct fdpass_send_options *options, struct fdpass_delivery *ret_delivery,
		struct fdpass_error *error)
{
	struct fdpass_sending sending;
	int r = fdpass_sending_init(&sending, address, set, options, error);

	while (r == 0) {
		r = fdpass_sending_go_on(&sending, ret_delivery, error);
		if (r == 0)
			r = wait(&sending, error);
	}
	fdpass_sending_end(&sending);
	return r > 0 ? 0 : r;
}

int fdpass_sending_begin(const struct fdpass_address *address, const struct fdpass_set *set,
			 const struct fdpass_send_options *options,
			 struct fdpass_sending **ret_sending, struct fdpass_error *error)
{
	struct fdpass_sending *sending = malloc(sizeof(*sending));
	int r;

	if (sending == NULL)
		return fdpass_error_set(error, FDPASS_STEP_MEMORY, -ENOMEM);
	r = fdpass_sending_init(sending, address, set, options, error);
	if (r == 0) {
		sending->events = epoll_create1(EPOLL_CLOEXEC);
		if (sending->events < 0)
			r = fdpass_error_set(error, FDPASS_STEP_SOCKET, -errno);
	}
	if (r < 0) {
		fdpass_sending_free(sending);
		return r;
	}
	*ret_sending = sending;
	return 0;
}

/* Has the one descriptor that the caller watches follow what is waited for now. */
static void watch(struct fdpass_sending *sending)
{
	const struct interest interest = fdpass_sending_interest(sending);
	struct epoll_event event = {.events = (uint32_t)interest.events};

	sending->until = deadline_earlier(interest.until, sending->wait.deadline);
	if (interest.fd < 0)
		return;
	if (epoll_ctl(sending->events, EPOLL_CTL_ADD, interest.fd, &event) == 0)
		sending->watched = interest.fd;
	else
		sending->until =
			deadline_earlier(sending->until, fdpass_deadline_in(UNWATCHED_PAUSE));
}

/* Before anything is closed: what others hold as well would stay in it, epoll(7). */
static void unwatch(struct fdpass_sending *sending)
{
	if (sending->watched >= 0)
		epoll_ctl(sending->events, EPOLL_CTL_DEL, sending->watched, NULL);
	sending->watched = FD_NONE;
}

int fdpass_sending_step(struct fdpass_sending *sending, struct fdpass_delivery *ret_delivery,
			struct fdpass_error *error)
{
	int r;

	unwatch(sending);
	r = fdpass_sending_go_on(sending, ret_delivery, error);
	sending->until = FDPASS_NO_DEADLINE;
	if (r == 0)
		watch(sending);
	return r;
}

int fdpass_sending_fd(const struct fdpass_sending *sending)
{
	return sending->events;
}

int64_t fdpass_sending_until(const struct fdpass_sending *sending)
{
	return sending->until;
}

struct fdpass_sending *fdpass_sending_free(struct fdpass_sending *sending)
{
	if (sending == NULL)
		return NULL;
	unwatch(sending);
	fdpass_sending_end(sending);
	free(sending);
	return NULL;
}
