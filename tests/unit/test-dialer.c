/* SPDX-License-Identifier: MIT */
/* Waiting for somebody to listen: what wakes, what does not, and what it costs. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/deadline.h"
#include "base/fd.h"
#include "descriptors.h"
#include "dialing.h"
#include "driving.h"
#include "raw.h"
#include "rendezvous/companion.h"
#include "rendezvous/dialer.h"
#include "scratch.h"
#include "suite.h"

static struct dialing dialing;

static const char *abstract_name(void)
{
	static char text[64];

	snprintf(text, sizeof(text), "fdpass-unit-dialer-%d", (int)getpid());
	return text;
}

static int wait_ms(int code, int64_t milliseconds)
{
	struct fdpass_wait wait = {fdpass_deadline_in(milliseconds * NSEC_PER_MSEC), -1};

	return driving_dialer(&dialing.dialer, code, &wait);
}

/* Nobody is there, and that is watched from now on. */
static void watch_absence(int code)
{
	dialing_assert_fails(&dialing, code);
	ck_assert_int_eq(wait_ms(code, 500), 0);
	dialing_assert_fails(&dialing, code);
}

static void make(const char *directory)
{
	ck_assert_int_eq(mkdir(directory, 0700), 0);
}

START_TEST(the_first_wait_only_looks_again)
{
	static const int codes[] = {-ENOENT, -ECONNREFUSED, -EAGAIN};

	dialing_begin(&dialing, _i == 1 ? FDPASS_ADDRESS_ABSTRACT : FDPASS_ADDRESS_NAMED,
		      _i == 1 ? abstract_name() : "./s");
	ck_assert_int_eq(driving_dialer(&dialing.dialer, codes[_i], NULL), 0);
	dialing_end(&dialing);
}
END_TEST

START_TEST(deadlines_and_cancelling)
{
	struct fdpass_wait wait = FDPASS_WAIT_INIT;
	int64_t begun = raw_now_ms();
	int fds[2];

	dialing_begin(&dialing, _i == 0 ? FDPASS_ADDRESS_NAMED : FDPASS_ADDRESS_ABSTRACT,
		      _i == 0 ? "./s" : abstract_name());
	watch_absence(_i == 0 ? -ENOENT : -ECONNREFUSED);
	if (_i == 0) {
		ck_assert_int_eq(wait_ms(-ENOENT, 30), -ETIMEDOUT);
		ck_assert_int_ge(raw_now_ms() - begun, 29);
	}
	ck_assert_int_eq(wait_ms(-ENOENT, 0), -ETIMEDOUT);
	ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
	close(fds[1]);
	wait.cancel_fd = fds[0];
	ck_assert_int_eq(driving_dialer(&dialing.dialer, -ENOENT, &wait), -ECANCELED);
	close(fds[0]);
	dialing_end(&dialing);
}
END_TEST

/* Each way; the pause that would find it without an event is a second, and here is less time. */
START_TEST(each_way_it_can_come_wakes)
{
	static const char *const paths[] = {"./s", "./s", "a/s", "a/b/c/s", "a/b/c/s", "./stale"};
	int fd = -1;

	close(raw_listen("stale", 1));
	dialing_begin(&dialing, FDPASS_ADDRESS_NAMED, paths[_i]);
	watch_absence(_i == 5 ? -ECONNREFUSED : -ENOENT);
	if (_i == 2)
		make("a");
	if (_i == 3 || _i == 4) {
		make("t");
		make("t/b");
		make("t/b/c");
	}
	switch (_i) {
	case 0: /* in place */
		fd = raw_listen("s", 4);
		break;
	case 1: /* renamed into place, over nothing */
		fd = raw_listen("t", 4);
		ck_assert_int_eq(rename("t", "s"), 0);
		break;
	case 2: /* its directory was made since the last look, and it in there */
		fd = raw_listen("a/s", 4);
		break;
	case 3: /* the whole way is renamed into place */
		fd = raw_listen("t/b/c/s", 4);
		ck_assert_int_eq(rename("t", "a"), 0);
		break;
	case 4: /* the same, and the socket a little later */
		ck_assert_int_eq(rename("t", "a"), 0);
		fd = raw_listen("a/b/c/s", 4);
		break;
	default: /* over a stale one */
		fd = raw_listen("t", 4);
		ck_assert_int_eq(rename("t", "stale"), 0);
		break;
	}
	ck_assert_int_eq(wait_ms(_i == 5 ? -ECONNREFUSED : -ENOENT, 500), 0);
	dialing_assert_connects(&dialing);
	dialing_end(&dialing);
	close(fd);
}
END_TEST

