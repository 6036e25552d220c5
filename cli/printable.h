/* SPDX-License-Identifier: MIT */
#ifndef FDPASS_CLI_PRINTABLE_H
#define FDPASS_CLI_PRINTABLE_H

#include <stddef.h>

/* Makes every control character in `text`, and every byte that is not UTF-8, a '?': file names and the other end's
 * words may hold anything, and a terminal obeys some of it. */
void cli_printable(char *text, size_t length);

#endif
