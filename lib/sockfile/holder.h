/* SPDX-License-Identifier: MIT */
#ifndef FDPASS_SOCKFILE_HOLDER_H
#define FDPASS_SOCKFILE_HOLDER_H

/* Which process has a socket that is in our way, for the error message. */

#include <sys/types.h>

/* The process that has the Unix socket bound to the file `name` of an open directory, or of AT_FDCWD; 0 when the
 * kernel does not show it to us (another network namespace, another user's process, no /proc). Connects to
 * nothing. */
pid_t fdpass_holder_of_file(int directory, const char *name);

/* The same for an abstract name. */
pid_t fdpass_holder_of_abstract(const char *name);

#endif
