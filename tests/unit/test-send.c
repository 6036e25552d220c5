/* SPDX-License-Identifier: MIT */
/* Sending, against receivers of every kind in a process of their own: each outcome that is documented. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/deadline.h"
#include "base/fd.h"
#include "descriptors.h"
#include "raw.h"
#include "scratch.h"
#include "sending.h"
#include "suite.h"

/* What a receiver does with the connection, step by step. */
enum act {
	LEAVE, /* end, without closing anything properly */
	READ,  /* take the message with its descriptors */
	PEEK,  /* look at it without taking it */
	GREET,
	HALF_GREET,
	ACCEPT,
	BUSY,
	REFUSE,
	FAILED,
	PASS_ON,
	GARBAGE,
	HALF_CLOSE,
	HOLD, /* until the other end is closed */
};

static const struct scenario {
	enum act acts[6];
	int result;
	int fact; /* the proof of a success, the step of a failure */
	const char *text;
	enum fdpass_confirm confirm;
} scenarios[] = {
	{{READ, HOLD}, 0, FDPASS_PROOF_READ, "", FDPASS_CONFIRM_BEST},
	{{READ}, 0, FDPASS_PROOF_READ, "", FDPASS_CONFIRM_BEST},
	{{READ, HALF_CLOSE, HOLD}, 0, FDPASS_PROOF_READ, "", FDPASS_CONFIRM_BEST},
	{{HALF_CLOSE, READ, HOLD}, 0, FDPASS_PROOF_READ, "", FDPASS_CONFIRM_BEST},
	{{GREET, READ, ACCEPT, HOLD}, 0, FDPASS_PROOF_ANSWER, "", FDPASS_CONFIRM_BEST},
	{{GREET, READ, ACCEPT}, 0, FDPASS_PROOF_ANSWER, "", FDPASS_CONFIRM_ANSWER},
	{{GREET, READ, ACCEPT, FAILED}, 0, FDPASS_PROOF_ANSWER, "", FDPASS_CONFIRM_BEST},
	{{GREET, READ, ACCEPT, PASS_ON}, 0, FDPASS_PROOF_ANSWER, "", FDPASS_CONFIRM_ANSWER},
	{{GREET, READ, PASS_ON, HOLD}, 0, FDPASS_PROOF_READ, "", FDPASS_CONFIRM_BEST},
	{{GREET, READ, PASS_ON}, 0, FDPASS_PROOF_READ, "", FDPASS_CONFIRM_BEST},
	{{HOLD}, 0, FDPASS_PROOF_NONE, "", FDPASS_CONFIRM_NONE},

	{{LEAVE}, -ECONNRESET, FDPASS_STEP_ANSWER, "", FDPASS_CONFIRM_BEST},
	{{PEEK}, -ECONNRESET, FDPASS_STEP_ANSWER, "", FDPASS_CONFIRM_BEST},
	{{GREET}, -ECONNRESET, FDPASS_STEP_ANSWER, "", FDPASS_CONFIRM_BEST},
	{{HALF_GREET}, -ECONNRESET, FDPASS_STEP_ANSWER, "", FDPASS_CONFIRM_BEST},
	{{HALF_CLOSE}, -ECONNRESET, FDPASS_STEP_ANSWER, "", FDPASS_CONFIRM_BEST},
	{{GREET, BUSY}, -EBUSY, FDPASS_STEP_ANSWER, "", FDPASS_CONFIRM_BEST},
	{{GREET, READ, REFUSE}, -EREMOTEIO, FDPASS_STEP_ANSWER, "not you", FDPASS_CONFIRM_BEST},
	{{GREET, REFUSE}, -EREMOTEIO, FDPASS_STEP_ANSWER, "not you", FDPASS_CONFIRM_BEST},
	{{GREET, READ}, -ECONNABORTED, FDPASS_STEP_ANSWER, "", FDPASS_CONFIRM_BEST},
	{{HALF_GREET, READ}, -ECONNABORTED, FDPASS_STEP_ANSWER, "", FDPASS_CONFIRM_BEST},
	{{GREET, READ, GARBAGE, HOLD}, -EPROTO, FDPASS_STEP_ANSWER, "", FDPASS_CONFIRM_BEST},
	{{GARBAGE, READ, HOLD}, -EPROTO, FDPASS_STEP_ANSWER, "", FDPASS_CONFIRM_BEST},
	{{GREET, READ, FAILED, HOLD}, -EPROTO, FDPASS_STEP_ANSWER, "exec", FDPASS_CONFIRM_BEST},
	{{READ, HOLD}, -ENOMSG, FDPASS_STEP_ANSWER, "", FDPASS_CONFIRM_ANSWER},
	{{READ}, -ENOMSG, FDPASS_STEP_ANSWER, "", FDPASS_CONFIRM_ANSWER},
	{{GREET, READ, PASS_ON}, -ENOMSG, FDPASS_STEP_ANSWER, "", FDPASS_CONFIRM_ANSWER},

	{{HOLD}, -ETIMEDOUT, FDPASS_STEP_WAIT, "sent", FDPASS_CONFIRM_BEST},
	{{PEEK, HOLD}, -ETIMEDOUT, FDPASS_STEP_WAIT, "sent", FDPASS_CONFIRM_BEST},
	{{HALF_CLOSE, HOLD}, -ETIMEDOUT, FDPASS_STEP_WAIT, "sent", FDPASS_CONFIRM_BEST},
	{{GREET, READ, HOLD}, -ETIMEDOUT, FDPASS_STEP_WAIT, "sent", FDPASS_CONFIRM_BEST},
};

