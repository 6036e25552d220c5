/* SPDX-License-Identifier: MIT */
/* Listening sockets: modes, names, what is replaced and what never is, and what is cleaned up. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "descriptors.h"
#include "raw.h"
#include "scratch.h"
#include "sockfile/listener.h"
#include "suite.h"

static struct fdpass_error error;

static int open_with(const char *text, const struct fdpass_listen_options *options,
		     struct fdpass_listener **ret_listener)
{
	struct fdpass_address *address;
	int r;

	error = (struct fdpass_error)FDPASS_ERROR_INIT;
	ck_assert_int_eq(fdpass_address_parse(text[0] == '@' ? FDPASS_ADDRESS_ABSTRACT
							     : FDPASS_ADDRESS_NAMED,
					      text[0] == '@' ? text + 1 : text, &address, NULL),
			 0);
	r = fdpass_listener_open(address, options, ret_listener, &error);
	fdpass_address_free(address);
	if (r == 0)
		ck_assert_int_eq(error.step, FDPASS_STEP_NONE);
	return r;
}

static struct fdpass_listener *open_at(const char *text)
{
	struct fdpass_listener *listener;

	ck_assert_int_eq(open_with(text, NULL, &listener), 0);
	return listener;
}

static void assert_refused(const char *text, enum fdpass_step step, int code)
{
	struct fdpass_listener *listener;

	ck_assert_int_eq(open_with(text, NULL, &listener), code);
	ck_assert_int_eq(error.step, step);
	ck_assert_int_eq(error.code, -code);
}

static int entries(const char *directory)
{
	DIR *names = opendir(directory);
	int count = -2;

	ck_assert_ptr_nonnull(names);
	while (readdir(names) != NULL)
		count++;
	closedir(names);
	return count;
}

static const char *abstract_name(void)
{
	static char text[64];

	snprintf(text, sizeof(text), "@fdpass-unit-listener-%d", (int)getpid());
	return text;
}

START_TEST(it_listens_and_asks_for_credentials)
{
	const char *where = _i == 0 ? "./s" : abstract_name();
	struct fdpass_listener *listener = open_at(where);
	int fd = fdpass_listener_fd(listener), on = 0, caller, accepted;
	socklen_t size = sizeof(on);

	ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
	ck_assert_int_ne(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
	caller = _i == 0 ? raw_connect("s") : raw_connect_abstract(where + 1);
	ck_assert_int_ge(caller, 0);
	accepted = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
	ck_assert_int_ge(accepted, 0);
	ck_assert_int_eq(getsockopt(accepted, SOL_SOCKET, SO_PASSCRED, &on, &size), 0);
	ck_assert_int_eq(on, 1);
	ck_assert_ptr_null(fdpass_listener_close(listener));
	ck_assert_int_eq(_i == 0 ? raw_connect("s") : raw_connect_abstract(where + 1),
			 _i == 0 ? -ENOENT : -ECONNREFUSED);
	ck_assert_int_eq(entries("."), 0);
	close(accepted);
	close(caller);
}
END_TEST

START_TEST(the_mode_is_the_one_asked_for)
{
	static const mode_t umasks[] = {0, 022, 077, 0277, 0777};
	static const mode_t modes[] = {0600, 0666, 0660, 0777, 0400, 0};

	for (size_t i = 0; i < sizeof(modes) / sizeof(*modes); i++) {
		struct fdpass_listen_options options = FDPASS_LISTEN_OPTIONS_INIT;
		struct fdpass_listener *listener;
		struct stat status;

		options.mode = modes[i];
		umask(umasks[_i]);
		ck_assert_int_eq(open_with("./s", &options, &listener), 0);
		ck_assert_int_eq(lstat("s", &status), 0);
		ck_assert_uint_eq(status.st_mode & 07777, modes[i]);
		fdpass_listener_close(listener);
		ck_assert_int_eq(entries("."), 0);
	}
}
END_TEST

START_TEST(options_that_cannot_be)
{
	struct fdpass_listen_options options = FDPASS_LISTEN_OPTIONS_INIT;
	struct fdpass_listener *listener;

	if (_i == 0)
		options.size--;
	if (_i == 1)
		options.mode = 01000;
	if (_i == 2)
		options.backlog = 0;
	ck_assert_int_eq(open_with("./s", &options, &listener), -EINVAL);
	ck_assert_int_eq(error.step, FDPASS_STEP_ADDRESS);
	ck_assert_int_eq(entries("."), 0);
}
END_TEST

START_TEST(a_connection_is_nothing_to_listen_at)
{
	struct fdpass_listener *listener = (struct fdpass_listener *)&listener;
	struct fdpass_address *address;

	error = (struct fdpass_error)FDPASS_ERROR_INIT;
	ck_assert_int_eq(fdpass_address_parse(FDPASS_ADDRESS_CONNECTED, "0", &address, NULL), 0);
	ck_assert_int_eq(fdpass_listener_open(address, NULL, &listener, &error), -EINVAL);
	ck_assert_ptr_eq(listener, &listener);
	ck_assert_int_eq(error.step, FDPASS_STEP_ADDRESS);
	ck_assert_int_eq(error.code, EINVAL);
	ck_assert_str_ne(error.text, "");
	fdpass_address_free(address);
}
END_TEST

START_TEST(a_stale_socket_is_replaced)
{
	struct fdpass_listener *listener;
	int caller;

	close(raw_listen("s", 1));
	listener = open_at("./s");
	caller = raw_connect("s");
	ck_assert_int_ge(caller, 0);
	close(caller);
	fdpass_listener_close(listener);
	ck_assert_int_eq(entries("."), 0);
}
END_TEST

/* Whoever has it, bound or listening, of whatever type: it is named, kept and not woken. */
START_TEST(a_live_socket_is_kept)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX, .sun_path = "s"};
	int fd = _i == 2 ? socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)
			 : raw_listen("s", _i == 0 ? 4 : -1);
	struct pollfd polled = {.fd = fd, .events = POLLIN};
	struct stat before, after;

	if (_i == 2)
		ck_assert_int_eq(bind(fd, (struct sockaddr *)&un, sizeof(un)), 0);
	ck_assert_int_eq(lstat("s", &before), 0);
	assert_refused("./s", FDPASS_STEP_PUBLISH, -EADDRINUSE);
	ck_assert_int_eq(error.peer.pid, getpid());
	ck_assert_int_eq(lstat("s", &after), 0);
	ck_assert_uint_eq(before.st_ino, after.st_ino);
	ck_assert_int_eq(entries("."), 1);
	ck_assert_int_eq(poll(&polled, 1, 0) == 1 && (polled.revents & POLLIN) != 0, 0);
	close(fd);
}
END_TEST

