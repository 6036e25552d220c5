/* SPDX-License-Identifier: MIT */
/* What is taken out of other processes: before anybody is waited for, since it may not be there later. */
#include "tools/fdrecv/acquire.h"

#include <string.h>

#include "cli/acquire.h"
#include "cli/diagnostic.h"
#include "tools/fdrecv/retire.h"

static void fill(struct reception *reception, size_t index)
{
	const struct group *group = &reception->request->groups[index];
	const struct origin *origin = &reception->request->origins[group->origin];
	const struct fdpass_pidref *ref = reception->pidrefs[group->origin];
	char reason[FDPASS_REASON_MAX + 1];
	struct fdpass_set *set;
	int r = fdpass_set_new(&set);

	if (r < 0) {
		cli_error("--pid %s: preparing to take failed: %s", origin->process.text,
			  strerror(-r));
		fdrecv_leave(reception, FAILED);
	}
	r = group->match != NULL
		    ? cli_acquire_match(ref, group->match, group->source, origin->method, set)
		    : cli_acquire_numbers(ref, &group->numbers, origin->method, set);
	if (r == 0) {
		r = fdrecv_reception_admit(reception, index, set, reason, sizeof(reason));
		if (r < 0)
			cli_error("--pid %s: %s: %s", origin->process.text, group->source, reason);
	}
	/* More than asked for is closed. */
	fdpass_set_discard(set, 0);
	fdpass_set_free(set);
	if (r < 0)
		fdrecv_leave(reception, FAILED);
}

void fdrecv_acquire(struct reception *reception)
{
	const struct request *request = reception->request;

	for (size_t i = 0; i < request->origin_count; i++)
		if (cli_process_pin(&request->origins[i].process, &reception->pidrefs[i]) < 0)
			fdrecv_leave(reception, FAILED);
	fdrecv_retire_check(reception);
	for (size_t i = 0; i < request->group_count; i++)
		if (request->groups[i].origin >= 0)
			fill(reception, i);
}
