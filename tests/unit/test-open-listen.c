/* SPDX-License-Identifier: MIT */
/* Listening sockets that are opened to be given away: as servers expect them, and as they are named. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "descriptors.h"
#include "fdpass.h"
#include "opening.h"
#include "scratch.h"
#include "suite.h"

/* ------------------------------------------------------------------------------------- internet -- */

static const struct {
	const char *text, *name; /* the name up to the port */
	int family, type;
	int only; /* IPV6_V6ONLY */
} internet[] = {
	{"tcp:0", "tcp:[::]:", AF_INET6, SOCK_STREAM, 0},
	{"tcp:[::]:0", "tcp:[::]:", AF_INET6, SOCK_STREAM, 0},
	{"tcp6:0", "tcp:[::]:", AF_INET6, SOCK_STREAM, 1},
	{"tcp6:[::]:0", "tcp:[::]:", AF_INET6, SOCK_STREAM, 1},
	{"tcp:[::1]:0", "tcp:[::1]:", AF_INET6, SOCK_STREAM, 1},
	{"tcp4:0", "tcp:0.0.0.0:", AF_INET, SOCK_STREAM, 0},
	{"tcp:127.0.0.1:0", "tcp:127.0.0.1:", AF_INET, SOCK_STREAM, 0},
	{"tcp4:localhost:0", "tcp:127.0.0.1:", AF_INET, SOCK_STREAM, 0},
	{"udp:0", "udp:[::]:", AF_INET6, SOCK_DGRAM, 0},
	{"udp6:0", "udp:[::]:", AF_INET6, SOCK_DGRAM, 1},
	{"udp4:127.0.0.1:0", "udp:127.0.0.1:", AF_INET, SOCK_DGRAM, 0},
};

START_TEST(internet_sockets_are_as_servers_expect_them)
{
	struct fdpass_listener *listener = opening_listen(internet[_i].text, NULL);
	int fd = fdpass_listener_fd(listener);
	int stream = internet[_i].type == SOCK_STREAM;
	struct sockaddr_in6 address;
	socklen_t length = sizeof(address);
	char name[128], expected[128];

	ck_assert_int_eq(opening_option(fd, SOL_SOCKET, SO_DOMAIN), internet[_i].family);
	ck_assert_int_eq(opening_option(fd, SOL_SOCKET, SO_TYPE), internet[_i].type);
	ck_assert_int_eq(opening_option(fd, SOL_SOCKET, SO_ACCEPTCONN), stream);
	ck_assert_int_eq(opening_option(fd, SOL_SOCKET, SO_REUSEADDR), stream);
	ck_assert_int_eq(opening_option(fd, SOL_SOCKET, SO_REUSEPORT), 0);
	if (internet[_i].family == AF_INET6)
		ck_assert_int_eq(opening_option(fd, IPPROTO_IPV6, IPV6_V6ONLY), internet[_i].only);
	ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
	ck_assert_int_eq(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
	/* The port is at the same place in both (netinet/in.h). */
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&address, &length), 0);
	ck_assert_uint_ne(address.sin6_port, 0);
	snprintf(expected, sizeof(expected), "%s%u", internet[_i].name, ntohs(address.sin6_port));
	ck_assert_int_eq(fdpass_open_name(fd, name, sizeof(name)), 0);
	ck_assert_str_eq(name, expected);
	ck_assert_ptr_null(fdpass_listener_close(listener));
}
END_TEST

