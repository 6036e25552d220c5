/* SPDX-License-Identifier: MIT */
/*
 * A receiver at work: many listeners, a bounded room of callers, one handover after another.
 *
 * Whoever is not admitted, silent, malformed or gone costs a bounded place in that room for a while,
 * and never the receiver's wait. Callers leave the room when what they sent is complete.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "base/deadline.h"
#include "base/error.h"
#include "handover/handover.h"
#include "handover/receiver.h"
#include "peer/rule.h"

/* Events taken from the kernel at once. */
#define EVENTS_MAX 16

/* Told to a caller of whom it could not be found out who he is. */
#define FULL_TABLE "the receiver's table of open files is full"

/* 1 when that made room, 0 when there was nobody to go. */
static int send_away(struct fdpass_receiver *receiver, struct caller *caller)
{
	if (caller == NULL)
		return 0;
	fdpass_receiver_observe(receiver, FDPASS_EVENT_CROWDED_OUT, caller, "");
	fdpass_receiver_forget(receiver, caller);
	fdpass_room_dismiss(caller, FRAME_BUSY, "too many callers, and this one was idle longest");
	return 1;
}

static int crowd_out(struct fdpass_receiver *receiver)
{
	return send_away(receiver, fdpass_room_idlest(&receiver->room));
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

	/* The kernel adds no credentials to what was sent before somebody asked for them, and asking
	 * would change the socket for whoever else holds it. */
	if (judgement->caller->incoming.sharing == INCOMING_SHARED)
		return 1;
	return fdpass_rule_admits_writer(judgement->receiver->rule, &peer,
					 &judgement->caller->peer);
}

/* A caller came to nothing, for `code` and `reason`. */
static int came_to_nothing(struct fdpass_receiver *receiver, struct caller *caller, int code,
			   const char *reason)
{
	enum fdpass_event_kind kind = FDPASS_EVENT_TURNED_AWAY;
	enum frame_type type = FRAME_REFUSED;
	int shared = caller->incoming.sharing == INCOMING_SHARED;

	if (code == -EPERM) {
		kind = FDPASS_EVENT_NOT_ADMITTED;
		caller->peer = peer_of(&caller->incoming.writer);
	} else if (code == -ECONNRESET) {
		kind = FDPASS_EVENT_DISCONNECTED;
	}
	fdpass_receiver_observe(receiver, kind, caller, code == -ECONNRESET ? "" : reason);
	fdpass_receiver_forget(receiver, caller);
	/* It may be better off when the others are done. */
	if (code == -EMFILE && caller->incoming.phase == INCOMING_TRANSFER &&
	    fdpass_room_others_hold(&receiver->room, caller))
		type = FRAME_BUSY;
	fdpass_room_dismiss(caller, type, reason);
	if (!shared)
		return 0;
	receiver->lost = caller->index;
	receiver->lost_reason = reason;
	return code;
}

/* How many numbers are kept for what is to come: a message full, or half of a small table. */
static rlim_t table_reserve(const struct fdpass_receiver *receiver)
{
	return receiver->table_size / 2 < FDPASS_MESSAGE_MAX ? receiver->table_size / 2
							     : FDPASS_MESSAGE_MAX;
}

/* Whether there are numbers for one message more, as far as can be seen: what is above the highest. */
static int is_tight(const struct fdpass_receiver *receiver, int highest)
{
	return (rlim_t)highest + table_reserve(receiver) >= receiver->table_size;
}

/* Somebody who has sent a part, and then idles, must not keep the numbers that others need to arrive on. */
static void make_room(struct fdpass_receiver *receiver, const struct caller *caller)
{
	size_t freed = 0;

	if (!is_tight(receiver, fdpass_room_highest_held(&receiver->room)))
		return;
	receiver->table_size = fdpass_receiver_table_size();
	while (freed < FDPASS_MESSAGE_MAX &&
	       is_tight(receiver, fdpass_room_highest_held(&receiver->room))) {
		struct caller *idle = fdpass_room_idlest_holder(&receiver->room, caller);

		if (idle != NULL)
			freed += fdpass_set_count(idle->incoming.set);
		if (!send_away(receiver, idle))
			break;
	}
}

/* The same for the memory that names take. 0 when it is too much and nobody else can go. */
static int make_room_for_names(struct fdpass_receiver *receiver, const struct caller *caller)
{
	while (fdpass_room_names(&receiver->room) > ROOM_NAMES_MAX) {
		if (!send_away(receiver, fdpass_room_idlest_named(&receiver->room, caller)))
			return 0;
	}
	return 1;
}

