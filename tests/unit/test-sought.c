/* SPDX-License-Identifier: MIT */
/* Which sockets a path means: by the file there, if there is one and the socket's is known; else by its name. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "acquire/sought.h"
#include "acquire/tables.h"
#include "descriptors.h"
#include "scratch.h"
#include "suite.h"

/* A socket that is bound to this relative path; the caller's. */
static int bind_to(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

static int find(void *context, const struct fdpass_socket *socket)
{
	struct fdpass_socket *wanted = context;

	if (socket->inode == wanted->inode)
		*wanted = *socket;
	return 0;
}

/* What the kernel's table says of it. */
static struct fdpass_socket listed(int fd)
{
	struct fdpass_socket socket;

	ck_assert_int_eq(fdpass_socket_look(fd, &socket), 0);
	ck_assert_int_eq(fdpass_diag_visit_kind(MATCH_UNIX, find, &socket), 0);
	return socket;
}

static int fits(const char *expression, const struct fdpass_socket *socket)
{
	sought_owned struct fdpass_sought sought = SOUGHT_INIT;
	struct fdpass_match *match;
	int r;

	ck_assert_int_eq(fdpass_match_parse(expression, &match, NULL), 0);
	ck_assert_int_eq(fdpass_sought_init(&sought, match), 0);
	r = fdpass_sought_fits_socket(&sought, socket);
	fdpass_match_free(match);
	return r;
}

START_TEST(the_file_as_the_kernel_shows_it)
{
	struct fdpass_bound seen = BOUND_UNKNOWN;
	struct fdpass_socket socket;
	int fd = bind_to("one"), other = bind_to("other");

	ck_assert_int_eq(fdpass_bound_look(AT_FDCWD, "one", &seen), 1);
	socket = listed(fd);
	ck_assert_uint_ne(seen.inode, 0);
	ck_assert_uint_eq(socket.bound.inode, seen.inode);
	ck_assert_uint_eq(socket.bound.device, seen.device);
	ck_assert(fdpass_bound_equal(&socket.bound, &seen));
	socket = listed(other);
	ck_assert(!fdpass_bound_equal(&socket.bound, &seen));
	close(fd);
	close(other);
}
END_TEST

START_TEST(nothing_is_there)
{
	struct fdpass_bound seen = {1, 2};

	ck_assert_int_eq(fdpass_bound_look(AT_FDCWD, "one", &seen), 0);
	ck_assert_int_eq(fdpass_bound_look(AT_FDCWD, "", &seen), 0);
	ck_assert_int_eq(fdpass_bound_look(AT_FDCWD, "no/such/folder", &seen), 0);
	ck_assert_uint_eq(seen.inode, 1);
	ck_assert_uint_eq(seen.device, 2);
}
END_TEST

START_TEST(no_room_is_no_answer)
{
	struct rlimit limit = {0, 0}, before;
	struct fdpass_bound seen;
	int fd = bind_to("one"), r;

	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
	limit.rlim_max = before.rlim_max;
	/* For nothing; for the file, and not for a look at it. */
	for (rlim_t room = 0; room < 2; room++) {
		int lowest = dup(fd);

		close(lowest);
		limit.rlim_cur = (rlim_t)lowest + room;
		ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
		r = fdpass_bound_look(AT_FDCWD, "one", &seen);
		ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
		ck_assert_int_eq(r, -EMFILE);
	}
	close(fd);
}
END_TEST

START_TEST(nothing_equals_what_is_not_known)
{
	struct fdpass_bound unknown = BOUND_UNKNOWN, a = {1, 2}, b = {1, 3}, c = {2, 2};

	ck_assert(fdpass_bound_equal(&a, &a));
	ck_assert(!fdpass_bound_equal(&a, &b));
	ck_assert(!fdpass_bound_equal(&a, &c));
	ck_assert(!fdpass_bound_equal(&unknown, &unknown));
}
END_TEST

START_TEST(by_the_file_that_is_there)
{
	int fd = bind_to("one"), later;
	struct fdpass_socket socket = listed(fd), impostor = socket;

	ck_assert(fits("unix:one", &socket));
	ck_assert(fits("unix:./one", &socket));
	ck_assert(!fits("listen:./one", &socket));
	ck_assert_int_eq(rename("one", "two"), 0);
	ck_assert(fits("unix:two", &socket));
	ck_assert(fits("unix:one", &socket));
	/* Another one is there now: it is not that. */
	later = bind_to("one");
	ck_assert(!fits("unix:one", &socket));
	socket = listed(later);
	ck_assert(fits("unix:one", &socket));
	/* Elsewhere. */
	impostor.bound = socket.bound;
	impostor.bound.device++;
	ck_assert(!fits("unix:one", &impostor));
	close(fd);
	close(later);
}
END_TEST

START_TEST(by_the_name_where_the_file_is_not_known)
{
	int fd = bind_to("one");
	struct fdpass_socket socket = listed(fd), unknown = socket;

	unknown.bound = (struct fdpass_bound)BOUND_UNKNOWN;
	ck_assert(fits("unix:one", &unknown));
	ck_assert_int_eq(rename("one", "two"), 0);
	ck_assert(!fits("unix:two", &unknown));
	ck_assert(fits("unix:one", &unknown));
	ck_assert_int_eq(unlink("two"), 0);
	ck_assert(fits("unix:one", &socket));
	ck_assert(!fits("unix:two", &socket));
	close(fd);
}
END_TEST

/* Their listening socket's file may be gone, or another: they have its name all the same. */
START_TEST(connections_by_the_name)
{
	struct fdpass_socket connection;
	struct fdpass_match *match;
	sought_owned struct fdpass_sought sought = SOUGHT_INIT;
	int fd = bind_to("one"), later;

	ck_assert_int_eq(listen(fd, 1), 0);
	connection = listed(fd);
	connection.listening = 0;
	ck_assert_int_eq(fdpass_match_accepted(fd, &match, NULL), 0);
	ck_assert_int_eq(unlink("one"), 0);
	later = bind_to("one");
	ck_assert_int_eq(fdpass_sought_init(&sought, match), 0);
	ck_assert(fdpass_sought_fits_socket(&sought, &connection));
	fdpass_match_free(match);
	close(fd);
	close(later);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("sought");
	TCase *tcase = descriptors_tcase("sought"), *limits = descriptors_tcase_tagged("limits");

	scratch_add(tcase);
	scratch_add(limits);
	tcase_add_test(tcase, the_file_as_the_kernel_shows_it);
	tcase_add_test(tcase, nothing_is_there);
	tcase_add_test(tcase, nothing_equals_what_is_not_known);
	tcase_add_test(tcase, by_the_file_that_is_there);
	tcase_add_test(tcase, by_the_name_where_the_file_is_not_known);
	tcase_add_test(tcase, connections_by_the_name);
	tcase_add_test(limits, no_room_is_no_answer);
	suite_add_tcase(suite, tcase);
	suite_add_tcase(suite, limits);
	return suite_run(suite);
}
