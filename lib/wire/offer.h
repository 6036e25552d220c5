/* SPDX-License-Identifier: MIT */
#ifndef FDPASS_WIRE_OFFER_H
#define FDPASS_WIRE_OFFER_H

/*
 * The header of a rich handover: how many descriptors are offered, and under which names. Pure; the format
 * is described in fdpass-protocol(7).
 *
 *	head   magic (7), version (1), count (4, big endian), size of the names (4, big endian)
 *	names  for each descriptor its name and a NUL; nothing at all when none has a name
 */

#include <stddef.h>
#include <stdint.h>

#include "fdpass.h"

#define OFFER_MAGIC                                                                                \
	"\x89"                                                                                     \
	"fdpass"
#define OFFER_MAGIC_SIZE 7
#define OFFER_VERSION 1
#define OFFER_HEAD_SIZE 16

/* 1 when a set cannot be handed over plainly: it has names, or more than one message takes. */
int fdpass_offer_is_needed(const struct fdpass_set *set);

/* Bytes of the header for `set`. More than OFFER_HEAD_SIZE + FDPASS_NAMES_MAX: too many names. */
size_t fdpass_offer_size(const struct fdpass_set *set);

/* Writes the header, fdpass_offer_size() bytes. */
void fdpass_offer_encode(const struct fdpass_set *set, unsigned char *bytes);

/* A header that is being read. Begin with OFFER_INIT. */
struct offer {
	uint32_t count; /* 0: nothing was read yet */
	uint32_t size;  /* of the names */
	char *names;    /* owned: what came of them */
	uint32_t came;  /* bytes that came, ... */
	uint32_t room;  /* ... and that there is room for */
	char **list;    /* owned: once it was judged; NULL when none has a name */
};

#define OFFER_INIT                                                                                 \
	{                                                                                          \
		0, 0, NULL, 0, 0, NULL                                                             \
	}

/* 1 when the bytes begin with a whole head, of whatever version. */
int fdpass_offer_is_one(const unsigned char *bytes, size_t size);

/*
 * Reads such a head. 0; or -EPROTONOSUPPORT, a version that we do not know; -E2BIG, more than the limits of
 * fdpass.h allow; -EBADMSG, numbers that do not fit together; with the reason, for a person, in `*ret_reason`.
 */
int fdpass_offer_begin(struct offer *offer, const unsigned char head[OFFER_HEAD_SIZE],
		       const char **ret_reason);

static inline int offer_is_whole(const struct offer *offer)
{
	return offer->came == offer->size;
}

/* Where to read the next bytes of the names to, and how many at most: never beyond their end. Memory grows
 * with what came, not with what was announced. NULL: -ENOMEM. */
char *fdpass_offer_space(struct offer *offer, size_t *ret_size);

/* Adds bytes that were read together with the head. 0, -EBADMSG when they are more than the names, -ENOMEM. */
int fdpass_offer_add(struct offer *offer, const unsigned char *bytes, size_t size,
		     const char **ret_reason);

/* Judges the names, when they are whole, and makes the list. 0, -EBADMSG, -ENOMEM; with a reason. */
int fdpass_offer_judge(struct offer *offer, const char **ret_reason);

/* Gives the names away, to a set that has all of what was offered. */
void fdpass_offer_give_names(struct offer *offer, struct fdpass_set *set);

/* Bytes of memory that it takes now. */
size_t fdpass_offer_memory(const struct offer *offer);

void fdpass_offer_end(struct offer *offer);

#endif
