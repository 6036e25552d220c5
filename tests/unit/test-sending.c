/* SPDX-License-Identifier: MIT */
/* Both ends of a handover in one event loop, which never waits anywhere else. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/deadline.h"
#include "base/fd.h"
#include "descriptors.h"
#include "driving.h"
#include "raw.h"
#include "receiving.h"
#include "scratch.h"
#include "suite.h"

static struct fdpass_address *address;
static struct fdpass_set *set;
static struct fdpass_send_options options;
static struct fdpass_sending *sending;
static struct receiving receiving;

/* The loop: one epoll instance, which has both. */
static int loop;
static int steps, looks; /* how often each was called */

enum { SENDER = 1, RECEIVER };

static void loop_add(int fd, uint32_t who)
{
	struct epoll_event interest = {.events = EPOLLIN, .data.u32 = who};

	ck_assert_int_eq(epoll_ctl(loop, EPOLL_CTL_ADD, fd, &interest), 0);
}

static void begin(const char *where, size_t count)
{
	enum fdpass_address_kind kind =
		where[0] == '@' ? FDPASS_ADDRESS_ABSTRACT : FDPASS_ADDRESS_NAMED;

	steps = looks = 0;
	options = (struct fdpass_send_options)FDPASS_SEND_OPTIONS_INIT;
	ck_assert_int_eq(fdpass_address_parse(kind, where + (where[0] == '@'), &address, NULL), 0);
	ck_assert_int_eq(fdpass_set_new(&set), 0);
	for (size_t i = 0; i < count; i++)
		ck_assert_int_eq(fdpass_set_borrow(set, STDIN_FILENO), 0);
	loop = epoll_create1(EPOLL_CLOEXEC);
	ck_assert_int_ge(loop, 0);
}

static void begin_sending(void)
{
	ck_assert_int_eq(fdpass_sending_begin(address, set, &options, &sending, NULL), 0);
	/* Nothing was done yet, and that is to be done at once. */
	ck_assert_int_eq(fdpass_sending_until(sending), 0);
	ck_assert_int_eq(fcntl(fdpass_sending_fd(sending), F_GETFD), FD_CLOEXEC);
	loop_add(fdpass_sending_fd(sending), SENDER);
}

static void begin_receiving(void)
{
	receiving_begin(&receiving, NULL, 1);
	ck_assert_int_eq(fdpass_receiver_until(receiving.receiver), FDPASS_NO_DEADLINE);
	loop_add(fdpass_receiver_fd(receiving.receiver), RECEIVER);
}

static void end(void)
{
	sending = fdpass_sending_free(sending);
	receiving.receiver = fdpass_receiver_free(receiving.receiver);
	set = fdpass_set_free(set);
	address = fdpass_address_free(address);
	close(loop);
}

/* Takes what has come, and accepts it. */
static void look(size_t count)
{
	const struct fdpass_wait at_once = {0, -1};
	struct fdpass_handover *handover;
	int r = fdpass_receiver_next(receiving.receiver, &at_once, &handover, NULL);

	looks++;
	if (r < 0) {
		ck_assert_int_eq(r, -ETIMEDOUT);
		return;
	}
	ck_assert_uint_eq(fdpass_set_count(fdpass_handover_set(handover)), count);
	fdpass_handover_accept(handover, (uint32_t)count);
	fdpass_handover_free(handover);
}

/* One turn of the loop; what the sender says, if it was called. */
static int turn(struct fdpass_delivery *delivery, struct fdpass_error *error)
{
	int64_t until = fdpass_sending_until(sending);
	struct epoll_event event;
	int fd = fdpass_sending_fd(sending);
	int r = 0, count;

	if (receiving.receiver != NULL)
		until = deadline_earlier(until, fdpass_receiver_until(receiving.receiver));
	driving_pause(loop, until, -1);
	count = epoll_wait(loop, &event, 1, 0);
	if (count > 0 && event.data.u32 == RECEIVER)
		look(fdpass_set_count(set));
	if ((count > 0 && event.data.u32 == SENDER) ||
	    fdpass_sending_until(sending) <= fdpass_deadline_now()) {
		r = fdpass_sending_step(sending, delivery, error);
		steps++;
	}
	ck_assert_int_eq(fdpass_sending_fd(sending), fd);
	return r;
}

static int run(struct fdpass_delivery *delivery, struct fdpass_error *error)
{
	int r;

	do
		r = turn(delivery, error);
	while (r == 0);
	return r;
}

