/* SPDX-License-Identifier: MIT */
/* Counting connections, and how many processes hold a socket: nothing is taken by it. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "children.h"
#include "descriptors.h"
#include "raw.h"
#include "scratch.h"
#include "suite.h"

/* A server with a number of accepted connections, whose clients it has, too. */
struct server {
	int family;
	struct sockaddr_storage bound;
	socklen_t bound_size;
	int accepted;
	int doubled; /* of each, a second number */
};

static int accept_one(const struct server *server, int listening)
{
	int client = socket(server->family, SOCK_STREAM, 0);

	child_check(connect(client, (const struct sockaddr *)&server->bound, server->bound_size) ==
		    0);
	return accept(listening, NULL, NULL);
}

static void serve(void *context)
{
	struct server *server = context;
	int fd = socket(server->family, SOCK_STREAM, 0);

	child_check(bind(fd, (struct sockaddr *)&server->bound, server->bound_size) == 0);
	child_check(listen(fd, 16) == 0);
	child_check(getsockname(fd, (struct sockaddr *)&server->bound, &server->bound_size) == 0);
	for (int i = 0; i < server->accepted; i++) {
		int connection = accept_one(server, fd);

		child_check(connection >= 0);
		if (server->doubled)
			child_check(dup(connection) >= 0);
	}
}

static struct server *at_internet(in_addr_t address)
{
	struct server *server = shared_memory(sizeof(*server));
	struct sockaddr_in *bound = (struct sockaddr_in *)&server->bound;

	server->family = bound->sin_family = AF_INET;
	bound->sin_addr.s_addr = htonl(address);
	server->bound_size = sizeof(*bound);
	return server;
}

static struct server *at_path(const char *path)
{
	struct server *server = shared_memory(sizeof(*server));
	struct sockaddr_un *bound = (struct sockaddr_un *)&server->bound;

	server->family = bound->sun_family = AF_UNIX;
	strcpy(bound->sun_path, path);
	server->bound_size = sizeof(*bound);
	return server;
}

/* The match of what was accepted from the only listening socket of that process. */
static struct fdpass_match *accepted_by(const struct fdpass_pidref *ref)
{
	struct fdpass_match *listen = NULL, *accepted = NULL;
	struct fdpass_set *set = NULL;

	ck_assert_int_eq(fdpass_set_new(&set), 0);
	ck_assert_int_eq(fdpass_match_parse("listen", &listen, NULL), 0);
	ck_assert_int_eq(
		fdpass_acquire_match(ref, listen, FDPASS_METHOD_DUPLICATE, set, NULL, NULL, NULL),
		1);
	ck_assert_int_eq(fdpass_match_accepted(fdpass_set_get(set, 0), &accepted, NULL), 0);
	ck_assert_int_eq(fdpass_match_is_socket(accepted), 1);
	fdpass_match_free(listen);
	fdpass_set_free(set);
	return accepted;
}

static void counts(struct server *server, int accepted)
{
	struct child child = child_start(serve, server);
	struct fdpass_pidref *ref = child_pin(&child);
	struct fdpass_match *match = accepted_by(ref);
	struct fdpass_set *set = NULL;
	int status;

	ck_assert_int_eq(fdpass_acquire_count(ref, match, NULL), accepted);
	ck_assert_int_eq(fdpass_pidref_signal(ref, SIGSTOP), 0);
	ck_assert_int_eq(waitpid(child.pid, &status, WUNTRACED), child.pid);
	ck_assert_int_eq(fdpass_acquire_count(ref, match, NULL), accepted);
	ck_assert_int_eq(fdpass_pidref_signal(ref, SIGCONT), 0);
	/* They are what the match takes, too. */
	ck_assert_int_eq(fdpass_set_new(&set), 0);
	ck_assert_int_eq(
		fdpass_acquire_match(ref, match, FDPASS_METHOD_DUPLICATE, set, NULL, NULL, NULL),
		accepted > 0 ? accepted : -ENOENT);
	fdpass_set_free(set);
	fdpass_match_free(match);
	fdpass_pidref_free(ref);
	child_stop(&child);
}

