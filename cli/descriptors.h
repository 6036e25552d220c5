/* SPDX-License-Identifier: MIT */
#ifndef FDPASS_CLI_DESCRIPTORS_H
#define FDPASS_CLI_DESCRIPTORS_H

/* Many descriptors at once. */

#include <stddef.h>

/* Closes everything but the `count` numbers `kept`, in any order, which are sorted by this; negative ones
 * among them do not count. */
void cli_descriptors_close_others(int *kept, size_t count);

/* Makes everything from `lowest` up close-on-exec. */
void cli_descriptors_keep_back(int lowest);

#endif
