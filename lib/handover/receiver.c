/* SPDX-License-Identifier: MIT */
/*
 * A receiver: many listeners, a bounded room of callers, one handover after another.
 *
 * Whoever is not admitted, silent, malformed or gone costs a bounded place in that room for a while,
 * and never the receiver's wait. Callers leave the room when what they sent is complete.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "base/deadline.h"
#include "base/error.h"
#include "base/fd.h"
#include "base/wait.h"
#include "handover/handover.h"
#include "peer/rule.h"
#include "sockfile/listener.h"

/* Events taken from the kernel at once. */
#define EVENTS_MAX 16

struct caller {
	struct incoming incoming; /* socket FD_NONE: the place is free */
	struct fdpass_peer peer;  /* who connected */
	int index;                /* the listener it came by */
	int64_t active;           /* when it last sent something, or connected */
};

struct fdpass_receiver {
	const struct fdpass_rule *rule;
	struct fdpass_rule *own_rule; /* owned, when the caller gave none */
	fdpass_observer observer;
	void *observer_context;
	int events;                         /* owned: epoll */
	struct fdpass_listener **listeners; /* owned; NULL where dropped */
	int listener_count;
	struct caller callers[FDPASS_CALLERS_MAX];
	struct fdpass_pause pause; /* when the table of open files is full */
	int64_t resume;            /* when accepting goes on; FDPASS_NO_DEADLINE: it does */
	rlim_t table_size;         /* RLIMIT_NOFILE */
};

/* What an epoll event is about: a listener's index, or this bit and a caller's place. */
#define ABOUT_CALLER (UINT64_C(1) << 32)

static void observe(const struct fdpass_receiver *receiver, enum fdpass_event_kind kind,
		    const struct caller *caller, const char *reason)
{
	const struct fdpass_event event = {
		.kind = kind, .index = caller->index, .peer = caller->peer, .reason = reason};

	if (receiver->observer != NULL)
		receiver->observer(receiver->observer_context, &event);
}

