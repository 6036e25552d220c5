/* SPDX-License-Identifier: MIT */
/* Listening sockets at a path that are opened to be given away: their name, mode and owner. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fd.h"
#include "descriptors.h"
#include "opening.h"
#include "raw.h"
#include "scratch.h"
#include "sockfile/birth.h"
#include "suite.h"

static const struct {
	const char *text;
	int type;
} paths[] = {
	{"unix:./made", SOCK_STREAM},
	{"unix:made", SOCK_STREAM},
	{"unix-dgram:made", SOCK_DGRAM},
	{"unix-seqpacket:made", SOCK_SEQPACKET},
};

static const mode_t umasks[] = {0, 022, 077, 0777};

START_TEST(the_umask_does_not_matter)
{
	struct fdpass_open_options options = FDPASS_OPEN_OPTIONS_INIT;
	size_t kind = (size_t)_i / 4;
	mode_t before = umask(umasks[_i % 4]);
	struct fdpass_listener *listener = opening_listen(paths[kind].text, NULL);
	struct stat status;

	ck_assert_int_eq(lstat("made", &status), 0);
	ck_assert(S_ISSOCK(status.st_mode));
	ck_assert_uint_eq(status.st_mode & 07777, 0600);
	ck_assert_uint_eq(status.st_uid, geteuid());
	ck_assert_int_eq(opening_option(fdpass_listener_fd(listener), SOL_SOCKET, SO_ACCEPTCONN),
			 paths[kind].type != SOCK_DGRAM);
	ck_assert_int_eq(fcntl(fdpass_listener_fd(listener), F_GETFD), FD_CLOEXEC);
	ck_assert_int_eq(fcntl(fdpass_listener_fd(listener), F_GETFL) & O_NONBLOCK, 0);
	ck_assert_int_eq(opening_option(fdpass_listener_fd(listener), SOL_SOCKET, SO_PASSCRED), 0);
	ck_assert_int_eq(opening_connects_to("made", paths[kind].type), 0);
	fdpass_listener_close(listener);
	ck_assert_int_eq(lstat("made", &status), -1);

	options.mode = 0751;
	listener = opening_listen(paths[kind].text, &options);
	ck_assert_int_eq(lstat("made", &status), 0);
	ck_assert_uint_eq(status.st_mode & 07777, 0751);
	fdpass_listener_close(listener);
	umask(before);
}
END_TEST

START_TEST(kept_it_stays)
{
	struct fdpass_listener *listener = opening_listen("unix:made", NULL);
	int fd = fdpass_listener_keep(listener);
	struct stat status;

	ck_assert_int_eq(opening_connects_to("made", SOCK_STREAM), 0);
	close(fd);
	ck_assert_int_eq(lstat("made", &status), 0);
	/* Stale now, and so replaced. */
	listener = opening_listen("unix:made", NULL);
	ck_assert_int_eq(opening_connects_to("made", SOCK_STREAM), 0);
	fdpass_listener_close(listener);
	ck_assert_int_eq(lstat("made", &status), -1);
}
END_TEST

START_TEST(a_live_one_is_kept)
{
	struct fdpass_error error = FDPASS_ERROR_INIT;
	struct fdpass_listener *other;
	size_t mine = (size_t)_i / 4, theirs = (size_t)_i % 4;
	struct fdpass_listener *listener = opening_listen(paths[theirs].text, NULL);

	ck_assert_int_eq(opening_try(paths[mine].text, NULL, &other, &error), -EADDRINUSE);
	ck_assert_int_eq(error.step, FDPASS_STEP_PUBLISH);
	ck_assert_int_eq(opening_connects_to("made", paths[theirs].type), 0);
	fdpass_listener_close(listener);
}
END_TEST

