/* SPDX-License-Identifier: MIT */
/*
 * Which process has a socket that is in our way, for the error message.
 *
 * The kernel lists its Unix sockets with the file that each is bound to (sock_diag(7)); the process
 * is the one that has the listed socket among its descriptors in /proc. Nobody is connected to.
 */
#include "sockfile/holder.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/bound.h"
#include "base/fd.h"

/* What is looked for: an abstract name, or a file when it is NULL. */
struct wanted {
	const char *name;
	struct fdpass_bound bound;
};

static int is_wanted(const struct wanted *wanted, const struct nlmsghdr *message)
{
	const struct unix_diag_msg *socket = NLMSG_DATA(message);
	const struct rtattr *attribute = (const struct rtattr *)(socket + 1);
	int left = (int)message->nlmsg_len - (int)NLMSG_LENGTH(sizeof(*socket));

	/* A connection shows its listener's name too, and may be with another process. (Our probe has
	 * made a datagram socket look like one.) */
	if (socket->udiag_state == TCP_ESTABLISHED && socket->udiag_type != SOCK_DGRAM)
		return 0;
	for (; RTA_OK(attribute, left); attribute = RTA_NEXT(attribute, left)) {
		size_t size = RTA_PAYLOAD(attribute);

		if (wanted->name == NULL && attribute->rta_type == UNIX_DIAG_VFS &&
		    size >= sizeof(struct unix_diag_vfs)) {
			struct unix_diag_vfs vfs;
			struct fdpass_bound bound;

			memcpy(&vfs, RTA_DATA(attribute), sizeof(vfs));
			bound = (struct fdpass_bound){vfs.udiag_vfs_ino, vfs.udiag_vfs_dev};
			return fdpass_bound_equal(&bound, &wanted->bound);
		}
		/* Each type of sockets has its own names; a listener of ours is a stream socket. */
		if (wanted->name != NULL && attribute->rta_type == UNIX_DIAG_NAME)
			return socket->udiag_type == SOCK_STREAM &&
			       size == strlen(wanted->name) + 1 &&
			       ((const char *)RTA_DATA(attribute))[0] == '\0' &&
			       memcmp((const char *)RTA_DATA(attribute) + 1, wanted->name,
				      size - 1) == 0;
	}
	return 0;
}

/* The number in `socket:[NUMBER]`, or 0. */
static uint32_t find_socket(const struct wanted *wanted)
{
	struct {
		struct nlmsghdr header;
		struct unix_diag_req request;
	} ask = {
		.header = {.nlmsg_len = sizeof(ask),
			   .nlmsg_type = SOCK_DIAG_BY_FAMILY,
			   .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
		.request = {.sdiag_family = AF_UNIX,
			    .udiag_states = UINT32_MAX,
			    .udiag_show = UDIAG_SHOW_NAME | UDIAG_SHOW_VFS},
	};
	union {
		char bytes[16384];
		struct nlmsghdr align;
	} answer;
	fd_owned int diag = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);

	if (diag < 0 || send(diag, &ask, sizeof(ask), 0) < 0)
		return 0;
	for (;;) {
		/* A dump is answered at once by the kernel; there is nothing to wait for. */
		ssize_t got = recv(diag, &answer, sizeof(answer), MSG_DONTWAIT);
		const struct nlmsghdr *message = &answer.align;

		if (got <= 0)
			return 0;
		for (unsigned left = (unsigned)got; NLMSG_OK(message, left);
		     message = NLMSG_NEXT(message, left)) {
			if (message->nlmsg_type != SOCK_DIAG_BY_FAMILY)
				return 0;
			if (is_wanted(wanted, message))
				return ((const struct unix_diag_msg *)NLMSG_DATA(message))
					->udiag_ino;
		}
	}
}

static int has_socket(const char *pid, const char *link_text)
{
	char path[NAME_MAX + 32];
	struct dirent *entry;
	int found = 0;
	DIR *fds;

	snprintf(path, sizeof(path), "/proc/%s/fd", pid);
	fds = opendir(path);
	if (fds == NULL)
		return 0;
	while (!found && (entry = readdir(fds)) != NULL) {
		char target[64];
		ssize_t length = readlinkat(dirfd(fds), entry->d_name, target, sizeof(target) - 1);

		if (length < 0)
			continue;
		target[length] = '\0';
		found = strcmp(target, link_text) == 0;
	}
	closedir(fds);
	return found;
}

static pid_t find_process(uint32_t socket_number)
{
	char link_text[32];
	struct dirent *entry;
	pid_t found = 0;
	DIR *proc;

	if (socket_number == 0)
		return 0;
	proc = opendir("/proc");
	if (proc == NULL)
		return 0;
	snprintf(link_text, sizeof(link_text), "socket:[%u]", socket_number);
	while (found == 0 && (entry = readdir(proc)) != NULL) {
		char *end;
		long pid = strtol(entry->d_name, &end, 10);

		if (*end == '\0' && pid > 0 && has_socket(entry->d_name, link_text))
			found = (pid_t)pid;
	}
	closedir(proc);
	return found;
}

pid_t fdpass_holder_of_file(int directory, const char *name)
{
	struct wanted wanted = {.bound = BOUND_UNKNOWN};

	if (fdpass_bound_look(directory, name, &wanted.bound) <= 0)
		return 0;
	return find_process(find_socket(&wanted));
}

pid_t fdpass_holder_of_abstract(const char *name)
{
	const struct wanted wanted = {.name = name};

	return find_process(find_socket(&wanted));
}
