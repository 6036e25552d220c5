/* SPDX-License-Identifier: MIT */
/* The receiver's end of one handover: greet, take one message, judge it, answer. */
#include "wire/incoming.h"

#include <errno.h>

#include "base/discard.h"
#include "base/fd.h"
#include "wire/richtake.h"

int fdpass_incoming_begin(struct incoming *incoming, int socket, enum incoming_sharing sharing)
{
	ssize_t sent;
	int r;

	*incoming = (struct incoming){.socket = socket, .sharing = sharing};
	r = fdpass_set_new(&incoming->set);
	if (r < 0)
		return r;
	/* The greeting stands in the sender's queue before anything is read here, so that a sender
	 * that finds its message read and no greeting knows that we are none of those who answer.
	 * A sender that is gone already (EPIPE) may have left its message: read on. */
	sent = fdpass_packet_send(socket, FRAME_GREETING, FRAME_GREETING_SIZE, NULL, 0);
	return sent < 0 && sent != -EPIPE && sent != -ECONNRESET ? (int)sent : 0;
}

/* A payload that is larger than one read: take the rest of what is there, so that closing does not look
 * like "unread" to its sender. Descriptors that come with it are more than was announced. */
static void discard_rest(struct incoming *incoming)
{
	size_t count = fdpass_set_count(incoming->set);
	struct packet message = {.size = 1};
	char rest[4096];

	for (size_t total = 0; total < INCOMING_BYTES_MAX; total += (size_t)message.size) {
		if (fdpass_packet_receive(incoming->socket, rest, sizeof(rest), incoming->set,
					  &message) < 0)
			break;
		fdpass_fd_close(message.pidfd);
		if (message.size == 0)
			break;
	}
	fdpass_set_discard(incoming->set, count);
}

int fdpass_incoming_refuse(struct incoming *incoming, int code, const char *reason,
			   const char **ret_reason)
{
	fdpass_set_discard(incoming->set, 0);
	*ret_reason = reason;
	return code;
}

/* The end of the stream, or ECONNRESET in its place: a sender that closes with our greeting unread
 * ends it like that. */
static int ended(struct incoming *incoming, const char **ret_reason)
{
	if (incoming->phase != INCOMING_FIRST)
		return fdpass_incoming_refuse(incoming, -EBADMSG,
					      "the sender ended before everything had come",
					      ret_reason);
	if (incoming->bytes == 0)
		return fdpass_incoming_refuse(incoming, -ECONNRESET, "nothing came", ret_reason);
	return fdpass_incoming_refuse(incoming, -EBADMSG, "no descriptor came with it", ret_reason);
}

int fdpass_incoming_receive(struct incoming *incoming, void *bytes, size_t size,
			    incoming_admit admit, void *context, const char **ret_reason)
{
	struct packet message;
	int r = fdpass_packet_receive(incoming->socket, bytes, size, incoming->set, &message);

	if (r == -EAGAIN)
		return 0;
	if (r == -ECONNRESET || r == -EPIPE)
		return ended(incoming, ret_reason);
	if (r < 0)
		return fdpass_incoming_refuse(incoming, r, "the message could not be received",
					      ret_reason);
	/* Nobody asked for one, but the set owns only SCM_RIGHTS. */
	message.pidfd = fdpass_fd_close(message.pidfd);
	if (message.size == 0)
		return ended(incoming, ret_reason);
	if ((message.flags & PACKET_TRUNCATED) != 0)
		return fdpass_incoming_refuse(
			incoming, -EMFILE,
			"descriptors were lost on the way: the receiver's table of open "
			"files is full, or a security module denied one",
			ret_reason);
	if ((message.flags & PACKET_CREDENTIALS) == 0)
		message.writer = (struct ucred){0, (uid_t)-1, (gid_t)-1};
	incoming->writer = message.writer;
	r = admit(context, &message.writer);
	if (r <= 0)
		return fdpass_incoming_refuse(incoming, r < 0 ? r : -EPERM,
					      "the process that wrote the message is not admitted",
					      ret_reason);
	return (int)message.size;
}

int fdpass_incoming_step(struct incoming *incoming, incoming_admit admit, void *context,
			 const char **ret_reason)
{
	unsigned char bytes[4096];
	int size, is_rich;

	if (incoming->phase != INCOMING_FIRST)
		return fdpass_richtake_step(incoming, admit, context, ret_reason);
	for (;;) {
		size = fdpass_incoming_receive(incoming, bytes, sizeof(bytes), admit, context,
					       ret_reason);
		if (size <= 0)
			return size;
		is_rich = incoming->bytes == 0 && fdpass_offer_is_one(bytes, (size_t)size);
		/* Sent with the header, or behind it without having been asked for: a stream glues the
		 * header to the message that follows it. The rest would never be heard of. */
		if (is_rich && fdpass_set_count(incoming->set) > 0)
			return fdpass_incoming_refuse(incoming, -EBADMSG,
						      "descriptors came before they were asked for",
						      ret_reason);
		if (fdpass_set_count(incoming->set) > 0) {
			/* What follows on a connection that others hold is theirs. */
			if ((size_t)size == sizeof(bytes) && incoming->sharing == INCOMING_OWN)
				discard_rest(incoming);
			return INCOMING_COMPLETE;
		}
		if (is_rich)
			return fdpass_richtake_begin(incoming, bytes, (size_t)size, admit, context,
						     ret_reason);
		incoming->bytes += (size_t)size;
		if (incoming->bytes > INCOMING_BYTES_MAX)
			return fdpass_incoming_refuse(incoming, -EBADMSG,
						      "no descriptor came with it", ret_reason);
	}
}

int fdpass_incoming_go_on(struct incoming *incoming)
{
	unsigned char bytes[FRAME_RECORD_MAX];
	size_t size = fdpass_frame_encode(FRAME_GO_ON, 0, "", bytes);
	ssize_t sent = fdpass_packet_send(incoming->socket, bytes, size, NULL, 0);

	incoming->phase = INCOMING_TRANSFER;
	return sent < 0 && sent != -EPIPE && sent != -ECONNRESET ? (int)sent : 0;
}

void fdpass_incoming_answer(const struct incoming *incoming, enum frame_type type, uint32_t count,
			    const char *text)
{
	unsigned char bytes[FRAME_RECORD_MAX];
	size_t size = fdpass_frame_encode(type, count, text, bytes);

	fdpass_packet_send(incoming->socket, bytes, size, NULL, 0);
}

void fdpass_incoming_answer_passed_on(const struct incoming *incoming, uint32_t count)
{
	unsigned char bytes[2 * FRAME_RECORD_MAX];
	size_t size = fdpass_frame_encode(FRAME_ACCEPTED, count, "", bytes);

	size += fdpass_frame_encode(FRAME_PASSED_ON, 0, "", bytes + size);
	fdpass_packet_send(incoming->socket, bytes, size, NULL, 0);
}

void fdpass_incoming_end(struct incoming *incoming)
{
	/* Others made what is in it. */
	if (incoming->set != NULL)
		fdpass_set_discard(incoming->set, 0);
	incoming->set = fdpass_set_free(incoming->set);
	fdpass_offer_end(&incoming->offer);
	if (incoming->socket >= 0 && incoming->sharing == INCOMING_OWN)
		fdpass_discard_connection(incoming->socket);
	else
		fdpass_fd_close(incoming->socket);
	incoming->socket = FD_NONE;
}

void fdpass_incoming_release(struct incoming *incoming)
{
	/* What ends a connection for good would end it for the other process, too. */
	incoming->sharing = INCOMING_SHARED;
	fdpass_incoming_end(incoming);
}
