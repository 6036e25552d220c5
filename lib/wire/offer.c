/* SPDX-License-Identifier: MIT */
/* The header of a rich handover, as bytes. No length in it is trusted. Pure. */
#include "wire/offer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/set.h"

#define ROOM_FIRST 4096

int fdpass_offer_is_needed(const struct fdpass_set *set)
{
	return fdpass_set_count(set) > FDPASS_MESSAGE_MAX || fdpass_set_has_names(set);
}

static const char *name_at(const struct fdpass_set *set, size_t index)
{
	const char *name = fdpass_set_name(set, index);

	return name != NULL ? name : "";
}

size_t fdpass_offer_size(const struct fdpass_set *set)
{
	size_t count = fdpass_set_count(set), size = OFFER_HEAD_SIZE;

	if (!fdpass_set_has_names(set))
		return size;
	for (size_t i = 0; i < count; i++)
		size += strlen(name_at(set, i)) + 1;
	return size;
}

static void put(unsigned char *bytes, size_t value)
{
	bytes[0] = (unsigned char)(value >> 24);
	bytes[1] = (unsigned char)(value >> 16);
	bytes[2] = (unsigned char)(value >> 8);
	bytes[3] = (unsigned char)value;
}

static uint32_t get(const unsigned char *bytes)
{
	return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 |
	       bytes[3];
}

void fdpass_offer_encode(const struct fdpass_set *set, unsigned char *bytes)
{
	size_t count = fdpass_set_count(set), size = fdpass_offer_size(set);
	size_t at = OFFER_HEAD_SIZE;

	memcpy(bytes, OFFER_MAGIC, OFFER_MAGIC_SIZE);
	bytes[OFFER_MAGIC_SIZE] = OFFER_VERSION;
	put(bytes + 8, count);
	put(bytes + 12, size - OFFER_HEAD_SIZE);
	for (size_t i = 0; at < size && i < count; i++) {
		const char *name = name_at(set, i);
		size_t length = strlen(name) + 1;

		memcpy(bytes + at, name, length);
		at += length;
	}
}

int fdpass_offer_is_one(const unsigned char *bytes, size_t size)
{
	return size >= OFFER_HEAD_SIZE && memcmp(bytes, OFFER_MAGIC, OFFER_MAGIC_SIZE) == 0;
}

static int bad(int code, const char *reason, const char **ret_reason)
{
	*ret_reason = reason;
	return code;
}

int fdpass_offer_begin(struct offer *offer, const unsigned char head[OFFER_HEAD_SIZE],
		       const char **ret_reason)
{
	uint32_t count = get(head + 8), size = get(head + 12);

	if (head[OFFER_MAGIC_SIZE] != OFFER_VERSION)
		return bad(-EPROTONOSUPPORT, "this receiver is older than the sender's handover",
			   ret_reason);
	if (count == 0)
		return bad(-EBADMSG, "the header announces no descriptor", ret_reason);
	if (count > FDPASS_HANDOVER_MAX)
		return bad(-E2BIG, "more than 1048576 descriptors are announced", ret_reason);
	if (size > FDPASS_NAMES_MAX)
		return bad(-E2BIG, "the names have more than 6291456 bytes", ret_reason);
	/* Each has a NUL at least. */
	if (size > 0 && size < count)
		return bad(-EBADMSG, "there are fewer names than descriptors", ret_reason);
	*offer = (struct offer){.count = count, .size = size};
	return 0;
}

char *fdpass_offer_space(struct offer *offer, size_t *ret_size)
{
	if (offer->came == offer->room) {
		uint32_t room = offer->room > 0 ? 2 * offer->room : ROOM_FIRST;
		char *grown;

		if (room > offer->size)
			room = offer->size;
		grown = realloc(offer->names, room);
		if (grown == NULL)
			return NULL;
		offer->names = grown;
		offer->room = room;
	}
	*ret_size = offer->room - offer->came;
	return offer->names + offer->came;
}

int fdpass_offer_add(struct offer *offer, const unsigned char *bytes, size_t size,
		     const char **ret_reason)
{
	if (size > offer->size - offer->came)
		return bad(-EBADMSG, "more came than the header, before it was asked for",
			   ret_reason);
	while (size > 0) {
		size_t room;
		char *space = fdpass_offer_space(offer, &room);

		if (space == NULL)
			return bad(-ENOMEM, "the receiver is out of memory", ret_reason);
		if (room > size)
			room = size;
		memcpy(space, bytes, room);
		offer->came += (uint32_t)room;
		bytes += room;
		size -= room;
	}
	return 0;
}

int fdpass_offer_judge(struct offer *offer, const char **ret_reason)
{
	char *name = offer->names;
	const char *end;

	if (offer->size == 0)
		return 0;
	end = name + offer->size;
	if (end[-1] != '\0')
		return bad(-EBADMSG, "the last name does not end", ret_reason);
	offer->list = calloc(offer->count, sizeof(*offer->list));
	if (offer->list == NULL)
		return bad(-ENOMEM, "the receiver is out of memory", ret_reason);
	for (uint32_t i = 0; i < offer->count; i++) {
		if (name == end)
			return bad(-EBADMSG, "there are fewer names than descriptors", ret_reason);
		if (*name != '\0') {
			if (fdpass_name_check(name) < 0)
				return bad(-EBADMSG,
					   "a name is longer than 255 bytes, or has "
					   "characters that no name may have",
					   ret_reason);
			offer->list[i] = name;
		}
		name += strlen(name) + 1;
	}
	return name == end ? 0 : bad(-EBADMSG, "there are more names than descriptors", ret_reason);
}

void fdpass_offer_give_names(struct offer *offer, struct fdpass_set *set)
{
	if (offer->list == NULL)
		return;
	fdpass_set_adopt_names(set, offer->list, offer->names, offer->size);
	offer->list = NULL;
	offer->names = NULL;
}

size_t fdpass_offer_memory(const struct offer *offer)
{
	return offer->room + (offer->list != NULL ? offer->count * sizeof(*offer->list) : 0);
}

void fdpass_offer_end(struct offer *offer)
{
	free(offer->names);
	free(offer->list);
	*offer = (struct offer)OFFER_INIT;
}
