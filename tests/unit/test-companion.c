/* SPDX-License-Identifier: MIT */
/* Waking those who wait for an abstract name: places, pokes, and floods of them. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "descriptors.h"
#include "rendezvous/companion.h"
#include "suite.h"

/* Nobody else's: the process is part of it. */
static const char *name(void)
{
	static char text[64];

	snprintf(text, sizeof(text), "fdpass-unit-companion-%d", (int)getpid());
	return text;
}

static int is_poked(int companion)
{
	struct pollfd polled = {.fd = companion, .events = POLLIN};

	return poll(&polled, 1, 0) == 1;
}

START_TEST(there_are_so_many_places)
{
	int waiters[COMPANION_SLOTS];

	for (int i = 0; i < COMPANION_SLOTS; i++) {
		waiters[i] = fdpass_companion_open(name());
		ck_assert_int_ge(waiters[i], 0);
		ck_assert_int_eq(fcntl(waiters[i], F_GETFD), FD_CLOEXEC);
		ck_assert(!is_poked(waiters[i]));
	}
	ck_assert_int_eq(fdpass_companion_open(name()), -EADDRINUSE);
	fdpass_companion_poke(name());
	for (int i = 0; i < COMPANION_SLOTS; i++)
		ck_assert(is_poked(waiters[i]));
	/* A place that is given up is free at once, and the others are still reached. */
	close(waiters[4]);
	fdpass_companion_drain(waiters[5]);
	waiters[4] = fdpass_companion_open(name());
	ck_assert_int_ge(waiters[4], 0);
	fdpass_companion_poke(name());
	for (int i = 0; i < COMPANION_SLOTS; i++) {
		ck_assert(is_poked(waiters[i]));
		close(waiters[i]);
	}
}
END_TEST

START_TEST(a_poke_with_nobody_there)
{
	fdpass_companion_poke(name());
}
END_TEST

START_TEST(other_names_do_not_wake)
{
	int waiter = fdpass_companion_open(name());

	ck_assert_int_ge(waiter, 0);
	fdpass_companion_poke("fdpass-unit-companion-of-nobody");
	fdpass_companion_poke("");
	ck_assert(!is_poked(waiter));
	close(waiter);
}
END_TEST

START_TEST(draining_takes_all_there_is)
{
	int waiter = fdpass_companion_open(name());

	fdpass_companion_drain(waiter);
	for (int i = 0; i < 3; i++)
		fdpass_companion_poke(name());
	ck_assert(is_poked(waiter));
	fdpass_companion_drain(waiter);
	ck_assert(!is_poked(waiter));
	close(waiter);
}
END_TEST

/* More pokes than the kernel holds neither block the poker nor make draining endless. */
START_TEST(a_flood_is_harmless)
{
	int waiter = fdpass_companion_open(name()), i;

	for (i = 0; i < 1000; i++)
		fdpass_companion_poke(name());
	ck_assert(is_poked(waiter));
	for (i = 0; is_poked(waiter); i++)
		fdpass_companion_drain(waiter);
	/* net.unix.max_dgram_qlen is 10 as the kernel sets it, and 512 with systemd. */
	ck_assert_int_le(i, 1000 / 16 + 1);
	fdpass_companion_poke(name());
	ck_assert(is_poked(waiter));
	close(waiter);
}
END_TEST

/* Anybody can send anything there: descriptors are dropped unseen. */
START_TEST(a_poke_carries_nothing)
{
	struct sockaddr_storage address;
	socklen_t size = sizeof(address);
	union {
		char buffer[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = {.align = {.cmsg_len = CMSG_LEN(sizeof(int)),
			       .cmsg_level = SOL_SOCKET,
			       .cmsg_type = SCM_RIGHTS}};
	char bytes[1000] = {0};
	struct iovec vector = {.iov_base = bytes, .iov_len = sizeof(bytes)};
	struct msghdr header = {.msg_iov = &vector, .msg_iovlen = 1};
	int waiter = fdpass_companion_open(name());
	int stranger = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	ck_assert_int_eq(getsockname(waiter, (struct sockaddr *)&address, &size), 0);
	header.msg_name = &address;
	header.msg_namelen = size;
	header.msg_control = control.buffer;
	header.msg_controllen = sizeof(control.buffer);
	/* The control message names descriptor 0. */
	ck_assert_int_eq(sendmsg(stranger, &header, 0), sizeof(bytes));
	ck_assert(is_poked(waiter));
	fdpass_companion_drain(waiter);
	ck_assert(!is_poked(waiter));
	close(stranger);
	close(waiter);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("companion");
	TCase *tcase = descriptors_tcase("companion");

	tcase_add_test(tcase, there_are_so_many_places);
	tcase_add_test(tcase, a_poke_with_nobody_there);
	tcase_add_test(tcase, other_names_do_not_wake);
	tcase_add_test(tcase, draining_takes_all_there_is);
	tcase_add_test(tcase, a_flood_is_harmless);
	tcase_add_test(tcase, a_poke_carries_nothing);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
