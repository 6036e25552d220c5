/* SPDX-License-Identifier: MIT */
/* The limit on open files, for programs that run no other. */
#include "cli/limit.h"

#include <sys/resource.h>

void cli_limit_raise(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}
