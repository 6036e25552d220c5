/* SPDX-License-Identifier: MIT */
/*
 * The sockets of another process's network namespace, from the text files of /proc/PID/net (proc(5)). They
 * need no netlink socket in there, and say nearly as much; they serve as well where the kernel was built
 * without sock_diag.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "acquire/tables.h"
#include "base/fd.h"

#define STATE_LISTEN 0x0a   /* include/net/tcp_states.h */
#define FLAG_LISTEN 0x10000 /* __SO_ACCEPTCON, include/linux/net.h */
#define WORD_DIGITS 8       /* of an address: net/ipv4/tcp_ipv4.c, get_tcp4_sock() */
#define ADDRESS_DIGITS_MAX (4 * WORD_DIGITS)

struct file {
	const char *name;
	enum socket_kind kind;
	sa_family_t family;
};

static const struct file files[] = {
	{"net/tcp", SOCKET_TCP, AF_INET},   {"net/tcp6", SOCKET_TCP, AF_INET6},
	{"net/udp", SOCKET_UDP, AF_INET},   {"net/udp6", SOCKET_UDP, AF_INET6},
	{"net/unix", SOCKET_UNIX, AF_UNIX},
};

/* Each word of four bytes is printed as the number that it is on this machine. */
static int parse_address(struct fdpass_internet *address, sa_family_t family, const char *digits,
			 unsigned port)
{
	size_t words = family == AF_INET ? 1 : 4;

	if (strlen(digits) != words * WORD_DIGITS)
		return 0;
	for (size_t i = 0; i < words; i++) {
		char word[WORD_DIGITS + 1] = {0};
		uint32_t value;

		memcpy(word, digits + i * WORD_DIGITS, WORD_DIGITS);
		value = (uint32_t)strtoul(word, NULL, 16);
		memcpy(address->bytes + i * sizeof(value), &value, sizeof(value));
	}
	address->family = family;
	address->port = (uint16_t)port;
	return 1;
}

static int parse_internet(const struct file *file, const char *line, struct fdpass_socket *socket)
{
	char local[ADDRESS_DIGITS_MAX + 1], remote[ADDRESS_DIGITS_MAX + 1];
	unsigned local_port, remote_port, state;
	unsigned long long inode;

	if (sscanf(line, " %*[^:]: %32[0-9A-F]:%x %32[0-9A-F]:%x %x %*s %*s %*s %*s %*s %llu",
		   local, &local_port, remote, &remote_port, &state, &inode) != 6)
		return 0;
	socket->inode = inode;
	socket->listening = file->kind == SOCKET_TCP && state == STATE_LISTEN;
	return parse_address(&socket->local, file->family, local, local_port) &&
	       parse_address(&socket->remote, file->family, remote, remote_port);
}

static int parse_unix(const char *line, struct fdpass_socket *socket)
{
	unsigned flags, type;
	unsigned long long inode;
	int used = 0;

	if (sscanf(line, "%*s %*s %*s %x %x %*s %llu%n", &flags, &type, &inode, &used) != 3)
		return 0;
	socket->inode = inode;
	socket->type = (int)type;
	socket->listening = (flags & FLAG_LISTEN) != 0;
	if (line[used] == ' ') {
		fdpass_socket_set_name(socket, line + used + 1, strlen(line + used + 1));
		/* What an abstract name begins with shows as '@' here. */
		if (socket->name_length > 0 && socket->name[0] == '@')
			socket->name[0] = '\0';
	}
	return 1;
}

static int visit_file(int proc, const struct file *file, socket_visitor visitor, void *context)
{
	int fd = openat(proc, file->name, O_RDONLY | O_CLOEXEC);
	char *line = NULL;
	size_t room = 0;
	ssize_t length;
	FILE *lines;
	int r = 0;

	if (fd < 0)
		return errno == ENOENT ? 0 : -errno; /* a kernel without IPv6 has no tcp6 */
	lines = fdopen(fd, "r");
	if (lines == NULL) {
		fdpass_fd_close(fd);
		return -ENOMEM;
	}
	while (r == 0 && (length = getline(&line, &room, lines)) > 0) {
		struct fdpass_socket socket = {.kind = file->kind};

		if (line[length - 1] == '\n')
			line[length - 1] = '\0';
		if ((file->kind == SOCKET_UNIX ? parse_unix(line, &socket)
					       : parse_internet(file, line, &socket)) &&
		    socket.inode != 0)
			r = visitor(context, &socket);
	}
	free(line);
	fclose(lines);
	return r;
}

int fdpass_procnet_visit(int proc, socket_visitor visitor, void *context)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < sizeof(files) / sizeof(*files); i++)
		r = visit_file(proc, &files[i], visitor, context);
	return r;
}
