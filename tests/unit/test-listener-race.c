/* SPDX-License-Identifier: MIT */
/* Listeners that compete: for a stale socket, with callers, and with strangers who hold the lock. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/deadline.h"
#include "base/fd.h"
#include "descriptors.h"
#include "raw.h"
#include "scratch.h"
#include "suite.h"

#define ROUNDS 200

static int try_open(struct fdpass_listener **ret_listener, struct fdpass_error *error)
{
	struct fdpass_address *address;
	int r;

	raw_check(fdpass_address_parse(FDPASS_ADDRESS_NAMED, "./s", &address, NULL) == 0);
	r = fdpass_listener_open(address, NULL, ret_listener, error);
	fdpass_address_free(address);
	return r;
}

/* At each byte: tries, says what came of it, and keeps it until the next byte. */
static void compete(void *context)
{
	const int *pair = context;
	char byte;

	close(pair[0]);
	while (read(pair[1], &byte, 1) == 1) {
		struct fdpass_error error = FDPASS_ERROR_INIT;
		struct fdpass_listener *listener = NULL;
		int r = try_open(&listener, &error);

		raw_check(r == 0 || (r == -EADDRINUSE && error.step == FDPASS_STEP_PUBLISH));
		raw_check(write(pair[1], r == 0 ? "1" : "0", 1) == 1);
		raw_check(read(pair[1], &byte, 1) == 1);
		fdpass_listener_close(listener);
		raw_check(write(pair[1], ".", 1) == 1);
	}
}

/* A stale socket, and two who want the name: one wins, and the name is the winner's. */
START_TEST(one_of_two_wins)
{
	int pairs[2][2];
	pid_t children[2];

	for (int i = 0; i < 2; i++) {
		raw_pair(pairs[i]);
		children[i] = raw_fork(compete, pairs[i]);
		close(pairs[i][1]);
	}
	for (int round = 0; round < ROUNDS; round++) {
		int winners = 0, fd;
		char byte;

		close(raw_listen("s", 1));
		for (int i = 0; i < 2; i++)
			ck_assert_int_eq(write(pairs[i][0], "!", 1), 1);
		for (int i = 0; i < 2; i++) {
			ck_assert_int_eq(raw_read(pairs[i][0], &byte, 1), 1);
			winners += byte == '1';
		}
		ck_assert_int_eq(winners, 1);
		fd = raw_connect("s");
		ck_assert_int_ge(fd, 0);
		close(fd);
		for (int i = 0; i < 2; i++)
			ck_assert_int_eq(write(pairs[i][0], "!", 1), 1);
		for (int i = 0; i < 2; i++)
			ck_assert_int_eq(raw_read(pairs[i][0], &byte, 1), 1);
		ck_assert_int_eq(raw_connect("s"), -ENOENT);
	}
	for (int i = 0; i < 2; i++) {
		/* The second child has inherited the first's end. */
		ck_assert_int_eq(shutdown(pairs[i][0], SHUT_WR), 0);
		raw_join(children[i]);
		close(pairs[i][0]);
	}
}
END_TEST

/* At each byte: opens it, keeps it until the next byte, closes it and says so. */
static void open_on_demand(void *context)
{
	const int *pair = context;
	char byte;

	close(pair[0]);
	while (read(pair[1], &byte, 1) == 1) {
		struct fdpass_error error = FDPASS_ERROR_INIT;
		struct fdpass_listener *listener;

		raw_check(try_open(&listener, &error) == 0);
		raw_check(read(pair[1], &byte, 1) == 1);
		fdpass_listener_close(listener);
		raw_check(write(pair[1], ".", 1) == 1);
	}
}

static void tell(int socket)
{
	ck_assert_int_eq(write(socket, "!", 1), 1);
}

static void await_end_of_round(int socket)
{
	char byte;

	tell(socket);
	ck_assert_int_eq(raw_read(socket, &byte, 1), 1);
}

/* 1 when one of the events is about the public name. */
static int has_appeared(int notify)
{
	char buffer[4096] __attribute__((aligned(8)));
	ssize_t got = read(notify, buffer, sizeof(buffer));
	int appeared = 0;

	ck_assert_int_gt(got, 0);
	for (ssize_t at = 0; at < got;) {
		struct inotify_event event;

		memcpy(&event, buffer + at, sizeof(event));
		appeared |= event.len > 0 && strcmp(buffer + at + sizeof(event), "s") == 0;
		at += (ssize_t)(sizeof(event) + event.len);
	}
	return appeared;
}

/* Seen by the events of the directory: when the public name comes, it listens already. */
START_TEST(a_public_name_listens)
{
	int notify = inotify_init1(IN_CLOEXEC), pair[2];
	pid_t child;

	raw_pair(pair);
	ck_assert_int_ge(inotify_add_watch(notify, ".", IN_CREATE | IN_MOVED_TO), 0);
	child = raw_fork(open_on_demand, pair);
	for (int round = 0; round < ROUNDS; round++) {
		int fd;

		tell(pair[0]);
		while (!has_appeared(notify))
			;
		fd = raw_connect("s");
		ck_assert_int_ge(fd, 0);
		close(fd);
		await_end_of_round(pair[0]);
	}
	close(pair[0]);
	close(pair[1]);
	raw_join(child);
	close(notify);
}
END_TEST

/* Callers who try all the time do not find it, or find it listening. */
START_TEST(nobody_is_ever_refused)
{
	int pair[2];
	pid_t child;

	raw_pair(pair);
	child = raw_fork(open_on_demand, pair);
	for (int round = 0; round < ROUNDS; round++) {
		int fd;

		tell(pair[0]);
		while ((fd = raw_connect("s")) < 0)
			ck_assert_int_eq(fd, -ENOENT);
		close(fd);
		await_end_of_round(pair[0]);
	}
	close(pair[0]);
	close(pair[1]);
	raw_join(child);
}
END_TEST

