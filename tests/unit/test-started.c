/* SPDX-License-Identifier: MIT */
/* Sending that waits for more than the answer: for the receiver's program to start, and to end. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/deadline.h"
#include "base/fd.h"
#include "base/socket.h"
#include "descriptors.h"
#include "raw.h"
#include "rawrich.h"
#include "scratch.h"
#include "sending.h"
#include "suite.h"

/* What a receiver does once it has accepted. */
enum fate {
	EXEC_AND_LIVE, /* becomes another program, which ends when its stdin does */
	EXEC_AND_EXIT, /* becomes another program, which ends at once, with this status or that */
	EXEC_AND_FAIL,
	EXIT,           /* ends, and has not said that anything failed */
	CLOSE_AND_LIVE, /* has used them without becoming anything */
	SAY_FAILED,     /* could not become what it was to be */
	SAY_FAILED_AND_DIE,
	DIE,          /* is killed */
	EXEC_AND_DIE, /* becomes another program, which is killed */
	HOLD,         /* keeps the connection */
	NO_ANSWER,    /* has only read */
	SAY_NONSENSE,
	PASS_ON, /* has passed them on, and runs nothing */
	PASS_ON_AND_HOLD,
	ONLY_PASS_ON, /* and nobody has answered there */
};

struct play {
	enum fate fate;
	int listener;
	int end[2]; /* a pipe: its read end is the stdin of what is run */
};

static struct play play;

static _Noreturn void become(const char *script)
{
	raw_check(dup2(play.end[0], STDIN_FILENO) == STDIN_FILENO);
	execl("/bin/sh", "sh", "-c", script, (char *)NULL);
	_exit(127);
}

static void meet_fate(int socket)
{
	char byte;

	switch (play.fate) {
	case EXEC_AND_LIVE:
		become("read line");
	case EXEC_AND_EXIT:
		become("exit 0");
	case EXEC_AND_FAIL:
		become("exit 3");
	case EXEC_AND_DIE:
		become("kill -9 $$");
	case EXIT:
		_exit(0);
	case CLOSE_AND_LIVE:
		close(socket);
		raw_check(read(play.end[0], &byte, 1) == 0);
		break;
	case SAY_FAILED:
	case SAY_FAILED_AND_DIE:
		raw_send(socket, "F\0\0\4\0\0\0\0exec", 12, NULL, 0);
		if (play.fate == SAY_FAILED_AND_DIE)
			raise(SIGKILL);
		_exit(127);
	case DIE:
		raise(SIGKILL);
		break;
	case HOLD:
		raw_check(read(play.end[0], &byte, 1) == 0);
		break;
	case SAY_NONSENSE:
		rawrich_say(socket, 'R', 0);
		raw_check(read(play.end[0], &byte, 1) == 0);
		break;
	case PASS_ON:
	case ONLY_PASS_ON:
	case PASS_ON_AND_HOLD:
		rawrich_say(socket, 'P', 0);
		raw_check(play.fate != PASS_ON_AND_HOLD || read(play.end[0], &byte, 1) == 0);
		break;
	case NO_ANSWER:
		break;
	}
}

/* A receiver that did not make its listening socket: the one who did is not who answers. */
static void receive(void *context)
{
	static struct raw_message message;
	int socket;

	(void)context;
	close(play.end[1]);
	socket = accept4(play.listener, NULL, NULL, SOCK_CLOEXEC);
	raw_check(socket >= 0);
	if (play.fate != NO_ANSWER)
		raw_send(socket, "fdpass/1", 8, NULL, 0);
	raw_receive(socket, 1, 0, &message);
	raw_check(message.size == 1 && message.count == 2);
	if (play.fate != NO_ANSWER && play.fate != ONLY_PASS_ON)
		rawrich_say(socket, 'A', 2);
	meet_fate(socket);
}

struct expectation {
	enum fate fate;
	enum fdpass_until until;
	int result;
	enum fdpass_step step;
	const char *text;
	int started; /* so often that is told */
};

