/* SPDX-License-Identifier: MIT */
#ifndef FDPASS_FDSEND_CHECK_H
#define FDPASS_FDSEND_CHECK_H

/* Whether the parts of fdsend's command line go together. */

#include "tools/fdsend/request.h"

/* Once all of it was read. What does not go together is wrong usage. */
void fdsend_request_check(const struct request *request);

/* The same for where the SOCKSPEC turned out to be. */
void fdsend_request_check_address(const struct request *request,
				  const struct fdpass_address *address);

#endif
