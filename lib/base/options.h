/* SPDX-License-Identifier: MIT */
#ifndef FDPASS_BASE_OPTIONS_H
#define FDPASS_BASE_OPTIONS_H

/* Structs of options, which grow from one release to the next while programs stay as they were compiled. */

#include <stddef.h>

/*
 * Writes what `given` says over `options`, which has the defaults and `known` bytes; NULL says nothing. Both
 * begin with their size, as a size_t. A program of an earlier release has a shorter struct, and the defaults
 * for the rest, but no shorter one than that of the first release, `least`. One of a later release has a
 * longer one, and must not have asked for anything that is not known here.
 *
 * 0; -EINVAL when it is too short; -E2BIG when what is not known here is not all zeros.
 */
int fdpass_options_read(void *options, size_t known, size_t least, const void *given);

/* Up to the end of its member `LAST`, which was the last one in the first release. */
#define OPTIONS_LEAST(STRUCT, LAST) (offsetof(STRUCT, LAST) + sizeof(((STRUCT *)NULL)->LAST))

#endif
