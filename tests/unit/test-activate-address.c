/* SPDX-License-Identifier: MIT */
/* What a socket is bound to, as the dialects write it. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fd.h"
#include "descriptors.h"
#include "fdpass.h"
#include "lacking.h"
#include "suite.h"

static int bound(int family, int type, const void *address, socklen_t length)
{
	int fd = socket(family, type | SOCK_CLOEXEC, 0);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(bind(fd, address, length), 0);
	return fd;
}

static int address_of(int fd, enum fdpass_dialect dialect, char *text)
{
	strcpy(text, "untouched");
	return fdpass_activation_address(dialect, fd, text, FDPASS_ACTIVATION_ADDRESS_MAX);
}

START_TEST(internet)
{
	static const int types[] = {SOCK_STREAM, SOCK_DGRAM};
	char text[FDPASS_ACTIVATION_ADDRESS_MAX], expected[64];

	for (int i = 0; i < 2; i++) {
		struct sockaddr_in address = {.sin_family = AF_INET,
					      .sin_addr = {htonl(INADDR_LOOPBACK)}};
		socklen_t length = sizeof(address);
		fd_owned int fd = bound(AF_INET, types[i], &address, sizeof(address));

		ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&address, &length), 0);
		snprintf(expected, sizeof(expected), "127.0.0.1:%u", ntohs(address.sin_port));
		ck_assert_int_eq(address_of(fd, FDPASS_DIALECT_SERVER_STARTER, text), 0);
		ck_assert_str_eq(text, expected);
		ck_assert_int_eq(address_of(fd, FDPASS_DIALECT_PHP_FPM, text), 0);
		ck_assert_str_eq(text, expected);
		ck_assert_int_eq(fdpass_activation_address(FDPASS_DIALECT_PHP_FPM, fd, text,
							   strlen(expected)),
				 -ENAMETOOLONG);
		ck_assert_int_eq(fdpass_activation_address(FDPASS_DIALECT_PHP_FPM, fd, text,
							   strlen(expected) + 1),
				 0);
	}
}
END_TEST

START_TEST(internet_6)
{
	struct sockaddr_in6 address = {.sin6_family = AF_INET6};
	socklen_t length = sizeof(address);
	char text[FDPASS_ACTIVATION_ADDRESS_MAX], expected[64];
	fd_owned int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0) {
		lacking("IPv6", "internet_6");
		return;
	}
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&address, &length), 0);
	snprintf(expected, sizeof(expected), "[::]:%u", ntohs(address.sin6_port));
	ck_assert_int_eq(address_of(fd, FDPASS_DIALECT_SERVER_STARTER, text), 0);
	ck_assert_str_eq(text, expected);
	snprintf(expected, sizeof(expected), ":::%u", ntohs(address.sin6_port));
	ck_assert_int_eq(address_of(fd, FDPASS_DIALECT_PHP_FPM, text), 0);
	ck_assert_str_eq(text, expected);
}
END_TEST

/* Also one that fills sun_path, without a NUL at its end. */
START_TEST(path)
{
	/* The second is what valgrind looks at for the NUL that a full one has not. */
	struct sockaddr_un addresses[2] = {{.sun_family = AF_UNIX}}, *address = addresses;
	char folder[] = "/tmp/fdpass-test-XXXXXX", whole[sizeof(address->sun_path) + 1];
	char text[FDPASS_ACTIVATION_ADDRESS_MAX];
	int fd;

	ck_assert_ptr_nonnull(mkdtemp(folder));
	for (int full = 0; full < 2; full++) {
		memset(whole, 'x', sizeof(whole));
		memcpy(whole, folder, strlen(folder));
		whole[strlen(folder)] = '/';
		whole[full ? sizeof(whole) - 1 : strlen(folder) + 5] = '\0';
		memcpy(address->sun_path, whole, strlen(whole));
		fd = bound(AF_UNIX, SOCK_STREAM, address,
			   (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(whole)));
		ck_assert_int_eq(address_of(fd, FDPASS_DIALECT_SERVER_STARTER, text), 0);
		ck_assert_str_eq(text, whole);
		close(fd);
		ck_assert_int_eq(unlink(whole), 0);
	}
	ck_assert_int_eq(rmdir(folder), 0);
}
END_TEST

START_TEST(no_address)
{
	char text[FDPASS_ACTIVATION_ADDRESS_MAX];
	struct sockaddr_un abstract = {.sun_family = AF_UNIX};
	int pipes[2], fd;

	ck_assert_int_eq(pipe2(pipes, 0), 0);
	ck_assert_int_eq(address_of(pipes[0], FDPASS_DIALECT_PHP_FPM, text), -ENOTSOCK);
	close(pipes[0]);
	close(pipes[1]);
	ck_assert_int_eq(address_of(pipes[0], FDPASS_DIALECT_PHP_FPM, text), -EBADF);

	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(address_of(fd, FDPASS_DIALECT_PHP_FPM, text), -EDESTADDRREQ);
	/* The kernel chooses an abstract name. */
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&abstract, sizeof(sa_family_t)), 0);
	ck_assert_int_eq(address_of(fd, FDPASS_DIALECT_PHP_FPM, text), -EAFNOSUPPORT);
	close(fd);
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(address_of(fd, FDPASS_DIALECT_PHP_FPM, text), -EDESTADDRREQ);
	close(fd);
	fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(address_of(fd, FDPASS_DIALECT_PHP_FPM, text), -EAFNOSUPPORT);
	close(fd);
	ck_assert_str_eq(text, "untouched");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("activate-address");
	TCase *tcase = descriptors_tcase("activate-address");

	tcase_add_test(tcase, internet);
	tcase_add_test(tcase, internet_6);
	tcase_add_test(tcase, path);
	tcase_add_test(tcase, no_address);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