static const struct expectation expectations[] = {
	{EXEC_AND_LIVE, FDPASS_UNTIL_STARTED, 0, FDPASS_STEP_NONE, "", 1},
	{EXEC_AND_EXIT, FDPASS_UNTIL_STARTED, 0, FDPASS_STEP_NONE, "", 1},
	{EXEC_AND_EXIT, FDPASS_UNTIL_ENDED, 0, FDPASS_STEP_NONE, "", 1},
	{EXEC_AND_FAIL, FDPASS_UNTIL_ENDED, 0, FDPASS_STEP_NONE, "", 1},
	{EXIT, FDPASS_UNTIL_STARTED, 0, FDPASS_STEP_NONE, "", 1},
	{EXIT, FDPASS_UNTIL_ENDED, 0, FDPASS_STEP_NONE, "", 1},
	{CLOSE_AND_LIVE, FDPASS_UNTIL_STARTED, 0, FDPASS_STEP_NONE, "", 1},
	{SAY_FAILED, FDPASS_UNTIL_STARTED, -ENOEXEC, FDPASS_STEP_START, "exec", 0},
	{SAY_FAILED, FDPASS_UNTIL_ENDED, -ENOEXEC, FDPASS_STEP_START, "exec", 0},
	{SAY_FAILED_AND_DIE, FDPASS_UNTIL_STARTED, -ENOEXEC, FDPASS_STEP_START, "exec", 0},
	{DIE, FDPASS_UNTIL_STARTED, -EOWNERDEAD, FDPASS_STEP_START, "killed", 0},
	{DIE, FDPASS_UNTIL_ENDED, -EOWNERDEAD, FDPASS_STEP_START, "killed", 0},
	{PASS_ON, FDPASS_UNTIL_STARTED, -EOWNERDEAD, FDPASS_STEP_START, "relay", 0},
	{PASS_ON, FDPASS_UNTIL_ENDED, -EOWNERDEAD, FDPASS_STEP_START, "relay", 0},
	{PASS_ON_AND_HOLD, FDPASS_UNTIL_STARTED, -EOWNERDEAD, FDPASS_STEP_START, "relay", 0},
	{PASS_ON, FDPASS_UNTIL_ACCEPTED, 0, FDPASS_STEP_NONE, "", 0},
	{SAY_NONSENSE, FDPASS_UNTIL_STARTED, -EPROTO, FDPASS_STEP_START, "", 0},
	{ONLY_PASS_ON, FDPASS_UNTIL_STARTED, -ENOMSG, FDPASS_STEP_ANSWER, "until", 0},
	{NO_ANSWER, FDPASS_UNTIL_STARTED, -ENOMSG, FDPASS_STEP_ANSWER, "until", 0},
	{HOLD, FDPASS_UNTIL_STARTED, -ETIMEDOUT, FDPASS_STEP_WAIT, "accepted", 0},
	{EXEC_AND_LIVE, FDPASS_UNTIL_ENDED, -ETIMEDOUT, FDPASS_STEP_WAIT, "started", 1},
	{EXEC_AND_LIVE, FDPASS_UNTIL_ACCEPTED, 0, FDPASS_STEP_NONE, "", 0},
	{DIE, FDPASS_UNTIL_ACCEPTED, 0, FDPASS_STEP_NONE, "", 0},
};

static void send_and_see(void *context)
{
	const struct expectation *expected = context;
	struct sending sending;

	close(play.end[1]);
	sending_init(&sending);
	sending.options.until = expected->until;
	if (expected->result == -ETIMEDOUT)
		sending.wait.deadline = fdpass_deadline_in(300 * NSEC_PER_MSEC);
	raw_check(sending_one(&sending, "./s") == expected->result);
	raw_check(sending.error.step == expected->step);
	raw_check(strcmp(sending.error.text, expected->text) == 0);
	raw_check(sending.events[FDPASS_EVENT_STARTED] == expected->started);
	if (expected->step == FDPASS_STEP_START) {
		/* Who it is about: this user, as is whoever listens. */
		raw_check(sending.error.peer.pid == getppid());
		raw_check(sending.error.peer.uid == geteuid());
	}
	if (expected->result == 0) {
		raw_check(sending.delivery.proof == FDPASS_PROOF_ANSWER);
		raw_check(sending.delivery.installed == 2);
	}
}

