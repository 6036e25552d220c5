/* SPDX-License-Identifier: MIT */
/* Which numbers everything is to have for the command. */
#include "tools/fdrecv/placement.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/descriptors.h"
#include "fdpass.h"

/* How many of `count` ascending numbers lie below `limit`. */
static size_t below(const int *numbers, size_t count, int limit)
{
	size_t low = 0, high = count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (numbers[middle] < limit)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static size_t numbers_of(const struct group *group, size_t came)
{
	return group->targets.count > 0 ? group->targets.count : fdrecv_group_keeps(group, came);
}

static int allocate(struct placement *placement, const struct request *request, const size_t *came)
{
	size_t count = 0;

	placement->first = malloc((request->group_count + 1) * sizeof(*placement->first));
	if (placement->first == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < request->group_count; i++) {
		placement->first[i] = count;
		count += numbers_of(&request->groups[i], came[i]);
	}
	placement->first[request->group_count] = count;
	placement->numbers = malloc(count * sizeof(*placement->numbers));
	placement->sorted = malloc(count * sizeof(*placement->sorted));
	return placement->numbers == NULL || placement->sorted == NULL ? -ENOMEM : 0;
}

/* Sorts in the numbers of the group that was filled last. */
static void sort_in(struct placement *placement, size_t group)
{
	size_t first = placement->first[group];
	size_t count = placement->first[group + 1] - first;

	memcpy(placement->sorted + placement->count, placement->numbers + first,
	       count * sizeof(*placement->sorted));
	placement->count += count;
}

/* 3 and up, and what the command line names. */
static void fill_known(struct placement *placement, const struct request *request)
{
	int next = FDPASS_ACTIVATION_FIRST;

	for (size_t i = 0; i < request->group_count; i++) {
		const struct group *group = &request->groups[i];

		if (group->target == TARGET_VARIABLE)
			continue;
		for (size_t j = placement->first[i]; j < placement->first[i + 1]; j++)
			placement->numbers[j] =
				group->target == TARGET_LISTEN
					? next++
					: group->targets.numbers[j - placement->first[i]];
		sort_in(placement, i);
	}
}

/* The lowest numbers from 3 up that are not wanted already and not open. */
static void fill_free(struct placement *placement, const struct request *request,
		      int (*is_free)(int fd))
{
	size_t known = placement->count, passed;
	int next = FDPASS_ACTIVATION_FIRST;

	cli_descriptors_sort(placement->sorted, known);
	passed = below(placement->sorted, known, next);
	for (size_t i = 0; i < request->group_count; i++) {
		if (request->groups[i].target != TARGET_VARIABLE)
			continue;
		for (size_t j = placement->first[i]; j < placement->first[i + 1]; next++) {
			if (passed < known && placement->sorted[passed] == next)
				passed++;
			else if (is_free(next))
				placement->numbers[j++] = next;
		}
		sort_in(placement, i);
	}
	cli_descriptors_sort(placement->sorted, placement->count);
}

/* Only --listen-fds can collide here: what the command line names was compared when it was read. */
static int check_collision(const struct request *request, const size_t *came, char *reason,
			   size_t size)
{
	size_t wanted = 0, at;
	int length;

	for (size_t i = 0; i < request->group_count; i++)
		if (request->groups[i].target == TARGET_LISTEN)
			wanted += numbers_of(&request->groups[i], came[i]);
	at = below(request->targets, request->target_count, FDPASS_ACTIVATION_FIRST);
	if (at == request->target_count ||
	    (size_t)(request->targets[at] - FDPASS_ACTIVATION_FIRST) >= wanted)
		return 0;
	length = snprintf(reason, size, "target %d is in the way of --listen-fds, which takes %d",
			  request->targets[at], FDPASS_ACTIVATION_FIRST);
	if (wanted > 1 && length > 0 && (size_t)length < size)
		snprintf(reason + length, size - (size_t)length, " to %zu",
			 FDPASS_ACTIVATION_FIRST + wanted - 1);
	return -EEXIST;
}

int fdrecv_placement_make(struct placement *placement, const struct request *request,
			  const size_t *came, int (*is_free)(int fd), char *reason, size_t size)
{
	struct placement made = {NULL, NULL, NULL, 0};
	int r = check_collision(request, came, reason, size);

	if (r < 0)
		return r;
	r = allocate(&made, request, came);
	if (r < 0) {
		fdrecv_placement_clear(&made);
		return r;
	}
	fill_known(&made, request);
	fill_free(&made, request, is_free);
	fdrecv_placement_clear(placement);
	*placement = made;
	return 0;
}

void fdrecv_placement_clear(struct placement *placement)
{
	free(placement->numbers);
	free(placement->first);
	free(placement->sorted);
	*placement = (struct placement){NULL, NULL, NULL, 0};
}

const int *fdrecv_placement_of(const struct placement *placement, size_t group, size_t *ret_count)
{
	*ret_count = placement->first[group + 1] - placement->first[group];
	return placement->numbers + placement->first[group];
}

int fdrecv_placement_highest(const struct placement *placement)
{
	return placement->sorted[placement->count - 1];
}

int fdrecv_placement_beside(const struct placement *placement, int fd)
{
	size_t i = below(placement->sorted, placement->count, fd);

	while (i < placement->count && placement->sorted[i] == fd) {
		i++;
		fd++;
	}
	return fd;
}