static void act(enum act act, int socket)
{
	static const char *const said[] = {
		[GREET] = "fdpass/1",
		[HALF_GREET] = "fdpa",
		[ACCEPT] = "A\0\0\0\0\0\0\2",
		[BUSY] = "B\0\0\0\0\0\0\0",
		[REFUSE] = "R\0\0\7\0\0\0\0not you",
		[FAILED] = "F\0\0\4\0\0\0\0exec",
		[PASS_ON] = "P\0\0\0\0\0\0\0",
		[GARBAGE] = "?",
	};
	static const size_t sizes[] = {
		[GREET] = 8,   [HALF_GREET] = 4, [ACCEPT] = 8,  [BUSY] = 8,
		[REFUSE] = 15, [FAILED] = 12,    [PASS_ON] = 8, [GARBAGE] = 1,
	};
	static struct raw_message message;
	struct pollfd polled = {.fd = socket};

	switch (act) {
	case READ:
	case PEEK:
		raw_receive(socket, 1, act == PEEK ? MSG_PEEK : 0, &message);
		raw_check(message.size == 1 && message.count == 2);
		break;
	case HALF_CLOSE:
		raw_check(shutdown(socket, SHUT_WR) == 0);
		break;
	case HOLD:
		raw_check(poll(&polled, 1, -1) == 1 && (polled.revents & POLLHUP) != 0);
		break;
	case LEAVE:
		break;
	default:
		raw_send(socket, said[act], sizes[act], NULL, 0);
		break;
	}
}

struct play {
	const struct scenario *scenario;
	int listener;
};

static void play(void *context)
{
	const struct play *play = context;
	int socket = accept(play->listener, NULL, NULL);
	char byte;

	/* Not before the message is there. */
	raw_check(socket >= 0 && recv(socket, &byte, 1, MSG_PEEK) == 1);
	for (int i = 0; play->scenario->acts[i] != LEAVE; i++)
		act(play->scenario->acts[i], socket);
}

START_TEST(what_a_receiver_can_do)
{
	const struct scenario *scenario = &scenarios[_i];
	struct play context = {scenario, raw_listen("s", 4)};
	pid_t child = raw_fork(play, &context);
	struct sending sending;

	close(context.listener);
	sending_init(&sending);
	sending.options.confirm = scenario->confirm;
	if (scenario->result == -ETIMEDOUT)
		sending.wait.deadline = fdpass_deadline_in(50 * NSEC_PER_MSEC);
	ck_assert_int_eq(sending_one(&sending, "./s"), scenario->result);
	if (scenario->result == 0) {
		ck_assert_int_eq(sending.delivery.proof, (enum fdpass_proof)scenario->fact);
		ck_assert_uint_eq(sending.delivery.installed,
				  scenario->fact == FDPASS_PROOF_ANSWER ? 2 : 0);
		/* Who listened: this process, though the child has it. */
		ck_assert_int_eq(sending.delivery.peer.pid, getpid());
		ck_assert_uint_eq(sending.delivery.peer.uid, geteuid());
	} else {
		ck_assert_int_eq(sending.error.step, (enum fdpass_step)scenario->fact);
		ck_assert_str_eq(sending.error.text, scenario->text);
	}
	ck_assert_int_eq(sending.events[FDPASS_EVENT_CONNECTED], 1);
	ck_assert_int_eq(sending.events[FDPASS_EVENT_SENT], 1);
	ck_assert_int_eq(sending.events[FDPASS_EVENT_WAITING], 0);
	raw_join(child);
}
END_TEST

