/* SPDX-License-Identifier: MIT */
/* In which order to duplicate descriptors onto given numbers, so that none is lost on the way. */
#include "place/order.h"

#include <errno.h>
#include <stdlib.h>

#define NO_PAIR ((size_t)-1)

struct slot {
	int target;
	size_t pair;
};

/* A pair can be carried out once nothing that is still to come needs what is at its target now. */
struct order {
	const struct fdpass_pair *pairs;
	size_t count;
	struct slot *slots;     /* sorted by target */
	size_t *overwritten_by; /* for each pair: the pair whose target is its source, or NO_PAIR */
	size_t *needed_by;      /* for each pair: how many pairs still need what is at its target */
	size_t *ready;          /* a queue of pairs: each enters it at most once */
	struct fdpass_order_step *steps;
	size_t step_count;
};

static int compare_slots(const void *a, const void *b)
{
	int x = ((const struct slot *)a)->target, y = ((const struct slot *)b)->target;

	return (x > y) - (x < y);
}

static int compare_ints(const void *a, const void *b)
{
	int x = *(const int *)a, y = *(const int *)b;

	return (x > y) - (x < y);
}

static size_t find_target(const struct order *order, int fd)
{
	struct slot key = {fd, NO_PAIR};
	const struct slot *slot =
		bsearch(&key, order->slots, order->count, sizeof(key), compare_slots);

	return slot != NULL ? slot->pair : NO_PAIR;
}

static void add_step(struct order *order, enum fdpass_order_verb verb, int from, int to)
{
	order->steps[order->step_count++] = (struct fdpass_order_step){verb, from, to};
}

/* Sorts the targets and links every pair with the one that overwrites its source. */
static int link_pairs(struct order *order)
{
	size_t i;

	for (i = 0; i < order->count; i++)
		order->slots[i] = (struct slot){order->pairs[i].target, i};
	qsort(order->slots, order->count, sizeof(order->slots[0]), compare_slots);
	for (i = 1; i < order->count; i++)
		if (order->slots[i].target == order->slots[i - 1].target)
			return -EEXIST;

	for (i = 0; i < order->count; i++) {
		size_t over = find_target(order, order->pairs[i].source);

		order->overwritten_by[i] = over;
		if (over != NO_PAIR && over != i)
			order->needed_by[over]++;
	}
	return 0;
}

/* Everything but cycles: from the targets that nobody needs back to where their sources come from. */
static void place_trees(struct order *order)
{
	size_t head = 0, tail = 0, i;

	for (i = 0; i < order->count; i++) {
		/* What stays where it is can be copied from at any time, and is not waited for. */
		if (order->overwritten_by[i] == i)
			add_step(order, FDPASS_ORDER_SHARE, order->pairs[i].source,
				 order->pairs[i].target);
		else if (order->needed_by[i] == 0)
			order->ready[tail++] = i;
	}
	while (head < tail) {
		size_t over;

		i = order->ready[head++];
		add_step(order, FDPASS_ORDER_DUP, order->pairs[i].source, order->pairs[i].target);
		over = order->overwritten_by[i];
		if (over == NO_PAIR || order->overwritten_by[over] == over)
			continue;
		if (--order->needed_by[over] == 0)
			order->ready[tail++] = over;
	}
}

/* Ascending sources one after the other: those that follow each other are one step. */
static void add_close(struct order *order, int source)
{
	struct fdpass_order_step *last =
		order->step_count > 0 ? &order->steps[order->step_count - 1] : NULL;

	if (last != NULL && last->verb == FDPASS_ORDER_CLOSE && source - last->to <= 1)
		last->to = source;
	else
		add_step(order, FDPASS_ORDER_CLOSE, source, source);
}

/* Sources that are no targets are done with once the trees are placed. */
static int close_sources(struct order *order)
{
	size_t count = 0, i;
	int *sources = malloc(order->count * sizeof(*sources));

	if (sources == NULL)
		return -ENOMEM;
	for (i = 0; i < order->count; i++)
		if (order->overwritten_by[i] == NO_PAIR)
			sources[count++] = order->pairs[i].source;
	qsort(sources, count, sizeof(sources[0]), compare_ints);
	for (i = 0; i < count; i++)
		add_close(order, sources[i]);
	free(sources);
	return 0;
}

