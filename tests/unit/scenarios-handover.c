/* SPDX-License-Identifier: MIT */
/* Handovers: both ends in this process, and one end here with the other in a process where nothing fails. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <check.h>

#include "base/deadline.h"
#include "given.h"
#include "otherend.h"
#include "raw.h"
#include "scenarios.h"

#define MANY 300 /* more than fit into one message */

static const struct fdpass_wait at_once = {0, -1};

/* What a failure says of a handover that was accepted all the same: nothing else than that it cannot tell. */
static void check_cannot_tell(const struct fdpass_error *error)
{
	const int nothing_given = error->code == ECONNRESET || error->code == EBUSY ||
				  error->code == EREMOTEIO || error->code == EPROTONOSUPPORT;

	if (error->step == FDPASS_STEP_WAIT)
		ck_assert_str_ne(error->text, "");
	else
		ck_assert_msg((error->step == FDPASS_STEP_ANSWER && !nothing_given) ||
				      error->step == FDPASS_STEP_START ||
				      error->step == FDPASS_STEP_MEMORY,
			      "accepted, and the sender says: %s: %s",
			      fdpass_step_text(error->step), strerror(error->code));
}

/* ---------------------------------------------------------------------- both ends, step by step -- */

/* Whoever waits for a receiver has the kernel watch directories, and to end that can take it 10 ms. */
enum first { RECEIVER_FIRST, SENDER_FIRST };

struct both {
	struct fdpass_listener *listener;
	struct fdpass_receiver *receiver;
	struct fdpass_sending *sending;
	struct fdpass_delivery delivery;
	enum first first;
	enum fdpass_until until;
	size_t count;
	enum given_names names;
	int accepted;
};

static int receiving_begin(struct both *both, const struct fdpass_address *address,
			   struct fdpass_error *error)
{
	int r = scenario_untold(fdpass_receiver_new(NULL, NULL, NULL, &both->receiver), error);

	if (r == 0)
		r = fdpass_listener_open(address, NULL, &both->listener, error);
	if (r == 0)
		r = scenario_untold(fdpass_receiver_add(both->receiver, both->listener), error);
	if (r == 0)
		both->listener = NULL;
	return r;
}

/* 1 when there was a handover. */
static int receiving_step(struct both *both, struct fdpass_error *error)
{
	struct fdpass_error failure = FDPASS_ERROR_INIT;
	struct fdpass_handover *handover = NULL;
	int r = fdpass_receiver_next(both->receiver, &at_once, &handover, &failure);

	if (r == -ETIMEDOUT)
		return 0;
	if (r < 0) {
		*error = failure;
		return r;
	}
	failing_end();
	ck_assert(given_is(fdpass_handover_set(handover), both->count, both->names));
	failing_begin();
	fdpass_handover_accept(handover, (uint32_t)both->count);
	fdpass_handover_free(handover);
	both->accepted++;
	return 1;
}

