/* SPDX-License-Identifier: MIT */
/* The bounded room of a receiver's callers. */
#include "handover/room.h"

#include <poll.h>

#include "base/fd.h"

void fdpass_room_init(struct room *room)
{
	for (int i = 0; i < FDPASS_CALLERS_MAX; i++)
		room->places[i].incoming.socket = FD_NONE;
}

struct caller *fdpass_room_place(struct room *room)
{
	for (int i = 0; i < FDPASS_CALLERS_MAX; i++) {
		if (room->places[i].incoming.socket < 0)
			return &room->places[i];
	}
	return NULL;
}

/* Whether a caller may be one that has to go. */
typedef int (*eligibility)(const struct caller *caller);

static int is_there(const struct caller *caller)
{
	return caller->incoming.socket >= 0 && caller->incoming.sharing == INCOMING_OWN;
}

static int holds_descriptors(const struct caller *caller)
{
	return is_there(caller) && fdpass_set_count(caller->incoming.set) > 0;
}

static int holds_names(const struct caller *caller)
{
	return is_there(caller) && caller->incoming.offer.room > 0;
}

static struct caller *idlest(struct room *room, eligibility is_eligible,
			     const struct caller *except)
{
	struct pollfd polled[FDPASS_CALLERS_MAX];
	struct caller *callers[FDPASS_CALLERS_MAX];
	struct caller *found = NULL;
	nfds_t count = 0;

	for (int i = 0; i < FDPASS_CALLERS_MAX; i++) {
		struct caller *caller = &room->places[i];

		if (caller == except || !is_eligible(caller))
			continue;
		callers[count] = caller;
		polled[count++] = (struct pollfd){.fd = caller->incoming.socket, .events = POLLIN};
	}
	poll(polled, count, 0);
	for (nfds_t i = 0; i < count; i++) {
		if (polled[i].revents == 0 && (found == NULL || callers[i]->active < found->active))
			found = callers[i];
	}
	return found;
}

struct caller *fdpass_room_idlest(struct room *room)
{
	return idlest(room, is_there, NULL);
}

struct caller *fdpass_room_idlest_holder(struct room *room, const struct caller *except)
{
	return idlest(room, holds_descriptors, except);
}

struct caller *fdpass_room_idlest_named(struct room *room, const struct caller *except)
{
	return idlest(room, holds_names, except);
}

int fdpass_room_others_hold(const struct room *room, const struct caller *except)
{
	for (int i = 0; i < FDPASS_CALLERS_MAX; i++) {
		if (&room->places[i] != except && holds_descriptors(&room->places[i]))
			return 1;
	}
	return 0;
}

size_t fdpass_room_names(const struct room *room)
{
	size_t names = 0;

	for (int i = 0; i < FDPASS_CALLERS_MAX; i++)
		names += fdpass_offer_memory(&room->places[i].incoming.offer);
	return names;
}

int fdpass_room_must_read(struct room *room)
{
	int own = 0;

	for (int i = 0; i < FDPASS_CALLERS_MAX; i++) {
		if (room->places[i].incoming.socket < 0)
			return 0;
		own |= room->places[i].incoming.sharing == INCOMING_OWN;
	}
	return own && fdpass_room_idlest(room) == NULL;
}

int fdpass_room_highest(const struct room *room)
{
	int highest = -1;

	for (int i = 0; i < FDPASS_CALLERS_MAX; i++) {
		if (room->places[i].incoming.socket > highest)
			highest = room->places[i].incoming.socket;
	}
	return highest;
}

int fdpass_room_highest_held(const struct room *room)
{
	int highest = fdpass_room_highest(room);

	for (int i = 0; i < FDPASS_CALLERS_MAX; i++) {
		const struct incoming *incoming = &room->places[i].incoming;

		if (incoming->socket >= 0 && incoming->highest > highest)
			highest = incoming->highest;
	}
	return highest;
}

void fdpass_room_dismiss(struct caller *caller, enum frame_type type, const char *text)
{
	/* What came of a handover was never looked at. */
	fdpass_set_discard(caller->incoming.set, 0);
	fdpass_incoming_answer(&caller->incoming, type, 0, text);
	fdpass_incoming_end(&caller->incoming);
}
