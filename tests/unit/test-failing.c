/* SPDX-License-Identifier: MIT */
/*
 * Every call that the library makes of the C library and the kernel fails once, in each thing that it can do:
 * nothing crashes, hangs, or keeps a descriptor; a call that a signal interrupts makes no difference at all.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/deadline.h"
#include "base/fd.h"
#include "children.h"
#include "descriptors.h"
#include "failing.h"
#include "fdpass.h"
#include "raw.h"
#include "scratch.h"

/* Whose turn it is in this run of a scenario. */
static enum failing_how way;
static unsigned turn;
static struct child child;

static const struct fdpass_wait at_once = {0, -1};

static int failed;

static void begin(void)
{
	failing_begin(way, turn);
}

/* Before the test's own calls, which must not fail. */
static void leave(void)
{
	failed = failing_end();
}

static int sets(void)
{
	struct fdpass_set *set = NULL;
	int r;

	begin();
	r = fdpass_set_new(&set);
	for (int i = 0; r == 0 && i < 20; i++)
		r = i % 2 == 0 ? fdpass_set_dup(set, 0) : fdpass_set_borrow(set, 0);
	for (size_t i = 0; r == 0 && i < 20; i++)
		r = fdpass_set_rename(set, i, "name");
	if (set != NULL)
		fdpass_set_discard(set, 10);
	fdpass_set_free(set);
	leave();
	return r;
}

static int rules(void)
{
	struct fdpass_rule *rule = NULL;
	struct fdpass_peer peer;
	int pair[2], r;

	raw_pair(pair);
	begin();
	r = fdpass_rule_new(&rule);
	if (r == 0)
		r = fdpass_rule_check(rule, pair[0], &peer);
	for (unsigned i = 0; r >= 0 && i < 20; i++)
		r = fdpass_rule_admit_user(rule, i + 1000);
	for (unsigned i = 0; r >= 0 && i < 20; i++)
		r = fdpass_rule_admit_group(rule, i + 1000);
	if (r >= 0)
		r = fdpass_rule_check(rule, pair[0], &peer);
	if (r >= 0)
		r = fdpass_peer_get(pair[1], &peer);
	fdpass_rule_free(rule);
	leave();
	close(pair[0]);
	close(pair[1]);
	return r;
}

/* An address, a listener there, and a stale socket in its way. */
static int listen_at(enum fdpass_address_kind kind, const char *text)
{
	struct fdpass_listener *listener = NULL;
	struct fdpass_address *address = NULL;
	struct fdpass_error error = FDPASS_ERROR_INIT;
	int r;

	begin();
	r = fdpass_address_parse(kind, text, &address, &error);
	if (r == 0)
		r = fdpass_listener_open(address, NULL, &listener, &error);
	fdpass_listener_close(listener);
	leave();
	if (r < 0)
		ck_assert_int_eq(error.code, -r);
	fdpass_address_free(address);
	return r;
}

static int listening(void)
{
	return listen_at(FDPASS_ADDRESS_NAMED, "./door");
}

static int listening_abstract(void)
{
	return listen_at(FDPASS_ADDRESS_ABSTRACT, "fdpass-unit-failing");
}

static int listening_by_name(void)
{
	return listen_at(FDPASS_ADDRESS_NAMED, "name");
}

static int listening_where_it_is_stale(void)
{
	unlink("door");
	close(raw_listen("door", 1));
	return listen_at(FDPASS_ADDRESS_NAMED, "./door");
}

static int listening_at_a_long_path(void)
{
	char path[160];

	memset(path, 'x', sizeof(path));
	memcpy(path, "./", 2);
	path[sizeof(path) - 1] = '\0';
	return listen_at(FDPASS_ADDRESS_NAMED, path);
}

