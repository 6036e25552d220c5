/* SPDX-License-Identifier: MIT */
/* Sending that waits for a receiver: what it survives, and what ends it. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/deadline.h"
#include "base/fd.h"
#include "descriptors.h"
#include "raw.h"
#include "scratch.h"
#include "sending.h"
#include "suite.h"

#define SENDERS 8

static const char *where(int abstract)
{
	static char text[64];

	snprintf(text, sizeof(text), abstract ? "@fdpass-unit-send-%d" : "./s", (int)getppid());
	return text;
}

static struct fdpass_receiver *open_receiver(const char *text)
{
	struct fdpass_receiver *receiver;
	struct fdpass_listener *listener;
	struct fdpass_address *address;
	int abstract = text[0] == '@';

	ck_assert_int_eq(
		fdpass_address_parse(abstract ? FDPASS_ADDRESS_ABSTRACT : FDPASS_ADDRESS_NAMED,
				     text + abstract, &address, NULL),
		0);
	ck_assert_int_eq(fdpass_listener_open(address, NULL, &listener, NULL), 0);
	ck_assert_int_eq(fdpass_receiver_new(NULL, NULL, NULL, &receiver), 0);
	ck_assert_int_eq(fdpass_receiver_add(receiver, listener), 0);
	fdpass_address_free(address);
	return receiver;
}

struct job {
	int number, ready;
	char where[64];
};

/* Sends a file as large as its number. */
static void send_number(void *context)
{
	const struct job *job = context;
	int fd = memfd_create("unit", MFD_CLOEXEC);
	struct fdpass_set *set = NULL;
	struct sending sending;

	raw_check(ftruncate(fd, job->number) == 0 && fdpass_set_new(&set) == 0);
	raw_check(fdpass_set_take(set, fd) == 0);
	sending_init(&sending);
	sending.wait.deadline = fdpass_deadline_in(15 * NSEC_PER_SEC);
	sending.options.waiting = FDPASS_WAIT_LISTENER;
	sending.tell = job->ready;
	sending.tell_of = FDPASS_EVENT_WAITING;
	raw_check(sending_run(&sending, job->where, set) == 0);
	raw_check(sending.delivery.proof == FDPASS_PROOF_ANSWER);
	fdpass_set_free(set);
}

/* The number of whoever was first; the others are told so when the receiver goes. */
static int receive_number(const char *text)
{
	struct fdpass_wait wait = {fdpass_deadline_in(10 * NSEC_PER_SEC), -1};
	struct fdpass_receiver *receiver = open_receiver(text);
	struct fdpass_handover *handover;
	struct stat status;

	ck_assert_int_eq(fdpass_receiver_next(receiver, &wait, &handover, NULL), 0);
	ck_assert_uint_eq(fdpass_set_count(fdpass_handover_set(handover)), 1);
	ck_assert_int_eq(fstat(fdpass_set_get(fdpass_handover_set(handover), 0), &status), 0);
	fdpass_handover_accept(handover, 1);
	fdpass_handover_free(handover);
	fdpass_receiver_free(receiver);
	return (int)status.st_size;
}

/* All of them wait, and then one receiver comes after the other: each gets one, and each is served. */
START_TEST(many_senders_and_one_receiver_after_another)
{
	pid_t children[SENDERS];
	int fds[2], seen = 0;
	struct job job;
	char byte;

	ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
	job.ready = fds[1];
	strcpy(job.where, where(_i));
	for (int i = 0; i < SENDERS; i++) {
		job.number = i;
		children[i] = raw_fork(send_number, &job);
	}
	for (int i = 0; i < SENDERS; i++)
		ck_assert_int_eq(read(fds[0], &byte, 1), 1);
	for (int i = 0; i < SENDERS; i++) {
		int number = receive_number(job.where);

		ck_assert_int_eq(seen & 1 << number, 0);
		seen |= 1 << number;
	}
	for (int i = 0; i < SENDERS; i++)
		raw_join(children[i]);
	close(fds[0]);
	close(fds[1]);
}
END_TEST

/* Waits until the sender waits, and then is a receiver that reads. */
static void come_late(void *context)
{
	struct raw_message message;
	int fd, accepted;
	char byte;

	raw_check(read(*(int *)context, &byte, 1) == 1);
	fd = raw_listen("t", 4);
	raw_check(rename("t", "s") == 0);
	accepted = accept(fd, NULL, NULL);
	raw_receive(accepted, 1, 0, &message);
	raw_check(message.size == 1 && message.count == 2);
}

