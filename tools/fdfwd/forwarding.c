/* SPDX-License-Identifier: MIT */
/* One run of fdfwd, and how it ends. */
#include "tools/fdfwd/forwarding.h"

#include <errno.h>
#include <stdlib.h>

#include "cli/signals.h"

_Noreturn void fdfwd_leave(struct forwarding *forwarding, int code)
{
	int caught = code == -ECANCELED ? cli_signals_caught() : 0;

	fdpass_receiver_free(forwarding->receiver);
	for (size_t i = 0; i < forwarding->request->endpoint_count; i++)
		fdpass_address_free(forwarding->addresses[i]);
	free(forwarding->addresses);
	fdpass_rule_free(forwarding->from);
	fdpass_rule_free(forwarding->to);
	if (code == -ECANCELED)
		cli_signals_die(caught);
	exit(code == 0 ? 0 : code == -ETIMEDOUT ? TIMED_OUT : FAILED);
}