static int open_at(const char *text)
{
	const struct fdpass_wait soon = {fdpass_deadline_in(5 * NSEC_PER_SEC), -1};
	struct fdpass_endpoint *endpoint = NULL, *other = NULL;
	struct fdpass_listener *listener = NULL;
	char name[128];
	int fd = FD_NONE, r;

	begin();
	r = fdpass_endpoint_parse(text, &endpoint, NULL);
	if (r == 0)
		r = fdpass_open_listen(endpoint, NULL, &listener, NULL);
	if (r == 0)
		r = fdpass_open_name(fdpass_listener_fd(listener), name, sizeof(name));
	if (r == 0)
		r = fdpass_endpoint_parse(name, &other, NULL);
	if (r == 0)
		r = fdpass_open_connect(other, &soon, &fd, NULL);
	fdpass_fd_close(fd);
	fdpass_listener_close(listener);
	fdpass_endpoint_free(endpoint);
	fdpass_endpoint_free(other);
	leave();
	return r;
}

static int opening_tcp(void)
{
	return open_at("tcp:127.0.0.1:0");
}

static int opening_both(void)
{
	return open_at("tcp:0");
}

static int opening_by_name(void)
{
	int r = open_at("tcp4:localhost:0");

	/* A machine need not know that name. */
	return !failed && r == -ENOENT ? 0 : r;
}

static int opening_udp(void)
{
	return open_at("udp:[::1]:0");
}

static int opening_a_path(void)
{
	return open_at("unix:opened");
}

static int opening_a_file(void)
{
	int fd = FD_NONE, r;

	begin();
	r = fdpass_open_file("/dev/null", FDPASS_ACCESS_READ_WRITE, &fd, NULL);
	leave();
	fdpass_fd_close(fd);
	return r;
}

static int one_message(void)
{
	struct fdpass_message message;
	struct fdpass_set *set;
	int pair[2], r, fd = -1;
	char byte;

	raw_pair(pair);
	ck_assert_int_eq(fdpass_set_new(&set), 0);
	ck_assert_int_eq(fdpass_set_borrow(set, 0), 0);
	begin();
	r = (int)fdpass_message_send(pair[0], "x", 1, set, &at_once);
	if (r > 0)
		r = fdpass_message_receive(pair[1], &byte, 1, set, &at_once, &message);
	if (r > 0)
		r = (int)fdpass_write_fd(pair[0], &byte, 1, 0);
	/* Those may be interrupted. */
	if (r > 0 && way == FAILING_HARD)
		r = (int)fdpass_read_fd(pair[1], &byte, 1, &fd);
	fdpass_set_free(set);
	leave();
	if (fd >= 0)
		close(fd);
	close(pair[0]);
	close(pair[1]);
	return r;
}

/* Both ends of a handover, one step of each after the other. What one fails at, the other is told, or sees. */
static int hand_over(const char *place, size_t count, const char *name, enum fdpass_until until)
{
	struct fdpass_send_options options = FDPASS_SEND_OPTIONS_INIT;
	struct fdpass_error error = FDPASS_ERROR_INIT;
	struct fdpass_handover *handover = NULL;
	struct fdpass_listener *listener = NULL;
	struct fdpass_receiver *receiver = NULL;
	struct fdpass_address *address = NULL;
	struct fdpass_sending *sending = NULL;
	struct fdpass_delivery delivery = {FDPASS_PROOF_NONE, 0, {0, 0, 0}};
	enum fdpass_address_kind kind =
		place[0] == '@' ? FDPASS_ADDRESS_ABSTRACT : FDPASS_ADDRESS_NAMED;
	struct fdpass_set *set;
	int r = 0, accepted = 0;

	ck_assert_int_eq(fdpass_set_new(&set), 0);
	for (size_t i = 0; i < count; i++)
		ck_assert_int_eq(fdpass_set_borrow(set, 0), 0);
	ck_assert_int_eq(fdpass_set_rename(set, 0, name), 0);
	ck_assert_int_eq(fdpass_address_parse(kind, place + (place[0] == '@'), &address, NULL), 0);
	options.waiting = FDPASS_WAIT_LISTENER;
	options.until = until;
	begin();
	r = fdpass_sending_begin(address, set, &options, &sending, &error);
	/* Nobody is there the first time. */
	if (r == 0)
		r = fdpass_sending_step(sending, &delivery, &error);
	if (r == 0)
		r = fdpass_receiver_new(NULL, NULL, NULL, &receiver);
	if (r == 0)
		r = fdpass_listener_open(address, NULL, &listener, NULL);
	if (r == 0) {
		r = fdpass_receiver_add(receiver, listener);
		if (r < 0)
			fdpass_listener_close(listener);
	}
	for (int i = 0; r == 0 && i < 100; i++) {
		if (fdpass_receiver_next(receiver, &at_once, &handover, NULL) == 0) {
			fdpass_handover_accept(handover, (uint32_t)count);
			handover = fdpass_handover_free(handover);
			accepted = 1;
		}
		r = fdpass_sending_step(sending, &delivery, &error);
		/* Until its pause is over, when it missed the event. */
		if (r == 0 && i > 90)
			break;
	}
	fdpass_sending_free(sending);
	fdpass_receiver_free(receiver);
	leave();
	if (r > 0)
		ck_assert(accepted && delivery.installed == count);
	if (r < 0 && error.step != FDPASS_STEP_NONE)
		ck_assert_int_eq(error.code, -r);
	fdpass_set_free(set);
	fdpass_address_free(address);
	return r;
}

