/* SPDX-License-Identifier: MIT */
#ifndef FDPASS_OPEN_ENDPOINT_H
#define FDPASS_OPEN_ENDPOINT_H

/* An ADDR, taken apart: "tcp:127.0.0.1:80", "udp:[::]:53", "unix:/run/x.sock". Pure. */

#include <sys/socket.h>

#include "fdpass.h"

struct fdpass_endpoint {
	int family; /* AF_UNSPEC: both of AF_INET and AF_INET6; or AF_UNIX */
	int type;   /* SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET */
	enum { ENDPOINT_INTERNET, ENDPOINT_PATH, ENDPOINT_ABSTRACT } kind;
	char *text; /* the whole ADDR, as it was written */
	char *host; /* INTERNET: without brackets; NULL: none was named */
	char *name; /* the port or service; the path; the abstract name */
};

#endif