START_TEST(the_record_is_untouched_when_it_ends_well)
{
	struct sending sending;
	pid_t child;
	int fds[2];

	ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
	child = raw_fork(come_late, &fds[0]);
	sending_init(&sending);
	sending.options.waiting = FDPASS_WAIT_LISTENER;
	sending.tell = fds[1];
	sending.tell_of = FDPASS_EVENT_WAITING;
	ck_assert_int_eq(sending_one(&sending, "./s"), 0);
	ck_assert_int_eq(sending.error.step, FDPASS_STEP_NONE);
	ck_assert_int_eq(sending.error.code, 0);
	ck_assert_int_eq(sending.events[FDPASS_EVENT_WAITING], 1);
	ck_assert_int_eq(sending.delivery.proof, FDPASS_PROOF_READ);
	raw_join(child);
	close(fds[0]);
	close(fds[1]);
}
END_TEST

/* Closes the first two callers unread, the second with the words that another was first. */
static void take_the_third(void *context)
{
	struct raw_message message;
	int fd = *(int *)context, accepted;
	char byte;

	accepted = accept(fd, NULL, NULL);
	raw_check(recv(accepted, &byte, 1, MSG_PEEK) == 1);
	close(accepted);
	accepted = accept(fd, NULL, NULL);
	raw_send(accepted, "fdpass/1B\0\0\0\0\0\0\0", 16, NULL, 0);
	raw_check(recv(accepted, &byte, 1, MSG_PEEK) == 1);
	close(accepted);
	accepted = accept(fd, NULL, NULL);
	raw_receive(accepted, 1, 0, &message);
	raw_check(message.size == 1 && message.count == 2);
}

START_TEST(what_ended_unread_is_tried_again)
{
	int fd = raw_listen("s", 4);
	pid_t child = raw_fork(take_the_third, &fd);
	struct sending sending;

	close(fd);
	sending_init(&sending);
	sending.options.waiting = FDPASS_WAIT_LISTENER;
	ck_assert_int_eq(sending_one(&sending, "./s"), 0);
	ck_assert_int_eq(sending.events[FDPASS_EVENT_SENT], 3);
	ck_assert_int_eq(sending.events[FDPASS_EVENT_UNREAD], 2);
	raw_join(child);
}
END_TEST

/* Reads the message, and refuses, talks nonsense, or ends. */
static void read_and_end(void *context)
{
	const int *fds = context;
	struct raw_message message;
	int accepted = accept(fds[0], NULL, NULL);

	raw_send(accepted, "fdpass/1", 8, NULL, 0);
	raw_receive(accepted, 1, 0, &message);
	raw_check(message.size == 1 && message.count == 2);
	if (fds[1] < 2)
		raw_send(accepted, fds[1] == 0 ? "R\0\0\2\0\0\0\0no" : "nonsense..", 10, NULL, 0);
}

START_TEST(what_was_read_is_not_tried_again)
{
	static const int codes[] = {-EREMOTEIO, -EPROTO, -ECONNABORTED};
	int fds[2] = {raw_listen("s", 4), _i};
	pid_t child = raw_fork(read_and_end, fds);
	struct sending sending;

	sending_init(&sending);
	sending.options.waiting = FDPASS_WAIT_LISTENER;
	ck_assert_int_eq(sending_one(&sending, "./s"), codes[_i]);
	ck_assert_int_eq(sending.error.step, FDPASS_STEP_ANSWER);
	ck_assert_int_eq(sending.events[FDPASS_EVENT_SENT], 1);
	raw_join(child);
	ck_assert_int_eq(fcntl(fds[0], F_SETFL, O_NONBLOCK), 0);
	ck_assert_int_eq(accept(fds[0], NULL, NULL), -1);
	ck_assert_int_eq(errno, EAGAIN);
	close(fds[0]);
}
END_TEST

/* What stands in the way at last is told: nobody, a stranger, permissions, a full backlog, one who closes. */
static void run_into(void *context)
{
	static const char *const obstacles[] = {"", "stranger", "denied", "backlog"};
	int which = *(int *)context;
	struct fdpass_rule *rule;
	struct sending sending;

	if (which == 2)
		raw_become_nobody();
	raw_check(fdpass_rule_new(&rule) == 0);
	raw_check(fdpass_rule_admit_user(rule, geteuid() + (which == 1)) == 0);
	sending_init(&sending);
	sending.options.waiting = FDPASS_WAIT_LISTENER;
	sending.options.rule = rule;
	sending.wait.deadline = fdpass_deadline_in(60 * NSEC_PER_MSEC);
	raw_check(sending_one(&sending, "./s") == -ETIMEDOUT);
	raw_check(sending.error.step == FDPASS_STEP_WAIT);
	raw_check(strcmp(sending.error.text, obstacles[which]) == 0);
	raw_check(sending.events[FDPASS_EVENT_WAITING] == 1);
	/* However often it was met. */
	raw_check(sending.events[FDPASS_EVENT_NOT_ADMITTED] == (which == 1));
	raw_check(sending.error.peer.pid == (which == 1 ? getppid() : 0));
	fdpass_rule_free(rule);
}