static int handing_over(void)
{
	return hand_over("./place", 2, NULL, FDPASS_UNTIL_ACCEPTED);
}

static int handing_over_with_names(void)
{
	return hand_over("./place", 2, "name", FDPASS_UNTIL_ACCEPTED);
}

static int handing_over_many(void)
{
	return hand_over("@fdpass-unit-failing-many", 300, NULL, FDPASS_UNTIL_ACCEPTED);
}

/* The receiver is this process, which goes on after it has closed the connection: that is a start. */
static int handing_over_until_it_has_started(void)
{
	return hand_over("./place", 2, NULL, FDPASS_UNTIL_STARTED);
}

static int plans(void)
{
	struct fdpass_plan *plan = NULL;
	int r;

	begin();
	r = fdpass_plan_new(&plan);
	for (int i = 0; r == 0 && i < 100; i++)
		r = fdpass_plan_add(plan, i + 3, i + 4);
	fdpass_plan_free(plan);
	leave();
	return r;
}

/* Closing what is not trusted cannot fail, and closes. */
static int discarding(void)
{
	struct fdpass_set *set;
	int pair[2];

	raw_pair(pair);
	ck_assert_int_eq(fdpass_set_new(&set), 0);
	ck_assert_int_eq(fdpass_set_take(set, pair[0]), 0);
	ck_assert_int_eq(fdpass_set_take(set, pair[1]), 0);
	begin();
	fdpass_set_discard(set, 0);
	leave();
	fdpass_set_free(set);
	return 0;
}

static int handing_over_a_connection(void)
{
	struct fdpass_receiver *receiver = NULL;
	struct fdpass_handover *handover = NULL;
	struct fdpass_address *address = NULL;
	struct fdpass_set *set;
	char text[16];
	int pair[2], r;

	raw_pair(pair);
	snprintf(text, sizeof(text), "%d", pair[0]);
	ck_assert_int_eq(fdpass_set_new(&set), 0);
	ck_assert_int_eq(fdpass_set_borrow(set, 0), 0);
	begin();
	r = fdpass_address_parse(FDPASS_ADDRESS_CONNECTED, text, &address, NULL);
	if (r == 0) {
		struct fdpass_send_options options = FDPASS_SEND_OPTIONS_INIT;

		options.confirm = FDPASS_CONFIRM_NONE;
		r = fdpass_send(address, set, &options, NULL, NULL);
	}
	if (r == 0)
		r = fdpass_receiver_new(NULL, NULL, NULL, &receiver);
	if (r == 0)
		r = fdpass_receiver_add_connection(receiver, pair[1], NULL);
	if (r == 0)
		r = fdpass_receiver_next(receiver, &at_once, &handover, NULL);
	if (r == 0)
		r = fdpass_handover_move(handover, 100);
	if (r == 0)
		fdpass_handover_refuse(handover, "it is a test");
	fdpass_handover_free(handover);
	fdpass_receiver_free(receiver);
	fdpass_address_free(address);
	fdpass_set_free(set);
	leave();
	close(pair[0]);
	close(pair[1]);
	return r;
}

