/* SPDX-License-Identifier: MIT */
#ifndef FDPASS_CLI_LIMIT_H
#define FDPASS_CLI_LIMIT_H

/* Raises the soft limit on open files to the hard one, if it can: that many a handover may have here; and the
 * kernel counts a user's descriptors on their way against the sender's soft limit, unix(7). */
void cli_limit_raise(void);

#endif
