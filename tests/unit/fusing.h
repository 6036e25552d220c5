/* SPDX-License-Identifier: MIT */
#ifndef TESTS_UNIT_FUSING_H
#define TESTS_UNIT_FUSING_H

/* A file of FUSE whose daemon answers everything but that it is closed. */

#include <sys/types.h>

struct fusing {
	pid_t daemon;
};

/* Starts the daemon, and mounts where nobody else sees it: an open descriptor of the file; or a negative errno where
 * that cannot be done (it takes root and /dev/fuse). */
int fusing_start(struct fusing *fusing);

/* Ends the daemon, and with it every wait for it. */
void fusing_end(struct fusing *fusing);

#endif
