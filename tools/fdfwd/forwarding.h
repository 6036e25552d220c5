/* SPDX-License-Identifier: MIT */
#ifndef FDPASS_FDFWD_FORWARDING_H
#define FDPASS_FDFWD_FORWARDING_H

/* One run of fdfwd: where from, where to, and who may. */

#include "cli/progress.h"
#include "fdpass.h"
#include "tools/fdfwd/request.h"

enum { FAILED = 1, TIMED_OUT = 124 };

struct forwarding {
	const struct request *request;
	struct fdpass_address *
		*addresses;               /* owned; of the request's endpoints: FROM is the first */
	struct fdpass_rule *from, *to;    /* owned */
	struct fdpass_receiver *receiver; /* owned */
	struct cli_progress progress;     /* of what comes */
	struct fdpass_wait wait;          /* of the whole run; with --keep it has no deadline */
};

/* Ends the program with nothing left behind; by the signal that came when `code` is -ECANCELED. */
_Noreturn void fdfwd_leave(struct forwarding *forwarding, int code);

#endif