/* What the other process has, for others to take: see hold(). */
enum { PIPE = 3, LISTENER, FILES };

static void hold(void *context)
{
	int ends[2], fd;

	(void)context;
	child_check(pipe2(ends, O_CLOEXEC) == 0);
	child_check(ends[0] > FILES || dup2(ends[0], 20) == 20);
	fd = raw_listen("taken", 4);
	child_check(fd >= 0);
	child_check(open("taken-file", O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600) >= 0);
}

static void hold_on(void)
{
	unlink("taken");
	child = child_start(hold, NULL);
}

static void ignore(void *context, int number, const char *text)
{
	(void)context;
	(void)number;
	(void)text;
}

/* Takes what `text` describes out of the process. */
static int take(const char *text)
{
	struct fdpass_pidref *ref = NULL;
	struct fdpass_match *match = NULL;
	struct fdpass_set *set = NULL;
	int r;

	ck_assert_int_eq(fdpass_set_new(&set), 0);
	begin();
	r = fdpass_match_parse(text, &match, NULL);
	if (r == 0)
		r = fdpass_pidref_open(child.pid, 0, &ref, NULL);
	if (r >= 0)
		r = fdpass_acquire_match(ref, match, FDPASS_METHOD_REOPEN, set, ignore, NULL, NULL);
	if (r >= 0)
		r = fdpass_acquire_count(ref, match, NULL);
	fdpass_set_free(set);
	fdpass_match_free(match);
	fdpass_pidref_free(ref);
	leave();
	return r;
}

static int taking_a_listener(void)
{
	return take("listen:./taken");
}

static int taking_a_file(void)
{
	return take("file:./taken-file");
}

/* In all processes, of which there may be many: the first calls alone. */
static int finding(void)
{
	struct fdpass_pidref *ref = NULL;
	struct fdpass_match *match = NULL;
	int r;

	begin();
	r = fdpass_match_parse("listen:./taken", &match, NULL);
	if (r == 0)
		r = fdpass_pidref_find(match, &ref, NULL);
	fdpass_match_free(match);
	fdpass_pidref_free(ref);
	leave();
	if (turn <= 200)
		return r;
	failed = 0;
	return 0;
}

static int taking_by_number(void)
{
	struct fdpass_pidref *ref = NULL;
	int r, fd;

	begin();
	r = fdpass_pidref_open(child.pid, 0, &ref, NULL);
	if (r == 0)
		r = fdpass_acquire_list(ref, ignore, NULL, NULL);
	for (int method = FDPASS_METHOD_DUPLICATE; r >= 0 && method <= FDPASS_METHOD_REOPEN_READ;
	     method++) {
		r = fdpass_acquire(ref, 0, (enum fdpass_method)method, &fd, NULL);
		if (r == 0)
			close(fd);
	}
	if (r >= 0)
		r = fdpass_pidref_is_stopped(ref);
	if (r >= 0)
		r = fdpass_pidref_is_ending(ref);
	if (r >= 0)
		r = fdpass_pidref_signal(ref, 0);
	fdpass_pidref_free(ref);
	leave();
	return r;
}

static int describing_a_socket(void)
{
	struct fdpass_match *accepted = NULL, *same = NULL;
	int fd, r;

	unlink("described");
	fd = raw_listen("described", 4);
	begin();
	r = fdpass_match_accepted(fd, &accepted, NULL);
	if (r == 0)
		r = fdpass_match_same(fd, &same, NULL);
	fdpass_match_free(accepted);
	fdpass_match_free(same);
	leave();
	close(fd);
	return r;
}

