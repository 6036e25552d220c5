/* SPDX-License-Identifier: MIT */
#ifndef FDPASS_FDRECV_RECEPTION_H
#define FDPASS_FDRECV_RECEPTION_H

/* One run of fdrecv: what it was asked, what it has so far, and how it ends. */

#include "cli/progress.h"
#include "fdpass.h"
#include "tools/fdrecv/placement.h"
#include "tools/fdrecv/request.h"
#include "tools/fdrecv/table.h"

enum { FAILED = 125, TIMED_OUT = 124 };

struct retiree;

struct reception {
	const struct request *request;
	struct table table;
	char *path;                         /* of the command */
	struct fdpass_address **addresses;  /* one for each group, as are the next three; or NULL */
	struct fdpass_handover **handovers; /* of what came by a socket; or NULL */
	struct fdpass_set **sets;       /* owned; what it has got, in the order of its targets */
	size_t *came;                   /* how many of them it keeps; 0 while it waits */
	struct placement placement;     /* of what has come, and the least that may still come */
	struct fdpass_pidref **pidrefs; /* owned, one for each --pid, or NULL */
	struct fdpass_rule *rule;
	struct fdpass_receiver *receiver;
	struct retiree *retirees; /* owned, one for each process of --pid; NULL without --retire */
	size_t retiree_count;
	int retirement; /* whoever retires them waits until this is closed; -1: nobody does */
	struct cli_progress progress; /* of what comes */
	struct fdpass_wait wait;
};

/* Makes room for every group. */
void fdrecv_reception_init(struct reception *reception, const struct request *request);

/*
 * Whether `group` could be given so many, with these names (or NULL), and all that has come so far then be
 * placed and announced, as far as that is known. 0; or a negative errno, with the reason. Nothing is changed.
 */
int fdrecv_reception_consider(struct reception *reception, size_t group, size_t count,
			      const char *const *names, char *reason, size_t size);

/* Gives `group` what it wants of `set`, if all that has come so far can then be placed and announced; the
 * rest stays in `set`. 0; or a negative errno, with the reason, and the group has got nothing, though what
 * it wanted may be closed by then. */
int fdrecv_reception_admit(struct reception *reception, size_t group, struct fdpass_set *set,
			   char *reason, size_t size);

/* How many numbers are needed at once: what is to be placed, and what is needed until then. */
size_t fdrecv_reception_needs(const struct reception *reception);

/*
 * Every way out but the command: these end the program with nothing left behind, and tell the senders of what
 * was accepted that it came to nothing, and why, as one who waits for the command takes an end without a word
 * for its start.
 */
_Noreturn void fdrecv_leave(struct reception *reception, int status);

/* After saying why on stderr, and to the senders. */
_Noreturn void fdrecv_leave_failed(struct reception *reception, const char *reason, int status);

/* By the signal that came, and by a signal that was taken already. */
_Noreturn void fdrecv_leave_cancelled(struct reception *reception);
_Noreturn void fdrecv_leave_killed(struct reception *reception, int signal);

#endif
