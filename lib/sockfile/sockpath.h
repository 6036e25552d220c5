/* SPDX-License-Identifier: MIT */
#ifndef FDPASS_SOCKFILE_SOCKPATH_H
#define FDPASS_SOCKFILE_SOCKPATH_H

/*
 * Socket addresses of any length. sun_path holds 107 bytes; what is longer, or must not be looked up
 * twice, is named through a descriptor and /proc/self/fd. Without /proc, a short path serves as it is.
 */

#include <sys/socket.h>
#include <sys/un.h>

/* The address of `name` (short) in the directory open as `fd`, whose path is `directory`. Returns the
 * length, or -ENAMETOOLONG. */
int fdpass_sockpath_in(int fd, const char *directory, const char *name, struct sockaddr_un *un);

/* The address of the very inode that is open (O_PATH) as `fd`; `path` is where it was found. */
int fdpass_sockpath_of(int fd, const char *path, struct sockaddr_un *un);

/* The path as it is: -ENAMETOOLONG when it does not fit. */
int fdpass_sockpath_plain(const char *path, struct sockaddr_un *un);

/* The address to connect to for a path of any length. Where it does not fit, `*ret_inode` becomes an O_PATH
 * descriptor of the socket file, which the caller owns and closes after connect(2); else it is left alone.
 * The length, or -errno of opening it. */
int fdpass_sockpath_to(const char *path, struct sockaddr_un *un, int *ret_inode);

/* The address of an abstract name, of FDPASS_ABSTRACT_MAX bytes at most. Returns the length. */
socklen_t fdpass_sockpath_abstract(const char *name, struct sockaddr_un *un);

#endif
