/* SPDX-License-Identifier: MIT */
#ifndef FDPASS_HANDOVER_ROOM_H
#define FDPASS_HANDOVER_ROOM_H

/* The bounded room of a receiver's callers: those that have sent nothing complete yet. A rich handover is in
 * it, too, while its names and descriptors arrive. */

#include "wire/incoming.h"

/* Bytes of memory for names of handovers that are not complete, of all callers together: four times what the
 * largest handover takes. */
#define ROOM_NAMES_MAX (4 * (FDPASS_NAMES_MAX + FDPASS_HANDOVER_MAX * sizeof(char *)))

struct caller {
	struct incoming incoming; /* socket FD_NONE: the place is free */
	struct fdpass_peer peer;  /* who connected */
	int index;                /* the listener it came by, or the connection that it is */
	int64_t active;           /* when it last sent something, or connected */
};

struct room {
	struct caller places[FDPASS_CALLERS_MAX];
};

void fdpass_room_init(struct room *room);

/* A free place, or NULL. */
struct caller *fdpass_room_place(struct room *room);

/* Of those who came by a listener and have nothing for us to read, the one that has been idle longest;
 * NULL: there is none. What the others sent may be complete. Connections that were handed to the receiver
 * one by one do not count, as nobody would come in their place. */
struct caller *fdpass_room_idlest(struct room *room);

/* The same, of those that hold descriptors of a handover that is not complete; of those that hold names. */
struct caller *fdpass_room_idlest_holder(struct room *room, const struct caller *except);
struct caller *fdpass_room_idlest_named(struct room *room, const struct caller *except);

/* 1 when anybody else holds descriptors of a handover that is not complete. */
int fdpass_room_others_hold(const struct room *room, const struct caller *except);

/* Bytes of memory that callers' names take. */
size_t fdpass_room_names(const struct room *room);

/* 1 when it is full, and everybody who would have to go has something for us to read first. */
int fdpass_room_must_read(struct room *room);

/* The highest number that a caller's connection has; -1: nobody is there. The other one: that, or what has
 * come of a handover. */
int fdpass_room_highest(const struct room *room);
int fdpass_room_highest_held(const struct room *room);

/* Ends a caller, and closes what it had sent; `type` and `text` say why, if it can still hear it. */
void fdpass_room_dismiss(struct caller *caller, enum frame_type type, const char *text);

#endif
