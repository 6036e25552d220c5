/* SPDX-License-Identifier: MIT */
#ifndef FDPASS_RENDEZVOUS_WATCH_H
#define FDPASS_RENDEZVOUS_WATCH_H

/* Watching a path for a socket to appear there, also before its directories exist: inotify(7). */

#include <stddef.h>

struct watch {
	int inotify; /* owned; FD_NONE when the kernel gave us none */
	/* The component that is missing in the deepest directory that exists; in the path. */
	const char *missing;
	size_t missing_length;
	int end; /* the kernel's number for that directory */
};

#define WATCH_INIT                                                                                 \
	{                                                                                          \
		FD_NONE, NULL, 0, -1                                                               \
	}

/* What arming says, added up. */
enum watch_state {
	/* Whatever can make the path lead to a new socket will be an event. Without this some of it
	 * will not (a directory that may not be read, a symbolic link, a network file system, no
	 * watches left), so that the caller has to look again by itself as well. */
	WATCH_COMPLETE = 1 << 0,
	/* What is watched is not what was watched before: look once more, since what came in
	 * between was no event. */
	WATCH_CHANGED = 1 << 1,
};

/*
 * Watches every directory on the way to `path`, which must outlive the watch. To be called again
 * after each event, since directories come and go. Returns enum watch_state.
 */
int fdpass_watch_arm(struct watch *watch, const char *path);

/* Takes the events; 1 when one of them can concern the path, else 0; -errno when they cannot be read. */
int fdpass_watch_drain(struct watch *watch);

void fdpass_watch_end(struct watch *watch);

#endif
