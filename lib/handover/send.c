/* SPDX-License-Identifier: MIT */
/* Sending: connect to whoever listens at an address, check who it is, hand over, and be sure. */
#include <errno.h>
#include <stdlib.h>

#include "base/discard.h"
#include "base/error.h"
#include "base/fd.h"
#include "base/options.h"
#include "base/socket.h"
#include "handover/started.h"
#include "rendezvous/dialer.h"
#include "wire/offer.h"
#include "wire/outgoing.h"

struct sending {
	const struct fdpass_set *set;
	const struct fdpass_send_options *options;
	struct fdpass_rule *own_rule; /* owned; the default, when the options name none */
	unsigned char *header;        /* owned: of a rich handover; NULL: it is plain */
	size_t header_size;
	struct dialer dialer;
	size_t passed; /* descriptors of a rich handover that went out */
	struct fdpass_delivery delivery;
	struct fdpass_peer stranger; /* the last one that was told of */
};

static void observe(const struct sending *sending, enum fdpass_event_kind kind, const char *reason)
{
	const struct fdpass_event event = {
		.kind = kind,
		.peer = sending->delivery.peer,
		.reason = reason,
		.done = sending->passed,
		.total = sending->passed > 0 ? fdpass_set_count(sending->set) : 0,
	};

	if (sending->options->observer != NULL)
		sending->options->observer(sending->options->observer_context, &event);
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
		observe(sending, FDPASS_EVENT_CONNECTED, "");
		return 0;
	}
	/* Once each, however often it is met while waiting. */
	if (sending->delivery.peer.pid != sending->stranger.pid ||
	    sending->delivery.peer.uid != sending->stranger.uid)
		observe(sending, FDPASS_EVENT_NOT_ADMITTED, "");
	sending->stranger = sending->delivery.peer;
	return fdpass_error_peer(error, FDPASS_STEP_PEER, -EPERM, &sending->delivery.peer);
}

/* How far it had got when the time ran out. */
static const char *progress(const struct outgoing *outgoing)
{
	if (outgoing->sent)
		return "sent";
	if (outgoing->header == NULL)
		return "";
	return outgoing->told_to_go_on ? "partly" : "old";
}

/* What became of the handover, for the caller. */
static int failed(const struct outgoing *outgoing, int code, struct fdpass_error *error)
{
	enum fdpass_step step = FDPASS_STEP_SEND;

	if (code == -ETIMEDOUT || code == -ECANCELED)
		return fdpass_error_text(error, FDPASS_STEP_WAIT, code, progress(outgoing));
	if (!outgoing->unsendable &&
	    (outgoing->sent || outgoing->spoke || code == -ECONNRESET || code == -EPROTONOSUPPORT))
		step = FDPASS_STEP_ANSWER;
	if (code == -ECONNABORTED && !outgoing->sent)
		return fdpass_error_text(error, step, code, "partly");
	if (code == -EPROTO && outgoing->header != NULL && outgoing->passed == 0)
		return fdpass_error_text(error, step, code, "unasked");
	return fdpass_error_text(error, step, code, outgoing->answer.text);
}

/* Sends, and waits until it is known what became of it. 1, or a negative errno. */
static int drive(struct sending *sending, struct outgoing *outgoing)
{
	int told = 0;

	sending->passed = 0;
	for (;;) {
		int r = fdpass_outgoing_step(outgoing, sending->set, &sending->delivery.proof);

		if (outgoing->passed > sending->passed) {
			sending->passed = outgoing->passed;
			observe(sending, FDPASS_EVENT_PROGRESS, "");
		}
		if (outgoing->sent && !told) {
			observe(sending, FDPASS_EVENT_SENT, "");
			told = 1;
		}
		if (r != 0)
			return r;
		r = fdpass_outgoing_wait(outgoing, sending->options->wait);
		/* A receiver that takes one message after the other must not hold the deadline off. */
		if (r == 0 && outgoing->header != NULL)
			r = fdpass_wait_over(sending->options->wait);
		if (r < 0)
			return r;
	}
}

static int is_inherited(const struct sending *sending)
{
	return sending->dialer.address->kind == FDPASS_ADDRESS_CONNECTED;
}

