/* SPDX-License-Identifier: MIT */
/* Rich handovers that one side ends: at every message, by being killed, by closing, or as time runs out. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/deadline.h"
#include "base/fd.h"
#include "descriptors.h"
#include "raw.h"
#include "rawrich.h"
#include "receiving.h"
#include "scratch.h"
#include "sending.h"
#include "suite.h"

#define COUNT 1000 /* four messages */

static struct receiving receiving;

/* Where a peer stops, and how. */
enum point {
	AT_HEAD,  /* of the names only the head */
	AT_NAMES, /* with the header sent, or read */
	AT_GO_ON, /* with "go on" read, or written */
	AT_FIRST, /* with one message sent, or read; and so on */
	AT_SECOND,
	AT_THIRD,
	AT_LAST,
	POINTS
};

struct stop {
	enum point point;
	int listener, fd;
};

static void kill_myself(void)
{
	raise(SIGKILL);
}

static void join_killed(pid_t child)
{
	int status;

	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static void send_and_die(void *context)
{
	static char names[COUNT];
	const struct stop *stop = context;
	int socket = raw_connect("s0");

	rawrich_offer(socket, COUNT, names, stop->point == AT_HEAD ? 0 : COUNT);
	if (stop->point == AT_HEAD) {
		/* A head that announces names which never come. */
		close(socket);
		socket = raw_connect("s0");
		unsigned char head[RAWRICH_HEAD];

		rawrich_head(head, COUNT, COUNT);
		raw_check(raw_send(socket, head, sizeof(head), NULL, 0) == RAWRICH_HEAD);
	}
	if (stop->point >= AT_GO_ON)
		raw_check(rawrich_may_go_on(socket));
	for (int point = AT_FIRST; point <= (int)stop->point; point++)
		raw_check(rawrich_pass(socket, stop->fd, point == AT_LAST ? 240 : 253) == 1);
	kill_myself();
}

/* The sender is killed: everything that came is closed, and the receiver goes on. */
START_TEST(a_sender_that_is_killed)
{
	struct stop stop = {.point = (enum point)_i};
	struct fdpass_handover *handover;
	int witness[2], caller;
	pid_t child;

	raw_set_table(4096);
	ck_assert_int_eq(pipe2(witness, O_CLOEXEC), 0);
	stop.fd = witness[1];
	receiving_begin(&receiving, NULL, 1);
	child = raw_fork(send_and_die, &stop);
	close(witness[1]);
	while (receiving.events[FDPASS_EVENT_TURNED_AWAY] == 0)
		ck_assert_ptr_null(receiving_next(&receiving, 1));
	join_killed(child);
	ck_assert(raw_is_at_end(witness[0]));
	caller = raw_connect("s0");
	ck_assert_int_eq(raw_send_one(caller), 1);
	handover = receiving_next(&receiving, 1000);
	ck_assert_ptr_nonnull(handover);
	fdpass_handover_free(handover);
	close(caller);
	close(witness[0]);
	fdpass_receiver_free(receiving.receiver);
}
END_TEST

static int send_thousand(struct sending *sending)
{
	struct fdpass_set *set;
	int r;

	raw_check(fdpass_set_new(&set) == 0);
	for (int i = 0; i < COUNT; i++)
		raw_check(fdpass_set_borrow(set, STDIN_FILENO) == 0);
	raw_check(fdpass_set_rename(set, 7, "seven") == 0);
	r = sending_run(sending, "./s0", set);
	fdpass_set_free(set);
	return r;
}

/* Accepts, and goes as far as that point; returns the connection. */
static int receive_until(const struct stop *stop)
{
	static char names[2 * COUNT];
	int socket = accept(stop->listener, NULL, NULL);
	char head[RAWRICH_HEAD];
	uint32_t size;

	raw_check(raw_send(socket, "fdpass/1", 8, NULL, 0) == 8);
	if (stop->point == AT_HEAD)
		raw_check(raw_read(socket, head, RAWRICH_HEAD) == RAWRICH_HEAD);
	else
		raw_check(rawrich_read_offer(socket, names, sizeof(names), &size) == COUNT);
	if (stop->point >= AT_GO_ON)
		rawrich_say(socket, 'G', 0);
	for (int point = AT_FIRST; point <= (int)stop->point; point++)
		rawrich_take(socket, point == AT_LAST ? 241 : 253, NULL, NULL);
	return socket;
}

static void receive_and_die(void *context)
{
	receive_until(context);
	kill_myself();
}

/* The receiver is killed: never a success, and what can be known is said. */
START_TEST(a_receiver_that_is_killed)
{
	struct stop stop = {.point = (enum point)_i, .listener = raw_listen("s0", 4)};
	pid_t child = raw_fork(receive_and_die, &stop);
	struct sending sending;
	int r;

	close(stop.listener);
	sending_init(&sending);
	r = send_thousand(&sending);
	ck_assert_int_eq(sending.error.step, FDPASS_STEP_ANSWER);
	ck_assert_int_eq(r, stop.point < AT_GO_ON ? -EPROTONOSUPPORT : -ECONNABORTED);
	/* It had asked for them: whether the last one was on its way is a matter of time. */
	if (stop.point >= AT_GO_ON && sending.events[FDPASS_EVENT_SENT] == 0)
		ck_assert_str_eq(sending.error.text, "partly");
	else
		ck_assert_str_eq(sending.error.text, "");
	join_killed(child);
}
END_TEST

/* Until the sender gives up; reads nothing. */
static void hold(int socket)
{
	struct pollfd polled = {.fd = socket};

	raw_check(poll(&polled, 1, -1) == 1 && (polled.revents & POLLHUP) != 0);
}

static void receive_and_hold(void *context)
{
	hold(receive_until(context));
}

START_TEST(the_time_runs_out)
{
	static const char *const texts[POINTS] = {"old",  "old",  "sent", "sent",
						  "sent", "sent", "sent"};
	struct stop stop = {.point = (enum point)_i, .listener = raw_listen("s0", 4)};
	pid_t child = raw_fork(receive_and_hold, &stop);
	struct sending sending;

	sending_init(&sending);
	/* The receiver gets that far meanwhile. */
	sending.wait.deadline = fdpass_deadline_in(NSEC_PER_SEC);
	ck_assert_int_eq(send_thousand(&sending), -ETIMEDOUT);
	ck_assert_int_eq(sending.error.step, FDPASS_STEP_WAIT);
	ck_assert_str_eq(sending.error.text, texts[stop.point]);
	raw_join(child);
	close(stop.listener);
}
END_TEST

static void ask_and_hold(void *context)
{
	int socket = accept(*(int *)context, NULL, NULL);
	char head[RAWRICH_HEAD];

	raw_check(raw_send(socket, "fdpass/1", 8, NULL, 0) == 8);
	raw_check(raw_read(socket, head, RAWRICH_HEAD) == RAWRICH_HEAD);
	rawrich_say(socket, 'G', 0);
	hold(socket);
}

/* A receiver that has asked for them and then reads nothing: it stops in the middle. */
START_TEST(the_time_runs_out_in_the_middle)
{
	int listener = raw_listen("s0", 4);
	pid_t child = raw_fork(ask_and_hold, &listener);
	struct sending sending;
	struct fdpass_set *set;

	ck_assert_int_eq(fdpass_set_new(&set), 0);
	/* More messages than a socket holds: 278, with the default size of its buffer. */
	for (int i = 0; i < 2000 * FDPASS_MESSAGE_MAX; i++)
		ck_assert_int_eq(fdpass_set_borrow(set, STDIN_FILENO), 0);
	sending_init(&sending);
	sending.wait.deadline = fdpass_deadline_in(NSEC_PER_SEC);
	ck_assert_int_eq(sending_run(&sending, "./s0", set), -ETIMEDOUT);
	ck_assert_int_eq(sending.error.step, FDPASS_STEP_WAIT);
	ck_assert_str_eq(sending.error.text, "partly");
	ck_assert_int_ge(sending.events[FDPASS_EVENT_PROGRESS], 1);
	ck_assert_int_eq(sending.events[FDPASS_EVENT_SENT], 0);
	fdpass_set_free(set);
	raw_join(child);
	close(listener);
}
END_TEST

/* A receiver that takes one message after the other, for longer than that. */
static void take_a_million(void *context)
{
	int socket = accept(*(int *)context, NULL, NULL);
	static struct raw_message message;
	char head[RAWRICH_HEAD];

	raw_check(raw_send(socket, "fdpass/1", 8, NULL, 0) == 8);
	raw_check(raw_read(socket, head, RAWRICH_HEAD) == RAWRICH_HEAD);
	rawrich_say(socket, 'G', 0);
	do {
		raw_receive(socket, 1, 0, &message);
		raw_close_all(&message);
	} while (message.size > 0);
}

START_TEST(a_busy_receiver_does_not_hold_the_deadline_off)
{
	int listener = raw_listen("s0", 4);
	int64_t patience = 15 * NSEC_PER_MSEC;
	struct sending sending;
	struct fdpass_set *set;

	ck_assert_int_eq(fdpass_set_new(&set), 0);
	for (int i = 0; i < FDPASS_HANDOVER_MAX; i++)
		ck_assert_int_eq(fdpass_set_borrow(set, STDIN_FILENO), 0);
	/* Again, when the machine was too busy for the receiver to say "go on" in time. */
	do {
		pid_t child = raw_fork(take_a_million, &listener);

		patience *= 2;
		sending_init(&sending);
		sending.wait.deadline = fdpass_deadline_in(patience);
		ck_assert_int_eq(sending_run(&sending, "./s0", set), -ETIMEDOUT);
		kill(child, SIGKILL);
		ck_assert_int_eq(waitpid(child, NULL, 0), child);
	} while (strcmp(sending.error.text, "old") == 0 && patience < NSEC_PER_SEC);
	ck_assert_str_eq(sending.error.text, "partly");
	fdpass_set_free(set);
	close(listener);
}
END_TEST

/* Old receivers: they read a byte, or everything, and close, or keep the connection. */
static void be_old(void *context)
{
	static struct raw_message message;
	const int *fds = context;
	int socket = accept(fds[0], NULL, NULL);

	raw_receive(socket, fds[1] % 2 == 0 ? 1 : sizeof(message.bytes), 0, &message);
	raw_check(message.size > 0 && message.count == 0);
	if (fds[1] >= 2)
		hold(socket);
}

START_TEST(old_receivers)
{
	int fds[2] = {raw_listen("s0", 4), _i};
	pid_t child = raw_fork(be_old, fds);
	struct sending sending;

	close(fds[0]);
	sending_init(&sending);
	/* One that keeps the connection, and has not read everything, might still speak. */
	if (_i == 2)
		sending.wait.deadline = fdpass_deadline_in(50 * NSEC_PER_MSEC);
	ck_assert_int_eq(send_thousand(&sending), _i == 2 ? -ETIMEDOUT : -EPROTONOSUPPORT);
	ck_assert_int_eq(sending.error.step, _i == 2 ? FDPASS_STEP_WAIT : FDPASS_STEP_ANSWER);
	ck_assert_str_eq(sending.error.text, _i == 2 ? "old" : "");
	ck_assert_int_eq(sending.events[FDPASS_EVENT_SENT], 0);
	raw_join(child);
}
END_TEST

/* The first closes before "go on", the second says that another was first, before it or in the middle; the
 * third takes them. */
static void take_the_third(void *context)
{
	struct stop stop = *(struct stop *)context;
	enum point second = stop.point;
	int socket;

	stop.point = AT_NAMES;
	close(receive_until(&stop));
	stop.point = second;
	socket = receive_until(&stop);
	rawrich_say(socket, 'B', 0);
	close(socket);
	stop.point = AT_LAST;
	socket = receive_until(&stop);
	rawrich_say(socket, 'A', COUNT);
}

START_TEST(what_was_not_taken_is_tried_again)
{
	struct stop stop = {.point = (enum point)_i, .listener = raw_listen("s0", 4)};
	pid_t child = raw_fork(take_the_third, &stop);
	struct sending sending;

	close(stop.listener);
	sending_init(&sending);
	sending.options.waiting = FDPASS_WAIT_LISTENER;
	ck_assert_int_eq(send_thousand(&sending), 0);
	ck_assert_int_eq(sending.events[FDPASS_EVENT_UNREAD], 2);
	ck_assert_int_eq(sending.delivery.proof, FDPASS_PROOF_ANSWER);
	ck_assert_uint_eq(sending.delivery.installed, COUNT);
	raw_join(child);
}
END_TEST

/* What had begun is not tried again when it was refused, or it ended without a word. */
static void end_in_the_middle(void *context)
{
	struct stop stop = *(struct stop *)context;
	int how = stop.fd;
	int socket;

	socket = receive_until(&stop);
	if (how == 0)
		raw_send(socket, "R\0\0\2\0\0\0\0no", 10, NULL, 0);
	close(socket);
	/* Nobody calls again: the sender has ended. */
}

START_TEST(what_had_begun_is_not_tried_again)
{
	struct stop stop = {.point = AT_SECOND, .listener = raw_listen("s0", 4), .fd = _i};
	pid_t child = raw_fork(end_in_the_middle, &stop);
	struct sending sending;

	sending_init(&sending);
	sending.options.waiting = FDPASS_WAIT_LISTENER;
	ck_assert_int_eq(send_thousand(&sending), _i == 0 ? -EREMOTEIO : -ECONNABORTED);
	raw_join(child);
	ck_assert_int_eq(fcntl(stop.listener, F_SETFL, O_NONBLOCK), 0);
	ck_assert_int_eq(accept(stop.listener, NULL, NULL), -1);
	close(stop.listener);
}
END_TEST

/* A receiver that is too old for as long as it is waited for. */
static void close_everybody(void *context)
{
	for (;;) {
		int socket = accept(*(int *)context, NULL, NULL);
		char byte;

		raw_check(recv(socket, &byte, 1, 0) == 1);
		close(socket);
	}
}

START_TEST(waiting_for_a_newer_one)
{
	int listener = raw_listen("s0", 4);
	pid_t child = raw_fork(close_everybody, &listener);
	struct sending sending;

	sending_init(&sending);
	sending.options.waiting = FDPASS_WAIT_LISTENER;
	sending.wait.deadline = fdpass_deadline_in(60 * NSEC_PER_MSEC);
	ck_assert_int_eq(send_thousand(&sending), -ETIMEDOUT);
	ck_assert_int_eq(sending.error.step, FDPASS_STEP_WAIT);
	ck_assert_str_eq(sending.error.text, "old");
	ck_assert_int_lt(sending.events[FDPASS_EVENT_UNREAD], 20);
	kill(child, SIGKILL);
	join_killed(child);
	close(listener);
}
END_TEST

START_TEST(cancelled_on_the_way)
{
	struct stop stop = {.point = AT_NAMES, .listener = raw_listen("s0", 4)};
	pid_t child = raw_fork(receive_and_hold, &stop);
	struct sending sending;
	int fds[2];

	ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
	sending_init(&sending);
	sending.wait.cancel_fd = fds[0];
	sending.tell = fds[1];
	sending.tell_of = FDPASS_EVENT_CONNECTED;
	ck_assert_int_eq(send_thousand(&sending), -ECANCELED);
	ck_assert_int_eq(sending.error.step, FDPASS_STEP_WAIT);
	close(fds[0]);
	close(fds[1]);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	close(stop.listener);
}
END_TEST

/* What is no answer, before it has asked for a single descriptor. */
static const struct {
	const char *said;
	size_t size;
} unasked[] = {
	{"HTTP/1.1", 8},
	{"fdpass/1Z\0\0\0\0\0\0\0", 16},
	{"fdpass/1A\0\0\0\0\0\3\350", 16},
	{"fdpass/1F\0\0\0\0\0\0\0", 16},
};

static void say_nonsense(void *context)
{
	const int *what = context;
	int socket = accept(what[0], NULL, NULL);

	raw_check(raw_send(socket, unasked[what[1]].said, unasked[what[1]].size, NULL, 0) > 0);
	hold(socket);
}

START_TEST(what_is_no_answer)
{
	int what[2] = {raw_listen("s0", 4), _i};
	pid_t child = raw_fork(say_nonsense, what);
	struct sending sending;

	close(what[0]);
	sending_init(&sending);
	ck_assert_int_eq(send_thousand(&sending), -EPROTO);
	ck_assert_int_eq(sending.error.step, FDPASS_STEP_ANSWER);
	ck_assert_str_eq(sending.error.text, "unasked");
	ck_assert_int_eq(sending.events[FDPASS_EVENT_PROGRESS], 0);
	raw_join(child);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("rich-end");
	TCase *tcase = descriptors_tcase("rich-end");
	TCase *timed = descriptors_tcase_tagged("timed");

	scratch_add(tcase);
	scratch_add(timed);
	tcase_set_timeout(tcase, 20);
	tcase_set_timeout(timed, 20);
	tcase_add_loop_test(tcase, a_sender_that_is_killed, 0, POINTS);
	tcase_add_loop_test(tcase, a_receiver_that_is_killed, 0, POINTS);
	tcase_add_loop_test(timed, the_time_runs_out, 0, POINTS);
	tcase_add_test(timed, the_time_runs_out_in_the_middle);
	tcase_add_test(timed, a_busy_receiver_does_not_hold_the_deadline_off);
	tcase_add_loop_test(tcase, old_receivers, 0, 4);
	tcase_add_loop_test(tcase, what_was_not_taken_is_tried_again, AT_NAMES, POINTS);
	tcase_add_loop_test(tcase, what_had_begun_is_not_tried_again, 0, 2);
	tcase_add_test(tcase, waiting_for_a_newer_one);
	tcase_add_test(tcase, cancelled_on_the_way);
	tcase_add_loop_test(tcase, what_is_no_answer, 0, sizeof(unasked) / sizeof(*unasked));
	suite_add_tcase(suite, tcase);
	suite_add_tcase(suite, timed);
	return suite_run(suite);
}
