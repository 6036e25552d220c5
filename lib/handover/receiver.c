/* SPDX-License-Identifier: MIT */
/* A receiver: what it listens to, and who is told when that ends. */
#include "handover/receiver.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "base/deadline.h"
#include "base/error.h"
#include "base/fd.h"
#include "base/socket.h"
#include "sockfile/listener.h"

void fdpass_receiver_observe(const struct fdpass_receiver *receiver, enum fdpass_event_kind kind,
			     const struct caller *caller, const char *reason)
{
	struct fdpass_event event = {
		.kind = kind, .index = caller->index, .peer = caller->peer, .reason = reason};

	if (caller->incoming.phase == INCOMING_TRANSFER) {
		event.done = fdpass_set_count(caller->incoming.set);
		/* Complete: there is no offer any more. */
		event.total = caller->incoming.offer.count > 0 ? caller->incoming.offer.count
							       : event.done;
	}
	if (receiver->observer != NULL)
		receiver->observer(receiver->observer_context, &event);
}

rlim_t fdpass_receiver_table_size(void)
{
	struct rlimit limit;

	return getrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_cur : RLIM_INFINITY;
}

int fdpass_receiver_new(const struct fdpass_rule *rule, fdpass_observer observer,
			void *observer_context, struct fdpass_receiver **ret_receiver)
{
	struct fdpass_receiver *receiver = calloc(1, sizeof(*receiver));
	int r = 0;

	if (receiver == NULL)
		return -ENOMEM;
	receiver->observer = observer;
	receiver->observer_context = observer_context;
	receiver->pause = (struct fdpass_pause){.first = 10 * NSEC_PER_MSEC, .most = NSEC_PER_SEC};
	receiver->resume = FDPASS_NO_DEADLINE;
	receiver->table_size = fdpass_receiver_table_size();
	fdpass_room_init(&receiver->room);
	if (rule == NULL)
		r = fdpass_rule_new(&receiver->own_rule);
	receiver->rule = rule != NULL ? rule : receiver->own_rule;
	receiver->events = r < 0 ? FD_NONE : epoll_create1(EPOLL_CLOEXEC);
	if (receiver->events < 0) {
		if (r == 0)
			r = -errno;
		fdpass_receiver_free(receiver);
		return r;
	}
	*ret_receiver = receiver;
	return 0;
}

int fdpass_receiver_fd(const struct fdpass_receiver *receiver)
{
	return receiver->events;
}

int64_t fdpass_receiver_until(const struct fdpass_receiver *receiver)
{
	return receiver->resume;
}

void fdpass_receiver_consider(struct fdpass_receiver *receiver, fdpass_consider consider,
			      void *context)
{
	receiver->consider = consider;
	receiver->consider_context = context;
}

static int watch(const struct fdpass_receiver *receiver, int fd, uint64_t about)
{
	struct epoll_event interest = {.events = EPOLLIN, .data.u64 = about};

	return epoll_ctl(receiver->events, EPOLL_CTL_ADD, fd, &interest) < 0 ? -errno : 0;
}

int fdpass_receiver_watch(const struct fdpass_receiver *receiver, const struct caller *caller)
{
	return watch(receiver, caller->incoming.socket,
		     ABOUT_CALLER | (uint64_t)(caller - receiver->room.places));
}

/* ENOENT when it was never watched. */
static void forget(const struct fdpass_receiver *receiver, int fd)
{
	epoll_ctl(receiver->events, EPOLL_CTL_DEL, fd, NULL);
}

void fdpass_receiver_forget(const struct fdpass_receiver *receiver, const struct caller *caller)
{
	forget(receiver, caller->incoming.socket);
}

/* Room for one more listener or connection; its index follows from the count. */
static int grow(struct fdpass_receiver *receiver)
{
	struct fdpass_listener **grown = realloc(
		receiver->listeners, ((size_t)receiver->listener_count + 1) * sizeof(*grown));

	if (grown == NULL)
		return -ENOMEM;
	receiver->listeners = grown;
	grown[receiver->listener_count] = NULL;
	return 0;
}

int fdpass_receiver_add(struct fdpass_receiver *receiver, struct fdpass_listener *listener)
{
	int r = grow(receiver);

	if (r == 0)
		r = watch(receiver, fdpass_listener_fd(listener),
			  (uint64_t)receiver->listener_count);
	if (r < 0)
		return r;
	receiver->listeners[receiver->listener_count] = listener;
	return receiver->listener_count++;
}

int fdpass_receiver_add_connection(struct fdpass_receiver *receiver, int fd,
				   struct fdpass_error *error)
{
	struct caller *caller = fdpass_room_place(&receiver->room);
	struct caller fresh = {.index = receiver->listener_count};
	int admitted = fdpass_socket_check_connected(fd);
	int copy, r;