/* Closes a connection to somebody who is given nothing. */
static void leave(const struct sending *sending, int socket)
{
	/* One that was inherited is not ours to shut down. */
	if (is_inherited(sending))
		fdpass_fd_close(socket);
	else
		fdpass_discard_connection(socket);
}

/* More is wanted than its answer. */
static int waits_for_start(const struct sending *sending)
{
	return sending->options->until != FDPASS_UNTIL_ACCEPTED;
}

static void tell_started(void *context)
{
	observe(context, FDPASS_EVENT_STARTED, "");
}

/* Everything that is said over one connection. 1, or a negative errno, in `error` if that is known. */
static int converse(struct sending *sending, struct outgoing *outgoing, struct fdpass_error *error)
{
	int r = waits_for_start(sending) ? fdpass_outgoing_ask_process(outgoing) : 0;

	if (r < 0)
		return fdpass_error_set(error, FDPASS_STEP_MEMORY, r);
	r = drive(sending, outgoing);
	if (r < 0) {
		failed(outgoing, r, error);
		if (r == -ENOMSG && waits_for_start(sending))
			fdpass_error_text(error, FDPASS_STEP_ANSWER, r, "until");
		return r;
	}
	sending->delivery.installed = outgoing->answer.count;
	if (!waits_for_start(sending))
		return r;
	observe(sending, FDPASS_EVENT_ACCEPTED, "");
	return fdpass_started_wait(outgoing, sending->options->until, sending->options->wait,
				   tell_started, sending, error);
}

/* One handover over one connection, which it owns. */
static int hand_over(struct sending *sending, int socket, struct fdpass_error *error)
{
	enum fdpass_confirm confirm =
		waits_for_start(sending) ? FDPASS_CONFIRM_ANSWER : sending->options->confirm;
	struct outgoing outgoing;
	int pidfds = SOCKET_PIDFDS_ON;
	int r = check_peer(sending, socket, error);

	/* Others may hold it, too: it gets back what it had. */
	if (r == 0 && waits_for_start(sending) && is_inherited(sending)) {
		pidfds = fdpass_socket_pidfds(socket, SOCKET_PIDFDS_ON);
		if (pidfds < 0)
			r = fdpass_error_text(error, FDPASS_STEP_START, pidfds, "kernel");
	}
	if (r < 0) {
		leave(sending, socket);
		return r;
	}
	r = fdpass_outgoing_begin(&outgoing, socket, confirm);
	fdpass_outgoing_offer(&outgoing, sending->header, sending->header_size);
	if (r < 0)
		r = fdpass_error_set(error, FDPASS_STEP_SOCKET, r);
	else
		r = converse(sending, &outgoing, error);
	if (pidfds == SOCKET_PIDFDS_OFF)
		fdpass_socket_pidfds(socket, SOCKET_PIDFDS_OFF);
	fdpass_outgoing_end(&outgoing);
	return r > 0 ? 0 : r;
}

/* Whether another connection may end better, when the caller is willing to wait: the message of this
 * one was not read, or not asked for, or nobody was there who may have it. */
static int can_retry(const struct sending *sending, const struct fdpass_error *failure)
{
	if (is_inherited(sending))
		return 0;
	if (failure->step == FDPASS_STEP_PEER)
		return failure->code == EPERM;
	return failure->step == FDPASS_STEP_ANSWER &&
	       (failure->code == ECONNRESET || failure->code == EBUSY ||
		failure->code == EPROTONOSUPPORT);
}

/* One try. `failure` is fresh. */
static int send_once(struct sending *sending, struct fdpass_error *failure, int *ret_worth_waiting)
{
	int socket = fdpass_dialer_try(&sending->dialer, failure);
	int r;

	if (socket < 0) {
		*ret_worth_waiting = failure->step == FDPASS_STEP_CONNECT &&
				     fdpass_dialer_can_wait(&sending->dialer, socket);
		return socket;
	}
	r = hand_over(sending, socket, failure);
	*ret_worth_waiting = r < 0 && can_retry(sending, failure);
	if (*ret_worth_waiting && failure->step == FDPASS_STEP_ANSWER)
		observe(sending, FDPASS_EVENT_UNREAD,
			failure->code == EPROTONOSUPPORT ? "it did not ask for them"
							 : failure->text);
	return r;
}

