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

struct caller *fdpass_room_idlest(struct room *room)
{
	struct pollfd polled[FDPASS_CALLERS_MAX];
	struct caller *callers[FDPASS_CALLERS_MAX];
	struct caller *found = NULL;
	nfds_t count = 0;

	for (int i = 0; i < FDPASS_CALLERS_MAX; i++) {
		struct caller *caller = &room->places[i];

		if (caller->incoming.socket < 0 || caller->incoming.sharing != INCOMING_OWN)
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

void fdpass_room_dismiss(struct caller *caller, enum frame_type type, const char *text)
{
	fdpass_incoming_answer(&caller->incoming, type, 0, text);
	fdpass_incoming_end(&caller->incoming);
}