START_TEST(in_one_loop_with_the_receiver)
{
	static const size_t counts[] = {1, 253, 254, 5000};
	struct fdpass_delivery delivery;
	size_t count = counts[_i % 4];

	begin("./s0", count);
	if (_i >= 4)
		ck_assert_int_eq(fdpass_set_rename(set, 0, "name"), 0);
	begin_receiving();
	raw_set_table(6000);
	begin_sending();
	ck_assert_int_eq(run(&delivery, NULL), 1);
	ck_assert_int_eq(delivery.proof, FDPASS_PROOF_ANSWER);
	ck_assert_uint_eq(delivery.installed, count);
	ck_assert_int_eq(delivery.peer.pid, getpid());
	/* Nobody was called again and again. */
	ck_assert_int_le(steps, 16 + (int)count / 50);
	ck_assert_int_le(looks, 16 + (int)count / 50);
	end();
}
END_TEST

START_TEST(after_the_end_there_is_nothing_more)
{
	struct fdpass_delivery delivery = {.installed = 77};
	struct fdpass_error error = FDPASS_ERROR_INIT;

	begin("./nobody", 1);
	begin_sending();
	ck_assert_int_eq(run(&delivery, &error), -ENOENT);
	ck_assert_int_eq(error.step, FDPASS_STEP_CONNECT);
	ck_assert_uint_eq(delivery.installed, 77);
	ck_assert_int_eq(fdpass_sending_until(sending), FDPASS_NO_DEADLINE);
	for (int i = 0; i < 2; i++)
		ck_assert_int_eq(fdpass_sending_step(sending, &delivery, &error), -EINVAL);
	ck_assert_int_eq(error.step, FDPASS_STEP_NONE);
	end();
}
END_TEST

START_TEST(a_receiver_that_comes_later_wakes)
{
	static const char *const places[] = {"./s0", "@fdpass-unit-sending", "later/s0"};
	struct fdpass_delivery delivery;
	struct fdpass_listener *listener;
	char byte;
	int peer;

	begin(places[_i], 1);
	options.waiting = FDPASS_WAIT_LISTENER;
	begin_sending();
	/* Until it has nothing to do but wait for an event. */
	for (int i = 0; i < 8 && fdpass_sending_until(sending) <= fdpass_deadline_now(); i++)
		ck_assert_int_eq(fdpass_sending_step(sending, &delivery, NULL), 0);
	ck_assert_int_gt(fdpass_sending_until(sending), fdpass_deadline_now());
	if (_i == 2)
		ck_assert_int_eq(mkdir("later", 0700), 0);
	ck_assert_int_eq(fdpass_listener_open(address, NULL, &listener, NULL), 0);
	do {
		ck_assert_int_eq(turn(&delivery, NULL), 0);
		peer = accept(fdpass_listener_fd(listener), NULL, NULL);
	} while (peer < 0);
	/* Somebody who only reads. */
	ck_assert_int_eq(recv(peer, &byte, 1, 0), 1);
	ck_assert_int_eq(run(&delivery, NULL), 1);
	ck_assert_int_eq(delivery.proof, FDPASS_PROOF_READ);
	close(peer);
	fdpass_listener_close(listener);
	end();
}
END_TEST

START_TEST(the_deadline_is_a_reason_to_call)
{
	const struct fdpass_wait wait = {fdpass_deadline_in(30 * NSEC_PER_MSEC), -1};
	struct fdpass_error error = FDPASS_ERROR_INIT;
	int listener = raw_listen("s", 4);

	begin(_i == 0 ? "./s" : "./nobody", 1);
	options.waiting = FDPASS_WAIT_LISTENER;
	options.wait = &wait;
	begin_sending();
	/* A copy was made of it. */
	options.wait = NULL;
	ck_assert_int_eq(run(NULL, &error), -ETIMEDOUT);
	ck_assert_int_ge(fdpass_deadline_now(), wait.deadline);
	ck_assert_int_eq(error.step, FDPASS_STEP_WAIT);
	ck_assert_str_eq(error.text, _i == 0 ? "sent" : "");
	close(listener);
	end();
}
END_TEST

START_TEST(what_cancels_is_seen_in_every_step)
{
	struct fdpass_wait wait = {FDPASS_NO_DEADLINE, eventfd(0, EFD_CLOEXEC)};
	struct fdpass_error error = FDPASS_ERROR_INIT;

	begin("./nobody", 1);
	options.waiting = FDPASS_WAIT_LISTENER;
	options.wait = &wait;
	begin_sending();
	ck_assert_int_eq(fdpass_sending_step(sending, NULL, &error), 0);
	ck_assert_int_eq(eventfd_write(wait.cancel_fd, 1), 0);
	ck_assert_int_eq(fdpass_sending_step(sending, NULL, &error), -ECANCELED);
	ck_assert_int_eq(error.step, FDPASS_STEP_WAIT);
	close(wait.cancel_fd);
	end();
}
END_TEST

