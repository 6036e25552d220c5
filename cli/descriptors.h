/* SPDX-License-Identifier: MIT */
#ifndef FDPASS_CLI_DESCRIPTORS_H
#define FDPASS_CLI_DESCRIPTORS_H

/* Many descriptors at once. */

#include <stddef.h>

/* Puts numbers in ascending order. Mostly they are so already, as ranges are, and that costs next to nothing. */
void cli_descriptors_sort(int *fds, size_t count);

/* The index of the first number that is not open, or `count` when all are. */
size_t cli_descriptors_first_closed(const int *fds, size_t count);

/* Closes everything but the `count` numbers `kept`, in any order, which are sorted by this; negative ones
 * among them do not count. */
void cli_descriptors_close_others(int *kept, size_t count);

/* Makes everything from `lowest` up close-on-exec. */
void cli_descriptors_keep_back(int lowest);

#endif
