/* SPDX-License-Identifier: MIT */
#ifndef FDPASS_ACQUIRE_DESCRIBE_H
#define FDPASS_ACQUIRE_DESCRIBE_H

/* What a descriptor of another process is, in one line. */

#include "acquire/links.h"
#include "acquire/socket.h"

#define DESCRIBE_MAX (LINK_TEXT_MAX + 32)

/* Of a descriptor that is no socket; 0, or a negative errno when it has vanished. */
int fdpass_describe(const struct fdpass_links *links, int number, char text[DESCRIBE_MAX]);

/* Of a socket that is in the table, or not (SOCKET_UNKNOWN). */
void fdpass_describe_socket(const struct fdpass_links *links, int number,
			    const struct fdpass_socket *socket, char text[DESCRIBE_MAX]);

/* The kernel's name for the protocol of a socket, such as "TCPv6" or "NETLINK", or "". */
void fdpass_describe_protocol(const struct fdpass_links *links, int number, char *name,
			      size_t size);

#endif
