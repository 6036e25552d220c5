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
#include "cli/signame.h"
#include "tools/fdrecv/announce.h"
#include "tools/fdrecv/program.h"
#include "tools/fdrecv/retire.h"
#include "tools/fdrecv/selection.h"

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
	cli_out_of_memory(&fdrecv_program);
}

size_t fdrecv_reception_needs(const struct reception *reception)
{
	return reception->placement.count + OWN_PER_GROUP * reception->request->group_count +
	       OWN_PER_ORIGIN * reception->request->origin_count + OWN_DESCRIPTORS;
}

/* Whether everything can be placed, with what each group is to keep counted already. */
static int check_placement(struct reception *reception, char *reason, size_t size)
{
	int r = fdrecv_placement_make(&reception->placement, reception->request, reception->came,
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
	return r;
}

/* What the group would get of so many, and in which order: `*ret_order` is the caller's on success. */
static int choose(const struct group *group, size_t count, const char *const *names,
		  size_t *ret_wanted, size_t **ret_order, char *reason, size_t size)
{
	size_t wanted = fdrecv_group_keeps(group, count);
	size_t *order = calloc(wanted, sizeof(*order));
	int r = 0;

	if (order == NULL) {
		snprintf(reason, size, "%s", strerror(ENOMEM));
		return -ENOMEM;
	}
	if (group->target == TARGET_FDS) {
		r = fdrecv_select(&group->targets, count, names, order, reason, size);
	} else if (count < wanted) {
		snprintf(reason, size, "%zu descriptors are wanted, and %zu came", wanted, count);
		r = -ENODATA;
	}
	for (size_t i = 0; group->target != TARGET_FDS && i < wanted; i++)
		order[i] = i;
	if (r < 0) {
		free(order);
		return r;
	}
	*ret_wanted = wanted;
	*ret_order = order;
	return 0;
}

int fdrecv_reception_consider(struct reception *reception, size_t group, size_t count,
			      const char *const *names, char *reason, size_t size)
{
	struct arrival arrival = {group, NULL, names};
	size_t wanted, *order;
	int r = choose(&reception->request->groups[group], count, names, &wanted, &order, reason,
		       size);

	if (r < 0)
		return r;
	free(order);
	reception->came[group] = wanted;
	r = check_placement(reception, reason, size);
	if (r == 0)
		r = fdrecv_announce_check(reception, &arrival, reason, size);
	reception->came[group] = 0;
	return r;
}

/* The names of what is in a set, which the caller frees; NULL when nobody asks for one. */
static int names_of(const struct group *group, const struct fdpass_set *set,
		    const char ***ret_names)
{
	size_t count = fdpass_set_count(set);
	const char **names;

	*ret_names = NULL;
	if (group->targets.names == NULL)
		return 0;
	names = calloc(count + 1, sizeof(*names));
	if (names == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		names[i] = fdpass_set_name(set, i);
	*ret_names = names;
	return 0;
}

/* Moves what is wanted, with its names. */
static int move(struct fdpass_set *from, const size_t *order, size_t wanted, struct fdpass_set *to)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < wanted; i++) {
		const char *name = fdpass_set_name(from, order[i]);

		r = fdpass_set_take(to, fdpass_set_get(from, order[i]));
		if (r < 0)
			break;
		fdpass_set_steal(from, order[i]);
		if (name != NULL)
			r = fdpass_set_rename(to, i, name);
	}
	return r;
}

static int take_over(struct reception *reception, size_t group, struct fdpass_set *set,
		     const size_t *order, char *reason, size_t size)
{
	struct fdpass_set *taken;
	int r = fdpass_set_new(&taken);

	if (r == 0) {
		r = move(set, order, reception->came[group], taken);
		if (r == 0) {
			reception->sets[group] = taken;
			return 0;
		}
		fdpass_set_discard(taken, 0);
		fdpass_set_free(taken);
	}
	snprintf(reason, size, "%s", strerror(-r));
	return r;
}

int fdrecv_reception_admit(struct reception *reception, size_t group, struct fdpass_set *set,
			   char *reason, size_t size)
{
	const struct group *wish = &reception->request->groups[group];
	struct arrival arrival = {group, set, NULL};
	size_t *order = NULL;
	const char **names;
	int r = names_of(wish, set, &names);

	if (r < 0)
		snprintf(reason, size, "%s", strerror(-r));
	else
		r = choose(wish, fdpass_set_count(set), names, &reception->came[group], &order,
			   reason, size);
	if (r == 0)
		r = check_placement(reception, reason, size);
	if (r == 0)
		r = fdrecv_announce_check(reception, &arrival, reason, size);
	if (r == 0)
		r = take_over(reception, group, set, order, reason, size);
	if (r < 0)
		reception->came[group] = 0;
	free(order);
	free(names);
	return r;
}

/* Once: who has been told is let go. */
static void tell_accepted(struct reception *reception, const char *reason)
{
	for (size_t i = 0; i < reception->request->group_count; i++) {
		if (reception->handovers[i] != NULL)
			fdpass_handover_fail(reception->handovers[i], reason);
		reception->handovers[i] = fdpass_handover_free(reception->handovers[i]);
	}
}

_Noreturn void fdrecv_leave(struct reception *reception, int status)
{
	const struct request *request = reception->request;

	tell_accepted(reception, "the receiver ended");
	fdpass_receiver_free(reception->receiver);
	for (size_t i = 0; i < request->group_count; i++) {
		if (reception->sets[i] != NULL)
			fdpass_set_discard(reception->sets[i], 0);
		fdpass_set_free(reception->sets[i]);
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

_Noreturn void fdrecv_leave_failed(struct reception *reception, const char *reason, int status)
{
	cli_error("%s", reason);
	tell_accepted(reception, reason);
	fdrecv_leave(reception, status);
}

_Noreturn void fdrecv_leave_cancelled(struct reception *reception)
{
	fdrecv_leave_killed(reception, cli_signals_caught());
}

_Noreturn void fdrecv_leave_killed(struct reception *reception, int signal)
{
	char reason[FDPASS_REASON_MAX + 1], number[16];

	fdpass_receiver_free(reception->receiver);
	snprintf(reason, sizeof(reason), "interrupted (%s)", cli_signame_text(signal, number));
	tell_accepted(reception, reason);
	cli_signals_die(signal);
}