	if (admitted < 0)
		return fdpass_error_fd(error, FDPASS_STEP_CONNECT, admitted, fd);
	admitted = fdpass_rule_check(receiver->rule, fd, &fresh.peer);
	if (admitted <= 0)
		return fdpass_error_peer(error, FDPASS_STEP_PEER, admitted < 0 ? admitted : -EPERM,
					 &fresh.peer);
	r = caller == NULL ? -EMFILE : grow(receiver);
	if (r < 0)
		return fdpass_error_fd(error, FDPASS_STEP_MEMORY, r, fd);
	copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (copy < 0)
		return fdpass_error_fd(error, FDPASS_STEP_CONNECT, -errno, fd);
	r = fdpass_incoming_begin(&fresh.incoming, copy, INCOMING_SHARED);
	*caller = fresh;
	if (r == 0)
		r = fdpass_receiver_watch(receiver, caller);
	if (r < 0) {
		fdpass_incoming_end(&caller->incoming);
		return fdpass_error_fd(error, FDPASS_STEP_RECEIVE, r, fd);
	}
	return receiver->listener_count++;
}

/* Tells one who came by listener `index`, and was not seen before, that there is nothing more to do. */
static void send_home(const struct fdpass_receiver *receiver, int socket, int index,
		      const char *why)
{
	struct caller late = {.index = index};

	if (fdpass_peer_get(socket, &late.peer) == 0)
		fdpass_receiver_observe(receiver, FDPASS_EVENT_BUSY, &late, why);
	if (fdpass_incoming_begin(&late.incoming, socket, INCOMING_OWN) == 0)
		fdpass_room_dismiss(&late, FRAME_BUSY, why);
	else
		fdpass_incoming_end(&late.incoming);
}

static int accept_late(struct fdpass_listener *listener, int late[FDPASS_CALLERS_MAX])
{
	int count = 0;

	while (count < FDPASS_CALLERS_MAX) {
		late[count] = accept4(fdpass_listener_fd(listener), NULL, NULL,
				      SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (late[count] < 0)
			break;
		count++;
	}
	return count;
}

/*
 * Closes a listener, and tells those who are still in its backlog: closing alone would reset their
 * connections, and would wait for whatever strangers have queued there (base/discard.h).
 */
static void close_listener(struct fdpass_receiver *receiver, int index, const char *why)
{
	struct fdpass_listener *listener = receiver->listeners[index];
	int late[FDPASS_CALLERS_MAX];
	int count;

	fdpass_listener_withdraw(listener);
	/* A child may have a copy, which would be readable for ever once it is shut down. */
	forget(receiver, fdpass_listener_fd(listener));
	/* From here on connecting is refused (net/unix/af_unix.c), so that the backlog comes to an end. */
	shutdown(fdpass_listener_fd(listener), SHUT_RDWR);
	do {
		count = accept_late(listener, late);
		/* Empty now. Before anybody is sent home, since that may leave copies of what we have
		 * open to a child for a moment, and an abstract name would stay in use by it. */
		if (count < FDPASS_CALLERS_MAX)
			receiver->listeners[index] = fdpass_listener_close(listener);
		for (int i = 0; i < count; i++)
			send_home(receiver, late[i], index, why);
	} while (count == FDPASS_CALLERS_MAX);
}

/* Ends one listener, and tells everybody who waits on it why. */
static void end_listener(struct fdpass_receiver *receiver, int index, const char *why)
{
	if (index >= 0 && index < receiver->listener_count && receiver->listeners[index] != NULL)
		close_listener(receiver, index, why);
	for (int i = 0; i < FDPASS_CALLERS_MAX; i++) {
		struct caller *caller = &receiver->room.places[i];

		if (caller->incoming.socket < 0 || caller->index != index)
			continue;
		fdpass_receiver_observe(receiver, FDPASS_EVENT_BUSY, caller, why);
		fdpass_receiver_forget(receiver, caller);
		fdpass_room_dismiss(caller, FRAME_BUSY, why);
	}
}

void fdpass_receiver_drop(struct fdpass_receiver *receiver, int index)
{
	end_listener(receiver, index, "another sender was first");
}

struct fdpass_receiver *fdpass_receiver_free(struct fdpass_receiver *receiver)
{
	if (receiver == NULL)
		return NULL;
	for (int i = 0; i < receiver->listener_count; i++)
		end_listener(receiver, i, "the receiver has ended");
	free(receiver->listeners);
	fdpass_fd_close(receiver->events);
	fdpass_rule_free(receiver->own_rule);
	free(receiver);
	return NULL;
}