/* The wait is over, and this stood in the way at last. */
static int gave_up(int code, const struct fdpass_error *obstacle, struct fdpass_error *error)
{
	const char *what = "";

	if (obstacle->step == FDPASS_STEP_PEER)
		what = "stranger";
	else if (obstacle->code == EPROTONOSUPPORT)
		what = "old";
	else if (obstacle->step == FDPASS_STEP_ANSWER)
		what = "unread";
	else if (obstacle->code == EACCES)
		what = "denied";
	else if (obstacle->code == EAGAIN)
		what = "backlog";
	fdpass_error_text(error, FDPASS_STEP_WAIT, code, what);
	if (error != NULL)
		error->peer = obstacle->peer;
	return code;
}

static int send_until_taken(struct sending *sending, struct fdpass_error *error)
{
	int told = 0;

	for (;;) {
		struct fdpass_error failure = FDPASS_ERROR_INIT;
		int worth_waiting = 0;
		int r = send_once(sending, &failure, &worth_waiting);

		if (r == 0)
			return 0;
		/* A listener with a full backlog is there: it is waited for in any case, as by a
		 * blocking connect(2). */
		if (!worth_waiting ||
		    (sending->options->waiting == FDPASS_WAIT_NEVER && r != -EAGAIN)) {
			if (error != NULL)
				*error = failure;
			return r;
		}
		if (!told) {
			observe(sending, FDPASS_EVENT_WAITING, "");
			told = 1;
		}
		r = fdpass_dialer_wait(&sending->dialer, r, sending->options->wait);
		if (r < 0)
			return gave_up(r, &failure, error);
	}
}

static int check(const struct fdpass_set *set, const struct fdpass_send_options *options)
{
	size_t count = fdpass_set_count(set);

	return count >= 1 && count <= FDPASS_HANDOVER_MAX &&
	       options->confirm <= FDPASS_CONFIRM_NONE &&
	       options->waiting <= FDPASS_WAIT_LISTENER && options->until <= FDPASS_UNTIL_ENDED &&
	       (options->confirm != FDPASS_CONFIRM_NONE || options->until == FDPASS_UNTIL_ACCEPTED);
}

/* A rich handover's header, made once for every try. */
static int prepare_offer(struct sending *sending, struct fdpass_error *error)
{
	if (!fdpass_offer_is_needed(sending->set))
		return 0;
	sending->header_size = fdpass_offer_size(sending->set);
	if (sending->header_size > OFFER_HEAD_SIZE + FDPASS_NAMES_MAX)
		return fdpass_error_set(error, FDPASS_STEP_ADDRESS, -E2BIG);
	sending->header = malloc(sending->header_size);
	if (sending->header == NULL)
		return fdpass_error_set(error, FDPASS_STEP_MEMORY, -ENOMEM);
	fdpass_offer_encode(sending->set, sending->header);
	return 0;
}

int fdpass_send(const struct fdpass_address *address, const struct fdpass_set *set,
		const struct fdpass_send_options *options, struct fdpass_delivery *ret_delivery,
		struct fdpass_error *error)
{
	struct fdpass_send_options read = FDPASS_SEND_OPTIONS_INIT;
	struct sending sending = {
		.set = set, .options = &read, .stranger = {0, (uid_t)-1, (gid_t)-1}};
	int r = fdpass_options_read(&read, sizeof(read),
				    OPTIONS_LEAST(struct fdpass_send_options, observer_context),
				    options);

	if (r < 0)
		return fdpass_error_text(error, FDPASS_STEP_ADDRESS, r, "options");
	if (!check(set, sending.options))
		return fdpass_error_set(error, FDPASS_STEP_ADDRESS, -EINVAL);
	r = prepare_offer(&sending, error);
	if (r < 0)
		return r;
	if (sending.options->rule == NULL)
		r = fdpass_rule_new(&sending.own_rule);
	if (r < 0) {
		free(sending.header);
		return fdpass_error_set(error, FDPASS_STEP_MEMORY, r);
	}
	fdpass_dialer_init(&sending.dialer, address);
	if (waits_for_start(&sending))
		sending.dialer.pidfds = SOCKET_PIDFDS_ON;
	r = send_until_taken(&sending, error);
	fdpass_dialer_end(&sending.dialer);
	fdpass_rule_free(sending.own_rule);
	free(sending.header);
	if (r == 0 && ret_delivery != NULL)
		*ret_delivery = sending.delivery;
	return r;
}
