/* SPDX-License-Identifier: MIT */
/* Descriptors passed by hand: the baseline. */
#include "raw.h"

#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "measure.h"

union control {
	char buffer[CMSG_SPACE(sizeof(int) * RAW_MESSAGE_MAX)];
	struct cmsghdr align;
};

void raw_send(int socket, const int *fds, size_t count)
{
	union control control;
	struct iovec vector = {.iov_base = (char[]){'F'}, .iov_len = 1};
	struct msghdr header = {
		.msg_iov = &vector,
		.msg_iovlen = 1,
		.msg_control = control.buffer,
		.msg_controllen = CMSG_SPACE(sizeof(int) * count),
	};

	control.align = (struct cmsghdr){
		.cmsg_len = CMSG_LEN(sizeof(int) * count),
		.cmsg_level = SOL_SOCKET,
		.cmsg_type = SCM_RIGHTS,
	};
	memcpy(CMSG_DATA(&control.align), fds, sizeof(int) * count);
	measure_must((int)sendmsg(socket, &header, MSG_NOSIGNAL | MSG_DONTWAIT), "sendmsg");
}

size_t raw_receive(int socket, int fds[RAW_MESSAGE_MAX])
{
	union control control;
	char byte;
	struct iovec vector = {.iov_base = &byte, .iov_len = 1};
	struct msghdr header = {
		.msg_iov = &vector,
		.msg_iovlen = 1,
		.msg_control = control.buffer,
		.msg_controllen = sizeof(control.buffer),
	};
	size_t bytes;

	measure_must((int)recvmsg(socket, &header, MSG_CMSG_CLOEXEC), "recvmsg");
	if (header.msg_controllen < CMSG_LEN(0))
		return 0;
	bytes = control.align.cmsg_len - CMSG_LEN(0);
	memcpy(fds, CMSG_DATA(&control.align), bytes);
	return bytes / sizeof(int);
}

void raw_close_range(int first, int last)
{
	measure_must((int)syscall(SYS_close_range, (unsigned)first, (unsigned)last, 0U),
		     "close_range");
}

static socklen_t make_address(const char *path, struct sockaddr_un *un)
{
	size_t length = strlen(path);

	*un = (struct sockaddr_un){.sun_family = AF_UNIX};
	if (length >= sizeof(un->sun_path))
		length = sizeof(un->sun_path) - 1;
	memcpy(un->sun_path, path, length);
	if (path[0] == '@')
		un->sun_path[0] = '\0';
	else
		length++;
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
}

int raw_bind(const char *path)
{
	int fd = measure_must(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket");
	struct sockaddr_un un;
	socklen_t length = make_address(path, &un);

	measure_must(bind(fd, (struct sockaddr *)&un, length), path);
	return fd;
}

int raw_connect(const char *path)
{
	int fd = measure_must(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket");
	struct sockaddr_un un;
	socklen_t length = make_address(path, &un);

	measure_must(connect(fd, (struct sockaddr *)&un, length), path);
	return fd;
}