/* The waiter learns of each directory, looks, and finds nothing; then the next one is there already
 * when it begins to watch in the new directory. */
START_TEST(what_comes_before_it_is_watched_is_not_missed)
{
	int fd;

	dialing_begin(&dialing, FDPASS_ADDRESS_NAMED, "a/b/s");
	watch_absence(-ENOENT);
	make("a");
	ck_assert_int_eq(wait_ms(-ENOENT, 500), 0);
	dialing_assert_fails(&dialing, -ENOENT);
	make("a/b");
	fd = raw_listen("a/b/s", 4);
	ck_assert_int_eq(wait_ms(-ENOENT, 500), 0);
	dialing_assert_connects(&dialing);
	dialing_end(&dialing);
	close(fd);
}
END_TEST

START_TEST(removed_and_made_again)
{
	int fd;

	make("a");
	fd = raw_listen("a/s", 4);
	dialing_begin(&dialing, FDPASS_ADDRESS_NAMED, "a/s");
	dialing_assert_connects(&dialing);
	/* As the receiver does that another sender was faster with. */
	close(fd);
	ck_assert_int_eq(unlink("a/s"), 0);
	ck_assert_int_eq(wait_ms(-ECONNRESET, 500), 0);
	dialing_assert_fails(&dialing, -ENOENT);
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(rmdir("a"), 0);
		ck_assert_int_eq(wait_ms(-ENOENT, 500), 0);
		dialing_assert_fails(&dialing, -ENOENT);
		make("a");
		fd = raw_listen("a/s", 4);
		ck_assert_int_eq(wait_ms(-ENOENT, 500), 0);
		dialing_assert_connects(&dialing);
		close(fd);
		ck_assert_int_eq(unlink("a/s"), 0);
	}
	dialing_end(&dialing);
}
END_TEST

START_TEST(other_names_do_not_wake)
{
	dialing_begin(&dialing, FDPASS_ADDRESS_NAMED, "./s");
	watch_absence(-ENOENT);
	for (int i = 0; i < 100; i++) {
		char name[32];

		snprintf(name, sizeof(name), "other%d", i);
		close(raw_listen(name, 1));
	}
	ck_assert_int_eq(wait_ms(-ENOENT, 30), -ETIMEDOUT);
	dialing_end(&dialing);
}
END_TEST

/* No event tells of these: pauses that begin with a millisecond do. */
START_TEST(what_is_not_told_is_found)
{
	int fd, callers[3] = {-1, -1, -1}, code = -ECONNREFUSED, r;

	dialing_begin(&dialing, _i == 1 ? FDPASS_ADDRESS_ABSTRACT : FDPASS_ADDRESS_NAMED,
		      _i == 1 ? abstract_name() : "./s");
	fd = _i == 1 ? raw_listen_abstract(abstract_name(), -1) : raw_listen("s", _i == 0 ? -1 : 0);
	if (_i == 2) {
		/* A backlog of 0 has room for one. */
		callers[0] = raw_connect("s");
		code = -EAGAIN;
	}
	watch_absence(code);
	ck_assert_int_eq(wait_ms(code, 500), 0);
	if (_i == 2)
		callers[1] = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
	else
		ck_assert_int_eq(listen(fd, 4), 0);
	while ((r = fdpass_dialer_try(&dialing.dialer, NULL)) < 0)
		ck_assert_int_eq(wait_ms(r, 500), 0);
	close(r);
	dialing_end(&dialing);
	for (int i = 0; i < 2; i++)
		fdpass_fd_close(callers[i]);
	close(fd);
}
END_TEST