int fdpass_receiver_new(const struct fdpass_rule *rule, fdpass_observer observer,
			void *observer_context, struct fdpass_receiver **ret_receiver)
{
	struct fdpass_receiver *receiver = calloc(1, sizeof(*receiver));
	struct rlimit limit;
	int r = 0;

	if (receiver == NULL)
		return -ENOMEM;
	receiver->observer = observer;
	receiver->observer_context = observer_context;
	receiver->pause = (struct fdpass_pause){.first = 10 * NSEC_PER_MSEC, .most = NSEC_PER_SEC};
	receiver->resume = FDPASS_NO_DEADLINE;
	receiver->table_size =
		getrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_cur : RLIM_INFINITY;
	for (int i = 0; i < FDPASS_CALLERS_MAX; i++)
		receiver->callers[i].incoming.socket = FD_NONE;
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

static int watch(const struct fdpass_receiver *receiver, int fd, uint64_t about)
{
	struct epoll_event interest = {.events = EPOLLIN, .data.u64 = about};

	return epoll_ctl(receiver->events, EPOLL_CTL_ADD, fd, &interest) < 0 ? -errno : 0;
}

int fdpass_receiver_add(struct fdpass_receiver *receiver, struct fdpass_listener *listener)
{
	int index = receiver->listener_count;
	struct fdpass_listener **grown =
		realloc(receiver->listeners, ((size_t)index + 1) * sizeof(*grown));
	int r;

	if (grown == NULL)
		return -ENOMEM;
	receiver->listeners = grown;
	r = watch(receiver, fdpass_listener_fd(listener), (uint64_t)index);
	if (r < 0)
		return r;
	grown[index] = listener;
	receiver->listener_count++;
	return index;
}

/* Ends a caller whose handover is not complete; `type` and `text` say why, if it can still hear it. */
static void dismiss(struct caller *caller, enum frame_type type, const char *text)
{
	fdpass_incoming_answer(&caller->incoming, type, 0, text);
	fdpass_incoming_end(&caller->incoming);
}

/* Tells who is still in the backlog; closing the listener would only reset their connections. */
static void send_home(const struct fdpass_receiver *receiver, int index, const char *why)
{
	for (int i = 0; i < FDPASS_CALLERS_MAX; i++) {
		struct caller late = {.index = index};
		int socket = accept4(fdpass_listener_fd(receiver->listeners[index]), NULL, NULL,
				     SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (socket < 0)
			return;
		if (fdpass_peer_get(socket, &late.peer) == 0)
			observe(receiver, FDPASS_EVENT_BUSY, &late, why);
		if (fdpass_incoming_begin(&late.incoming, socket) == 0)
			dismiss(&late, FRAME_BUSY, why);
		else
			fdpass_incoming_end(&late.incoming);
	}
}

/* Ends one listener, and tells everybody who waits on it why. */
static void end_listener(struct fdpass_receiver *receiver, int index, const char *why)
{
	for (int i = 0; i < FDPASS_CALLERS_MAX; i++) {
		struct caller *caller = &receiver->callers[i];

		if (caller->incoming.socket < 0 || caller->index != index)
			continue;
		observe(receiver, FDPASS_EVENT_BUSY, caller, why);
		dismiss(caller, FRAME_BUSY, why);
	}
	if (index < 0 || index >= receiver->listener_count || receiver->listeners[index] == NULL)
		return;
	/* First the name, so that nobody comes any more; then those who came and were not seen yet. */
	fdpass_listener_withdraw(receiver->listeners[index]);
	send_home(receiver, index, why);
	receiver->listeners[index] = fdpass_listener_close(receiver->listeners[index]);
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

/* Of the callers, none of which has sent anything complete, the one that has been idle longest. */
static struct caller *idlest(struct fdpass_receiver *receiver)
{
	struct caller *found = NULL;

	for (int i = 0; i < FDPASS_CALLERS_MAX; i++) {
		struct caller *caller = &receiver->callers[i];

		if (caller->incoming.socket >= 0 &&
		    (found == NULL || caller->active < found->active))
			found = caller;
	}
	return found;
}

/* 1 when that made room, 0 when there was nobody. */
static int crowd_out(struct fdpass_receiver *receiver)
{
	struct caller *caller = idlest(receiver);

	if (caller == NULL)
		return 0;
	observe(receiver, FDPASS_EVENT_CROWDED_OUT, caller, "");
	dismiss(caller, FRAME_BUSY, "too many callers, and this one was idle longest");
	return 1;
}

static struct caller *free_place(struct fdpass_receiver *receiver)
{
	for (;;) {
		for (int i = 0; i < FDPASS_CALLERS_MAX; i++) {
			if (receiver->callers[i].incoming.socket < 0)
				return &receiver->callers[i];
		}
		crowd_out(receiver);
	}
}

static struct fdpass_peer peer_of(const struct ucred *credentials)
{
	return (struct fdpass_peer){credentials->pid, credentials->uid, credentials->gid};
}

struct judgement {
	const struct fdpass_receiver *receiver;
	const struct caller *caller;
};

static int admit_writer(void *context, const struct ucred *writer)
{
	const struct judgement *judgement = context;
	const struct fdpass_peer peer = peer_of(writer);

	return fdpass_rule_admits_writer(judgement->receiver->rule, &peer,
					 &judgement->caller->peer);
}

/* Reads what a caller has sent. 1: complete, in `*ret_handover`; 0: not yet, or it is gone. */
static int serve(struct fdpass_receiver *receiver, struct caller *caller,
		 struct fdpass_handover **ret_handover)
{
	struct judgement judgement = {receiver, caller};
	const char *reason;
	int r = fdpass_incoming_step(&caller->incoming, admit_writer, &judgement, &reason);

	if (r == 0) {
		caller->active = fdpass_deadline_now();
		return 0;
	}
	if (r > 0) {
		/* From here on its connection is no concern of ours (ENOENT: it never was). */
		epoll_ctl(receiver->events, EPOLL_CTL_DEL, caller->incoming.socket, NULL);
		r = fdpass_handover_new(&caller->incoming, caller->index, ret_handover);
		if (r == 0)
			return 1;
		reason = "the receiver is out of memory";
	}
	if (r == -ECONNRESET) {
		observe(receiver, FDPASS_EVENT_DISCONNECTED, caller, "");
		fdpass_incoming_end(&caller->incoming);
		return 0;
	}
	if (r == -EPERM)
		caller->peer = peer_of(&caller->incoming.writer);
	observe(receiver, r == -EPERM ? FDPASS_EVENT_NOT_ADMITTED : FDPASS_EVENT_TURNED_AWAY,
		caller, reason);
	dismiss(caller, FRAME_REFUSED, reason);
	return 0;
}

/* How many numbers are kept for what is to come: a message full, or half of a small table. */
static rlim_t table_reserve(const struct fdpass_receiver *receiver)
{
	return receiver->table_size / 2 < FDPASS_MESSAGE_MAX ? receiver->table_size / 2
							     : FDPASS_MESSAGE_MAX;
}

/* Greets a new connection and sees whether it has sent something already. As serve(). */
static int welcome(struct fdpass_receiver *receiver, int socket, int index,
		   struct fdpass_handover **ret_handover)
{
	struct caller fresh = {.index = index, .active = fdpass_deadline_now()};
	struct caller *caller;
	int admitted = fdpass_rule_check(receiver->rule, socket, &fresh.peer);

	if (fdpass_incoming_begin(&fresh.incoming, socket) < 0 || admitted < 0) {
		/* Unread: the sender sees that nothing was taken. */
		fdpass_incoming_end(&fresh.incoming);
		return 0;
	}
	/* Before it is given a place, which may cost an admitted caller its own. */
	if (!admitted) {
		observe(receiver, FDPASS_EVENT_NOT_ADMITTED, &fresh, "it connected");
		dismiss(&fresh, FRAME_REFUSED, "the receiver does not admit this user");
		return 0;
	}
	/* Idle callers must not take the numbers that a handover needs to arrive on. */
	if ((rlim_t)socket + table_reserve(receiver) >= receiver->table_size)
		crowd_out(receiver);
	caller = free_place(receiver);
	*caller = fresh;
	observe(receiver, FDPASS_EVENT_CONNECTED, caller, "");
	if (serve(receiver, caller, ret_handover) > 0)
		return 1;
	if (caller->incoming.socket >= 0 &&
	    watch(receiver, caller->incoming.socket,
		  ABOUT_CALLER | (uint64_t)(caller - receiver->callers)) < 0)
		dismiss(caller, FRAME_REFUSED, "the receiver is out of memory");
	return 0;
}

/* The table of open files is full: a listener stays readable, so look away from them for a while. */
static void set_listening(struct fdpass_receiver *receiver, uint32_t events)
{
	for (int i = 0; i < receiver->listener_count; i++) {
		struct epoll_event interest = {.events = events, .data.u64 = (uint64_t)i};

		if (receiver->listeners[i] != NULL)
			epoll_ctl(receiver->events, EPOLL_CTL_MOD,
				  fdpass_listener_fd(receiver->listeners[i]), &interest);
	}
}

/* Accepts who is waiting. 1: one of them was complete; 0: nobody (more). */
static int accept_callers(struct fdpass_receiver *receiver, int index,
			  struct fdpass_handover **ret_handover)
{
	/* As many as there are places at a time, so that a flood does not keep the others waiting. */
	for (int i = 0; i < FDPASS_CALLERS_MAX; i++) {
		int socket = accept4(fdpass_listener_fd(receiver->listeners[index]), NULL, NULL,
				     SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (socket >= 0) {
			pause_restart(&receiver->pause);
			if (welcome(receiver, socket, index, ret_handover) > 0)
				return 1;
			continue;
		}
		if (errno == EINTR || errno == ECONNABORTED)
			continue;
		if (errno == EAGAIN)
			return 0;
		if ((errno == EMFILE || errno == ENFILE) && crowd_out(receiver))
			continue;
		set_listening(receiver, 0);
		receiver->resume = fdpass_pause_next(&receiver->pause);
		return 0;
	}
	return 0;
}

static int handle(struct fdpass_receiver *receiver, const struct epoll_event *event,
		  struct fdpass_handover **ret_handover)
{
	uint64_t place = event->data.u64 & ~ABOUT_CALLER;

	/* Its object may have gone by an earlier event of the same batch. */
	if ((event->data.u64 & ABOUT_CALLER) != 0)
		return receiver->callers[place].incoming.socket >= 0
			       ? serve(receiver, &receiver->callers[place], ret_handover)
			       : 0;
	return receiver->listeners[place] != NULL
		       ? accept_callers(receiver, (int)place, ret_handover)
		       : 0;
}

int fdpass_receiver_next(struct fdpass_receiver *receiver, const struct fdpass_wait *wait,
			 struct fdpass_handover **ret_handover, struct fdpass_error *error)
{
	for (;;) {
		struct epoll_event events[EVENTS_MAX];
		int count;
		int r = fdpass_wait_for(wait, receiver->events, POLLIN, receiver->resume);

		if (r < 0)
			return fdpass_error_set(error, FDPASS_STEP_WAIT, r);
		if (r == 0) {
			receiver->resume = FDPASS_NO_DEADLINE;
			set_listening(receiver, EPOLLIN);
			continue;
		}
		count = epoll_wait(receiver->events, events, EVENTS_MAX, 0);
		if (count < 0 && errno != EINTR)
			return fdpass_error_set(error, FDPASS_STEP_RECEIVE, -errno);
		/* Level-triggered: what is left of the batch when one is complete comes again. */
		for (int i = 0; i < count; i++) {
			if (handle(receiver, &events[i], ret_handover) > 0)
				return 0;
		}
		/* A flood of callers must not hold the deadline off. */
		r = fdpass_wait_over(wait);
		if (r < 0)
			return fdpass_error_set(error, FDPASS_STEP_WAIT, r);
	}
}
