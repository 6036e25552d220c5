/* SPDX-License-Identifier: MIT */
/* A receiver of which nobody can tell whether it has become its program: it counts as lost, never as started. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "denying.h"
#include "descriptors.h"
#include "driving.h"
#include "fdpass.h"
#include "lacking.h"
#include "raw.h"
#include "rawrich.h"
#include "scratch.h"
#include "suite.h"

/* PIDFD_GET_INFO, which tells how a process ended that was reaped, since Linux 6.15: with the first struct that
 * did (include/uapi/linux/pidfd.h). */
#define GET_INFO _IOWR(0xff, 11, char[64])

static int listener, go[2]; /* a pipe, at whose end the receiver goes on */
static pid_t receiver;
static struct fdpass_address *address;
static struct fdpass_set *set;
static struct fdpass_sending *sending;
static struct fdpass_error error;
static int accepted;

/* What it does when it may. */
enum next { END, CLOSE };

static void receive(void *context)
{
	static struct raw_message message;
	int socket = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	char byte;

	close(go[1]);
	raw_check(socket >= 0);
	raw_send(socket, "fdpass/1", 8, NULL, 0);
	raw_receive(socket, 1, 0, &message);
	raw_check(message.size == 1);
	rawrich_say(socket, 'A', 1);
	raw_check(read(go[0], &byte, 1) == 0);
	if (*(enum next *)context == END)
		return;
	close(socket);
	pause();
}

static void observe(void *context, const struct fdpass_event *event)
{
	(void)context;
	accepted |= event->kind == FDPASS_EVENT_ACCEPTED;
}

static int step(void)
{
	driving_pause(fdpass_sending_fd(sending), fdpass_sending_until(sending), -1);
	return fdpass_sending_step(sending, NULL, &error);
}

/* Until it has accepted, so that the sender has a pidfd of it. */
static void begin(enum next next)
{
	struct fdpass_send_options options = FDPASS_SEND_OPTIONS_INIT;

	error = (struct fdpass_error)FDPASS_ERROR_INIT;
	listener = raw_listen("s", 4);
	ck_assert_int_eq(pipe2(go, O_CLOEXEC), 0);
	receiver = raw_fork(receive, &next);
	ck_assert_int_eq(fdpass_address_parse(FDPASS_ADDRESS_NAMED, "./s", &address, NULL), 0);
	ck_assert_int_eq(fdpass_set_new(&set), 0);
	ck_assert_int_eq(fdpass_set_borrow(set, STDIN_FILENO), 0);
	options.until = FDPASS_UNTIL_STARTED;
	options.observer = observe;
	ck_assert_int_eq(fdpass_sending_begin(address, set, &options, &sending, NULL), 0);
	while (!accepted)
		ck_assert_int_eq(step(), 0);
	close(go[0]);
}

static void is_lost(const char *word)
{
	int r;

	do
		r = step();
	while (r == 0);
	ck_assert_int_eq(r, -EOWNERDEAD);
	ck_assert_int_eq(error.step, FDPASS_STEP_START);
	ck_assert_int_eq(error.code, EOWNERDEAD);
	ck_assert_str_eq(error.text, word);
	fdpass_sending_free(sending);
	fdpass_set_free(set);
	fdpass_address_free(address);
	close(listener);
}

/* It was reaped, and only who did that knows how it ended. */
START_TEST(how_it_ended)
{
	begin(END);
	denying_call(SYS_ioctl, 1, GET_INFO, ENOTTY);
	close(go[1]);
	raw_join(receiver);
	is_lost("unknown");
}
END_TEST

/* It lives, and /proc does not say what it is. */
START_TEST(what_it_is)
{
	int status;

	ck_assert_int_eq(unshare(CLONE_NEWNS), 0);
	ck_assert_int_eq(mount("none", "/proc", "none", MS_PRIVATE, NULL), 0);
	ck_assert_int_eq(mount("none", "/proc", "tmpfs", 0, NULL), 0);
	begin(CLOSE);
	close(go[1]);
	is_lost("hidden");
	ck_assert_int_eq(umount("/proc"), 0);
	ck_assert_int_eq(kill(receiver, SIGKILL), 0);
	ck_assert_int_eq(waitpid(receiver, &status, 0), receiver);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("started-lost");
	TCase *tcase = descriptors_tcase("started-lost"), *root = descriptors_tcase("root");

	scratch_add(tcase);
	tcase_add_test(tcase, how_it_ended);
	suite_add_tcase(suite, tcase);
	scratch_add(root);
	tcase_add_test(root, what_it_is);
	if (!lacks_root("what_it_is"))
		suite_add_tcase(suite, root);
	return suite_run(suite);
}
