/* SPDX-License-Identifier: MIT */
#ifndef FDPASS_BASE_SET_H
#define FDPASS_BASE_SET_H

/*
 * The inside of a descriptor set, for the code that moves whole messages at once. What a set is and
 * who owns what stands in fdpass.h.
 */

#include "fdpass.h"

/* All numbers in order, fdpass_set_count() of them, side by side as a control message wants them;
 * -EBADF where one was stolen. Valid until the set changes. NULL when the set is empty. */
const int *fdpass_set_numbers(const struct fdpass_set *set);

/* Makes room for `extra` more, so that taking that many cannot fail: to be called before receiving,
 * because what was received has to be owned by something. -EMFILE beyond FDPASS_HANDOVER_MAX,
 * unless there is room already. */
int fdpass_set_reserve(struct fdpass_set *set, size_t extra);

/* The same for one message, also where that would be more than a set may have: what comes is owned first,
 * and judged afterwards. */
int fdpass_set_reserve_message(struct fdpass_set *set);

/* 1 when anything in it may have a name. */
int fdpass_set_has_names(const struct fdpass_set *set);

/* Gives every descriptor its name at once: as many names as descriptors, allocated, of which each is NULL or
 * stands in `block`, allocated too, of `size` bytes, and was found to be one (fdpass_name_check()). The set
 * owns both from here on. */
void fdpass_set_adopt_names(struct fdpass_set *set, char **names, char *block, size_t size);

/* Appends `count` descriptors, which the set owns from here on. All or nothing: on failure the
 * caller still owns every one of them. */
int fdpass_set_take_many(struct fdpass_set *set, const int *fds, size_t count);

/* Closes every number from `first` to `last`; all of them must be the caller's. Keeps errno. */
void fdpass_set_close_run(int first, int last);

#endif
