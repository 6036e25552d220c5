/* SPDX-License-Identifier: MIT */
#ifndef FDPASS_SOCKFILE_SWEEP_H
#define FDPASS_SOCKFILE_SWEEP_H

/* Removing what killed receivers left behind. */

/* Names that sockets have until they are published. Reserved, so that what is left over after a crash
 * can be told from what somebody made. */
#define SWEEP_PREFIX ".fdpass-"

/* Removes left-over temporary names of this user from the directory open as `directory`, whose path is
 * `path`, and which is read from its offset on: 0, when nobody has read it before. The caller holds its lock, since
 * a socket that is just being bound looks like a left-over for an instant. Bounded, as others may fill the
 * directory. */
void fdpass_sweep(int directory, const char *path);

#endif