START_TEST(it_can_be_given_up_anywhere)
{
	int listener = raw_listen("s", 4);

	begin(_i % 2 == 0 ? "./s" : "./nobody", _i < 4 ? 1 : 1000);
	options.waiting = FDPASS_WAIT_LISTENER;
	if (_i % 4 >= 2)
		options.until = FDPASS_UNTIL_ENDED;
	begin_sending();
	for (int i = 0; i < _i / 2; i++)
		ck_assert_int_eq(fdpass_sending_step(sending, NULL, NULL), 0);
	close(listener);
	end();
}
END_TEST

START_TEST(what_cannot_begin)
{
	struct fdpass_error error = FDPASS_ERROR_INIT;
	int top;

	begin("./s", 0);
	ck_assert_int_eq(fdpass_sending_begin(address, set, &options, &sending, &error), -EINVAL);
	ck_assert_int_eq(error.step, FDPASS_STEP_ADDRESS);
	ck_assert_int_eq(fdpass_set_borrow(set, 0), 0);
	top = dup(0);
	close(top);
	raw_set_table(top);
	ck_assert_int_eq(fdpass_sending_begin(address, set, &options, &sending, &error), -EMFILE);
	ck_assert_int_eq(error.step, FDPASS_STEP_SOCKET);
	ck_assert_ptr_null(sending);
	end();
}
END_TEST

/* A connection that others hold as well stays as it was, and in nobody's epoll set. */
START_TEST(over_an_inherited_connection)
{
	struct fdpass_delivery delivery;
	char text[16];
	int pair[2];
	char byte;

	raw_pair(pair);
	begin("./s", 1);
	address = fdpass_address_free(address);
	snprintf(text, sizeof(text), "%d", pair[0]);
	ck_assert_int_eq(fdpass_address_parse(FDPASS_ADDRESS_CONNECTED, text, &address, NULL), 0);
	begin_sending();
	ck_assert_int_eq(turn(&delivery, NULL), 0);
	ck_assert_int_eq(recv(pair[1], &byte, 1, 0), 1);
	ck_assert_int_eq(run(&delivery, NULL), 1);
	ck_assert_int_eq(delivery.proof, FDPASS_PROOF_READ);
	/* Nothing of it wakes the loop any more. */
	ck_assert_int_eq(send(pair[1], "x", 1, 0), 1);
	driving_pause(loop, 0, -1);
	ck_assert_int_eq(epoll_wait(loop, &(struct epoll_event){0}, 1, 0), 0);
	close(pair[0]);
	close(pair[1]);
	end();
}
END_TEST

/* A receiver whose table is full asks to be called again, and then goes on. */
START_TEST(a_receiver_says_when_to_look_again)
{
	struct fdpass_wait at_once = {0, -1};
	struct fdpass_handover *handover = NULL;
	int64_t until;
	int caller;

	begin("./s0", 1);
	begin_receiving();
	caller = raw_connect("s0");
	ck_assert_int_eq(raw_send_one(caller), 1);
	raw_set_table(caller + 1);
	ck_assert_int_eq(fdpass_receiver_next(receiving.receiver, &at_once, &handover, NULL),
			 -ETIMEDOUT);
	until = fdpass_receiver_until(receiving.receiver);
	ck_assert(until != FDPASS_NO_DEADLINE);
	raw_set_table(512);
	driving_pause(-1, until, -1);
	ck_assert_int_eq(fdpass_receiver_next(receiving.receiver, &at_once, &handover, NULL), 0);
	ck_assert_int_eq(fdpass_receiver_until(receiving.receiver), FDPASS_NO_DEADLINE);
	fdpass_handover_accept(handover, 1);
	fdpass_handover_free(handover);
	close(caller);
	end();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("sending");
	TCase *tcase = descriptors_tcase("sending");
	TCase *limited = descriptors_tcase_tagged("limits");

	scratch_add(tcase);
	scratch_add(limited);
	tcase_set_timeout(tcase, 10);
	tcase_set_timeout(limited, 10);
	tcase_add_loop_test(tcase, in_one_loop_with_the_receiver, 0, 8);
	tcase_add_test(tcase, after_the_end_there_is_nothing_more);
	tcase_add_loop_test(tcase, a_receiver_that_comes_later_wakes, 0, 3);
	tcase_add_loop_test(tcase, the_deadline_is_a_reason_to_call, 0, 2);
	tcase_add_test(tcase, what_cancels_is_seen_in_every_step);
	tcase_add_loop_test(tcase, it_can_be_given_up_anywhere, 0, 8);
	tcase_add_test(tcase, what_cannot_begin);
	tcase_add_test(tcase, over_an_inherited_connection);
	tcase_add_test(limited, a_receiver_says_when_to_look_again);
	suite_add_tcase(suite, tcase);
	suite_add_tcase(suite, limited);
	return suite_run(suite);
}
