/* SPDX-License-Identifier: MIT */
/* Which version of the library is running. */
#include "fdpass.h"

const char *fdpass_version(void)
{
	return FDPASS_VERSION;
}