START_TEST(tcp_connections)
{
	struct server *server = at_internet(_i % 2 == 0 ? INADDR_LOOPBACK : INADDR_ANY);

	server->accepted = _i / 2;
	counts(server, _i / 2);
}
END_TEST

START_TEST(unix_connections)
{
	struct server *server;
	char path[64];

	snprintf(path, sizeof(path), "%s/socket", scratch_path());
	server = at_path(path);
	server->accepted = _i;
	server->doubled = 1;
	counts(server, _i);
}
END_TEST

/* Another address on the same port is another listening socket's. */
static void serve_elsewhere(void *context)
{
	struct server *server = context;
	struct server other = *server;
	struct sockaddr_in *address = (struct sockaddr_in *)&other.bound;

	serve(server);
	address->sin_port = ((struct sockaddr_in *)&server->bound)->sin_port;
	address->sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1);
	other.accepted = 3;
	serve(&other);
}

START_TEST(not_those_of_another_address)
{
	struct server *server = at_internet(INADDR_LOOPBACK);
	struct child child;
	struct fdpass_pidref *ref;
	struct fdpass_match *listen = NULL, *match = NULL;
	struct fdpass_set *set = NULL;

	server->accepted = 1;
	child = child_start(serve_elsewhere, server);
	ref = child_pin(&child);
	ck_assert_int_eq(fdpass_set_new(&set), 0);
	ck_assert_int_eq(fdpass_match_parse("listen", &listen, NULL), 0);
	ck_assert_int_eq(
		fdpass_acquire_match(ref, listen, FDPASS_METHOD_DUPLICATE, set, NULL, NULL, NULL),
		2);
	for (size_t i = 0; i < 2; i++) {
		ck_assert_int_eq(fdpass_match_accepted(fdpass_set_get(set, i), &match, NULL), 0);
		ck_assert_int_eq(fdpass_acquire_count(ref, match, NULL), i == 0 ? 1 : 3);
		fdpass_match_free(match);
	}
	fdpass_match_free(listen);
	fdpass_set_free(set);
	fdpass_pidref_free(ref);
	child_stop(&child);
}
END_TEST

static void hold_files(void *context)
{
	for (int i = 0; i < 3; i++)
		child_check(open(context, O_RDONLY) >= 0);
}

START_TEST(files)
{
	struct fdpass_match *match = NULL;
	struct fdpass_pidref *ref;
	struct child child;
	char path[64], text[80];
	int fd;

	snprintf(path, sizeof(path), "%s/file", scratch_path());
	fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	child = child_start(hold_files, path);
	ref = child_pin(&child);
	snprintf(text, sizeof(text), "file:%s", path);
	ck_assert_int_eq(fdpass_match_parse(text, &match, NULL), 0);
	ck_assert_int_eq(fdpass_acquire_count(ref, match, NULL), 3);
	fdpass_match_free(match);
	fdpass_pidref_free(ref);
	child_stop(&child);
	close(fd);
}
END_TEST

START_TEST(not_of_a_process_that_has_ended)
{
	struct child child = child_start(serve, at_internet(INADDR_LOOPBACK));
	struct fdpass_error error = FDPASS_ERROR_INIT;
	struct fdpass_pidref *ref = child_pin(&child);
	struct fdpass_match *match = accepted_by(ref);

	child_stop(&child);
	ck_assert_int_eq(fdpass_acquire_count(ref, match, &error), -ESRCH);
	ck_assert_int_eq(error.step, FDPASS_STEP_ACQUIRE);
	ck_assert_str_eq(error.text, "gone");
	fdpass_match_free(match);
	fdpass_pidref_free(ref);
}
END_TEST

