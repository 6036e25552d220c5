/* SPDX-License-Identifier: MIT */
/* Putting descriptors on given numbers: collecting what goes where, and carrying it out. */
#include "fdpass.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"
#include "base/set.h"
#include "place/order.h"

#define PLAN_ROOM_FIRST 16

/* The pairs in the order in which they were added, and a hash table that finds a target in it, so
 * that a plan of n pairs costs n, not n². Targets that ascend, as they mostly do, are new without a look. */
struct fdpass_plan {
	struct fdpass_pair *pairs;
	size_t count;
	size_t room;
	size_t *table; /* 2 * room cells: index + 1 of a pair; 0: empty. NULL while targets ascend */
	int highest;
};

int fdpass_plan_new(struct fdpass_plan **ret_plan)
{
	struct fdpass_plan *plan = calloc(1, sizeof(*plan));

	if (plan == NULL)
		return -ENOMEM;
	plan->highest = -1;
	*ret_plan = plan;
	return 0;
}

struct fdpass_plan *fdpass_plan_free(struct fdpass_plan *plan)
{
	if (plan != NULL) {
		free(plan->pairs);
		free(plan->table);
		free(plan);
	}
	return NULL;
}

/* The cell of `target`, or the empty one where it belongs. `cells` is a power of two, half of them
 * empty. Fibonacci hashing, so that no regular spacing of the numbers piles up. */
static size_t *find_cell(const struct fdpass_pair *pairs, size_t *table, size_t cells, int target)
{
	size_t at = (size_t)((uint64_t)target * UINT64_C(0x9E3779B97F4A7C15) >> 32) & (cells - 1);

	while (table[at] != 0 && pairs[table[at] - 1].target != target)
		at = (at + 1) & (cells - 1);
	return &table[at];
}

/* Makes the table, of all pairs, or makes it anew. */
static int index_targets(struct fdpass_plan *plan)
{
	size_t *table = calloc(plan->room, 2 * sizeof(*table));

	if (table == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < plan->count; i++)
		*find_cell(plan->pairs, table, 2 * plan->room, plan->pairs[i].target) = i + 1;
	free(plan->table);
	plan->table = table;
	return 0;
}

static int grow(struct fdpass_plan *plan)
{
	size_t old = plan->room, room = old > 0 ? 2 * old : PLAN_ROOM_FIRST;
	struct fdpass_pair *pairs;
	int r = 0;

	if (room > SIZE_MAX / 2 / sizeof(*pairs))
		return -ENOMEM;
	pairs = realloc(plan->pairs, room * sizeof(*pairs));
	if (pairs == NULL)
		return -ENOMEM;
	plan->pairs = pairs;
	plan->room = room;
	if (plan->table != NULL)
		r = index_targets(plan);
	/* The table is that of the room before. */
	if (r < 0)
		plan->room = old;
	return r;
}

/* Where the next pair's target belongs in the table, if there is one. -EEXIST when it is there. */
static int find_place(struct fdpass_plan *plan, int target, size_t **ret_cell)
{
	*ret_cell = NULL;
	if (plan->table == NULL) {
		int r = target > plan->highest ? 0 : index_targets(plan);

		if (r < 0 || plan->table == NULL)
			return r;
	}
	*ret_cell = find_cell(plan->pairs, plan->table, 2 * plan->room, target);
	return **ret_cell != 0 ? -EEXIST : 0;
}

int fdpass_plan_add(struct fdpass_plan *plan, int source, int target)
{
	size_t *cell;
	int r;

	if (source < 0 || target < 0)
		return -EBADF;
	if (plan->count == plan->room) {
		r = grow(plan);
		if (r < 0)
			return r;
	}
	r = find_place(plan, target, &cell);
	if (r < 0)
		return r;
	plan->pairs[plan->count++] = (struct fdpass_pair){source, target};
	if (cell != NULL)
		*cell = plan->count;
	if (target > plan->highest)
		plan->highest = target;
	return 0;
}

int fdpass_plan_highest(const struct fdpass_plan *plan)
{
	return plan->highest;
}

static int duplicate(int from, int to, int flags)
{
	int code;

	do {
		if (dup3(from, to, flags) >= 0)
			return 0;
	} while (errno == EINTR);
	code = errno;
	/* EBADF is also what dup3(2) says about a number beyond RLIMIT_NOFILE. */
	if (code == EBADF && fdpass_fd_is_open(from))
		return -EMFILE;
	return -code;
}

static int is_target(const struct fdpass_plan *plan, int fd)
{
	for (size_t i = 0; i < plan->count; i++)
		if (plan->pairs[i].target == fd)
			return 1;
	return 0;
}

/* Copies `fd`, which the next step overwrites, to a number that the caller owns from here on. */
static int spare(const struct fdpass_plan *plan, int fd, int *spare_fd, int *failed)
{
	int copy;

	if (*spare_fd >= 0)
		return duplicate(fd, *spare_fd, O_CLOEXEC);
	copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (copy < 0)
		return errno == EINVAL ? -EMFILE : -errno; /* EINVAL: RLIMIT_NOFILE is 0 */
	/* Only what belongs to a cycle is still to be placed, and all of that is open: a target that
	 * is free now is a source that never was. Its number must not pass for it. */
	if (is_target(plan, copy)) {
		fdpass_fd_close(copy);
		*failed = copy;
		return -EBADF;
	}
	*spare_fd = copy;
	return 0;
}

static int run_step(const struct fdpass_plan *plan, const struct fdpass_order_step *step,
		    int *spare_fd, int *failed)
{
	*failed = step->to;
	switch (step->verb) {
	case FDPASS_ORDER_DUP:
		return duplicate(step->from, step->to, 0);
	case FDPASS_ORDER_SHARE:
		return fcntl(step->from, F_SETFD, 0) < 0 ? -errno : 0;
	case FDPASS_ORDER_SPARE:
		return spare(plan, step->from, spare_fd, failed);
	case FDPASS_ORDER_RESTORE:
		return duplicate(*spare_fd, step->to, 0);
	case FDPASS_ORDER_CLOSE:
		fdpass_set_close_run(step->from, step->to);
		return 0;
	}
	return -EINVAL;
}

int fdpass_plan_run(struct fdpass_plan *plan, struct fdpass_error *error)
{
	struct fdpass_order_step *steps;
	fd_owned int spare_fd = FD_NONE;
	size_t count, i;
	int r;

	r = fdpass_order_make(plan->pairs, plan->count, &steps, &count);
	if (r < 0)
		return fdpass_error_set(error, FDPASS_STEP_MEMORY, r);
	/* From here on there is no way back. */
	for (i = 0; i < count; i++) {
		int failed;

		r = run_step(plan, &steps[i], &spare_fd, &failed);
		if (r < 0) {
			fdpass_error_fd(error, FDPASS_STEP_PLACE, r, failed);
			break;
		}
	}
	free(steps);
	return r < 0 ? r : 0;
}
