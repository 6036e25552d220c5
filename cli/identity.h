/* SPDX-License-Identifier: MIT */
#ifndef FDPASS_CLI_IDENTITY_H
#define FDPASS_CLI_IDENTITY_H

/*
 * USER and GROUP. Digits are the number, without asking anybody; else a name: getpwnam(3), getgrnam(3).
 *
 * 0, or: -ENOENT, no such name; -ERANGE, a number above 4294967294 (the next one means "no id"); any
 * other negative errno, the lookup itself failed, and nothing is known about the name.
 */

#include <sys/types.h>

int cli_identity_user(const char *text, uid_t *ret_uid);
int cli_identity_group(const char *text, gid_t *ret_gid);

#endif