static void close_when_told(void *context)
{
	const int *fds = context;
	char byte;

	raw_check(read(fds[0], &byte, 1) == 1);
	close(fds[1]);
}

/* A receiver that is killed before it has accepted. */
START_TEST(a_listener_that_goes_with_us_in_its_backlog)
{
	struct sending sending;
	int fds[2], told[2];
	pid_t child;

	ck_assert_int_eq(pipe2(told, O_CLOEXEC), 0);
	fds[0] = told[0];
	fds[1] = raw_listen("s", 4);
	child = raw_fork(close_when_told, fds);
	close(fds[1]);
	sending_init(&sending);
	sending.tell = told[1];
	sending.tell_of = FDPASS_EVENT_SENT;
	ck_assert_int_eq(sending_one(&sending, "./s"), -ECONNRESET);
	ck_assert_int_eq(sending.error.step, FDPASS_STEP_ANSWER);
	raw_join(child);
	close(told[0]);
	close(told[1]);
}
END_TEST

START_TEST(nobody_listens)
{
	static const char *const where[] = {"./s", "./no/s", "./stale", "./file",
					    "@fdpass-unit-no"};
	static const int codes[] = {-ENOENT, -ENOENT, -ECONNREFUSED, -ECONNREFUSED, -ECONNREFUSED};
	struct sending sending;

	close(raw_listen("stale", 1));
	close(open("file", O_CREAT | O_RDWR | O_CLOEXEC, 0600));
	sending_init(&sending);
	ck_assert_int_eq(sending_one(&sending, where[_i]), codes[_i]);
	ck_assert_int_eq(sending.error.step, FDPASS_STEP_CONNECT);
	ck_assert_int_eq(sending.events[FDPASS_EVENT_WAITING], 0);
}
END_TEST

static void send_as_nobody(void *context)
{
	struct sending sending;

	(void)context;
	raw_become_nobody();
	sending_init(&sending);
	raw_check(sending_one(&sending, "./s") == -EACCES);
	raw_check(sending.error.step == FDPASS_STEP_CONNECT);
}

START_TEST(not_allowed_to_connect)
{
	int fd = raw_listen("s", 4);

	scratch_open_to_others();
	ck_assert_int_eq(chmod("s", geteuid() == 0 ? 0600 : 0), 0);
	raw_join(raw_fork(send_as_nobody, NULL));
	close(fd);
}
END_TEST

START_TEST(a_receiver_that_is_not_admitted_gets_nothing)
{
	struct fdpass_rule *rule;
	struct sending sending;
	int fd = raw_listen("s", 4), accepted;
	char byte;

	ck_assert_int_eq(fdpass_rule_new(&rule), 0);
	ck_assert_int_eq(fdpass_rule_admit_user(rule, geteuid() + 1), 0);
	sending_init(&sending);
	sending.options.rule = rule;
	ck_assert_int_eq(sending_one(&sending, "./s"), -EPERM);
	ck_assert_int_eq(sending.error.step, FDPASS_STEP_PEER);
	ck_assert_int_eq(sending.error.peer.pid, getpid());
	ck_assert_uint_eq(sending.error.peer.uid, geteuid());
	ck_assert_int_eq(sending.events[FDPASS_EVENT_NOT_ADMITTED], 1);
	ck_assert_int_eq(sending.events[FDPASS_EVENT_CONNECTED], 0);
	accepted = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
	ck_assert_int_ge(accepted, 0);
	ck_assert_int_eq(raw_read(accepted, &byte, 1), 0);
	close(accepted);
	close(fd);
	fdpass_rule_free(rule);
}
END_TEST