/* Nor do events that cannot be read: it is looked for as often as where the kernel tells nothing. */
START_TEST(what_cannot_be_read_is_found)
{
	fd_owned int unreadable = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	dialing_begin(&dialing, FDPASS_ADDRESS_NAMED, "./s");
	/* Told of everything, it looks again after 1 s, then 2, and so on. */
	for (int i = 0; i < 6; i++) {
		dialing_assert_fails(&dialing, -ENOENT);
		fdpass_dialer_arm(&dialing.dialer, -ENOENT);
	}
	ck_assert_int_gt(fdpass_dialer_interest(&dialing.dialer).until,
			 fdpass_deadline_in(NSEC_PER_SEC));
	ck_assert_int_eq(dup3(unreadable, dialing.dialer.watch.inotify, O_CLOEXEC),
			 dialing.dialer.watch.inotify);
	for (int i = 0; i < 20; i++) {
		fdpass_dialer_is_due(&dialing.dialer);
		ck_assert_int_le(fdpass_dialer_interest(&dialing.dialer).until,
				 fdpass_deadline_in(NSEC_PER_SEC));
		fdpass_dialer_arm(&dialing.dialer, -ENOENT);
	}
	dialing_end(&dialing);
}
END_TEST

START_TEST(a_poke_wakes)
{
	int fd;

	dialing_begin(&dialing, FDPASS_ADDRESS_ABSTRACT, abstract_name());
	watch_absence(-ECONNREFUSED);
	/* The pauses are long by now. */
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(wait_ms(-ECONNREFUSED, 500), 0);
	dialing.dialer.unannounced.next = 60 * NSEC_PER_SEC;
	dialing.dialer.unannounced.most = 60 * NSEC_PER_SEC;
	fd = raw_listen_abstract(abstract_name(), 4);
	fdpass_companion_poke(abstract_name());
	ck_assert_int_eq(wait_ms(-ECONNREFUSED, 500), 0);
	dialing_assert_connects(&dialing);
	dialing_end(&dialing);
	close(fd);
}
END_TEST

/* Anybody can poke, as often as they like; that is believed once, and then at a bounded rate. */
START_TEST(a_flood_of_pokes_does_not_spin)
{
	int64_t begun = raw_now_ms();
	int woken = 0;

	dialing_begin(&dialing, FDPASS_ADDRESS_ABSTRACT, abstract_name());
	watch_absence(-ECONNREFUSED);
	dialing.dialer.unannounced.next = 60 * NSEC_PER_SEC;
	dialing.dialer.unannounced.most = 60 * NSEC_PER_SEC;
	while (raw_now_ms() - begun < 200) {
		fdpass_companion_poke(abstract_name());
		ck_assert_int_eq(wait_ms(-ECONNREFUSED, 1000), 0);
		woken++;
	}
	ck_assert_int_lt(woken, 15);
	dialing_end(&dialing);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("dialer");
	TCase *tcase = descriptors_tcase("dialer");

	scratch_add(tcase);
	tcase_add_loop_test(tcase, the_first_wait_only_looks_again, 0, 3);
	tcase_add_loop_test(tcase, deadlines_and_cancelling, 0, 2);
	tcase_add_loop_test(tcase, each_way_it_can_come_wakes, 0, 6);
	tcase_add_test(tcase, what_comes_before_it_is_watched_is_not_missed);
	tcase_add_test(tcase, removed_and_made_again);
	tcase_add_test(tcase, other_names_do_not_wake);
	tcase_add_loop_test(tcase, what_is_not_told_is_found, 0, 3);
	tcase_add_test(tcase, what_cannot_be_read_is_found);
	tcase_add_test(tcase, a_poke_wakes);
	tcase_add_test(tcase, a_flood_of_pokes_does_not_spin);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
