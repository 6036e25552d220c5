/* SPDX-License-Identifier: MIT */
/* What is left out is said on stdout, where meson keeps it and ci/left-out finds it. */

#include "lacking.h"

#include <stdio.h>
#include <unistd.h>

int lacking(const char *need, const char *test)
{
	printf("left out: %s: %s\n", need, test);
	/* Before the next test is forked. */
	fflush(stdout);
	return 1;
}

int lacks_root(const char *test)
{
	return geteuid() != 0 && lacking("root", test);
}