static int locked_directory(void)
{
	int fd = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	ck_assert_int_eq(flock(fd, LOCK_EX | LOCK_NB), 0);
	return fd;
}

START_TEST(without_the_lock_a_free_name_is_taken)
{
	struct fdpass_error error = FDPASS_ERROR_INIT;
	struct fdpass_listener *listener;
	int64_t begun = raw_now_ms();
	int stranger = locked_directory();

	ck_assert_int_eq(try_open(&listener, &error), 0);
	ck_assert_int_lt(raw_now_ms() - begun, 1500);
	/* It was no failure. */
	ck_assert_int_eq(error.step, FDPASS_STEP_NONE);
	ck_assert_int_eq(error.code, 0);
	fdpass_listener_close(listener);
	ck_assert_int_eq(access("s", F_OK), -1);
	close(stranger);
}
END_TEST

START_TEST(without_the_lock_a_stale_socket_stays)
{
	struct fdpass_listen_options options = FDPASS_LISTEN_OPTIONS_INIT;
	struct fdpass_wait wait = {fdpass_deadline_in(150 * NSEC_PER_MSEC), -1};
	struct fdpass_error error = FDPASS_ERROR_INIT;
	struct fdpass_address *address;
	struct fdpass_listener *listener;
	int64_t begun = raw_now_ms();
	int stranger = locked_directory();

	/* The caller's deadline, or the bound that there is in any case. */
	options.wait = _i == 0 ? &wait : NULL;
	close(raw_listen("s", 1));
	ck_assert_int_eq(fdpass_address_parse(FDPASS_ADDRESS_NAMED, "./s", &address, NULL), 0);
	ck_assert_int_eq(fdpass_listener_open(address, &options, &listener, &error),
			 _i == 0 ? -ETIMEDOUT : -EWOULDBLOCK);
	ck_assert_int_eq(error.step, _i == 0 ? FDPASS_STEP_WAIT : FDPASS_STEP_LOCK);
	ck_assert_str_eq(error.text, "lock");
	ck_assert_int_lt(raw_now_ms() - begun, _i == 0 ? 1500 : 4000);
	ck_assert_int_eq(raw_connect("s"), -ECONNREFUSED);
	/* Nothing is left of the attempt. */
	close(stranger);
	wait.deadline = FDPASS_NO_DEADLINE;
	ck_assert_int_eq(fdpass_listener_open(address, &options, &listener, &error), 0);
	fdpass_listener_close(listener);
	fdpass_address_free(address);
	ck_assert_int_eq(chdir("/"), 0);
	ck_assert_int_eq(rmdir(scratch_path()), 0);
}
END_TEST

START_TEST(waiting_for_the_lock_can_be_cancelled)
{
	struct fdpass_listen_options options = FDPASS_LISTEN_OPTIONS_INIT;
	struct fdpass_wait wait = FDPASS_WAIT_INIT;
	struct fdpass_error error = FDPASS_ERROR_INIT;
	struct fdpass_address *address;
	struct fdpass_listener *listener;
	int stranger = locked_directory(), fds[2];

	ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
	close(fds[1]);
	wait.cancel_fd = fds[0];
	options.wait = &wait;
	ck_assert_int_eq(fdpass_address_parse(FDPASS_ADDRESS_NAMED, "./s", &address, NULL), 0);
	ck_assert_int_eq(fdpass_listener_open(address, &options, &listener, &error), -ECANCELED);
	ck_assert_int_eq(error.step, FDPASS_STEP_WAIT);
	ck_assert_int_eq(error.code, ECANCELED);
	fdpass_address_free(address);
	close(fds[0]);
	close(stranger);
}
END_TEST

/* Whoever can be seen to be there is named without the lock, and at once. */
START_TEST(without_the_lock_a_live_socket_is_told)
{
	struct fdpass_error error = FDPASS_ERROR_INIT;
	struct fdpass_listener *listener;
	int stranger = locked_directory(), fd = raw_listen("s", 4);
	int64_t begun = raw_now_ms();

	ck_assert_int_eq(try_open(&listener, &error), -EADDRINUSE);
	ck_assert_int_eq(error.step, FDPASS_STEP_PUBLISH);
	ck_assert_int_eq(error.peer.pid, getpid());
	ck_assert_int_lt(raw_now_ms() - begun, 1500);
	close(fd);
	close(stranger);
}
END_TEST

/* The lock is not kept: the next one, in the same process or another, need not wait. */
START_TEST(the_lock_is_given_back)
{
	struct fdpass_listener *listener;
	struct fdpass_error error;
	int fd;

	close(raw_listen("s", 1));
	ck_assert_int_eq(try_open(&listener, &error), 0);
	fd = locked_directory();
	close(fd);
	fdpass_listener_close(listener);
	fd = locked_directory();
	close(fd);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("listener-race");
	TCase *tcase = descriptors_tcase("listener-race");

	scratch_add(tcase);
	tcase_set_timeout(tcase, 40);
	tcase_add_test(tcase, one_of_two_wins);
	tcase_add_test(tcase, a_public_name_listens);
	tcase_add_test(tcase, nobody_is_ever_refused);
	tcase_add_test(tcase, without_the_lock_a_free_name_is_taken);
	tcase_add_loop_test(tcase, without_the_lock_a_stale_socket_stays, 0, 2);
	tcase_add_test(tcase, without_the_lock_a_live_socket_is_told);
	tcase_add_test(tcase, waiting_for_the_lock_can_be_cancelled);
	tcase_add_test(tcase, the_lock_is_given_back);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
