/* SPDX-License-Identifier: MIT */
#ifndef FDPASS_RENDEZVOUS_ADDRESS_H
#define FDPASS_RENDEZVOUS_ADDRESS_H

/* A SOCKSPEC, taken apart. Pure but for fdpass_address_parse(), which looks at the environment. */

#include <sys/socket.h>
#include <sys/un.h>

#include "fdpass.h"

struct fdpass_address {
	enum fdpass_address_kind kind;
	int is_private; /* 1: a name in the run directory */
	char *text;     /* the whole path; or '@' and the abstract name */
	char *directory; /* of a path: what stands before the last '/' ("/" for the root, "." never) */
	int fd;          /* of a connected one: the number, the caller's */
	const char *name; /* of a path: what stands after it; of an abstract address: text + 1 */
};

/* What the run directory is derived from. */
struct address_environment {
	uid_t uid;               /* effective */
	const char *runtime_dir; /* $FDPASS_RUNTIME_DIR or NULL */
	const char *xdg_runtime_dir;
};

int fdpass_address_build(enum fdpass_address_kind kind, const char *text,
			 const struct address_environment *environment,
			 struct fdpass_address **ret_address, struct fdpass_error *error);

/* Fills `un` and returns the length for bind and connect. Abstract addresses only. */
socklen_t fdpass_address_abstract(const struct fdpass_address *address, struct sockaddr_un *un);

#endif