START_TEST(only_of_what_listens)
{
	struct fdpass_error error = FDPASS_ERROR_INIT;
	struct fdpass_match *match = NULL;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), ends[2];

	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	ck_assert_int_eq(fdpass_match_accepted(fd, &match, &error), -EINVAL);
	ck_assert_int_eq(error.step, FDPASS_STEP_DESCRIPTOR);
	ck_assert_int_eq(error.fd, fd);
	ck_assert_int_eq(fdpass_match_accepted(ends[0], &match, NULL), -ENOTSOCK);
	ck_assert_int_eq(fdpass_match_same(ends[0], &match, NULL), -ENOTSOCK);
	close(fd);
	ck_assert_int_eq(fdpass_match_accepted(fd, &match, NULL), -EBADF);
	ck_assert_int_eq(fdpass_match_same(fd, &match, NULL), -EBADF);
	ck_assert_ptr_null(match);
	close(ends[0]);
	close(ends[1]);
}
END_TEST

/* One socket that a test has, in so many children. */
static void hold(void *context)
{
	(void)context;
}

/* It closes everything above 4, so that the socket has to be below. */
START_TEST(how_many_hold_one_socket)
{
	struct fdpass_match *match = NULL;
	struct child children[2];
	int spare = dup(0), pair[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	ck_assert_int_eq(dup2(pair[0], 0), 0);
	ck_assert_int_eq(fdpass_match_same(0, &match, NULL), 0);
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(fdpass_pidref_count(match, NULL), i);
		children[i] = child_start(hold, NULL);
	}
	ck_assert_int_eq(fdpass_pidref_count(match, NULL), 2);
	for (int i = 0; i < 2; i++)
		child_stop(&children[i]);
	ck_assert_int_eq(fdpass_pidref_count(match, NULL), 0);
	fdpass_match_free(match);
	/* The other end is another socket. */
	ck_assert_int_eq(fdpass_match_same(pair[1], &match, NULL), 0);
	ck_assert_int_eq(fdpass_pidref_count(match, NULL), 0);
	fdpass_match_free(match);
	dup2(spare, 0);
	close(spare);
	close(pair[0]);
	close(pair[1]);
}
END_TEST

/* Who holds connections that were accepted, of TCP and of Unix sockets. */
START_TEST(how_many_hold_connections)
{
	struct fdpass_match *match = NULL;
	struct child child;
	int spare = dup(0), fd = raw_listen("here", 4), client, accepted;

	ck_assert_int_eq(fdpass_match_accepted(fd, &match, NULL), 0);
	client = raw_connect("here");
	ck_assert_int_ge(client, 0);
	accepted = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
	/* We do not count, and who connected has another socket. */
	ck_assert_int_eq(fdpass_pidref_count(match, NULL), 0);
	ck_assert_int_eq(dup2(accepted, 0), 0);
	child = child_start(hold, NULL);
	ck_assert_int_eq(fdpass_pidref_count(match, NULL), 1);
	child_stop(&child);
	ck_assert_int_eq(fdpass_pidref_count(match, NULL), 0);
	fdpass_match_free(match);
	dup2(spare, 0);
	close(spare);
	close(accepted);
	close(client);
	close(fd);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("count");
	TCase *tcase = descriptors_tcase("count");
	TCase *pidfds = descriptors_tcase_tagged("pidfds");

	scratch_add(tcase);
	scratch_add(pidfds);
	tcase_add_loop_test(pidfds, tcp_connections, 0, 6);
	tcase_add_loop_test(pidfds, unix_connections, 0, 3);
	tcase_add_test(pidfds, not_those_of_another_address);
	tcase_add_test(pidfds, files);
	tcase_add_test(pidfds, not_of_a_process_that_has_ended);
	tcase_add_test(tcase, only_of_what_listens);
	tcase_add_test(tcase, how_many_hold_one_socket);
	tcase_add_test(tcase, how_many_hold_connections);
	suite_add_tcase(suite, tcase);
	suite_add_tcase(suite, pidfds);
	return suite_run(suite);
}
