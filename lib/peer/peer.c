/* SPDX-License-Identifier: MIT */
/* Who is at the other end of a connected Unix socket: SO_PEERCRED and SO_PEERGROUPS, unix(7). */
#include "peer/peer.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

/* Linux 4.13; musl's and older glibc's headers lack it. 59 everywhere but on parisc and sparc, whose
 * headers in <asm/socket.h> say otherwise and have it. */
#ifndef SO_PEERGROUPS
#define SO_PEERGROUPS 59
#endif

/* Most processes are in fewer groups; more costs a second call. */
#define GROUPS_FIRST 32

int fdpass_peer_get(int fd, struct fdpass_peer *ret_peer)
{
	struct ucred credentials;
	socklen_t size = sizeof(credentials);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size) < 0)
		return -errno;
	/* The kernel's "nobody" (net/core/sock.c, cred_to_ucred): no other end, and it is no error. */
	if (size != sizeof(credentials) || credentials.uid == (uid_t)-1)
		return -ENOTCONN;
	ret_peer->pid = credentials.pid;
	ret_peer->uid = credentials.uid;
	ret_peer->gid = credentials.gid;
	return 0;
}

int fdpass_peer_groups(int fd, gid_t **ret_groups, size_t *ret_count)
{
	socklen_t size = GROUPS_FIRST * sizeof(gid_t);

	/* ERANGE says how much it takes. The groups of an other end that is a listener change when it
	 * listens again, hence a loop; it ends, because there are at most NGROUPS_MAX (65536). */
	for (;;) {
		gid_t *groups = malloc(size);
		socklen_t room = size;
		int code;

		if (groups == NULL)
			return -ENOMEM;
		if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &size) == 0) {
			if (size == 0) {
				free(groups);
				groups = NULL;
			}
			*ret_groups = groups;
			*ret_count = size / sizeof(*groups);
			return 0;
		}
		code = errno;
		free(groups);
		if (code == ERANGE && size > room)
			continue;
		/* An older kernel, no other end, or one without credentials. */
		if (code == ENOPROTOOPT || code == ENODATA) {
			*ret_groups = NULL;
			*ret_count = 0;
			return 0;
		}
		return -code;
	}
}