START_TEST(our_own_live_socket_is_kept)
{
	const char *where = _i == 0 ? "./s" : abstract_name();
	struct fdpass_listener *listener = open_at(where);

	assert_refused(where, _i == 0 ? FDPASS_STEP_PUBLISH : FDPASS_STEP_BIND, -EADDRINUSE);
	ck_assert_int_eq(error.peer.pid, getpid());
	ck_assert_int_eq(entries("."), _i == 0 ? 1 : 0);
	fdpass_listener_close(listener);
	/* And free again. */
	fdpass_listener_close(open_at(where));
}
END_TEST

START_TEST(what_is_no_socket_is_left_alone)
{
	struct stat status;
	int fd;

	switch (_i) {
	case 0:
		close(open("s", O_CREAT | O_RDWR | O_CLOEXEC, 0600));
		break;
	case 1:
		ck_assert_int_eq(mkdir("s", 0700), 0);
		break;
	case 2:
		ck_assert_int_eq(symlink("nowhere", "s"), 0);
		break;
	default: /* a link to a stale socket is a link */
		fd = raw_listen("elsewhere", 1);
		close(fd);
		ck_assert_int_eq(symlink("elsewhere", "s"), 0);
		break;
	}
	assert_refused("./s", FDPASS_STEP_PUBLISH, -EEXIST);
	ck_assert_int_eq(lstat("s", &status), 0);
	ck_assert(!S_ISSOCK(status.st_mode));
	ck_assert_int_eq(entries("."), _i == 3 ? 2 : 1);
}
END_TEST

