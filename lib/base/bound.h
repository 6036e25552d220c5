/* SPDX-License-Identifier: MIT */
#ifndef FDPASS_BASE_BOUND_H
#define FDPASS_BASE_BOUND_H

/* The file that a Unix socket is bound to, in the numbers by which the kernel shows it: sock_diag(7). */

#include <stdint.h>

struct fdpass_bound {
	uint32_t inode; /* the low half of its number; 0: not known */
	uint32_t
		device; /* in the kernel's own encoding, 12 bits major and 20 minor (linux/kdev_t.h) */
};

#define BOUND_UNKNOWN                                                                              \
	{                                                                                          \
		.inode = 0                                                                         \
	}

/* What the kernel would show of a socket that is bound to the file at `path`, from an open directory or
 * AT_FDCWD. 1; 0 when there is no file, or it cannot be looked at; -EMFILE, -ENFILE or -ENOMEM. */
int fdpass_bound_look(int directory, const char *path, struct fdpass_bound *ret_bound);

/* 1 when both are known, and the same. */
int fdpass_bound_equal(const struct fdpass_bound *a, const struct fdpass_bound *b);

#endif
