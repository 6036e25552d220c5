/* SPDX-License-Identifier: MIT */
/* /dev/null for a connection on 0, 1 or 2. */
#include "tools/fdrecv/standard.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "cli/diagnostic.h"
#include "tools/fdrecv/program.h"

/* The number of a group's connection, if that is a standard one; else -1. */
static int standard_of(const struct reception *reception, size_t group)
{
	const struct fdpass_address *address = reception->addresses[group];
	int number = address != NULL ? fdpass_address_fd(address) : -1;

	return number <= STDERR_FILENO ? number : -1;
}

static int is_target(const struct request *request, int number)
{
	for (size_t i = 0; i < request->target_count; i++)
		if (request->targets[i] == number)
			return 1;
	return 0;
}

void fdrecv_standard_check(struct reception *reception)
{
	for (size_t i = 0; i < reception->request->group_count; i++) {
		int number = standard_of(reception, i), null;

		if (number < 0 || is_target(reception->request, number))
			continue;
		null = open("/dev/null", O_RDWR | O_CLOEXEC);
		if (null < 0) {
			cli_error("--connected: %d goes away, and /dev/null, which is to stand "
				  "there, cannot be opened: %s",
				  number, strerror(errno));
			fdrecv_leave(reception, FAILED);
		}
		close(null);
	}
}

int fdrecv_standard_fill(const struct reception *reception)
{
	for (size_t i = 0; i < reception->request->group_count; i++) {
		int number = standard_of(reception, i), null, placed;

		if (number < 0 || fdrecv_placement_beside(&reception->placement, number) != number)
			continue;
		null = open("/dev/null", O_RDWR | O_CLOEXEC);
		placed = null < 0 ? null : dup2(null, number);
		if (null >= 0)
			close(null);
		if (placed < 0)
			return number;
	}
	return -1;
}
