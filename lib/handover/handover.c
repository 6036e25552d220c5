/* SPDX-License-Identifier: MIT */
/* A complete handover: what came, from whom, and the connection over which it is answered. */
#include "handover/handover.h"

#include <stdlib.h>

#include "base/fd.h"

struct fdpass_handover {
	struct incoming incoming;
	int index;
	int answered;
};

int fdpass_handover_new(struct incoming *incoming, int index, struct fdpass_handover **ret_handover)
{
	struct fdpass_handover *handover = calloc(1, sizeof(*handover));

	if (handover == NULL)
		return -ENOMEM;
	handover->incoming = *incoming;
	handover->index = index;
	*incoming = (struct incoming){.socket = FD_NONE};
	*ret_handover = handover;
	return 0;
}

int fdpass_handover_index(const struct fdpass_handover *handover)
{
	return handover->index;
}

int fdpass_handover_fd(const struct fdpass_handover *handover)
{
	return handover->incoming.socket;
}

struct fdpass_peer fdpass_handover_peer(const struct fdpass_handover *handover)
{
	const struct ucred *writer = &handover->incoming.writer;

	return (struct fdpass_peer){writer->pid, writer->uid, writer->gid};
}

struct fdpass_set *fdpass_handover_set(struct fdpass_handover *handover)
{
	return handover->incoming.set;
}

void fdpass_handover_accept(struct fdpass_handover *handover, uint32_t installed)
{
	if (!handover->answered)
		fdpass_incoming_answer(&handover->incoming, FRAME_ACCEPTED, installed, "");
	handover->answered = 1;
}

void fdpass_handover_passed_on(struct fdpass_handover *handover, enum fdpass_proof proof,
			       uint32_t installed)
{
	if (!handover->answered && proof == FDPASS_PROOF_ANSWER)
		fdpass_incoming_answer_passed_on(&handover->incoming, installed);
	else if (!handover->answered)
		fdpass_incoming_answer(&handover->incoming, FRAME_PASSED_ON, 0, "");
	handover->answered = 1;
}

void fdpass_handover_refuse(struct fdpass_handover *handover, const char *reason)
{
	if (!handover->answered)
		fdpass_incoming_answer(&handover->incoming, FRAME_REFUSED, 0, reason);
	handover->answered = 1;
	fdpass_set_discard(handover->incoming.set, 0);
}

void fdpass_handover_fail(struct fdpass_handover *handover, const char *reason)
{
	fdpass_incoming_answer(&handover->incoming, FRAME_FAILED, 0, reason);
}

int fdpass_handover_move(struct fdpass_handover *handover, int lowest)
{
	return fdpass_fd_raise(&handover->incoming.socket, lowest);
}

struct fdpass_handover *fdpass_handover_free(struct fdpass_handover *handover)
{
	if (handover == NULL)
		return NULL;
	if (!handover->answered)
		fdpass_handover_refuse(handover, "the receiver gave up");
	fdpass_incoming_end(&handover->incoming);
	free(handover);
	return NULL;
}

struct fdpass_handover *fdpass_handover_release(struct fdpass_handover *handover)
{
	if (handover == NULL)
		return NULL;
	fdpass_incoming_release(&handover->incoming);
	free(handover);
	return NULL;
}
