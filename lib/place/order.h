/* SPDX-License-Identifier: MIT */
#ifndef FDPASS_PLACE_ORDER_H
#define FDPASS_PLACE_ORDER_H

/*
 * In which order to duplicate descriptors onto given numbers, so that none is overwritten while it is
 * still to be copied. Pure: only numbers are looked at.
 */

#include <stddef.h>

struct fdpass_pair {
	int source;
	int target;
};

enum fdpass_order_verb {
	FDPASS_ORDER_DUP,     /* duplicate `from` onto `to`, to be inherited */
	FDPASS_ORDER_SHARE,   /* `from` is where it belongs: let it be inherited */
	FDPASS_ORDER_SPARE,   /* duplicate `from` onto the spare number, over what is there */
	FDPASS_ORDER_RESTORE, /* duplicate the spare number onto `to`, to be inherited */
	FDPASS_ORDER_CLOSE, /* close every number from `from` to `to`: sources that are no targets */
};

struct fdpass_order_step {
	enum fdpass_order_verb verb;
	int from;
	int to; /* the target; with SPARE, `from` again, which is about to be overwritten */
};

/*
 * Computes the steps for `count` pairs in O(n log n). The caller frees `*ret_steps`, which is NULL
 * without any. -EEXIST when two pairs have the same target, -ENOMEM.
 *
 * One spare number serves all, cycles come last, and when the first SPARE is reached every target
 * refers to something and what could be closed is: so any number that is free at that moment will do.
 * Whoever carries the steps out closes it at the end.
 */
int fdpass_order_make(const struct fdpass_pair *pairs, size_t count,
		      struct fdpass_order_step **ret_steps, size_t *ret_count);

#endif