START_TEST(a_deadline_ends_it)
{
	int which = _i, first = FD_NONE;
	int fd = _i == 0 ? FD_NONE : raw_listen("s", _i == 3 ? 0 : 64);

	scratch_open_to_others();
	if (_i == 2)
		ck_assert_int_eq(chmod("s", geteuid() == 0 ? 0600 : 0), 0);
	if (_i == 3)
		first = raw_connect("s");
	raw_join(raw_fork(run_into, &which));
	fdpass_fd_close(first);
	fdpass_fd_close(fd);
}
END_TEST

static void close_all_unread(void *context)
{
	int fd = *(int *)context;
	char byte;

	for (;;) {
		int accepted = accept(fd, NULL, NULL);

		raw_check(recv(accepted, &byte, 1, MSG_PEEK) == 1);
		close(accepted);
	}
}

START_TEST(a_receiver_that_never_reads)
{
	int fd = raw_listen("s", 4), status;
	pid_t child = raw_fork(close_all_unread, &fd);
	struct sending sending;

	sending_init(&sending);
	sending.options.waiting = FDPASS_WAIT_LISTENER;
	/* The pauses double, from 1 ms on: this is in the middle of a long one. */
	sending.wait.deadline = fdpass_deadline_in(1500 * NSEC_PER_MSEC);
	ck_assert_int_eq(sending_one(&sending, "./s"), -ETIMEDOUT);
	ck_assert_int_eq(sending.error.step, FDPASS_STEP_WAIT);
	ck_assert_str_eq(sending.error.text, "unread");
	/* With pauses in between. */
	ck_assert_int_gt(sending.events[FDPASS_EVENT_UNREAD], 1);
	ck_assert_int_lt(sending.events[FDPASS_EVENT_UNREAD], 20);
	kill(child, SIGKILL);
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	close(fd);
}
END_TEST

START_TEST(cancelling_ends_it)
{
	struct sending sending;
	int fds[2];

	ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
	sending_init(&sending);
	sending.options.waiting = FDPASS_WAIT_LISTENER;
	sending.wait.cancel_fd = fds[0];
	sending.tell = fds[1];
	sending.tell_of = FDPASS_EVENT_WAITING;
	ck_assert_int_eq(sending_one(&sending, "./s"), -ECANCELED);
	ck_assert_int_eq(sending.error.step, FDPASS_STEP_WAIT);
	ck_assert_str_eq(sending.error.text, "");
	close(fds[0]);
	close(fds[1]);
}
END_TEST

static void make_room(void *context)
{
	const int *fds = context;
	struct raw_message message;
	char byte;

	raw_check(read(fds[0], &byte, 1) == 1);
	raw_check(accept(fds[1], NULL, NULL) >= 0);
	raw_receive(accept(fds[1], NULL, NULL), 1, 0, &message);
	raw_check(message.size == 1 && message.count == 2);
}

/* Also without FDPASS_WAIT_LISTENER: there is a listener, as for connect(2) on a blocking socket. */
START_TEST(a_full_backlog_is_waited_out)
{
	struct sending sending;
	int fds[2], told[2], first;
	pid_t child;

	ck_assert_int_eq(pipe2(told, O_CLOEXEC), 0);
	fds[0] = told[0];
	fds[1] = raw_listen("s", 0);
	first = raw_connect("s");
	child = raw_fork(make_room, fds);
	sending_init(&sending);
	sending.tell = told[1];
	sending.tell_of = FDPASS_EVENT_WAITING;
	ck_assert_int_eq(sending_one(&sending, "./s"), 0);
	raw_join(child);
	close(first);
	close(fds[1]);
	close(told[0]);
	close(told[1]);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("send-blocking");
	TCase *tcase = descriptors_tcase("send-blocking");

	scratch_add(tcase);
	tcase_set_timeout(tcase, 20);
	tcase_add_loop_test(tcase, many_senders_and_one_receiver_after_another, 0, 2);
	tcase_add_test(tcase, the_record_is_untouched_when_it_ends_well);
	tcase_add_test(tcase, what_ended_unread_is_tried_again);
	tcase_add_loop_test(tcase, what_was_read_is_not_tried_again, 0, 3);
	tcase_add_loop_test(tcase, a_deadline_ends_it, 0, 4);
	tcase_add_test(tcase, a_receiver_that_never_reads);
	tcase_add_test(tcase, cancelling_ends_it);
	tcase_add_test(tcase, a_full_backlog_is_waited_out);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
