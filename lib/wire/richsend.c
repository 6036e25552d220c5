/* SPDX-License-Identifier: MIT */
/*
 * The sender's part of a rich handover.
 *
 * A receiver that knows it says so before the first descriptor leaves. So nothing is lost on one that does
 * not, and from then on nothing but its answer counts: what the kernel knows is that bytes were read, and
 * not that of many messages all had their descriptors.
 */
#include "wire/richsend.h"

#include <errno.h>

#include "base/set.h"

/* The receiver has ended, for `code`, without having said why. */
static int ended(const struct outgoing *outgoing, int code)
{
	if (code != -ENODATA && code != -ECONNRESET && code != -EPIPE)
		return code;
	return outgoing->told_to_go_on ? -ECONNABORTED : -EPROTONOSUPPORT;
}

/* What the receiver says, at every point of the conversation. 1: accepted; 0: nothing (more) yet. */
static int listen_to(struct outgoing *outgoing)
{
	int r;

	while ((r = fdpass_outgoing_hear(outgoing)) > 0) {
		switch (outgoing->answer.type) {
		case FRAME_HELLO:
			break;
		case FRAME_GO_ON:
			if (outgoing->told_to_go_on ||
			    outgoing->header_sent < outgoing->header_size)
				return -EPROTO;
			outgoing->told_to_go_on = 1;
			break;
		case FRAME_ACCEPTED:
			return outgoing->sent ? 1 : -EPROTO;
		case FRAME_REFUSED:
			return -EREMOTEIO;
		case FRAME_BUSY:
			return -EBUSY;
		case FRAME_FAILED:
		case FRAME_PASSED_ON:
			return -EPROTO;
		}
	}
	return r < 0 ? ended(outgoing, r) : 0;
}

/* A message could not be sent. What the receiver said about it comes first. */
static int failed(struct outgoing *outgoing, int code)
{
	int r;

	if (code == -EPIPE || code == -ECONNRESET) {
		r = listen_to(outgoing);
		return r < 0 ? r : ended(outgoing, code);
	}
	outgoing->unsendable = 1;
	return code;
}

/* 1: the header is in the socket; 0: not yet. */
static int send_header(struct outgoing *outgoing)
{
	while (outgoing->header_sent < outgoing->header_size) {
		int sent =
			fdpass_outgoing_put(outgoing, outgoing->header + outgoing->header_sent,
					    outgoing->header_size - outgoing->header_sent, NULL, 0);

		if (sent < 0)
			return failed(outgoing, sent);
		if (sent == 0)
			return 0;
		outgoing->header_sent += (size_t)sent;
	}
	return 1;
}

/* 1: all of them are in the socket; 0: not yet. */
static int send_descriptors(struct outgoing *outgoing, const struct fdpass_set *set)
{
	size_t total = fdpass_set_count(set);

	for (int i = 0; i < RICHSEND_MESSAGES_MAX; i++) {
		size_t left = total - outgoing->passed;
		size_t count = left < FDPASS_MESSAGE_MAX ? left : FDPASS_MESSAGE_MAX;
		unsigned char said = (unsigned char)count;
		int sent = fdpass_outgoing_put(outgoing, &said, 1,
					       fdpass_set_numbers(set) + outgoing->passed, count);

		if (sent < 0)
			return failed(outgoing, sent);
		if (sent == 0)
			return 0;
		outgoing->passed += count;
		if (outgoing->passed == total) {
			outgoing->sent = 1;
			return 1;
		}
	}
	/* There is no event to wait for: at once. */
	outgoing->resume = 0;
	return 0;
}

/* Looks whether the header was read by somebody who has not greeted, and so never will. */
static int is_too_old(const struct outgoing *outgoing, int unread)
{
	return !outgoing->spoke && unread == 0 && outgoing->header_sent == outgoing->header_size;
}

int fdpass_richsend_step(struct outgoing *outgoing, const struct fdpass_set *set,
			 enum fdpass_proof *ret_proof)
{
	int unread = 1;
	int r = outgoing->told_to_go_on ? 1 : send_header(outgoing);

	/* First whether it was read, then what was written: see outgoing.c. */
	if (r > 0 && !outgoing->spoke)
		r = fdpass_outgoing_unread(outgoing, &unread);
	if (r < 0)
		return r;
	r = listen_to(outgoing);
	if (r == 0 && is_too_old(outgoing, unread))
		return -EPROTONOSUPPORT;
	if (r == 0 && outgoing->told_to_go_on && !outgoing->sent) {
		r = send_descriptors(outgoing, set);
		if (r <= 0)
			return r;
		if (outgoing->confirm == FDPASS_CONFIRM_NONE) {
			*ret_proof = FDPASS_PROOF_NONE;
			return 1;
		}
		r = listen_to(outgoing);
	}
	if (r > 0)
		*ret_proof = FDPASS_PROOF_ANSWER;
	return r;
}
