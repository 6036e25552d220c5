/* SPDX-License-Identifier: MIT */
/* The sockets of our own network namespace, by netlink: sock_diag(7). */
#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "acquire/tables.h"
#include "base/fd.h"

/* include/net/tcp_states.h; Unix sockets show it too. */
#define STATE_LISTEN 10
#define STATES_ALL UINT32_MAX
/* What somebody has open: not TIME_WAIT (6), which a busy server has by the ten thousand, nor what nobody has
 * accepted yet, SYN_RECV (3) and NEW_SYN_RECV (12). */
#define STATES_OPEN (STATES_ALL & ~(1U << 6 | 1U << 3 | 1U << 12))

struct ask {
	struct nlmsghdr header;
	union {
		struct inet_diag_req_v2 internet;
		struct unix_diag_req local;
	} request;
};

struct answers {
	socket_visitor visitor;
	void *context;
	enum socket_kind kind;
};

static void copy_address(struct fdpass_internet *to, int family, __be16 port, const __be32 *from)
{
	to->family = (sa_family_t)family;
	to->port = ntohs(port);
	memcpy(to->bytes, from, family == AF_INET ? 4 : 16);
}

static int visit_internet(const struct answers *answers, const struct nlmsghdr *message)
{
	const struct inet_diag_msg *found = NLMSG_DATA(message);
	struct fdpass_socket socket = {.kind = answers->kind};

	if (message->nlmsg_len < NLMSG_LENGTH(sizeof(*found)) || found->idiag_inode == 0)
		return 0;
	socket.inode = found->idiag_inode;
	socket.listening = answers->kind == SOCKET_TCP && found->idiag_state == STATE_LISTEN;
	copy_address(&socket.local, found->idiag_family, found->id.idiag_sport,
		     found->id.idiag_src);
	copy_address(&socket.remote, found->idiag_family, found->id.idiag_dport,
		     found->id.idiag_dst);
	return answers->visitor(answers->context, &socket);
}

static int visit_unix(const struct answers *answers, const struct nlmsghdr *message)
{
	const struct unix_diag_msg *found = NLMSG_DATA(message);
	const struct rtattr *attribute = (const struct rtattr *)(found + 1);
	int left = (int)message->nlmsg_len - (int)NLMSG_LENGTH(sizeof(*found));
	struct fdpass_socket socket = {.kind = SOCKET_UNIX};
	struct unix_diag_vfs vfs;

	if (left < 0 || found->udiag_ino == 0)
		return 0;
	socket.inode = found->udiag_ino;
	socket.type = found->udiag_type;
	socket.listening = found->udiag_state == STATE_LISTEN;
	for (; RTA_OK(attribute, left); attribute = RTA_NEXT(attribute, left)) {
		size_t size = RTA_PAYLOAD(attribute);

		if (attribute->rta_type == UNIX_DIAG_NAME) {
			fdpass_socket_set_name(&socket, RTA_DATA(attribute), size);
		} else if (attribute->rta_type == UNIX_DIAG_VFS && size >= sizeof(vfs)) {
			memcpy(&vfs, RTA_DATA(attribute), sizeof(vfs));
			socket.bound.inode = vfs.udiag_vfs_ino;
			socket.bound.device = vfs.udiag_vfs_dev;
		}
	}
	return answers->visitor(answers->context, &socket);
}

/* 1: there is more to come. */
static int read_answers(const struct answers *answers, const struct nlmsghdr *message,
			unsigned left)
{
	for (; NLMSG_OK(message, left); message = NLMSG_NEXT(message, left)) {
		const struct nlmsgerr *refusal = NLMSG_DATA(message);
		int r;

		if (message->nlmsg_type == NLMSG_DONE)
			return 0;
		if (message->nlmsg_type == NLMSG_ERROR)
			return refusal->error < 0 ? refusal->error : -EPROTO;
		if (message->nlmsg_type != SOCK_DIAG_BY_FAMILY)
			continue;
		r = answers->kind == SOCKET_UNIX ? visit_unix(answers, message)
						 : visit_internet(answers, message);
		if (r != 0)
			return r;
	}
	return 1;
}

static int dump(struct ask *ask, size_t size, const struct answers *answers)
{
	union {
		char bytes[16384];
		struct nlmsghdr align;
	} buffer;
	fd_owned int diag = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
	int r;

	if (diag < 0)
		return -errno;
	ask->header = (struct nlmsghdr){
		.nlmsg_len = (__u32)(NLMSG_HDRLEN + size),
		.nlmsg_type = SOCK_DIAG_BY_FAMILY,
		.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP,
	};
	if (send(diag, ask, NLMSG_HDRLEN + size, 0) < 0)
		return -errno;
	do {
		/* A dump is answered at once by the kernel; there is nothing to wait for. */
		ssize_t got;

		do
			got = recv(diag, &buffer, sizeof(buffer), MSG_DONTWAIT);
		while (got < 0 && errno == EINTR);
		if (got <= 0)
			return got < 0 ? -errno : -EPROTO;
		r = read_answers(answers, &buffer.align, (unsigned)got);
	} while (r > 0);
	return r;
}

static int dump_internet(int protocol, uint32_t states, struct answers *answers)
{
	static const int families[] = {AF_INET, AF_INET6};
	int r = 0;

	answers->kind = protocol == IPPROTO_TCP ? SOCKET_TCP : SOCKET_UDP;
	for (size_t i = 0; r == 0 && i < sizeof(families) / sizeof(*families); i++) {
		struct ask ask = {
			.request.internet = {.sdiag_family = (__u8)families[i],
					     .sdiag_protocol = (__u8)protocol,
					     .idiag_states = states},
		};

		r = dump(&ask, sizeof(ask.request.internet), answers);
	}
	return r;
}

static int dump_unix(uint32_t states, struct answers *answers)
{
	struct ask ask = {
		.request.local = {.sdiag_family = AF_UNIX,
				  .udiag_states = states,
				  .udiag_show = UDIAG_SHOW_NAME | UDIAG_SHOW_VFS},
	};

	answers->kind = SOCKET_UNIX;
	return dump(&ask, sizeof(ask.request.local), answers);
}

int fdpass_diag_visit(socket_visitor visitor, void *context)
{
	struct answers answers = {visitor, context, SOCKET_UNKNOWN};
	int r = dump_internet(IPPROTO_TCP, STATES_OPEN, &answers);

	if (r == 0)
		r = dump_internet(IPPROTO_UDP, STATES_ALL, &answers);
	return r == 0 ? dump_unix(STATES_ALL, &answers) : r;
}

int fdpass_diag_visit_kind(enum match_kind kind, socket_visitor visitor, void *context)
{
	struct answers answers = {visitor, context, SOCKET_UNKNOWN};
	int r;

	switch (kind) {
	case MATCH_LISTEN:
		r = dump_internet(IPPROTO_TCP, 1U << STATE_LISTEN, &answers);
		return r == 0 ? dump_unix(1U << STATE_LISTEN, &answers) : r;
	case MATCH_TCP:
		return dump_internet(IPPROTO_TCP, STATES_OPEN, &answers);
	case MATCH_ACCEPTED:
		r = dump_internet(IPPROTO_TCP, STATES_OPEN, &answers);
		return r == 0 ? dump_unix(STATES_ALL, &answers) : r;
	case MATCH_UDP:
		return dump_internet(IPPROTO_UDP, STATES_ALL, &answers);
	case MATCH_UNIX:
		return dump_unix(STATES_ALL, &answers);
	default:
		return 0;
	}
}
