/* SPDX-License-Identifier: MIT */
#ifndef FDPASS_FDSEND_ASK_H
#define FDPASS_FDSEND_ASK_H

/* --list and --pidref: what another process is and has, on stdout. */

#include "tools/fdsend/request.h"

/* Prints it and ends the program. */
_Noreturn void fdsend_ask(struct request *request);

#endif
