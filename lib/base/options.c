/* SPDX-License-Identifier: MIT */
/* Reading a struct of options that an older or newer program has filled in. */
#include "base/options.h"

#include <errno.h>
#include <string.h>

int fdpass_options_read(void *options, size_t known, size_t least, const void *given)
{
	const unsigned char *bytes = given;
	size_t size;

	if (given == NULL)
		return 0;
	memcpy(&size, given, sizeof(size));
	if (size < least)
		return -EINVAL;
	for (size_t i = known; i < size; i++) {
		if (bytes[i] != 0)
			return -E2BIG;
	}
	memcpy(options, given, size < known ? size : known);
	memcpy(options, &known, sizeof(known));
	return 0;
}
