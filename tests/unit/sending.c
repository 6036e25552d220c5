/* SPDX-License-Identifier: MIT */
/* One call of fdpass_send() and all that it says. */
#include "sending.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "driving.h"
#include "raw.h"

static void count(void *context, const struct fdpass_event *event)
{
	struct sending *sending = context;

	sending->events[event->kind]++;
	if (event->kind == sending->tell_of && sending->tell >= 0)
		raw_check(write(sending->tell, "!", 1) == 1);
}

/* The same as fdpass_send(), as an event loop does it. */
static int send_in_steps(const struct fdpass_address *address, const struct fdpass_set *set,
			 const struct fdpass_send_options *options,
			 struct fdpass_delivery *ret_delivery, struct fdpass_error *error)
{
	struct fdpass_sending *sending;
	int r = fdpass_sending_begin(address, set, options, &sending, error);

	if (r < 0)
		return r;
	while ((r = fdpass_sending_step(sending, ret_delivery, error)) == 0)
		driving_pause(fdpass_sending_fd(sending), fdpass_sending_until(sending),
			      options->wait->cancel_fd);
	fdpass_sending_free(sending);
	return r > 0 ? 0 : r;
}

void sending_init(struct sending *sending)
{
	*sending = (struct sending){
		.options = FDPASS_SEND_OPTIONS_INIT,
		.wait = {fdpass_deadline_in(5000000000), -1},
		.error = FDPASS_ERROR_INIT,
		.tell = -1,
	};
}

int sending_run(struct sending *sending, const char *where, const struct fdpass_set *set)
{
	const struct fdpass_delivery untouched = {(enum fdpass_proof)77, 77, {77, 77, 77}};
	enum fdpass_address_kind kind =
		where[0] == '@' ? FDPASS_ADDRESS_ABSTRACT : FDPASS_ADDRESS_NAMED;
	struct fdpass_address *address;
	int r;

	sending->options.wait = &sending->wait;
	sending->options.observer = count;
	sending->options.observer_context = sending;
	sending->delivery = untouched;
	raw_check(fdpass_address_parse(kind, where + (where[0] == '@'), &address, NULL) == 0);
	r = getenv("SENDING_IN_STEPS") != NULL ? send_in_steps(address, set, &sending->options,
							       &sending->delivery, &sending->error)
					       : fdpass_send(address, set, &sending->options,
							     &sending->delivery, &sending->error);
	fdpass_address_free(address);
	if (r == 0) {
		raw_check(sending->error.step == FDPASS_STEP_NONE && sending->error.code == 0);
	} else {
		raw_check(r < 0 && sending->error.code == -r);
		raw_check(memcmp(&sending->delivery, &untouched, sizeof(untouched)) == 0);
	}
	return r;
}

int sending_one(struct sending *sending, const char *where)
{
	struct fdpass_set *set;
	int pair[2], r;

	raw_check(fdpass_set_new(&set) == 0 && pipe(pair) == 0);
	raw_check(fdpass_set_take(set, pair[0]) == 0 && fdpass_set_take(set, pair[1]) == 0);
	r = sending_run(sending, where, set);
	/* Borrowed and unchanged, whatever happens. */
	raw_check(fdpass_set_count(set) == 2);
	raw_check(fdpass_set_get(set, 0) == pair[0] && fdpass_set_get(set, 1) == pair[1]);
	fdpass_set_free(set);
	return r;
}
