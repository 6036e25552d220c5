/* SPDX-License-Identifier: MIT */
#ifndef FDPASS_OPEN_RESOLVE_H
#define FDPASS_OPEN_RESOLVE_H

/* Host and service names to addresses, within a deadline. */

#include <netdb.h>

#include "open/endpoint.h"

enum resolve_purpose {
	RESOLVE_CONNECT,
	RESOLVE_LISTEN, /* without a host: the wildcard addresses */
};

/*
 * The addresses of an internet endpoint, in the order in which to try them; the caller frees the list
 * with freeaddrinfo(3). Numbers are not looked up. Failures, step RESOLVE: -ENOENT, no such host or
 * service, with the resolver's words in error->text; -EIO, the resolver failed; -ENOMEM; and as for
 * every wait -ETIMEDOUT, -ECANCELED (step WAIT).
 */
int fdpass_resolve(const struct fdpass_endpoint *endpoint, enum resolve_purpose purpose,
		   const struct fdpass_wait *wait, struct addrinfo **ret_list,
		   struct fdpass_error *error);

#endif
