/* SPDX-License-Identifier: MIT */
/* One run of fdrecv: what it has so far, and how it ends. */
#include "tools/fdrecv/reception.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/diagnostic.h"
#include "cli/signals.h"
#include "tools/fdrecv/announce.h"
#include "tools/fdrecv/retire.h"

/* Descriptors of this program's own: signals, epoll, a second stderr, a caller that is looked at, one for
 * the placement of a cycle, and one to whoever retires a process; for each group its listening socket, that
 * one's directory, and the connection; for each process its pidfd and its directory. */
#define OWN_DESCRIPTORS 6
#define OWN_PER_GROUP 3
#define OWN_PER_ORIGIN 2

void fdrecv_reception_init(struct reception *reception, const struct request *request)
{
	size_t groups = request->group_count;

	*reception = (struct reception){
		.request = request,
		.wait = FDPASS_WAIT_INIT,
		.retirement = -1,
		.addresses = calloc(groups, sizeof(*reception->addresses)),
		.handovers = calloc(groups, sizeof(*reception->handovers)),
		.sets = calloc(groups, sizeof(*reception->sets)),
		.came = calloc(groups, sizeof(*reception->came)),
		.pidrefs = calloc(request->origin_count + 1, sizeof(*reception->pidrefs)),
	};
	if (reception->addresses != NULL && reception->handovers != NULL &&
	    reception->sets != NULL && reception->came != NULL && reception->pidrefs != NULL)
		return;
	cli_error("%s", strerror(ENOMEM));
	exit(FAILED);
}

size_t fdrecv_reception_needs(const struct reception *reception)
{
	return reception->placement.count + OWN_PER_GROUP * reception->request->group_count +
	       OWN_PER_ORIGIN * reception->request->origin_count + OWN_DESCRIPTORS;
}

/* The same, with what the group is to keep counted already. */
static int check(struct reception *reception, size_t group, struct fdpass_set *set, char *reason,
		 size_t size)
{
	const struct request *request = reception->request;
	int r = fdrecv_placement_make(&reception->placement, request, reception->came,
				      fdrecv_table_is_free, reason, size);

	if (r == -EEXIST)
		return r;
	if (r == 0)
		r = fdrecv_table_reach(&reception->table,
				       fdrecv_placement_highest(&reception->placement),
				       fdrecv_reception_needs(reception));
	if (r == -EMFILE)
		snprintf(reason, size, "the hard limit on open files, %ju, is too low (ulimit -Hn)",
			 (uintmax_t)reception->table.inherited.rlim_max);
	else if (r < 0)
		snprintf(reason, size, "%s", strerror(-r));
	if (r == 0 && request->groups[group].target == TARGET_LISTEN)
		r = fdrecv_announce_check(request, reception->came, set, reason, size);
	return r;
}

int fdrecv_reception_admit(struct reception *reception, size_t group, struct fdpass_set *set,
			   char *reason, size_t size)
{
	size_t came = fdpass_set_count(set);
	size_t wanted = fdrecv_group_keeps(&reception->request->groups[group], came);
	int r;

	if (came < wanted) {
		snprintf(reason, size, "%zu descriptors are wanted, and %zu came", wanted, came);
		return -ENODATA;
	}
	reception->came[group] = wanted;
	reception->sets[group] = set;
	r = check(reception, group, set, reason, size);
	if (r < 0) {
		reception->came[group] = 0;
		reception->sets[group] = NULL;
	}
	return r;
}

_Noreturn void fdrecv_leave(struct reception *reception, int status)
{
	const struct request *request = reception->request;

	fdpass_receiver_free(reception->receiver);
	for (size_t i = 0; i < request->group_count; i++) {
		if (reception->handovers[i] == NULL)
			fdpass_set_free(reception->sets[i]);
		fdpass_handover_free(reception->handovers[i]);
		fdpass_address_free(reception->addresses[i]);
	}
	fdrecv_retire_forget(reception);
	for (size_t i = 0; i < request->origin_count; i++)
		fdpass_pidref_free(reception->pidrefs[i]);
	fdrecv_placement_clear(&reception->placement);
	free(reception->pidrefs);
	free(reception->came);
	free(reception->sets);
	free(reception->handovers);
	free(reception->addresses);
	free(reception->path);
	fdpass_rule_free(reception->rule);
	exit(status);
}

_Noreturn void fdrecv_leave_cancelled(struct reception *reception)
{
	int signal = cli_signals_caught();

	fdpass_receiver_free(reception->receiver);
	cli_signals_die(signal);
}
