/* SPDX-License-Identifier: MIT */
#ifndef FDPASS_BENCH_RAW_H
#define FDPASS_BENCH_RAW_H

/* Descriptors passed by hand, with no more calls and no more care than it takes. */

#include <stddef.h>

/* The kernel's SCM_MAX_FD. */
#define RAW_MESSAGE_MAX 253

/* One byte and `count` descriptors. Ends the program on failure. */
void raw_send(int socket, const int *fds, size_t count);

/* Takes one message: how many descriptors came with it, close-on-exec, in `fds`. */
size_t raw_receive(int socket, int fds[RAW_MESSAGE_MAX]);

/* close_range(2), of numbers that are known to be side by side. */
void raw_close_range(int first, int last);

/* A socket that is bound to an absolute path, or to an abstract name when `path` begins with '@'. */
int raw_bind(const char *path);

/* A socket that is connected to the one there. */
int raw_connect(const char *path);

#endif
