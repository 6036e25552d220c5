/* SPDX-License-Identifier: MIT */
/* Which process has a socket: of a path, of an abstract name, also while it has callers. */
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "descriptors.h"
#include "raw.h"
#include "scratch.h"
#include "sockfile/holder.h"
#include "suite.h"

static const char *name(void)
{
	static char text[64];

	snprintf(text, sizeof(text), "fdpass-unit-holder-%d", (int)getpid());
	return text;
}

static pid_t holder_of(const char *path)
{
	return fdpass_holder_of_file(AT_FDCWD, path);
}

START_TEST(of_a_path)
{
	int fd = raw_listen("s", _i);

	ck_assert_int_eq(holder_of("s"), getpid());
	ck_assert_int_eq(rename("s", "t"), 0);
	ck_assert_int_eq(holder_of("t"), getpid());
	close(fd);
	ck_assert_int_eq(holder_of("t"), 0);
	ck_assert_int_eq(holder_of("."), 0);
	ck_assert_int_eq(holder_of("s"), 0);
}
END_TEST

START_TEST(of_an_abstract_name)
{
	char longer[80];
	int fd = raw_listen_abstract(name(), _i);

	ck_assert_int_eq(fdpass_holder_of_abstract(name()), getpid());
	snprintf(longer, sizeof(longer), "%s0", name());
	ck_assert_int_eq(fdpass_holder_of_abstract(longer), 0);
	longer[strlen(name()) - 1] = '\0';
	ck_assert_int_eq(fdpass_holder_of_abstract(longer), 0);
	close(fd);
	ck_assert_int_eq(fdpass_holder_of_abstract(name()), 0);
}
END_TEST

/* Connections show the name of the listener that made them, and belong to nobody until accepted. */
START_TEST(callers_do_not_hide_it)
{
	int fd = _i == 0 ? raw_listen("s", 16) : raw_listen_abstract(name(), 16);
	int callers[8];

	for (int i = 0; i < 8; i++) {
		callers[i] = _i == 0 ? raw_connect("s") : raw_connect_abstract(name());
		ck_assert_int_ge(callers[i], 0);
		ck_assert_int_eq(_i == 0 ? holder_of("s") : fdpass_holder_of_abstract(name()),
				 getpid());
	}
	for (int i = 0; i < 8; i++)
		close(callers[i]);
	close(fd);
}
END_TEST

/* Says that it is there, and stays until the other end is closed. */
static void linger(void *context)
{
	const int *pair = context;
	char byte;

	close(pair[1]);
	raw_check(write(pair[0], "x", 1) == 1);
	raw_check(read(pair[0], &byte, 1) == 0);
}

static void await_lingering(const int *pair)
{
	char byte;

	close(pair[0]);
	ck_assert_int_eq(raw_read(pair[1], &byte, 1), 1);
}

/* Not the maker counts, but who has it. */
START_TEST(of_another_process)
{
	int socket = _i == 0 ? raw_listen("s", 1) : raw_listen_abstract(name(), 1);
	pid_t child;
	int pair[2];

	raw_pair(pair);
	child = raw_fork(linger, pair);
	await_lingering(pair);
	close(socket);
	ck_assert_int_eq(_i == 0 ? holder_of("s") : fdpass_holder_of_abstract(name()), child);
	close(pair[1]);
	raw_join(child);
}
END_TEST

/* Who serves a connection is not who listens. */
START_TEST(connections_of_another_process_do_not_hide_it)
{
	int callers[8], served[8], pair[2], listener;
	pid_t child;

	raw_pair(pair);
	listener = _i == 0 ? raw_listen("s", 16) : raw_listen_abstract(name(), 16);
	for (int i = 0; i < 8; i++) {
		callers[i] = _i == 0 ? raw_connect("s") : raw_connect_abstract(name());
		served[i] = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		ck_assert_int_ge(served[i], 0);
	}
	/* The child has the connections only. */
	child = fork();
	ck_assert_int_ge(child, 0);
	if (child == 0) {
		close(listener);
		linger(pair);
		raw_end(0);
	}
	await_lingering(pair);
	for (int i = 0; i < 8; i++)
		close(served[i]);
	ck_assert_int_eq(_i == 0 ? holder_of("s") : fdpass_holder_of_abstract(name()), getpid());
	close(pair[1]);
	raw_join(child);
	for (int i = 0; i < 8; i++)
		close(callers[i]);
	close(listener);
}
END_TEST

/* Names belong to a type of sockets: a datagram socket of the same name is in nobody's way. */
START_TEST(another_type_is_another_name)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	socklen_t length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(name()));
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	strcpy(un.sun_path + 1, name());
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&un, length), 0);
	ck_assert_int_eq(fdpass_holder_of_abstract(name()), 0);
	close(fd);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("holder");
	TCase *tcase = descriptors_tcase("holder");

	scratch_add(tcase);
	tcase_add_loop_test(tcase, of_a_path, -1, 2);
	tcase_add_loop_test(tcase, of_an_abstract_name, -1, 2);
	tcase_add_loop_test(tcase, callers_do_not_hide_it, 0, 2);
	tcase_add_loop_test(tcase, of_another_process, 0, 2);
	tcase_add_loop_test(tcase, connections_of_another_process_do_not_hide_it, 0, 2);
	tcase_add_test(tcase, another_type_is_another_name);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