/* Whether what is offered is to come: 0; else a negative errno, and why. */
static int consider(struct fdpass_receiver *receiver, struct caller *caller,
		    const char **ret_reason)
{
	const struct incoming *incoming = &caller->incoming;
	const struct fdpass_offer offer = {
		.index = caller->index,
		.peer = incoming->sharing == INCOMING_SHARED ? caller->peer
							     : peer_of(&incoming->writer),
		.count = incoming->offer.count,
		.names = (const char *const *)incoming->offer.list,
	};

	*ret_reason = receiver->reason;
	receiver->reason[0] = '\0';
	if (receiver->consider != NULL &&
	    receiver->consider(receiver->consider_context, &offer, receiver->reason) < 0) {
		receiver->reason[FDPASS_REASON_MAX] = '\0';
		if (receiver->reason[0] == '\0')
			*ret_reason = "the receiver does not want it";
		return -EREMOTEIO;
	}
	/* Asked for anew, since that may have raised it. */
	receiver->table_size = fdpass_receiver_table_size();
	if (offer.count >= receiver->table_size) {
		snprintf(receiver->reason, sizeof(receiver->reason),
			 "the receiver may have %ju descriptors open, and %zu are offered",
			 (uintmax_t)receiver->table_size, offer.count);
		return -EMFILE;
	}
	*ret_reason = "the receiver could not answer";
	return fdpass_incoming_go_on(&caller->incoming);
}

/* A caller has sent everything. As serve(). */
static int conclude(struct fdpass_receiver *receiver, struct caller *caller,
		    struct fdpass_handover **ret_handover)
{
	/* Of a connection that others hold, only its maker is known. */
	if (caller->incoming.sharing == INCOMING_SHARED)
		caller->incoming.writer =
			(struct ucred){caller->peer.pid, caller->peer.uid, caller->peer.gid};
	/* From here on it is no concern of ours. */
	fdpass_receiver_forget(receiver, caller);
	if (fdpass_handover_new(&caller->incoming, caller->index, ret_handover) == 0)
		return 1;
	return came_to_nothing(receiver, caller, -ENOMEM, "the receiver is out of memory");
}

/* Reads what a caller has sent. 1: complete, in `*ret_handover`; 0: not yet, or it is gone; -errno when
 * nobody can come in its place. */
static int serve(struct fdpass_receiver *receiver, struct caller *caller,
		 struct fdpass_handover **ret_handover)
{
	struct judgement judgement = {receiver, caller};
	size_t before = fdpass_set_count(caller->incoming.set);
	const char *reason;
	int r;

	make_room(receiver, caller);
	r = fdpass_incoming_step(&caller->incoming, admit_writer, &judgement, &reason);
	if (r == INCOMING_OFFER)
		r = consider(receiver, caller, &reason);
	if (r < 0)
		return came_to_nothing(receiver, caller, r, reason);
	if (caller->incoming.phase == INCOMING_TRANSFER &&
	    fdpass_set_count(caller->incoming.set) > before)
		fdpass_receiver_observe(receiver, FDPASS_EVENT_PROGRESS, caller, "");
	if (r == INCOMING_COMPLETE)
		return conclude(receiver, caller, ret_handover);
	caller->active = fdpass_deadline_now();
	if (make_room_for_names(receiver, caller))
		return 0;
	return came_to_nothing(receiver, caller, -ENOMEM, "the names of too many handovers came");
}

/* Greets a new connection and sees whether it has sent something already. As serve(). */
static int welcome(struct fdpass_receiver *receiver, int socket, int index,
		   struct fdpass_handover **ret_handover)
{
	struct caller fresh = {.index = index, .active = fdpass_deadline_now()};
	struct caller *caller;
	int admitted = fdpass_rule_check(receiver->rule, socket, &fresh.peer);
	int full = admitted == -EMFILE || admitted == -ENFILE, highest;