static int64_t sooner(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* What an event loop waits for. */
static void pause_both(const struct both *both, int64_t deadline)
{
	struct pollfd polled[2] = {{.fd = fdpass_sending_fd(both->sending), .events = POLLIN},
				   {.fd = fdpass_receiver_fd(both->receiver), .events = POLLIN}};
	int64_t until = sooner(
		sooner(fdpass_sending_until(both->sending), fdpass_receiver_until(both->receiver)),
		deadline);
	int64_t left = until - fdpass_deadline_in(0);

	failing_end();
	poll(polled, 2, left <= 0 ? 0 : (int)((left + 999999) / 1000000));
	failing_begin();
}

static int run_both(struct both *both, const struct fdpass_address *address,
		    const struct fdpass_set *set, struct fdpass_error *error)
{
	struct fdpass_send_options options = FDPASS_SEND_OPTIONS_INIT;
	const struct fdpass_wait patience = scenario_patience();
	int r;

	options.waiting = FDPASS_WAIT_LISTENER;
	options.until = both->until;
	options.wait = &patience;
	r = both->first == RECEIVER_FIRST ? receiving_begin(both, address, error) : 0;
	if (r == 0)
		r = fdpass_sending_begin(address, set, &options, &both->sending, error);
	if (r == 0)
		r = fdpass_sending_step(both->sending, &both->delivery, error);
	if (r == 0 && both->first == SENDER_FIRST)
		r = receiving_begin(both, address, error);
	while (r == 0) {
		r = receiving_step(both, error);
		if (r >= 0)
			r = fdpass_sending_step(both->sending, &both->delivery, error);
		if (r == 0)
			pause_both(both, patience.deadline);
	}
	return r;
}

static int hand_over(const char *place, struct both both, struct fdpass_error *error)
{
	enum fdpass_address_kind kind =
		place[0] == '@' ? FDPASS_ADDRESS_ABSTRACT : FDPASS_ADDRESS_NAMED;
	struct fdpass_address *address = NULL;
	struct fdpass_set *set = given_set(both.count, both.names);
	char where[64];
	int r;

	snprintf(where, sizeof(where), "%s-%d", place + (kind == FDPASS_ADDRESS_ABSTRACT),
		 getpid());
	ck_assert_int_eq(fdpass_address_parse(kind, where, &address, NULL), 0);
	failing_begin();
	r = run_both(&both, address, set, error);
	fdpass_sending_free(both.sending);
	fdpass_receiver_free(both.receiver);
	fdpass_listener_close(both.listener);
	failing_end();
	ck_assert_int_le(both.accepted, 1);
	if (r > 0) {
		ck_assert_int_eq(both.accepted, 1);
		ck_assert_int_eq(both.delivery.proof, FDPASS_PROOF_ANSWER);
		ck_assert_uint_eq(both.delivery.installed, both.count);
	}
	fdpass_set_free(set);
	fdpass_address_free(address);
	return r;
}

static int waiting(struct fdpass_error *error)
{
	return hand_over("./place", (struct both){.first = SENDER_FIRST, .count = 2}, error);
}

static int waiting_abstract(struct fdpass_error *error)
{
	return hand_over("@fdpass-unit-failing", (struct both){.first = SENDER_FIRST, .count = 2},
			 error);
}

static int in_the_run_directory(struct fdpass_error *error)
{
	return hand_over("place", (struct both){.count = 2}, error);
}

static int many(struct fdpass_error *error)
{
	return hand_over("./place", (struct both){.count = MANY, .names = GIVEN_WITH_NAMES}, error);
}

/* The receiver is this process, which goes on after it has closed the connection: that is a start. */
static int until_started(struct fdpass_error *error)
{
	return hand_over("./place", (struct both){.count = 2, .until = FDPASS_UNTIL_STARTED},
			 error);
}

/* A connection that both have inherited; the sender does not wait for an answer. */
static int connected(struct fdpass_error *error)
{
	struct fdpass_send_options options = FDPASS_SEND_OPTIONS_INIT;
	struct fdpass_set *set = given_set(2, GIVEN_WITHOUT_NAMES);
	struct fdpass_receiver *receiver = NULL;
	struct fdpass_handover *handover = NULL;
	struct fdpass_address *address = NULL;
	const struct fdpass_wait patience = scenario_patience();
	char text[16];
	int pair[2], r;

	raw_pair(pair);
	snprintf(text, sizeof(text), "%d", pair[0]);
	options.confirm = FDPASS_CONFIRM_NONE;
	options.wait = &patience;
	failing_begin();
	r = fdpass_address_parse(FDPASS_ADDRESS_CONNECTED, text, &address, error);
	if (r == 0)
		r = fdpass_send(address, set, &options, NULL, error);
	if (r == 0)
		r = scenario_untold(fdpass_receiver_new(NULL, NULL, NULL, &receiver), error);
	if (r == 0)
		r = fdpass_receiver_add_connection(receiver, pair[1], error);
	if (r == 0)
		r = fdpass_receiver_next(receiver, &patience, &handover, error);
	if (r == 0)
		r = scenario_untold(fdpass_handover_move(handover, 100), error);
	failing_end();
	if (r == 0)
		ck_assert(given_is(fdpass_handover_set(handover), 2, GIVEN_WITHOUT_NAMES));
	failing_begin();
	if (r == 0)
		fdpass_handover_refuse(handover, "it is a test");
	fdpass_handover_free(handover);
	fdpass_receiver_free(receiver);
	fdpass_address_free(address);
	failing_end();
	fdpass_set_free(set);
	close(pair[0]);
	close(pair[1]);
	return r;
}

/* --------------------------------------------------------------------- the other end undisturbed -- */

static int send_to_another(size_t count, enum given_names names, struct fdpass_error *error)
{
	struct fdpass_send_options options = FDPASS_SEND_OPTIONS_INIT;
	const struct fdpass_wait patience = scenario_patience();
	struct fdpass_set *set = given_set(count, names);
	struct fdpass_address *address = NULL;
	struct otherend_report report;
	int r;

	options.wait = &patience;
	failing_begin();
	r = fdpass_address_parse(FDPASS_ADDRESS_NAMED, "./other", &address, error);
	if (r == 0)
		r = fdpass_send(address, set, &options, NULL, error);
	fdpass_address_free(address);
	failing_end();
	report = otherend_settle(OTHEREND_NOW);
	ck_assert_int_eq(report.kept, 0);
	ck_assert_int_eq(report.bad, 0);
	ck_assert_int_le(report.accepted, 1);
	if (r == 0)
		ck_assert_int_eq(report.accepted, 1);
	else if (report.accepted > 0)
		check_cannot_tell(error);
	fdpass_set_free(set);
	return r;
}

static int send_plain(struct fdpass_error *error)
{
	return send_to_another(2, GIVEN_WITHOUT_NAMES, error);
}

static int send_rich(struct fdpass_error *error)
{
	return send_to_another(MANY, GIVEN_WITH_NAMES, error);
}

/* Until there is a handover, or the sender has no hope any more: a receiver without memory turns it away. */
static int receive_here(struct fdpass_receiver **ret_receiver,
			struct fdpass_handover **ret_handover, struct fdpass_error *error)
{
	const struct fdpass_wait patience = {scenario_patience().deadline, otherend_fd()};
	struct fdpass_address *address = NULL;
	struct fdpass_listener *listener = NULL;
	int r = scenario_untold(fdpass_receiver_new(NULL, NULL, NULL, ret_receiver), error);

	if (r == 0)
		r = fdpass_address_parse(FDPASS_ADDRESS_NAMED, "./here", &address, error);
	if (r == 0)
		r = fdpass_listener_open(address, NULL, &listener, error);
	if (r == 0)
		r = scenario_untold(fdpass_receiver_add(*ret_receiver, listener), error);
	if (r < 0)
		fdpass_listener_close(listener);
	fdpass_address_free(address);
	return r < 0 ? r : fdpass_receiver_next(*ret_receiver, &patience, ret_handover, error);
}

static int receive_from_another(size_t count, enum given_names names, struct fdpass_error *error)
{
	struct fdpass_receiver *receiver = NULL;
	struct fdpass_handover *handover = NULL;
	struct otherend_report report;
	int r;

	otherend_go();
	failing_begin();
	r = receive_here(&receiver, &handover, error);
	failing_end();
	if (r == 0)
		ck_assert(given_is(fdpass_handover_set(handover), count, names));
	failing_begin();
	if (r == 0)
		fdpass_handover_accept(handover, (uint32_t)count);
	fdpass_handover_free(handover);
	fdpass_receiver_free(receiver);
	failing_end();
	report = otherend_settle(r == 0 ? OTHEREND_BY_ITSELF : OTHEREND_NOW);
	ck_assert_int_eq(report.kept, 0);
	if (report.delivered)
		ck_assert_int_eq(r, 0);
	else if (r == 0)
		check_cannot_tell(&report.error);
	if (r == 0 && failing_count() == 0)
		ck_assert(report.delivered);
	return r;
}

static int receive_plain(struct fdpass_error *error)
{
	return receive_from_another(2, GIVEN_WITHOUT_NAMES, error);
}

static int receive_rich(struct fdpass_error *error)
{
	return receive_from_another(MANY, GIVEN_WITH_NAMES, error);
}

static void receives_plain(void)
{
	otherend_receives(2, GIVEN_WITHOUT_NAMES);
}

static void receives_rich(void)
{
	otherend_receives(MANY, GIVEN_WITH_NAMES);
}

static void sends_plain(void)
{
	otherend_sends(2, GIVEN_WITHOUT_NAMES);
}

static void sends_rich(void)
{
	otherend_sends(MANY, GIVEN_WITH_NAMES);
}

const struct scenario scenarios_handover[] = {
	{"waiting", waiting, NULL, NULL, 0},
	{"waiting at an abstract name", waiting_abstract, NULL, NULL, 0},
	{"handing over in the run directory", in_the_run_directory, NULL, NULL, 0},
	{"handing over many with names", many, NULL, NULL, 0},
	{"handing over until it has started", until_started, NULL, NULL, 0},
	{"handing over a connection", connected, NULL, NULL, 0},
	{"sending", send_plain, receives_plain, otherend_stop, 0},
	{"sending many with names", send_rich, receives_rich, otherend_stop, 0},
	{"receiving", receive_plain, sends_plain, otherend_stop, 0},
	{"receiving many with names", receive_rich, sends_rich, otherend_stop, 0},
	{NULL, NULL, NULL, NULL, 0},
};
