/* SPDX-License-Identifier: MIT */
#ifndef FDPASS_FDRECV_CHECK_H
#define FDPASS_FDRECV_CHECK_H

/* Whether the parts of a command line go together. */

#include "tools/fdrecv/request.h"

/* Fills in what follows from the whole: `targets`, and the origins' methods. Wrong usage ends the
 * program. */
void fdrecv_request_check(struct request *request);

#endif
