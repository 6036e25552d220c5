/* SPDX-License-Identifier: MIT */
/* Sending, step by step: connect to whoever listens at an address, check who it is, hand over, and be sure. */
#include "handover/sending.h"

#include <errno.h>
#include <stdlib.h>

#include "base/discard.h"
#include "base/error.h"
#include "base/fd.h"
#include "base/options.h"
#include "base/socket.h"
#include "wire/offer.h"

static void observe(const struct fdpass_sending *sending, enum fdpass_event_kind kind,
		    const char *reason)
{
	const struct fdpass_event event = {
		.kind = kind,
		.peer = sending->delivery.peer,
		.reason = reason,
		.done = sending->passed,
		.total = sending->passed > 0 ? fdpass_set_count(sending->set) : 0,
	};

	if (sending->options.observer != NULL)
		sending->options.observer(sending->options.observer_context, &event);
}

/* Tells of it once. */
static void observe_once(const struct fdpass_sending *sending, int *told,
			 enum fdpass_event_kind kind)
{
	if (!*told)
		observe(sending, kind, "");
	*told = 1;
}

/* Refuses whoever the rule does not admit, before anything is given. */
static int check_peer(struct fdpass_sending *sending, int socket, struct fdpass_error *error)
{
	const struct fdpass_rule *rule =
		sending->options.rule != NULL ? sending->options.rule : sending->own_rule;
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

static int is_inherited(const struct fdpass_sending *sending)
{
	return sending->dialer.address->kind == FDPASS_ADDRESS_CONNECTED;
}

/* Closes a connection to somebody who is given nothing. */
static void leave(const struct fdpass_sending *sending, int socket)
{
	/* One that was inherited is not ours to shut down. */
	if (is_inherited(sending))
		fdpass_fd_close(socket);
	else
		fdpass_discard_connection(socket);
}

/* More is wanted than its answer. */
static int waits_for_start(const struct fdpass_sending *sending)
{
	return sending->options.until != FDPASS_UNTIL_ACCEPTED;
}

/* Begins one handover over one connection, which it owns. */
static int begin_talk(struct fdpass_sending *sending, int socket, struct fdpass_error *error)
{
	enum fdpass_confirm confirm =
		waits_for_start(sending) ? FDPASS_CONFIRM_ANSWER : sending->options.confirm;
	int r = check_peer(sending, socket, error);

	sending->pidfds = SOCKET_PIDFDS_ON;
	/* Others may hold it, too: it gets back what it had. */
	if (r == 0 && waits_for_start(sending) && is_inherited(sending)) {
		sending->pidfds = fdpass_socket_pidfds(socket, SOCKET_PIDFDS_ON);
		if (sending->pidfds < 0)
			r = fdpass_error_text(error, FDPASS_STEP_START, sending->pidfds, "kernel");
	}
	if (r < 0) {
		leave(sending, socket);
		return r;
	}
	sending->phase = SENDING_TALK;
	sending->passed = 0;
	sending->told_sent = 0;
	r = fdpass_outgoing_begin(&sending->outgoing, socket, confirm);
	fdpass_outgoing_offer(&sending->outgoing, sending->header, sending->header_size);
	if (r < 0)
		return fdpass_error_set(error, FDPASS_STEP_SOCKET, r);
	if (waits_for_start(sending) && fdpass_outgoing_ask_process(&sending->outgoing) < 0)
		return fdpass_error_set(error, FDPASS_STEP_MEMORY, -ENOMEM);
	return 0;
}

/* Ends the connection, if there is one. */
static void end_talk(struct fdpass_sending *sending)
{
	if (sending->phase == SENDING_FOLLOW)
		fdpass_started_end(&sending->started);
	if (sending->phase == SENDING_FOLLOW || sending->phase == SENDING_TALK) {
		if (sending->pidfds == SOCKET_PIDFDS_OFF)
			fdpass_socket_pidfds(sending->outgoing.socket, SOCKET_PIDFDS_OFF);
		fdpass_outgoing_end(&sending->outgoing);
	}
	sending->phase = SENDING_DIAL;
}

/* What became of the handover, for the caller. */
static int failed(const struct fdpass_sending *sending, int code, struct fdpass_error *error)
{
	const struct outgoing *outgoing = &sending->outgoing;
	enum fdpass_step step = FDPASS_STEP_SEND;

	if (!outgoing->unsendable &&
	    (outgoing->sent || outgoing->spoke || code == -ECONNRESET || code == -EPROTONOSUPPORT))
		step = FDPASS_STEP_ANSWER;
	if (code == -ENOMSG && waits_for_start(sending))
		return fdpass_error_text(error, step, code, "until");
	if (code == -ECONNABORTED && !outgoing->sent)
		return fdpass_error_text(error, step, code, "partly");
	if (code == -EPROTO && outgoing->header != NULL && outgoing->passed == 0)
		return fdpass_error_text(error, step, code, "unasked");
	return fdpass_error_text(error, step, code, outgoing->answer.text);
}

/* Whether another connection may end better, when the caller is willing to wait: the message of this
 * one was not read, or not asked for, or nobody was there who may have it. */
static int can_retry(const struct fdpass_sending *sending, const struct fdpass_error *failure)
{
	if (is_inherited(sending))
		return 0;
	if (failure->step == FDPASS_STEP_PEER)
		return failure->code == EPERM;
	return failure->step == FDPASS_STEP_ANSWER &&
	       (failure->code == ECONNRESET || failure->code == EBUSY ||
		failure->code == EPROTONOSUPPORT);
}

enum worth { NOT_WORTH_WAITING, WORTH_WAITING };

/* A try has failed. 0: it will be tried again; else it has failed altogether. */
static int postpone(struct fdpass_sending *sending, const struct fdpass_error *failure,
		    enum worth worth, struct fdpass_error *error)
{
	int code = -failure->code;

	end_talk(sending);
	/* A listener with a full backlog is there: it is waited for in any case, as by a blocking
	 * connect(2). */
	if (worth == NOT_WORTH_WAITING ||
	    (sending->options.waiting == FDPASS_WAIT_NEVER && code != -EAGAIN)) {
		if (error != NULL)
			*error = *failure;
		return code;
	}
	observe_once(sending, &sending->told_waiting, FDPASS_EVENT_WAITING);
	sending->obstacle = *failure;
	sending->phase = SENDING_LISTEN;
	fdpass_dialer_arm(&sending->dialer, code);
	return 0;
}

/* What follows an acceptance. */
static int follow(struct fdpass_sending *sending, struct fdpass_error *error)
{
	int r = fdpass_started_step(&sending->started, &sending->outgoing, error);

	if (r < 0 && error != NULL)
		error->peer = sending->delivery.peer;
	if (r >= 0 && sending->started.phase == STARTED_RUNNING)
		observe_once(sending, &sending->told_started, FDPASS_EVENT_STARTED);
	return r;
}

/* Sends, and finds out what became of it. */
static int talk(struct fdpass_sending *sending, struct fdpass_error *error)
{
	struct fdpass_error failure = FDPASS_ERROR_INIT;
	struct outgoing *outgoing = &sending->outgoing;
	enum worth worth;
	int r = fdpass_outgoing_step(outgoing, sending->set, &sending->delivery.proof);

	if (outgoing->passed > sending->passed) {
		sending->passed = outgoing->passed;
		observe(sending, FDPASS_EVENT_PROGRESS, "");
	}
	if (outgoing->sent)
		observe_once(sending, &sending->told_sent, FDPASS_EVENT_SENT);
	if (r < 0) {
		failed(sending, r, &failure);
		worth = can_retry(sending, &failure) ? WORTH_WAITING : NOT_WORTH_WAITING;
		if (worth == WORTH_WAITING)
			observe(sending, FDPASS_EVENT_UNREAD,
				failure.code == EPROTONOSUPPORT ? "it did not ask for them"
								: failure.text);
		return postpone(sending, &failure, worth, error);
	}
	if (r == 0)
		return 0;
	sending->delivery.installed = outgoing->answer.count;
	if (!waits_for_start(sending))
		return 1;
	observe(sending, FDPASS_EVENT_ACCEPTED, "");
	fdpass_started_begin(&sending->started, outgoing, sending->options.until);
	sending->phase = SENDING_FOLLOW;
	return follow(sending, error);
}

/* One try. */
static int dial(struct fdpass_sending *sending, struct fdpass_error *error)
{
	struct fdpass_error failure = FDPASS_ERROR_INIT;
	int socket = fdpass_dialer_try(&sending->dialer, &failure);
	int can_wait;

	if (socket < 0) {
		can_wait = failure.step == FDPASS_STEP_CONNECT &&
			   fdpass_dialer_can_wait(&sending->dialer, socket);
	} else {
		if (begin_talk(sending, socket, &failure) == 0)
			return talk(sending, error);
		can_wait = can_retry(sending, &failure);
	}
	return postpone(sending, &failure, can_wait ? WORTH_WAITING : NOT_WORTH_WAITING, error);
}

/* What stood in the way, in a word. */
static const char *obstacle(const struct fdpass_error *failure)
{
	if (failure->step == FDPASS_STEP_PEER)
		return "stranger";
	if (failure->code == EPROTONOSUPPORT)
		return "old";
	if (failure->step == FDPASS_STEP_ANSWER)
		return "unread";
	if (failure->code == EACCES)
		return "denied";
	return failure->code == EAGAIN ? "backlog" : "";
}

/* How far the handover had got. */
static const char *progress(const struct outgoing *outgoing)
{
	if (outgoing->sent)
		return "sent";
	if (outgoing->header == NULL)
		return "";
	return outgoing->told_to_go_on ? "partly" : "old";
}

int fdpass_sending_give_up(const struct fdpass_sending *sending, int code,
			   struct fdpass_error *error)
{
	if (sending->phase == SENDING_TALK)
		return fdpass_error_text(error, FDPASS_STEP_WAIT, code,
					 progress(&sending->outgoing));
	if (sending->phase == SENDING_FOLLOW)
		return fdpass_error_text(error, FDPASS_STEP_WAIT, code,
					 sending->started.phase == STARTED_RUNNING ? "started"
										   : "accepted");
	fdpass_error_text(error, FDPASS_STEP_WAIT, code, obstacle(&sending->obstacle));
	if (error != NULL)
		error->peer = sending->obstacle.peer;
	return code;
}

static int go_on(struct fdpass_sending *sending, struct fdpass_error *error)
{
	int r;

	switch (sending->phase) {
	case SENDING_LISTEN:
		/* Once the time is up, nobody new is given anything. */
		if (!fdpass_dialer_is_due(&sending->dialer) || fdpass_wait_over(&sending->wait) < 0)
			return 0;
		return dial(sending, error);
	case SENDING_DIAL:
		return dial(sending, error);
	case SENDING_TALK:
	case SENDING_FOLLOW:
		r = fdpass_outgoing_woken(&sending->outgoing);
		if (r < 0)
			return fdpass_sending_give_up(sending, r, error);
		return sending->phase == SENDING_TALK ? talk(sending, error)
						      : follow(sending, error);
	case SENDING_IS_OVER:
		break;
	}
	return fdpass_error_set(error, FDPASS_STEP_NONE, -EINVAL);
}

int fdpass_sending_go_on(struct fdpass_sending *sending, struct fdpass_delivery *ret_delivery,
			 struct fdpass_error *error)
{
	int r = go_on(sending, error);

	/* Only now: what can be done at once is done, though the time has run out. */
	if (r == 0) {
		r = fdpass_wait_over(&sending->wait);
		if (r < 0)
			fdpass_sending_give_up(sending, r, error);
	}
	if (r == 0)
		return 0;
	end_talk(sending);
	sending->phase = SENDING_IS_OVER;
	if (r > 0 && ret_delivery != NULL)
		*ret_delivery = sending->delivery;
	return r;
}

struct interest fdpass_sending_interest(const struct fdpass_sending *sending)
{
	switch (sending->phase) {
	case SENDING_DIAL:
		return (struct interest){FD_NONE, 0, 0};
	case SENDING_LISTEN:
		return fdpass_dialer_interest(&sending->dialer);
	case SENDING_TALK:
		return fdpass_outgoing_interest(&sending->outgoing);
	case SENDING_FOLLOW:
		return fdpass_started_interest(&sending->started, &sending->outgoing);
	case SENDING_IS_OVER:
		break;
	}
	return (struct interest){FD_NONE, 0, FDPASS_NO_DEADLINE};
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
static int prepare_offer(struct fdpass_sending *sending, struct fdpass_error *error)
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

int fdpass_sending_init(struct fdpass_sending *sending, const struct fdpass_address *address,
			const struct fdpass_set *set, const struct fdpass_send_options *options,
			struct fdpass_error *error)
{
	int r;

	*sending = (struct fdpass_sending){
		.set = set,
		.options = FDPASS_SEND_OPTIONS_INIT,
		.wait = FDPASS_WAIT_INIT,
		.stranger = {0, (uid_t)-1, (gid_t)-1},
		.obstacle = FDPASS_ERROR_INIT,
		.events = FD_NONE,
		.watched = FD_NONE,
	};
	fdpass_dialer_init(&sending->dialer, address);
	r = fdpass_options_read(&sending->options, sizeof(sending->options),
				OPTIONS_LEAST(struct fdpass_send_options, observer_context),
				options);
	if (r < 0)
		return fdpass_error_text(error, FDPASS_STEP_ADDRESS, r, "options");
	if (!check(set, &sending->options))
		return fdpass_error_set(error, FDPASS_STEP_ADDRESS, -EINVAL);
	if (sending->options.wait != NULL)
		sending->wait = *sending->options.wait;
	if (waits_for_start(sending))
		sending->dialer.pidfds = SOCKET_PIDFDS_ON;
	r = prepare_offer(sending, error);
	if (r == 0 && sending->options.rule == NULL && fdpass_rule_new(&sending->own_rule) < 0)
		r = fdpass_error_set(error, FDPASS_STEP_MEMORY, -ENOMEM);
	return r;
}

void fdpass_sending_end(struct fdpass_sending *sending)
{
	end_talk(sending);
	fdpass_dialer_end(&sending->dialer);
	sending->own_rule = fdpass_rule_free(sending->own_rule);
	free(sending->header);
	sending->header = NULL;
	sending->events = fdpass_fd_close(sending->events);
}
