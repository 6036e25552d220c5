/* SPDX-License-Identifier: MIT */
/*
 * The receiver's part of a rich handover.
 *
 * Every read is of an exact length: a stream may glue bytes that came without a descriptor to the message
 * behind them (unix(7)), and then it could not be told which of them the descriptors belong to.
 */
#include "wire/richtake.h"

#include <errno.h>
#include <sys/ioctl.h>

#define OUT_OF_MEMORY "the receiver is out of memory"
#define TOO_EARLY "more came than the header, before it was asked for"

/* Something more is in the queue. */
static int is_more(const struct incoming *incoming)
{
	int unread = 0;

	return ioctl(incoming->socket, FIONREAD, &unread) == 0 && unread > 0;
}

/* The header is whole: is it well formed, and alone? */
static int judge(struct incoming *incoming, const char **ret_reason)
{
	int r = fdpass_offer_judge(&incoming->offer, ret_reason);

	if (r < 0)
		return fdpass_incoming_refuse(incoming, r, *ret_reason, ret_reason);
	/* Whoever sends on without having been told to does not know how this goes. */
	if (is_more(incoming))
		return fdpass_incoming_refuse(incoming, -EBADMSG, TOO_EARLY, ret_reason);
	incoming->phase = INCOMING_OFFERED;
	return INCOMING_OFFER;
}

static int step_names(struct incoming *incoming, incoming_admit admit, void *context,
		      const char **ret_reason)
{
	while (!offer_is_whole(&incoming->offer)) {
		size_t size;
		char *space = fdpass_offer_space(&incoming->offer, &size);
		int got;

		if (space == NULL)
			return fdpass_incoming_refuse(incoming, -ENOMEM, OUT_OF_MEMORY, ret_reason);
		got = fdpass_incoming_receive(incoming, space, size, admit, context, ret_reason);
		if (got <= 0)
			return got;
		if (fdpass_set_count(incoming->set) > 0)
			return fdpass_incoming_refuse(incoming, -EBADMSG, TOO_EARLY, ret_reason);
		incoming->offer.came += (uint32_t)got;
	}
	return judge(incoming, ret_reason);
}

int fdpass_richtake_begin(struct incoming *incoming, const unsigned char *bytes, size_t size,
			  incoming_admit admit, void *context, const char **ret_reason)
{
	int r = fdpass_offer_begin(&incoming->offer, bytes, ret_reason);

	if (r == 0)
		r = fdpass_offer_add(&incoming->offer, bytes + OFFER_HEAD_SIZE,
				     size - OFFER_HEAD_SIZE, ret_reason);
	if (r < 0)
		return fdpass_incoming_refuse(incoming, r, *ret_reason, ret_reason);
	incoming->phase = INCOMING_NAMES;
	return step_names(incoming, admit, context, ret_reason);
}

/* Everything is there. */
static int complete(struct incoming *incoming, const char **ret_reason)
{
	/* What follows on a connection that others hold is theirs. */
	if (incoming->sharing == INCOMING_OWN && is_more(incoming))
		return fdpass_incoming_refuse(incoming, -EBADMSG, "more came than was announced",
					      ret_reason);
	fdpass_offer_give_names(&incoming->offer, incoming->set);
	fdpass_offer_end(&incoming->offer);
	return INCOMING_COMPLETE;
}

static void note_highest(struct incoming *incoming, size_t from)
{
	size_t count = fdpass_set_count(incoming->set);

	for (size_t i = from; i < count; i++) {
		int fd = fdpass_set_get(incoming->set, i);

		if (fd > incoming->highest)
			incoming->highest = fd;
	}
}

static int step_transfer(struct incoming *incoming, incoming_admit admit, void *context,
			 const char **ret_reason)
{
	for (int i = 0; i < RICHTAKE_MESSAGES_MAX; i++) {
		size_t before = fdpass_set_count(incoming->set), after;
		unsigned char said;
		int got = fdpass_incoming_receive(incoming, &said, 1, admit, context, ret_reason);

		if (got <= 0)
			return got;
		after = fdpass_set_count(incoming->set);
		/* What the kernel loses without a word (an LSM), or the padding lets in. */
		if (after == before || after - before != said)
			return fdpass_incoming_refuse(
				incoming, -EBADMSG,
				"a message had not as many descriptors as it said", ret_reason);
		if (after > incoming->offer.count)
			return fdpass_incoming_refuse(incoming, -EBADMSG,
						      "more came than was announced", ret_reason);
		note_highest(incoming, before);
		if (after == incoming->offer.count)
			return complete(incoming, ret_reason);
	}
	return INCOMING_NOT_YET;
}

int fdpass_richtake_step(struct incoming *incoming, incoming_admit admit, void *context,
			 const char **ret_reason)
{
	switch (incoming->phase) {
	case INCOMING_NAMES:
		return step_names(incoming, admit, context, ret_reason);
	case INCOMING_TRANSFER:
		return step_transfer(incoming, admit, context, ret_reason);
	case INCOMING_FIRST:
	case INCOMING_OFFERED:
		break;
	}
	return INCOMING_NOT_YET;
}
