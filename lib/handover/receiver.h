/* SPDX-License-Identifier: MIT */
#ifndef FDPASS_HANDOVER_RECEIVER_H
#define FDPASS_HANDOVER_RECEIVER_H

/* The inside of a receiver, for the two files that it has: what it listens to, and how it serves. */

#include <stdint.h>
#include <sys/resource.h>

#include "base/wait.h"
#include "handover/room.h"

struct fdpass_receiver {
	const struct fdpass_rule *rule;
	struct fdpass_rule *own_rule; /* owned, when the caller gave none */
	fdpass_observer observer;
	void *observer_context;
	int events;                         /* owned: epoll */
	struct fdpass_listener **listeners; /* owned; NULL where dropped */
	int listener_count;
	struct room room;
	struct fdpass_pause pause; /* when the table of open files is full */
	int64_t resume;            /* when accepting goes on; FDPASS_NO_DEADLINE: it does */
	fdpass_consider consider;  /* or NULL */
	void *consider_context;
	char reason[FDPASS_REASON_MAX + 1]; /* why an offer is refused */
	int lost;                           /* the index of a connection that came to nothing */
	const char *lost_reason;
	rlim_t table_size; /* RLIMIT_NOFILE */
};

/* RLIMIT_NOFILE as it is now: it may have been raised since the receiver was made. */
rlim_t fdpass_receiver_table_size(void);

/* What an epoll event is about: a listener's index, or this bit and a caller's place. */
#define ABOUT_CALLER (UINT64_C(1) << 32)

void fdpass_receiver_observe(const struct fdpass_receiver *receiver, enum fdpass_event_kind kind,
			     const struct caller *caller, const char *reason);

/* Has epoll tell of a caller, and tell of it no more. Closing would not do for the latter: a connection
 * that others hold as well, such as a child of this program, stays in the epoll set (epoll(7)). */
int fdpass_receiver_watch(const struct fdpass_receiver *receiver, const struct caller *caller);
void fdpass_receiver_forget(const struct fdpass_receiver *receiver, const struct caller *caller);

#endif
