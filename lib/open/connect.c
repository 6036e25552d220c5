/* SPDX-License-Identifier: MIT */
/*
 * Connected sockets that are opened to be given away.
 *
 * The addresses of a name are tried one after the other, the next one a quarter of a second after the
 * last or as soon as that has failed, and all that are on their way stay in the race (RFC 8305).
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/deadline.h"
#include "base/error.h"
#include "base/fd.h"
#include "base/wait.h"
#include "open/resolve.h"
#include "sockfile/sockpath.h"

/* RFC 8305, 5: the recommended Connection Attempt Delay. */
#define STAGGER (250 * NSEC_PER_MSEC)
/* More addresses than that are not tried. */
#define ATTEMPTS_MAX 16

struct race {
	int events; /* owned: epoll */
	int sockets[ATTEMPTS_MAX];
	int started;
	int running;
	struct fdpass_error failure; /* the last one */
};

/* A connected socket is given away as one that waits. */
static int give_blocking(int *fd)
{
	int flags = fcntl(*fd, F_GETFL);

	if (flags < 0 || fcntl(*fd, F_SETFL, flags & ~O_NONBLOCK) < 0)
		return -errno;
	return fd_give(fd);
}

/* Starts one attempt: 1 connected at once, 0 on its way, or failed (in `race->failure`). */
static int start(struct race *race, const struct addrinfo *address, int type)
{
	struct epoll_event interest = {.events = EPOLLOUT, .data.u32 = (uint32_t)race->started};
	int *fd = &race->sockets[race->started++];

	*fd = socket(address->ai_family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (*fd < 0)
		return fdpass_error_set(&race->failure, FDPASS_STEP_SOCKET, -errno);
	if (connect(*fd, address->ai_addr, address->ai_addrlen) == 0)
		return 1;
	if (errno == EINPROGRESS && epoll_ctl(race->events, EPOLL_CTL_ADD, *fd, &interest) == 0) {
		race->running++;
		return 0;
	}
	fdpass_error_set(&race->failure, FDPASS_STEP_CONNECT, -errno);
	*fd = fdpass_fd_close(*fd);
	return -race->failure.code;
}

/* Looks at one attempt that has come to something: its socket if that is connected, else FD_NONE. */
static int finish(struct race *race, const struct epoll_event *event)
{
	int *fd = &race->sockets[event->data.u32];
	int code = 0;
	socklen_t length = sizeof(code);

	race->running--;
	/* A failure that has no code must not become one without an error: 0 would be a descriptor. */
	if (getsockopt(*fd, SOL_SOCKET, SO_ERROR, &code, &length) < 0)
		code = errno;
	if (code == 0) {
		epoll_ctl(race->events, EPOLL_CTL_DEL, *fd, NULL);
		return fd_give(fd);
	}
	fdpass_error_set(&race->failure, FDPASS_STEP_CONNECT, -code);
	*fd = fdpass_fd_close(*fd);
	return FD_NONE;
}

/* Waits for one of them, or until it is time for the next: a socket, FD_NONE, or -errno of the wait. */
static int await(struct race *race, const struct fdpass_wait *wait, int64_t until)
{
	struct epoll_event event;
	int r = fdpass_wait_for(wait, race->events, POLLIN, until);

	if (r < 0)
		return fdpass_error_set(&race->failure, FDPASS_STEP_WAIT, r);
	if (r == 0)
		return FD_NONE;
	r = epoll_wait(race->events, &event, 1, 0);
	if (r < 0 && errno != EINTR)
		return fdpass_error_set(&race->failure, FDPASS_STEP_WAIT, -errno);
	return r < 1 ? FD_NONE : finish(race, &event);
}

static int run(struct race *race, const struct addrinfo *list, int type,
	       const struct fdpass_wait *wait)
{
	while (list != NULL || race->running > 0) {
		int64_t until = FDPASS_NO_DEADLINE;
		int fd;

		if (list != NULL && race->started < ATTEMPTS_MAX) {
			int r = start(race, list, type);

			list = list->ai_next;
			if (r > 0)
				return fd_give(&race->sockets[race->started - 1]);
			/* At once, when this one has failed already. */
			until = list == NULL ? FDPASS_NO_DEADLINE
					     : fdpass_deadline_in(r < 0 ? 0 : STAGGER);
			if (race->running == 0)
				continue;
		} else {
			list = NULL;
		}
		fd = await(race, wait, until);
		if (fd != FD_NONE)
			return fd;
	}
	return -race->failure.code;
}

static int connect_internet(const struct fdpass_endpoint *endpoint, const struct fdpass_wait *wait,
			    struct fdpass_error *error)
{
	struct race race = {.failure = FDPASS_ERROR_INIT};
	struct addrinfo *list;
	int fd = fdpass_resolve(endpoint, RESOLVE_CONNECT, wait, &list, error);

	if (fd < 0)
		return fd;
	race.events = epoll_create1(EPOLL_CLOEXEC);
	if (race.events < 0)
		fd = fdpass_error_set(&race.failure, FDPASS_STEP_SOCKET, -errno);
	else
		fd = run(&race, list, endpoint->type, wait);
	for (int i = 0; i < race.started; i++)
		fdpass_fd_close(race.sockets[i]);
	fdpass_fd_close(race.events);
	freeaddrinfo(list);
	if (fd < 0 && error != NULL)
		*error = race.failure;
	return fd;
}

/* A Unix connect does not wait, but for room in the backlog; nothing tells when there is some. */
static int connect_unix(const struct fdpass_endpoint *endpoint, const struct fdpass_wait *wait,
			struct fdpass_error *error)
{
	struct fdpass_pause pause = {.first = NSEC_PER_MSEC, .most = NSEC_PER_SEC};
	fd_owned int inode = FD_NONE;
	fd_owned int fd = socket(AF_UNIX, endpoint->type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct sockaddr_un un;
	int length;

	if (fd < 0)
		return fdpass_error_set(error, FDPASS_STEP_SOCKET, -errno);
	length = endpoint->kind == ENDPOINT_ABSTRACT
			 ? (int)fdpass_sockpath_abstract(endpoint->name, &un)
			 : fdpass_sockpath_to(endpoint->name, &un, &inode);
	if (length < 0)
		return fdpass_error_set(error, FDPASS_STEP_CONNECT, length);
	while (connect(fd, (struct sockaddr *)&un, (socklen_t)length) < 0) {
		int r;

		if (errno != EAGAIN)
			return fdpass_error_set(error, FDPASS_STEP_CONNECT, -errno);
		r = fdpass_wait_for(wait, FD_NONE, 0, fdpass_pause_next(&pause));
		if (r < 0)
			return fdpass_error_set(error, FDPASS_STEP_WAIT, r);
	}
	return fd_give(&fd);
}

int fdpass_open_connect(const struct fdpass_endpoint *endpoint, const struct fdpass_wait *wait,
			int *ret_fd, struct fdpass_error *error)
{
	fd_owned int fd = endpoint->kind == ENDPOINT_INTERNET
				  ? connect_internet(endpoint, wait, error)
				  : connect_unix(endpoint, wait, error);
	int r;

	if (fd < 0)
		return fd;
	r = give_blocking(&fd);
	if (r < 0)
		return fdpass_error_set(error, FDPASS_STEP_SOCKET, r);
	*ret_fd = r;
	return 0;
}
