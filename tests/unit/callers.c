/* SPDX-License-Identifier: MIT */
/* A crowd that connects to a receiver under test. */
#include "callers.h"

#include <check.h>
#include <errno.h>
#include <sys/socket.h>

#include "base/fd.h"
#include "raw.h"

void callers_connect(int callers[], int first, int last)
{
	for (int i = first; i < last; i++) {
		callers[i] = raw_connect("s0");
		ck_assert_int_ge(callers[i], 0);
	}
}

void callers_end(struct receiving *receiving, int callers[], int count)
{
	receiving->receiver = fdpass_receiver_free(receiving->receiver);
	for (int i = 0; i < count; i++)
		fdpass_fd_close(callers[i]);
}

int callers_was_crowded_out(int caller)
{
	return raw_has_greeting(caller) &&
	       raw_has_record(caller, 'B', 0, "too many callers, and this one was idle longest");
}

void callers_assert_waits(int caller)
{
	char byte;

	ck_assert(raw_has_greeting(caller));
	ck_assert_int_eq(recv(caller, &byte, 1, MSG_DONTWAIT), -1);
	ck_assert_int_eq(errno, EAGAIN);
}

void callers_take_from(struct receiving *receiving, int caller, size_t count)
{
	struct fdpass_handover *handover = receiving_next(receiving, 1000);

	ck_assert_ptr_nonnull(handover);
	ck_assert_uint_eq(fdpass_set_count(fdpass_handover_set(handover)), count);
	fdpass_handover_accept(handover, 4711);
	fdpass_handover_free(handover);
	ck_assert(raw_has_greeting(caller));
	ck_assert(raw_has_record(caller, 'A', 4711, ""));
}
