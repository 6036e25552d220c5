/* SPDX-License-Identifier: MIT */
#ifndef FDPASS_ACQUIRE_HELD_H
#define FDPASS_ACQUIRE_HELD_H

/* Everything that one process holds. */

#include "acquire/links.h"
#include "acquire/pidref.h"
#include "acquire/table.h"

/* Reads the links, and the table of the sockets among them; both are the caller's on success. */
int fdpass_held_read(const struct fdpass_pidref *ref, struct fdpass_links *ret_links,
		     struct fdpass_table *ret_table, struct fdpass_error *error);

#endif