/* What is left are cycles, and every pair of one is needed by exactly one other. */
static void place_cycles(struct order *order)
{
	size_t first, i;

	for (first = 0; first < order->count; first++) {
		int spared = order->pairs[first].target;

		if (order->needed_by[first] == 0 || order->overwritten_by[first] == first)
			continue;
		/* Backwards along the cycle, from a target to where its source comes from; the last
		 * one's source is the target that went first. */
		add_step(order, FDPASS_ORDER_SPARE, spared, spared);
		for (i = first; order->pairs[i].source != spared; i = order->overwritten_by[i]) {
			add_step(order, FDPASS_ORDER_DUP, order->pairs[i].source,
				 order->pairs[i].target);
			order->needed_by[i] = 0;
		}
		add_step(order, FDPASS_ORDER_RESTORE, spared, order->pairs[i].target);
		order->needed_by[i] = 0;
	}
}

static int make_steps(struct order *order)
{
	int r = link_pairs(order);

	if (r < 0)
		return r;
	place_trees(order);
	r = close_sources(order);
	if (r < 0)
		return r;
	place_cycles(order);
	return 0;
}

static int make_any(struct order *order)
{
	int r = -ENOMEM;

	order->slots = calloc(order->count, sizeof(*order->slots));
	order->overwritten_by = calloc(order->count, sizeof(*order->overwritten_by));
	order->needed_by = calloc(order->count, sizeof(*order->needed_by));
	order->ready = calloc(order->count, sizeof(*order->ready));
	if (order->slots != NULL && order->overwritten_by != NULL && order->needed_by != NULL &&
	    order->ready != NULL)
		r = make_steps(order);
	free(order->slots);
	free(order->overwritten_by);
	free(order->needed_by);
	free(order->ready);
	return r;
}

static int is_ascending(const struct order *order)
{
	const struct fdpass_pair *pairs = order->pairs;

	for (size_t i = 1; i < order->count; i++)
		if (pairs[i].source < pairs[i - 1].source || pairs[i].target <= pairs[i - 1].target)
			return 0;
	return 1;
}

/*
 * What ascends on both sides, as received ranges do, takes no search. What goes down is placed from the lowest on:
 * the target is below every source that is still to go down, and above the target, and so the source, of
 * whatever before it goes up. What goes up follows, from the highest on: its target is above every source that is
 * still to go up, and nothing else is left.
 */
static void make_ascending(struct order *order)
{
	const struct fdpass_pair *pairs = order->pairs;
	size_t i, at = 0;

	for (i = 0; i < order->count; i++)
		if (pairs[i].target <= pairs[i].source)
			add_step(order,
				 pairs[i].target < pairs[i].source ? FDPASS_ORDER_DUP
								   : FDPASS_ORDER_SHARE,
				 pairs[i].source, pairs[i].target);
	while (i-- > 0)
		if (pairs[i].target > pairs[i].source)
			add_step(order, FDPASS_ORDER_DUP, pairs[i].source, pairs[i].target);
	for (i = 0; i < order->count; i++) {
		while (at < order->count && pairs[at].target < pairs[i].source)
			at++;
		if (at == order->count || pairs[at].target != pairs[i].source)
			add_close(order, pairs[i].source);
	}
}

int fdpass_order_make(const struct fdpass_pair *pairs, size_t count,
		      struct fdpass_order_step **ret_steps, size_t *ret_count)
{
	struct order order = {.pairs = pairs, .count = count};
	int r = 0;

	if (count == 0) {
		*ret_steps = NULL;
		*ret_count = 0;
		return 0;
	}
	/* Each pair is placed once, closes at most one run, and at most every second one is spared. */
	order.steps = calloc(count, 3 * sizeof(*order.steps));
	if (order.steps == NULL)
		return -ENOMEM;
	if (is_ascending(&order))
		make_ascending(&order);
	else
		r = make_any(&order);
	if (r < 0) {
		free(order.steps);
		return r;
	}
	*ret_steps = order.steps;
	*ret_count = order.step_count;
	return 0;
}