START_TEST(what_is_no_socket_is_kept)
{
	struct fdpass_error error = FDPASS_ERROR_INIT;
	struct fdpass_listener *listener;
	struct stat status;
	int fd = open("made", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	close(fd);
	ck_assert_int_eq(opening_try("unix:made", NULL, &listener, &error), -EEXIST);
	ck_assert_int_eq(error.step, FDPASS_STEP_PUBLISH);
	ck_assert_int_eq(lstat("made", &status), 0);
	ck_assert(S_ISREG(status.st_mode));
	unlink("made");
	ck_assert_int_eq(symlink("nowhere", "made"), 0);
	ck_assert_int_eq(opening_try("unix:made", NULL, &listener, NULL), -EEXIST);
	unlink("made");
	/* Of the root directory, which is there, and has what is none. */
	ck_assert_int_eq(opening_try("unix:/proc", NULL, &listener, NULL), -EEXIST);
}
END_TEST

START_TEST(an_owner_that_only_root_can_give)
{
	struct fdpass_open_options options = FDPASS_OPEN_OPTIONS_INIT;
	struct fdpass_error error = FDPASS_ERROR_INIT;
	struct fdpass_listener *listener;
	struct stat status;

	options.owner = geteuid() + 1;
	options.mode = 0660;
	if (geteuid() == 0) {
		listener = opening_listen("unix:made", &options);
		ck_assert_int_eq(lstat("made", &status), 0);
		ck_assert_uint_eq(status.st_uid, 1);
		ck_assert_uint_eq(status.st_mode & 07777, 0660);
		fdpass_listener_close(listener);
	} else {
		ck_assert_int_eq(opening_try("unix:made", &options, &listener, &error), -EPERM);
		ck_assert_int_eq(error.step, FDPASS_STEP_BIND);
	}
	ck_assert_int_eq(lstat("made", &status), -1);
	/* One's own is no change. */
	options.owner = geteuid();
	options.group = getegid();
	listener = opening_listen("unix:made", &options);
	fdpass_listener_close(listener);
}
END_TEST

/* The lock of the directory is waited for within the deadline, when something stale is in the way. */
START_TEST(the_wait_ends)
{
	struct fdpass_wait wait = FDPASS_WAIT_INIT;
	struct fdpass_open_options options = FDPASS_OPEN_OPTIONS_INIT;
	struct fdpass_error error = FDPASS_ERROR_INIT;
	struct fdpass_listener *listener;
	int directory = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	close(fdpass_listener_keep(opening_listen("unix:made", NULL)));
	ck_assert_int_eq(flock(directory, LOCK_EX), 0);
	options.wait = &wait;
	wait.deadline = fdpass_deadline_in(50 * 1000 * 1000);
	ck_assert_int_eq(opening_try("unix:made", &options, &listener, &error), -ETIMEDOUT);
	ck_assert_int_eq(error.step, FDPASS_STEP_WAIT);
	ck_assert_str_eq(error.text, "lock");
	wait.deadline = FDPASS_NO_DEADLINE;
	wait.cancel_fd = eventfd(1, EFD_CLOEXEC);
	ck_assert_int_eq(opening_try("unix:made", &options, &listener, &error), -ECANCELED);
	close(wait.cancel_fd);
	close(directory);
	unlink("made");
}
END_TEST

/* ----------------------------------------------------------------------------------------- names -- */

/* What getsockname(2) shows for ever. */
static void name_of(const struct fdpass_listener *listener, char name[static 128])
{
	ck_assert_int_eq(fdpass_open_name(fdpass_listener_fd(listener), name, 128), 0);
}

/* As it was written, since servers compare it with their configuration. */
START_TEST(the_name_is_what_was_asked_for)
{
	static const char *const schemes[] = {"unix:", "unix-dgram:", "unix-seqpacket:"};
	char whole[64], text[128], name[128];
	const char *const spellings[] = {"made", "./made", ".//./made", whole};

	snprintf(whole, sizeof(whole), "%s/made", scratch_path());
	snprintf(text, sizeof(text), "%s%s", schemes[_i / 4], spellings[_i % 4]);
	/* The second one replaces what the first has left. */
	for (int i = 0; i < 2; i++) {
		struct fdpass_listener *listener = opening_listen(text, NULL);

		name_of(listener, name);
		ck_assert_str_eq(name, text);
		ck_assert_int_eq(fdpass_activation_address(FDPASS_DIALECT_PHP_FPM,
							   fdpass_listener_fd(listener), name,
							   sizeof(name)),
				 0);
		ck_assert_str_eq(name, spellings[_i % 4]);
		close(fdpass_listener_keep(listener));
	}
}
END_TEST

/* What sun_path has no room for is bound in another way, and shows another name. */
START_TEST(a_long_path)
{
	char text[5 + 2 + 255 + 1] = "unix:./", name[128];
	struct fdpass_listener *listener;
	struct stat status;

	memset(text + 7, 'x', 105);
	listener = opening_listen(text, NULL);
	name_of(listener, name);
	ck_assert_str_eq(name, text);
	fdpass_listener_close(listener);

	memset(text + 7, 'x', _i == 0 ? 106 : 255);
	listener = opening_listen(text, NULL);
	name_of(listener, name);
	ck_assert_int_eq(strncmp(name, "unix:/proc/self/fd/", 19), 0);
	ck_assert_int_eq(fdpass_activation_address(FDPASS_DIALECT_PHP_FPM,
						   fdpass_listener_fd(listener), name,
						   sizeof(name)),
			 -EADDRNOTAVAIL);
	ck_assert_int_eq(lstat(text + 5, &status), 0);
	fdpass_listener_close(listener);
	ck_assert_int_eq(lstat(text + 5, &status), -1);
}
END_TEST

/* The directory is replaced while the socket is bound: what is in the old one is left alone. */
START_TEST(a_directory_that_was_replaced)
{
	static const int codes[] = {ENOENT, EPERM, ESTALE};
	struct birth_options options = {.mode = 0666,
					.owner = (uid_t)-1,
					.group = (gid_t)-1,
					.backlog = 1,
					.spelling = "new/made"};
	struct fdpass_error error = FDPASS_ERROR_INIT;
	struct fdpass_listener *listener =
		fdpass_listener_new(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
	struct stat before = {0}, after = {0};
	int fd = FD_NONE, directory;

	ck_assert_int_eq(mkdir("old", 0700), 0);
	ck_assert_int_eq(mkdir("new", 0700), 0);
	if (_i == 1)
		fd = open("old/made", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (_i == 2)
		fd = raw_listen("old/made", 1);
	ck_assert_int_eq(lstat("old/made", &before), fd < 0 ? -1 : 0);
	directory = fdpass_birth_directory("old", &error);
	ck_assert_int_eq(fdpass_birth(listener, directory, "old", "made", &options, &error),
			 -codes[_i]);
	ck_assert_int_eq(error.step, FDPASS_STEP_BIND);
	fdpass_listener_close(listener);
	ck_assert_int_eq(lstat("old/made", &after), fd < 0 ? -1 : 0);
	ck_assert_uint_eq(after.st_ino, before.st_ino);
	ck_assert_uint_eq(after.st_mode, before.st_mode);
	fdpass_fd_close(fd);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("open-path");
	TCase *tcase = descriptors_tcase("open-path");

	scratch_add(tcase);
	tcase_set_timeout(tcase, 30);
	tcase_add_loop_test(tcase, the_umask_does_not_matter, 0, 16);
	tcase_add_test(tcase, kept_it_stays);
	tcase_add_loop_test(tcase, a_live_one_is_kept, 0, 16);
	tcase_add_test(tcase, what_is_no_socket_is_kept);
	tcase_add_test(tcase, an_owner_that_only_root_can_give);
	tcase_add_test(tcase, the_wait_ends);
	tcase_add_loop_test(tcase, the_name_is_what_was_asked_for, 0, 12);
	tcase_add_loop_test(tcase, a_long_path, 0, 2);
	/* That it is another socket of one's own can only be seen with CAP_NET_ADMIN. */
	tcase_add_loop_test(tcase, a_directory_that_was_replaced, 0, geteuid() == 0 ? 3 : 2);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
