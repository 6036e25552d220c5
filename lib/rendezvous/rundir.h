/* SPDX-License-Identifier: MIT */
#ifndef FDPASS_RENDEZVOUS_RUNDIR_H
#define FDPASS_RENDEZVOUS_RUNDIR_H

/* The directory of short names, which nobody but its owner may be able to change. */

#include "fdpass.h"

/* Opens it, making it with mode 0700 first if it is missing. Returns a descriptor that the caller
 * owns, or a negative errno with the step RUNDIR and the reason in words. */
int fdpass_rundir_open(const char *path, struct fdpass_error *error);

/* Checks it without making it: 0 also when it does not exist yet. */
int fdpass_rundir_check(const char *path, struct fdpass_error *error);

#endif