/* Connections of a socket that another process has, of which there are none. */
static int counting(void)
{
	struct fdpass_pidref *ref = NULL;
	struct fdpass_match *accepted = NULL;
	int fd = raw_listen_abstract("fdpass-unit-failing-counted", 4);
	int r;

	begin();
	r = fdpass_match_accepted(fd, &accepted, NULL);
	if (r == 0)
		r = fdpass_pidref_open(child.pid, 0, &ref, NULL);
	if (r == 0)
		r = fdpass_acquire_count(ref, accepted, NULL);
	fdpass_pidref_free(ref);
	fdpass_match_free(accepted);
	leave();
	close(fd);
	return r;
}

static int announcing(void)
{
	struct fdpass_announcement announcement = FDPASS_ANNOUNCEMENT_INIT;
	static const int numbers[] = {3, 4};
	char **changes = NULL;
	uint64_t id;
	int r;

	announcement.count = 2;
	announcement.numbers = numbers;
	announcement.pid = getpid();
	begin();
	r = fdpass_activation_export(&announcement, &changes, NULL);
	free(changes);
	if (r == 0)
		r = fdpass_activation_pid_id(&id);
	leave();
	/* Before Linux 6.9 there is none. */
	return r == -EOPNOTSUPP ? 0 : r;
}

struct scenario {
	const char *name;
	int (*run)(void);
};

static const struct scenario scenarios[] = {
	{"sets", sets},
	{"rules", rules},
	{"listening", listening},
	{"listening at an abstract name", listening_abstract},
	{"listening in the run directory", listening_by_name},
	{"listening where it is stale", listening_where_it_is_stale},
	{"listening at a long path", listening_at_a_long_path},
	{"opening TCP", opening_tcp},
	{"opening both", opening_both},
	{"opening by name", opening_by_name},
	{"opening UDP", opening_udp},
	{"opening a path", opening_a_path},
	{"opening a file", opening_a_file},
	{"one message", one_message},
	{"handing over", handing_over},
	{"handing over with names", handing_over_with_names},
	{"handing over many", handing_over_many},
	{"handing over until it has started", handing_over_until_it_has_started},
	{"plans", plans},
	{"discarding", discarding},
	{"handing over a connection", handing_over_a_connection},
	{"taking a listener", taking_a_listener},
	{"taking a file", taking_a_file},
	{"finding", finding},
	{"taking by number", taking_by_number},
	{"describing a socket", describing_a_socket},
	{"counting", counting},
	{"announcing", announcing},
};

#define SCENARIOS ((int)(sizeof(scenarios) / sizeof(*scenarios)))

/* The lowest free number: the same after as before, when nothing was kept. */
static int lowest_free(void)
{
	int fd = dup(0);

	close(fd);
	return fd;
}

START_TEST(each_call_fails_in_its_turn)
{
	const struct scenario *scenario = &scenarios[_i / FAILING_WAYS];
	int free_before;

	ck_assert_int_eq(setenv("FDPASS_RUNTIME_DIR", scratch_path(), 1), 0);
	hold_on();
	way = (enum failing_how)(_i % FAILING_WAYS);
	free_before = lowest_free();
	failed = 1;
	for (turn = 1; failed; turn++) {
		int r = scenario->run();

		ck_assert_msg(lowest_free() == free_before, "%s: %s, call %u: kept a descriptor",
			      scenario->name, failing_last(), turn);
		ck_assert_msg((failed && way == FAILING_HARD) || r >= 0, "%s: %s, call %u: %s",
			      scenario->name, failing_last(), turn, strerror(r < 0 ? -r : 0));
		ck_assert_msg(turn < 5000, "%s: it has no end", scenario->name);
	}
	/* The wrappers are in place: something can fail in everything that is tried. */
	ck_assert_msg(way != FAILING_HARD || turn > 2, "%s: nothing failed", scenario->name);
	child_stop(&child);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("failing");
	TCase *tcase = descriptors_tcase("failing");
	SRunner *runner;
	int broken;

	scratch_add(tcase);
	tcase_set_timeout(tcase, 60);
	tcase_add_loop_test(tcase, each_call_fails_in_its_turn, 0, SCENARIOS * FAILING_WAYS);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	broken = srunner_ntests_failed(runner);
	srunner_free(runner);
	return broken == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
