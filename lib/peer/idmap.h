/* SPDX-License-Identifier: MIT */
#ifndef FDPASS_PEER_IDMAP_H
#define FDPASS_PEER_IDMAP_H

/*
 * Which ids have a name in our user namespace: user_namespaces(7).
 *
 * The kernel shows every id that has none as one and the same "overflow" id. Where such ids can
 * exist, that number says nothing about who it is.
 */

#include <stddef.h>
#include <stdint.h>

enum fdpass_idmap_kind {
	FDPASS_IDMAP_USERS,
	FDPASS_IDMAP_GROUPS,
};

/* 1 when `text`, the content of a uid_map or gid_map, names every id from 0 to 4294967294 (one more,
 * (uid_t)-1, is no id); 0 when it does not or is malformed. Pure. */
int fdpass_idmap_is_whole(const char *text, size_t length);

/* The number in `text`, one line as in /proc/sys/kernel/overflowuid; `fallback` when malformed. Pure. */
uint32_t fdpass_idmap_number(const char *text, size_t length, uint32_t fallback);

/* The overflow id, 65534 when /proc does not tell. */
uint32_t fdpass_idmap_overflow(enum fdpass_idmap_kind kind);

/* 1 when the map of this process is whole; 0 when it is not, or cannot be read; -EMFILE or -ENFILE when no
 * descriptor is left to read it with. */
int fdpass_idmap_covers_all(enum fdpass_idmap_kind kind);

#endif