static pid_t begin(enum fate fate)
{
	play = (struct play){.fate = fate, .listener = raw_listen("s", 4)};
	ck_assert_int_eq(pipe2(play.end, O_CLOEXEC), 0);
	return raw_fork(receive, NULL);
}

static void end(pid_t receiver)
{
	int status;

	fdpass_fd_close(play.end[1]);
	ck_assert_int_eq(waitpid(receiver, &status, 0), receiver);
	close(play.end[0]);
	close(play.listener);
}

/* With a receiver that is reaped at once, or only when the sender has made up its mind. */
START_TEST(what_becomes_of_a_receiver)
{
	struct expectation expected = expectations[_i / 2];
	pid_t receiver = begin(expected.fate);
	pid_t sender = raw_fork(send_and_see, &expected);
	int lives = expected.fate == EXEC_AND_LIVE || expected.fate == CLOSE_AND_LIVE ||
		    expected.fate == HOLD || expected.fate == SAY_NONSENSE ||
		    expected.fate == PASS_ON_AND_HOLD;

	if (_i % 2 == 0 || lives) {
		raw_join(sender);
		end(receiver);
	} else {
		end(receiver);
		raw_join(sender);
	}
}
END_TEST

START_TEST(the_end_is_waited_for)
{
	struct expectation expected = {
		EXEC_AND_LIVE, FDPASS_UNTIL_ENDED, 0, FDPASS_STEP_NONE, "", 1};
	pid_t receiver = begin(EXEC_AND_LIVE), sender = raw_fork(send_and_see, &expected);
	struct pollfd polled = {.fd = (int)syscall(SYS_pidfd_open, sender, 0), .events = POLLIN};

	ck_assert_int_eq(poll(&polled, 1, 100), 0);
	end(receiver);
	raw_join(sender);
	close(polled.fd);
}
END_TEST

/* Killed at any moment after the answer: never a success. */
START_TEST(never_a_false_start)
{
	for (int i = 0; i < 300; i++) {
		struct expectation expected = {
			DIE, FDPASS_UNTIL_STARTED, -EOWNERDEAD, FDPASS_STEP_START, "killed", 0};
		pid_t receiver = begin(DIE), sender = raw_fork(send_and_see, &expected);

		end(receiver);
		raw_join(sender);
		ck_assert_int_eq(unlink("s"), 0);
	}
}
END_TEST

/* What it has become is killed at once: that it had started can be told, or it cannot; both are true. */
static void send_to_the_doomed(void *context)
{
	struct sending sending;
	int r;

	(void)context;
	close(play.end[1]);
	sending_init(&sending);
	sending.options.until = FDPASS_UNTIL_STARTED;
	r = sending_one(&sending, "./s");
	raw_check(r == 0 || (r == -EOWNERDEAD && strcmp(sending.error.text, "killed") == 0));
}

START_TEST(a_program_that_is_killed)
{
	for (int i = 0; i < 50; i++) {
		pid_t receiver = begin(EXEC_AND_DIE), sender = raw_fork(send_to_the_doomed, NULL);

		end(receiver);
		raw_join(sender);
		ck_assert_int_eq(unlink("s"), 0);
	}
}
END_TEST

/* A rich handover's answer is no other. */
static void receive_rich(void *context)
{
	char names[64];
	uint32_t size;
	int socket;

	(void)context;
	close(play.end[1]);
	socket = accept4(play.listener, NULL, NULL, SOCK_CLOEXEC);
	raw_send(socket, "fdpass/1", 8, NULL, 0);
	raw_check(rawrich_read_offer(socket, names, sizeof(names), &size) == 1);
	rawrich_say(socket, 'G', 0);
	rawrich_take(socket, 1, NULL, NULL);
	rawrich_say(socket, 'A', 1);
	meet_fate(socket);
}

