/* SPDX-License-Identifier: MIT */
/* Sending: connect to whoever listens at an address, check who it is, hand over, and be sure. */
#include <errno.h>
#include <string.h>

#include "base/error.h"
#include "base/fd.h"
#include "rendezvous/dialer.h"
#include "wire/message.h"
#include "wire/outgoing.h"

struct sending {
	const struct fdpass_set *set;
	const struct fdpass_send_options *options;
	struct fdpass_rule *own_rule; /* owned; the default, when the options name none */
	struct dialer dialer;
	struct fdpass_delivery delivery;
};

static void observe(const struct sending *sending, enum fdpass_event event, const char *reason)
{
	if (sending->options->observer != NULL)
		sending->options->observer(sending->options->observer_context, event,
					   &sending->delivery.peer, reason);
}

/* Refuses whoever the rule does not admit, before anything is given. */
static int check_peer(struct sending *sending, int socket, struct fdpass_error *error)
{
	const struct fdpass_rule *rule =
		sending->options->rule != NULL ? sending->options->rule : sending->own_rule;
	int r = fdpass_rule_check(rule, socket, &sending->delivery.peer);

	if (r < 0)
		return fdpass_error_set(error, FDPASS_STEP_PEER, r);
	if (r > 0) {
		observe(sending, FDPASS_EVENT_CONNECTED, NULL);
		return 0;
	}
	observe(sending, FDPASS_EVENT_NOT_ADMITTED, NULL);
	return fdpass_error_peer(error, FDPASS_STEP_PEER, -EPERM, &sending->delivery.peer);
}

/* What became of the handover, for the caller. */
static int failed(const struct outgoing *outgoing, int code, struct fdpass_error *error)
{
	enum fdpass_step step = outgoing->sent || outgoing->spoke || code == -ECONNRESET
					? FDPASS_STEP_ANSWER
					: FDPASS_STEP_SEND;

	if (code == -ETIMEDOUT || code == -ECANCELED)
		return fdpass_error_text(error, FDPASS_STEP_WAIT, code,
					 outgoing->sent ? "sent" : "");
	return fdpass_error_text(error, step, code, outgoing->answer.text);
}

/* One handover over one connection. */
static int hand_over(struct sending *sending, int socket, struct fdpass_error *error)
{
	enum fdpass_proof proof = FDPASS_PROOF_NONE;
	struct outgoing outgoing;
	int sent = 0;
	int r;

	fdpass_outgoing_begin(&outgoing, socket, sending->options->confirm);
	r = check_peer(sending, socket, error);
	if (r < 0) {
		fdpass_outgoing_end(&outgoing);
		return r;
	}
	/* The answer carries no descriptors. */
	fdpass_message_refuse_descriptors(socket);
	do {
		r = fdpass_outgoing_step(&outgoing, sending->set, &proof);
		if (!sent && outgoing.sent) {
			observe(sending, FDPASS_EVENT_SENT, NULL);
			sent = 1;
		}
		if (r == 0) {
			r = fdpass_outgoing_wait(&outgoing, sending->options->wait);
			if (r == 0)
				continue;
		}
		break;
	} while (1);
	if (r > 0) {
		sending->delivery.proof = proof;
		sending->delivery.installed = outgoing.answer.count;
	} else {
		r = failed(&outgoing, r, error);
	}
	fdpass_outgoing_end(&outgoing);
	return r > 0 ? 0 : r;
}

/* Whether another connection may end better, when the caller is willing to wait: the message of this
 * one was not read, or nobody was there who may have it. */
static int can_retry(int code)
{
	return code == -ECONNRESET || code == -EBUSY;
}

static int send_once(struct sending *sending, struct fdpass_error *error, int *ret_worth_waiting)
{
	struct fdpass_error failure = FDPASS_ERROR_INIT;
	int socket = fdpass_dialer_try(&sending->dialer, &failure);
	int r;

	if (socket < 0) {
		r = socket;
		*ret_worth_waiting =
			failure.step == FDPASS_STEP_CONNECT && fdpass_dialer_can_wait(r);
	} else {
		r = hand_over(sending, socket, &failure);
		*ret_worth_waiting = (failure.step == FDPASS_STEP_ANSWER && can_retry(r)) ||
				     (failure.step == FDPASS_STEP_PEER && r == -EPERM);
		if (*ret_worth_waiting && failure.step == FDPASS_STEP_ANSWER)
			observe(sending, FDPASS_EVENT_UNREAD, failure.text);
	}
	if (r < 0 && error != NULL)
		*error = failure;
	return r;
}

static int send_until_taken(struct sending *sending, struct fdpass_error *error)
{
	int told = 0;

	for (;;) {
		int worth_waiting;
		int r = send_once(sending, error, &worth_waiting);

		if (r == 0 || !worth_waiting)
			return r;
		/* A listener with a full backlog is there: it is waited for in any case, as by a
		 * blocking connect(2). */
		if (sending->options->waiting == FDPASS_WAIT_NEVER && r != -EAGAIN)
			return r;
		if (!told) {
			observe(sending, FDPASS_EVENT_WAITING, NULL);
			told = 1;
		}
		r = fdpass_dialer_wait(&sending->dialer, r, sending->options->wait, error);
		if (r < 0)
			return r;
	}
}

int fdpass_send(const struct fdpass_address *address, const struct fdpass_set *set,
		const struct fdpass_send_options *options, struct fdpass_delivery *ret_delivery,
		struct fdpass_error *error)
{
	static const struct fdpass_send_options usual = FDPASS_SEND_OPTIONS_INIT;
	struct sending sending = {.set = set, .options = options != NULL ? options : &usual};
	int r = 0;

	if (fdpass_set_count(set) == 0 || fdpass_set_count(set) > FDPASS_MESSAGE_MAX)
		return fdpass_error_set(error, FDPASS_STEP_SEND, -EINVAL);
	if (sending.options->rule == NULL)
		r = fdpass_rule_new(&sending.own_rule);
	if (r < 0)
		return fdpass_error_set(error, FDPASS_STEP_MEMORY, r);
	fdpass_dialer_init(&sending.dialer, address);
	r = send_until_taken(&sending, error);
	fdpass_dialer_end(&sending.dialer);
	fdpass_rule_free(sending.own_rule);
	if (r == 0 && ret_delivery != NULL)
		*ret_delivery = sending.delivery;
	return r;
}
