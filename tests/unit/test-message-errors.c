/* SPDX-License-Identifier: MIT */
/* What fdpass_message_send() and fdpass_message_receive() say of sockets over which nothing can go. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "descriptors.h"
#include "fdpass.h"
#include "raw.h"
#include "suite.h"

static const int types[] = {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET};
enum { TYPES = 3 };

static const struct fdpass_wait at_once = {0, -1};

static struct fdpass_set *set;

static void begin(void)
{
	ck_assert_int_eq(fdpass_set_new(&set), 0);
	ck_assert_int_eq(fdpass_set_borrow(set, STDIN_FILENO), 0);
}

static void end(void)
{
	ck_assert_uint_eq(fdpass_set_count(set), 1);
	fdpass_set_free(set);
}

static ssize_t sends(int socket)
{
	return fdpass_message_send(socket, "x", 1, set, &at_once);
}

static int receives(int socket)
{
	struct fdpass_message message;
	char byte;

	return fdpass_message_receive(socket, &byte, 1, set, &at_once, &message);
}

START_TEST(what_is_no_socket)
{
	int ends[2];

	begin();
	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	ck_assert_int_eq(sends(ends[1]), -ENOTSOCK);
	ck_assert_int_eq(receives(ends[0]), -ENOTSOCK);
	close(ends[0]);
	close(ends[1]);
	ck_assert_int_eq(sends(ends[1]), -EBADF);
	ck_assert_int_eq(receives(ends[0]), -EBADF);
	end();
}
END_TEST

START_TEST(nobody_is_there)
{
	int fd = socket(AF_UNIX, types[_i] | SOCK_CLOEXEC, 0);

	begin();
	ck_assert_int_eq(sends(fd), -ENOTCONN);
	/* A datagram socket may be sent to by anybody who knows its name. */
	ck_assert_int_eq(receives(fd), types[_i] == SOCK_DGRAM ? -ETIMEDOUT : -ENOTCONN);
	close(fd);
	end();
}
END_TEST

START_TEST(an_other_end_that_refuses_descriptors)
{
	int pair[2], off = 0, r;

	begin();
	ck_assert_int_eq(socketpair(AF_UNIX, types[_i] | SOCK_CLOEXEC, 0, pair), 0);
	/* Linux 6.16. */
	r = setsockopt(pair[1], SOL_SOCKET, SO_PASSRIGHTS, &off, sizeof(off));
	ck_assert_int_eq(sends(pair[0]), r == 0 ? -EPERM : 1);
	ck_assert_int_eq(fdpass_message_send(pair[0], "x", 1, NULL, &at_once), 1);
	close(pair[0]);
	close(pair[1]);
	end();
}
END_TEST

START_TEST(a_descriptor_that_cannot_be_passed)
{
	/* An io_uring, where that is allowed: net/core/scm.c, scm_fp_copy(). */
	static unsigned char parameters[120];
	int ring = (int)syscall(SYS_io_uring_setup, 1, parameters);
	int pair[2];

	begin();
	raw_pair(pair);
	if (ring >= 0) {
		ck_assert_int_eq(fdpass_set_borrow(set, ring), 0);
		ck_assert_int_eq(sends(pair[0]), -EINVAL);
		fdpass_set_truncate(set, 1);
		close(ring);
	}
	ck_assert_int_eq(sends(pair[0]), 1);
	close(pair[0]);
	close(pair[1]);
	end();
}
END_TEST

START_TEST(a_datagram_that_is_too_long)
{
	size_t size = 64 << 20;
	char *bytes = calloc(1, size);
	int pair[2];

	ck_assert_ptr_nonnull(bytes);
	begin();
	ck_assert_int_eq(socketpair(AF_UNIX, types[_i] | SOCK_CLOEXEC, 0, pair), 0);
	ck_assert_int_eq(fdpass_message_send(pair[0], bytes, size, set, &at_once), -EMSGSIZE);
	close(pair[0]);
	close(pair[1]);
	free(bytes);
	end();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("message-errors");
	TCase *tcase = descriptors_tcase("message-errors");

	tcase_add_test(tcase, what_is_no_socket);
	tcase_add_loop_test(tcase, nobody_is_there, 0, TYPES);
	tcase_add_loop_test(tcase, an_other_end_that_refuses_descriptors, 0, TYPES);
	tcase_add_test(tcase, a_descriptor_that_cannot_be_passed);
	tcase_add_loop_test(tcase, a_datagram_that_is_too_long, 1, TYPES);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
