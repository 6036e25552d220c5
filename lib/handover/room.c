/* SPDX-License-Identifier: MIT */
/* The bounded room of a receiver's callers. */
#include "handover/room.h"

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
	struct caller *found = NULL;

	for (int i = 0; i < FDPASS_CALLERS_MAX; i++) {
		struct caller *caller = &room->places[i];

		if (caller->incoming.socket >= 0 && caller->incoming.sharing == INCOMING_OWN &&
		    (found == NULL || caller->active < found->active))
			found = caller;
	}
	return found;
}

void fdpass_room_dismiss(struct caller *caller, enum frame_type type, const char *text)
{
	fdpass_incoming_answer(&caller->incoming, type, 0, text);
	fdpass_incoming_end(&caller->incoming);
}