START_TEST(only_our_own_inode_is_removed)
{
	struct fdpass_listener *listener = open_at("./s");
	struct stat status;
	int fd;

	/* Somebody put another in its place, live, and then a file. */
	ck_assert_int_eq(unlink("s"), 0);
	if (_i == 0)
		fd = raw_listen("s", 4);
	else
		fd = open("s", O_CREAT | O_RDWR | O_CLOEXEC, 0600);
	fdpass_listener_close(listener);
	ck_assert_int_eq(lstat("s", &status), 0);
	if (_i == 0)
		close(raw_connect("s"));
	close(fd);
}
END_TEST

START_TEST(closing_where_the_name_has_gone)
{
	struct fdpass_listener *listener;

	ck_assert_int_eq(mkdir("d", 0700), 0);
	listener = open_at("d/s");
	ck_assert_int_eq(unlink("d/s"), 0);
	ck_assert_int_eq(rmdir("d"), 0);
	fdpass_listener_close(listener);
	ck_assert_ptr_null(fdpass_listener_close(NULL));
}
END_TEST

/* The directory may be renamed: it is held by a descriptor. */
START_TEST(closing_in_a_directory_that_has_moved)
{
	struct fdpass_listener *listener;

	ck_assert_int_eq(mkdir("d", 0700), 0);
	listener = open_at("d/s");
	ck_assert_int_eq(rename("d", "e"), 0);
	fdpass_listener_close(listener);
	ck_assert_int_eq(entries("e"), 0);
}
END_TEST

START_TEST(withdrawn_it_still_listens_for_those_who_came)
{
	struct fdpass_listener *listener = open_at("./s");
	int early = raw_connect("s"), accepted;

	fdpass_listener_withdraw(listener);
	ck_assert_int_eq(raw_connect("s"), -ENOENT);
	ck_assert_int_eq(entries("."), 0);
	accepted = accept4(fdpass_listener_fd(listener), NULL, NULL, SOCK_CLOEXEC);
	ck_assert_int_ge(accepted, 0);
	/* The name is somebody else's now. */
	close(raw_listen("s", 1));
	fdpass_listener_withdraw(listener);
	fdpass_listener_close(listener);
	ck_assert_int_eq(entries("."), 1);
	close(accepted);
	close(early);
}
END_TEST

/* What was left over by one that was killed goes; what is live, or no socket, or not so named, stays. */
START_TEST(leftovers_are_swept)
{
	struct fdpass_listener *listener;
	int live = raw_listen(".fdpass-live", 4);

	close(raw_listen(".fdpass-0123456789abcdef", 1));
	close(raw_listen(".fdpass-stale", -1));
	close(raw_listen("stale", 1));
	close(raw_listen(".fdpas-stale", 1));
	close(open(".fdpass-file", O_CREAT | O_RDWR | O_CLOEXEC, 0600));
	ck_assert_int_eq(symlink("stale", ".fdpass-link"), 0);
	listener = open_at("./s");
	ck_assert_int_eq(access(".fdpass-0123456789abcdef", F_OK), -1);
	ck_assert_int_eq(access(".fdpass-stale", F_OK), -1);
	ck_assert_int_eq(entries("."), 6);
	fdpass_listener_close(listener);
	ck_assert_int_eq(entries("."), 5);
	close(live);
}
END_TEST

