/* SPDX-License-Identifier: MIT */
#ifndef FDPASS_BASE_FILESYSTEM_H
#define FDPASS_BASE_FILESYSTEM_H

/* Kinds of file systems. */

#include <sys/vfs.h>

/* 1 when somebody else than our kernel decides there: a daemon (FUSE), or another machine. */
int fdpass_filesystem_is_remote(const struct statfs *system);

#endif