static void send_named(void *context)
{
	struct sending sending;
	struct fdpass_set *set;

	(void)context;
	close(play.end[1]);
	sending_init(&sending);
	sending.options.until = FDPASS_UNTIL_ENDED;
	raw_check(fdpass_set_new(&set) == 0 && fdpass_set_borrow(set, 0) == 0);
	raw_check(fdpass_set_rename(set, 0, "name") == 0);
	raw_check(sending_run(&sending, "./s", set) == 0);
	raw_check(sending.events[FDPASS_EVENT_ACCEPTED] == 1);
	raw_check(sending.events[FDPASS_EVENT_STARTED] == 1);
	fdpass_set_free(set);
}

START_TEST(a_rich_handover)
{
	pid_t receiver, sender;

	play = (struct play){.fate = EXEC_AND_EXIT, .listener = raw_listen("s", 4)};
	ck_assert_int_eq(pipe2(play.end, O_CLOEXEC), 0);
	receiver = raw_fork(receive_rich, NULL);
	sender = raw_fork(send_named, NULL);
	end(receiver);
	raw_join(sender);
}
END_TEST

/* On an inherited connection the option is put back as it was. */
static void receive_inherited(void *context)
{
	static struct raw_message message;
	int socket = *(int *)context;

	raw_check(raw_send(socket, "fdpass/1", 8, NULL, 0) == 8);
	raw_receive(socket, 1, 0, &message);
	raw_check(message.count == 1);
	rawrich_say(socket, 'A', 1);
	execl("/bin/sh", "sh", "-c", "exit 0", (char *)NULL);
}

START_TEST(an_inherited_connection)
{
	struct fdpass_send_options options = FDPASS_SEND_OPTIONS_INIT;
	struct fdpass_wait wait = {fdpass_deadline_in(5 * NSEC_PER_SEC), -1};
	struct fdpass_address *address;
	struct fdpass_set *set;
	int pair[2], on = _i;
	char number[16];
	pid_t receiver;

	raw_pair(pair);
	ck_assert_int_ge(fdpass_socket_pidfds(pair[0], on ? SOCKET_PIDFDS_ON : SOCKET_PIDFDS_OFF),
			 0);
	receiver = raw_fork(receive_inherited, &pair[1]);
	close(pair[1]);
	snprintf(number, sizeof(number), "%d", pair[0]);
	ck_assert_int_eq(fdpass_address_parse(FDPASS_ADDRESS_CONNECTED, number, &address, NULL), 0);
	ck_assert_int_eq(fdpass_set_new(&set), 0);
	ck_assert_int_eq(fdpass_set_borrow(set, 0), 0);
	options.until = FDPASS_UNTIL_STARTED;
	options.wait = &wait;
	ck_assert_int_eq(fdpass_send(address, set, &options, NULL, NULL), 0);
	ck_assert_int_eq(fdpass_socket_pidfds(pair[0], SOCKET_PIDFDS_OFF), on);
	fdpass_set_free(set);
	fdpass_address_free(address);
	raw_join(receiver);
	close(pair[0]);
}
END_TEST

START_TEST(what_does_not_go_together)
{
	struct sending sending;

	sending_init(&sending);
	sending.options.until =
		_i == 0 ? (enum fdpass_until)(FDPASS_UNTIL_ENDED + 1) : FDPASS_UNTIL_STARTED;
	sending.options.confirm = _i == 0 ? FDPASS_CONFIRM_BEST : FDPASS_CONFIRM_NONE;
	ck_assert_int_eq(sending_one(&sending, "./s"), -EINVAL);
	ck_assert_int_eq(sending.error.step, FDPASS_STEP_ADDRESS);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("started");
	TCase *tcase = descriptors_tcase("started");

	scratch_add(tcase);
	tcase_set_timeout(tcase, 30);
	tcase_add_loop_test(tcase, what_becomes_of_a_receiver, 0,
			    2 * sizeof(expectations) / sizeof(*expectations));
	tcase_add_test(tcase, the_end_is_waited_for);
	tcase_add_test(tcase, never_a_false_start);
	tcase_add_test(tcase, a_program_that_is_killed);
	tcase_add_test(tcase, a_rich_handover);
	tcase_add_loop_test(tcase, an_inherited_connection, 0, 2);
	tcase_add_loop_test(tcase, what_does_not_go_together, 0, 2);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