START_TEST(what_cannot_be_sent)
{
	static const int counts[] = {0, 1, 1};
	static const int codes[] = {-EINVAL, -EBADF, -EBADF};
	int fd = raw_listen("s", 4), borrowed = fcntl(0, F_DUPFD_CLOEXEC, 200);
	struct fdpass_set *set;
	struct sending sending;

	ck_assert_int_eq(fdpass_set_new(&set), 0);
	for (int i = 0; i < counts[_i]; i++)
		ck_assert_int_eq(fdpass_set_borrow(set, borrowed), 0);
	if (_i == 1)
		fdpass_set_steal(set, 0);
	if (_i == 2)
		close(borrowed);
	sending_init(&sending);
	ck_assert_int_eq(sending_run(&sending, "./s", set), codes[_i]);
	ck_assert_int_eq(sending.error.step,
			 codes[_i] == -EINVAL ? FDPASS_STEP_ADDRESS : FDPASS_STEP_SEND);
	ck_assert_int_eq(sending.events[FDPASS_EVENT_SENT], 0);
	fdpass_set_free(set);
	if (_i != 2)
		close(borrowed);
	close(fd);
}
END_TEST

START_TEST(options_that_cannot_be)
{
	struct sending sending;

	sending_init(&sending);
	if (_i == 0)
		sending.options.size--;
	if (_i == 1)
		sending.options.confirm = (enum fdpass_confirm)(FDPASS_CONFIRM_NONE + 1);
	if (_i == 2)
		sending.options.waiting = (enum fdpass_waiting)(FDPASS_WAIT_LISTENER + 1);
	ck_assert_int_eq(sending_one(&sending, "./s"), -EINVAL);
	ck_assert_int_eq(sending.error.step, FDPASS_STEP_ADDRESS);
}
END_TEST

START_TEST(a_receiver_that_takes_no_descriptors)
{
	int fd = raw_listen("s", 4), off = 0;
	struct sending sending;
	int r;

	sending_init(&sending);
	sending.wait.deadline = 0;
	r = setsockopt(fd, SOL_SOCKET, SO_PASSRIGHTS, &off, sizeof(off));
	ck_assert_int_eq(sending_one(&sending, "./s"), r == 0 ? -EPERM : -ETIMEDOUT);
	ck_assert_int_eq(sending.error.step, r == 0 ? FDPASS_STEP_SEND : FDPASS_STEP_WAIT);
	close(fd);
}
END_TEST

START_TEST(cancelled_on_the_way)
{
	int fd = raw_listen("s", 4), fds[2];
	struct sending sending;

	ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
	sending_init(&sending);
	sending.wait.cancel_fd = fds[0];
	sending.tell = fds[1];
	sending.tell_of = FDPASS_EVENT_SENT;
	ck_assert_int_eq(sending_one(&sending, "./s"), -ECANCELED);
	ck_assert_int_eq(sending.error.step, FDPASS_STEP_WAIT);
	ck_assert_str_eq(sending.error.text, "sent");
	close(fds[0]);
	close(fds[1]);
	close(fd);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("send");
	TCase *tcase = descriptors_tcase("send");

	scratch_add(tcase);
	tcase_set_timeout(tcase, 10);
	tcase_add_loop_test(tcase, what_a_receiver_can_do, 0,
			    sizeof(scenarios) / sizeof(*scenarios));
	tcase_add_test(tcase, a_listener_that_goes_with_us_in_its_backlog);
	tcase_add_loop_test(tcase, nobody_listens, 0, 5);
	tcase_add_test(tcase, not_allowed_to_connect);
	tcase_add_test(tcase, a_receiver_that_is_not_admitted_gets_nothing);
	tcase_add_loop_test(tcase, what_cannot_be_sent, 0, 3);
	tcase_add_loop_test(tcase, options_that_cannot_be, 0, 3);
	tcase_add_test(tcase, a_receiver_that_takes_no_descriptors);
	tcase_add_test(tcase, cancelled_on_the_way);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
