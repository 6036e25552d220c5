/* SPDX-License-Identifier: MIT */
/* A dialer under test. */
#include "dialing.h"

#include <check.h>
#include <fcntl.h>
#include <unistd.h>

void dialing_begin(struct dialing *dialing, enum fdpass_address_kind kind, const char *text)
{
	ck_assert_int_eq(fdpass_address_parse(kind, text, &dialing->address, NULL), 0);
	fdpass_dialer_init(&dialing->dialer, dialing->address);
}

void dialing_end(struct dialing *dialing)
{
	fdpass_dialer_end(&dialing->dialer);
	dialing->address = fdpass_address_free(dialing->address);
}

void dialing_assert_fails(struct dialing *dialing, int code)
{
	struct fdpass_error error = FDPASS_ERROR_INIT;

	ck_assert_int_eq(fdpass_dialer_try(&dialing->dialer, &error), code);
	ck_assert_int_eq(error.step, FDPASS_STEP_CONNECT);
	ck_assert_int_eq(error.code, -code);
}

void dialing_assert_connects(struct dialing *dialing)
{
	int fd = fdpass_dialer_try(&dialing->dialer, NULL);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
	ck_assert_int_ne(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
	close(fd);
}
