/* SPDX-License-Identifier: MIT */
#ifndef FDPASS_CLI_STANDARD_H
#define FDPASS_CLI_STANDARD_H

/*
 * Descriptors 0, 1 and 2 that are closed when the program starts. What it opens would land there and
 * be taken for stdin, stdout or stderr, so the closed ones are filled, first of all, with a descriptor
 * that behaves as a closed one does (reading and writing fail with EBADF) and is gone after exec.
 */

/* Fills them. Returns a mask of those that were closed (1 << number), or a negative errno. */
int cli_standard_reserve(void);

/* 1 when `fd` is one of 0, 1 and 2 and cli_standard_reserve() found it closed, else 0. */
int cli_standard_was_closed(int fd);

#endif