START_TEST(without_a_host_both_families_are_served)
{
	struct fdpass_listener *listener = opening_listen("tcp:0", NULL);
	struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
	struct sockaddr_in four = {.sin_family = AF_INET,
				   .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct sockaddr_in6 address;
	socklen_t length = sizeof(address);

	ck_assert_int_eq(
		getsockname(fdpass_listener_fd(listener), (struct sockaddr *)&address, &length), 0);
	six.sin6_port = four.sin_port = address.sin6_port;
	ck_assert_int_eq(opening_connects((struct sockaddr *)&six, sizeof(six), SOCK_STREAM), 0);
	ck_assert_int_eq(opening_connects((struct sockaddr *)&four, sizeof(four), SOCK_STREAM), 0);
	fdpass_listener_close(listener);
	listener = opening_listen("tcp6:0", NULL);
	length = sizeof(address);
	ck_assert_int_eq(
		getsockname(fdpass_listener_fd(listener), (struct sockaddr *)&address, &length), 0);
	four.sin_port = address.sin6_port;
	ck_assert_int_eq(opening_connects((struct sockaddr *)&four, sizeof(four), SOCK_STREAM),
			 -ECONNREFUSED);
	fdpass_listener_close(listener);
}
END_TEST

START_TEST(a_port_in_use)
{
	static const char *const schemes[] = {"tcp", "udp"};
	struct fdpass_open_options options = FDPASS_OPEN_OPTIONS_INIT;
	struct fdpass_error error = FDPASS_ERROR_INIT;
	struct fdpass_listener *first, *second = NULL;
	char text[64], name[64];

	snprintf(text, sizeof(text), "%s:127.0.0.1:0", schemes[_i]);
	first = opening_listen(text, NULL);
	ck_assert_int_eq(fdpass_open_name(fdpass_listener_fd(first), name, sizeof(name)), 0);
	ck_assert_int_eq(opening_try(name, NULL, &second, &error), -EADDRINUSE);
	ck_assert_int_eq(error.step, FDPASS_STEP_BIND);
	ck_assert_int_eq(error.code, EADDRINUSE);
	ck_assert_ptr_null(second);
	/* Also when it is the wildcard that is asked for: not on the other family alone. */
	snprintf(text, sizeof(text), "%s:%s", schemes[_i], strrchr(name, ':') + 1);
	ck_assert_int_eq(opening_try(text, NULL, &second, NULL), -EADDRINUSE);
	fdpass_listener_close(first);

	snprintf(text, sizeof(text), "%s:127.0.0.1:0", schemes[_i]);
	options.reuse = FDPASS_REUSE_PORT;
	first = opening_listen(text, &options);
	ck_assert_int_eq(fdpass_open_name(fdpass_listener_fd(first), name, sizeof(name)), 0);
	ck_assert_int_eq(opening_option(fdpass_listener_fd(first), SOL_SOCKET, SO_REUSEPORT), 1);
	second = opening_listen(name, &options);
	fdpass_listener_close(first);
	fdpass_listener_close(second);
}
END_TEST

START_TEST(what_cannot_be)
{
	static const struct {
		const char *text;
		enum fdpass_step step;
		int code;
	} cases[] = {
		{"tcp:127.0.0.1:no-such-service", FDPASS_STEP_RESOLVE, ENOENT},
		{"tcp6:127.0.0.1:0", FDPASS_STEP_RESOLVE, ENOENT},
		{"tcp:192.0.2.1:0", FDPASS_STEP_BIND, EADDRNOTAVAIL},
		{"unix:./missing/x", FDPASS_STEP_DIRECTORY, ENOENT},
		{"unix:/dev/null/x", FDPASS_STEP_DIRECTORY, ENOTDIR},
	};
	struct fdpass_error error = FDPASS_ERROR_INIT;
	struct fdpass_listener *listener = (void *)&error;

	ck_assert_int_eq(opening_try(cases[_i].text, NULL, &listener, &error), -cases[_i].code);
	ck_assert_int_eq(error.step, cases[_i].step);
	ck_assert_int_eq(error.code, cases[_i].code);
	ck_assert_ptr_eq(listener, (void *)&error);
	if (error.step == FDPASS_STEP_RESOLVE)
		ck_assert_uint_gt(strlen(error.text), 0);
}
END_TEST

START_TEST(options_that_cannot_be)
{
	struct fdpass_open_options options = FDPASS_OPEN_OPTIONS_INIT;
	struct fdpass_listener *listener;

	options.size--;
	ck_assert_int_eq(opening_try("tcp:0", &options, &listener, NULL), -EINVAL);
	options = (struct fdpass_open_options)FDPASS_OPEN_OPTIONS_INIT;
	options.backlog = 0;
	ck_assert_int_eq(opening_try("tcp:0", &options, &listener, NULL), -EINVAL);
	options = (struct fdpass_open_options)FDPASS_OPEN_OPTIONS_INIT;
	options.mode = 01600;
	ck_assert_int_eq(opening_try("tcp:0", &options, &listener, NULL), -EINVAL);
	options = (struct fdpass_open_options)FDPASS_OPEN_OPTIONS_INIT;
	options.reuse = (enum fdpass_reuse)2;
	ck_assert_int_eq(opening_try("tcp:0", &options, &listener, NULL), -EINVAL);
}
END_TEST

START_TEST(abstract_names)
{
	struct fdpass_error error = FDPASS_ERROR_INIT;
	struct fdpass_listener *listener, *other;
	char text[128], name[128];

	snprintf(text, sizeof(text), "unix-abstract:fdpass-test-open-%d", (int)getpid());
	listener = opening_listen(text, NULL);
	ck_assert_int_eq(fdpass_open_name(fdpass_listener_fd(listener), name, sizeof(name)), 0);
	ck_assert_str_eq(name, text);
	ck_assert_int_eq(opening_try(text, NULL, &other, &error), -EADDRINUSE);
	ck_assert_int_eq(error.step, FDPASS_STEP_BIND);
	fdpass_listener_close(listener);
	listener = opening_listen(text, NULL);
	fdpass_listener_close(listener);
}
END_TEST

/* ---------------------------------------------------------------------------------------- names -- */

START_TEST(names_of_what_has_none)
{
	char name[64] = "untouched";
	int pair[2], fd;

	ck_assert_int_eq(fdpass_open_name(-1, name, sizeof(name)), -EBADF);
	fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	ck_assert_int_eq(fdpass_open_name(fd, name, sizeof(name)), -ENOTSOCK);
	close(fd);
	ck_assert_str_eq(name, "untouched");
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	ck_assert_int_eq(fdpass_open_name(pair[0], name, sizeof(name)), 0);
	ck_assert_str_eq(name, "unix:");
	close(pair[0]);
	close(pair[1]);
	fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(fdpass_open_name(fd, name, sizeof(name)), -EAFNOSUPPORT);
	close(fd);
}
END_TEST

START_TEST(names_are_cut)
{
	struct fdpass_listener *listener = opening_listen("tcp:127.0.0.1:0", NULL);
	char name[64];

	memset(name, 'x', sizeof(name));
	ck_assert_int_eq(fdpass_open_name(fdpass_listener_fd(listener), name, 8), 0);
	ck_assert_str_eq(name, "tcp:127");
	ck_assert_int_eq(name[8], 'x');
	fdpass_listener_close(listener);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("open-listen");
	TCase *tcase = descriptors_tcase("open-listen");

	scratch_add(tcase);
	tcase_set_timeout(tcase, 30);
	tcase_add_loop_test(tcase, internet_sockets_are_as_servers_expect_them, 0,
			    sizeof(internet) / sizeof(*internet));
	tcase_add_test(tcase, without_a_host_both_families_are_served);
	tcase_add_loop_test(tcase, a_port_in_use, 0, 2);
	tcase_add_loop_test(tcase, what_cannot_be, 0, 5);
	tcase_add_test(tcase, options_that_cannot_be);
	tcase_add_test(tcase, abstract_names);
	tcase_add_test(tcase, names_of_what_has_none);
	tcase_add_test(tcase, names_are_cut);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