START_TEST(long_paths_and_names)
{
	struct fdpass_listener *listener;
	char part[201], path[1024], name[256];
	int fd;

	memset(part, 'd', 200);
	part[200] = '\0';
	memset(name, 'n', 255);
	name[255] = '\0';
	ck_assert_int_eq(mkdir(part, 0700), 0);
	snprintf(path, sizeof(path), "%s/%s", scratch_path(), part);
	ck_assert_int_eq(chdir(path), 0);
	snprintf(path, sizeof(path), "%s/%s/%s", scratch_path(), part, name);
	listener = open_at(path);
	ck_assert_int_eq(rename(name, "short"), 0);
	fd = raw_connect("short");
	ck_assert_int_ge(fd, 0);
	close(fd);
	ck_assert_int_eq(rename("short", name), 0);
	fdpass_listener_close(listener);
	ck_assert_int_eq(entries("."), 0);
	/* And replaced when stale. */
	close(raw_listen("short", 1));
	ck_assert_int_eq(rename("short", name), 0);
	fdpass_listener_close(open_at(path));
	ck_assert_int_eq(entries("."), 0);
}
END_TEST

START_TEST(directories_that_cannot_be_used)
{
	assert_refused("./no/s", FDPASS_STEP_DIRECTORY, -ENOENT);
	close(open("file", O_CREAT | O_RDWR | O_CLOEXEC, 0600));
	assert_refused("file/s", FDPASS_STEP_DIRECTORY, -ENOTDIR);
	ck_assert_int_eq(setenv("FDPASS_RUNTIME_DIR", scratch_path(), 1), 0);
	ck_assert_int_eq(chmod(".", 0777), 0);
	assert_refused("name", FDPASS_STEP_RUNDIR, -EPERM);
	ck_assert_int_eq(chmod(".", 0700), 0);
	ck_assert_int_eq(entries("."), 1);
	fdpass_listener_close(open_at("name"));
}
END_TEST

static void listen_as_nobody(void *context)
{
	struct fdpass_listener *listener;

	(void)context;
	raw_become_nobody();
	raw_check(open_with("fixed/s", NULL, &listener) == -EACCES);
	raw_check(error.step == FDPASS_STEP_BIND);
	/* Search and write permission are enough, though nothing can be listed or locked. */
	raw_check(open_with("blind/s", NULL, &listener) == 0);
	raw_check(access("blind/s", F_OK) == 0);
	fdpass_listener_close(listener);
	raw_check(access("blind/s", F_OK) == -1);
	/* A stale one cannot be replaced there, since nobody can be kept from it meanwhile. */
	close(raw_listen("blind/s", 1));
	raw_check(open_with("blind/s", NULL, &listener) == -EBADF);
	raw_check(error.step == FDPASS_STEP_LOCK);
}

START_TEST(permissions)
{
	umask(0);
	scratch_open_to_others();
	ck_assert_int_eq(mkdir("fixed", 0555), 0);
	ck_assert_int_eq(mkdir("blind", 0333), 0);
	raw_join(raw_fork(listen_as_nobody, NULL));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("listener");
	TCase *tcase = descriptors_tcase("listener");

	scratch_add(tcase);
	tcase_add_loop_test(tcase, it_listens_and_asks_for_credentials, 0, 2);
	tcase_add_loop_test(tcase, the_mode_is_the_one_asked_for, 0, 5);
	tcase_add_loop_test(tcase, options_that_cannot_be, 0, 3);
	tcase_add_test(tcase, a_connection_is_nothing_to_listen_at);
	tcase_add_test(tcase, a_stale_socket_is_replaced);
	tcase_add_loop_test(tcase, a_live_socket_is_kept, 0, 3);
	tcase_add_loop_test(tcase, our_own_live_socket_is_kept, 0, 2);
	tcase_add_loop_test(tcase, what_is_no_socket_is_left_alone, 0, 4);
	tcase_add_loop_test(tcase, only_our_own_inode_is_removed, 0, 2);
	tcase_add_test(tcase, closing_where_the_name_has_gone);
	tcase_add_test(tcase, closing_in_a_directory_that_has_moved);
	tcase_add_test(tcase, withdrawn_it_still_listens_for_those_who_came);
	tcase_add_test(tcase, leftovers_are_swept);
	tcase_add_test(tcase, long_paths_and_names);
	tcase_add_test(tcase, directories_that_cannot_be_used);
	tcase_add_test(tcase, permissions);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