	if (fdpass_incoming_begin(&fresh.incoming, socket, INCOMING_OWN) < 0 ||
	    (admitted < 0 && !full)) {
		/* Unread: the sender sees that nothing was taken. */
		fdpass_incoming_end(&fresh.incoming);
		return 0;
	}
	/* Before it is given a place, which may cost an admitted caller its own. */
	if (full) {
		fdpass_receiver_observe(receiver, FDPASS_EVENT_TURNED_AWAY, &fresh, FULL_TABLE);
		fdpass_room_dismiss(&fresh, FRAME_REFUSED, FULL_TABLE);
		return 0;
	}
	if (!admitted) {
		fdpass_receiver_observe(receiver, FDPASS_EVENT_NOT_ADMITTED, &fresh,
					"it connected");
		fdpass_room_dismiss(&fresh, FRAME_REFUSED, "the receiver does not admit this user");
		return 0;
	}
	/* Idle callers must not take the numbers that a handover needs to arrive on. Whoever has the
	 * highest may stay, and the new one have a low number that became free: so all of them count. */
	highest = fdpass_room_highest(&receiver->room);
	if (is_tight(receiver, socket > highest ? socket : highest))
		crowd_out(receiver);
	caller = fdpass_room_place(&receiver->room);
	if (caller == NULL && crowd_out(receiver))
		caller = fdpass_room_place(&receiver->room);
	if (caller == NULL) {
		fdpass_room_dismiss(&fresh, FRAME_BUSY, "there is no room for another caller");
		return 0;
	}
	*caller = fresh;
	fdpass_receiver_observe(receiver, FDPASS_EVENT_CONNECTED, caller, "");
	if (serve(receiver, caller, ret_handover) > 0)
		return 1;
	if (caller->incoming.socket >= 0 && fdpass_receiver_watch(receiver, caller) < 0)
		fdpass_room_dismiss(caller, FRAME_REFUSED, "the receiver is out of memory");
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

static int is_readable(int fd)
{
	struct pollfd polled = {.fd = fd, .events = POLLIN};

	return poll(&polled, 1, 0) > 0;
}

/* Accepts who is waiting. 1: one of them was complete; 0: nobody (more). */
static int accept_callers(struct fdpass_receiver *receiver, int index,
			  struct fdpass_handover **ret_handover)
{
	/* As many as there are places at a time, so that a flood does not keep the others waiting. */
	for (int i = 0; i < FDPASS_CALLERS_MAX; i++) {
		int listener = fdpass_listener_fd(receiver->listeners[index]);
		int socket;

		/* This listener's event comes again. */
		if (fdpass_room_must_read(&receiver->room))
			return 0;
		socket = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
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
		if (errno == EMFILE || errno == ENFILE) {
			/* It wants a number before it looks whether anybody is there. */
			if (!is_readable(listener))
				return 0;
			if (crowd_out(receiver))
				continue;
		}
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
		return receiver->room.places[place].incoming.socket >= 0
			       ? serve(receiver, &receiver->room.places[place], ret_handover)
			       : 0;
	return receiver->listeners[place] != NULL
		       ? accept_callers(receiver, (int)place, ret_handover)
		       : 0;
}

static int connection_lost(const struct fdpass_receiver *receiver, int code,
			   struct fdpass_error *error)
{
	fdpass_error_text(error, FDPASS_STEP_RECEIVE, code, receiver->lost_reason);
	if (error != NULL)
		error->fd = receiver->lost;
	return code;
}

int fdpass_receiver_next(struct fdpass_receiver *receiver, const struct fdpass_wait *wait,
			 struct fdpass_handover **ret_handover, struct fdpass_error *error)
{
	for (;;) {
		struct epoll_event events[EVENTS_MAX];
		int count;
		int r;

		/* First: whoever calls with a deadline that has passed wants that, too. */
		if (receiver->resume != FDPASS_NO_DEADLINE &&
		    fdpass_deadline_now() >= receiver->resume) {
			receiver->resume = FDPASS_NO_DEADLINE;
			set_listening(receiver, EPOLLIN);
		}
		r = fdpass_wait_for(wait, receiver->events, POLLIN, receiver->resume);
		if (r < 0)
			return fdpass_error_set(error, FDPASS_STEP_WAIT, r);
		if (r == 0)
			continue;
		do
			count = epoll_wait(receiver->events, events, EVENTS_MAX, 0);
		while (count < 0 && errno == EINTR);
		if (count < 0)
			return fdpass_error_set(error, FDPASS_STEP_RECEIVE, -errno);
		/* Level-triggered: what is left of the batch when one is complete comes again. */
		for (int i = 0; i < count; i++) {
			r = handle(receiver, &events[i], ret_handover);
			if (r > 0)
				return 0;
			if (r < 0)
				return connection_lost(receiver, r, error);
		}
		/* A flood of callers must not hold the deadline off. */
		r = fdpass_wait_over(wait);
		if (r < 0)
			return fdpass_error_set(error, FDPASS_STEP_WAIT, r);
	}
}
