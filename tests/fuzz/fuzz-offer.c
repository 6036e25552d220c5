/* SPDX-License-Identifier: MIT */
/* The header of a rich handover: bounded memory, and names that are names. */
#include <string.h>

#include "fuzz.h"
#include "wire/offer.h"

static void take(const uint8_t *data, size_t size, int at_once)
{
	struct offer offer = OFFER_INIT;
	const char *reason = NULL;
	int r = fdpass_offer_begin(&offer, data, &reason);

	data += OFFER_HEAD_SIZE;
	size -= OFFER_HEAD_SIZE;
	if (r == 0 && at_once)
		r = fdpass_offer_add(&offer, data, size, &reason);
	while (r == 0 && !at_once && size > 0 && !offer_is_whole(&offer)) {
		size_t room, part;
		char *space = fdpass_offer_space(&offer, &room);

		MUST(space != NULL && room > 0);
		part = room < size ? room : size;
		memcpy(space, data, part);
		offer.came += (uint32_t)part;
		data += part;
		size -= part;
		/* With what came, not with what was announced. */
		MUST(fdpass_offer_memory(&offer) <=
		     4 * (size_t)offer.came + 65536 + 16 * (size_t)offer.count);
	}
	if (r == 0 && offer_is_whole(&offer))
		r = fdpass_offer_judge(&offer, &reason);
	MUST(r == 0 || reason != NULL);
	if (r == 0 && offer.list != NULL && offer_is_whole(&offer))
		for (uint32_t i = 0; i < offer.count; i++)
			MUST(offer.list[i] == NULL || offer.list[i][0] == '\0' ||
			     fdpass_name_check(offer.list[i]) == 0);
	fdpass_offer_end(&offer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!fdpass_offer_is_one(data, size))
		return 0;
	MUST(size >= OFFER_HEAD_SIZE);
	take(data, size, 0);
	take(data, size, 1);
	return 0;
}
