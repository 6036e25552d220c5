/* SPDX-License-Identifier: MIT */
/* The other end as somebody would write it who knows nothing of this library. */
#include "raw.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

void raw_pair(int pair[2])
{
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
}

static socklen_t path_address(const char *path, struct sockaddr_un *un)
{
	memset(un, 0, sizeof(*un));
	un->sun_family = AF_UNIX;
	ck_assert_uint_lt(strlen(path), sizeof(un->sun_path));
	memcpy(un->sun_path, path, strlen(path));
	return sizeof(*un);
}

static socklen_t abstract_address(const char *name, struct sockaddr_un *un)
{
	memset(un, 0, sizeof(*un));
	un->sun_family = AF_UNIX;
	ck_assert_uint_lt(strlen(name), sizeof(un->sun_path));
	memcpy(un->sun_path + 1, name, strlen(name));
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(name));
}

static int bound(const struct sockaddr_un *un, socklen_t length, int backlog)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(bind(fd, (const struct sockaddr *)un, length), 0);
	if (backlog >= 0)
		ck_assert_int_eq(listen(fd, backlog), 0);
	return fd;
}

int raw_listen(const char *path, int backlog)
{
	struct sockaddr_un un;
	socklen_t length = path_address(path, &un);

	return bound(&un, length, backlog);
}

int raw_listen_abstract(const char *name, int backlog)
{
	struct sockaddr_un un;
	socklen_t length = abstract_address(name, &un);

	return bound(&un, length, backlog);
}

static int connected(const struct sockaddr_un *un, socklen_t length)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int code;

	ck_assert_int_ge(fd, 0);
	if (connect(fd, (const struct sockaddr *)un, length) == 0)
		return fd;
	code = errno;
	close(fd);
	return -code;
}

int raw_connect(const char *path)
{
	struct sockaddr_un un;
	socklen_t length = path_address(path, &un);

	return connected(&un, length);
}

int raw_connect_abstract(const char *name)
{
	struct sockaddr_un un;
	socklen_t length = abstract_address(name, &un);

	return connected(&un, length);
}

ssize_t raw_send(int socket, const void *bytes, size_t size, const int *fds, size_t count)
{
	union {
		char buffer[CMSG_SPACE(sizeof(int) * RAW_FDS_MAX)];
		struct cmsghdr align;
	} control;
	struct iovec vector = {.iov_base = (void *)bytes, .iov_len = size};
	struct msghdr header = {.msg_iov = &vector, .msg_iovlen = 1};
	ssize_t sent;

	if (count > 0) {
		memset(&control, 0, sizeof(control));
		control.align.cmsg_level = SOL_SOCKET;
		control.align.cmsg_type = SCM_RIGHTS;
		control.align.cmsg_len = CMSG_LEN(sizeof(int) * count);
		memcpy(CMSG_DATA(&control.align), fds, sizeof(int) * count);
		header.msg_control = control.buffer;
		header.msg_controllen = CMSG_SPACE(sizeof(int) * count);
	}
	/* musl's sendmsg() has room for 1024 bytes of control data, and says ENOMEM. */
	sent = syscall(SYS_sendmsg, socket, &header, MSG_NOSIGNAL);
	return sent < 0 ? -errno : sent;
}

ssize_t raw_send_one(int socket)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	ssize_t sent = raw_send(socket, "x", 1, &fd, 1);

	close(fd);
	return sent;
}

void raw_receive(int socket, size_t size, int flags, struct raw_message *ret_message)
{
	union {
		char buffer[CMSG_SPACE(sizeof(int) * RAW_FDS_MAX)];
		struct cmsghdr align;
	} control;
	struct iovec vector = {.iov_base = ret_message->bytes, .iov_len = size};
	struct msghdr header = {
		.msg_iov = &vector,
		.msg_iovlen = 1,
		.msg_control = control.buffer,
		.msg_controllen = sizeof(control.buffer),
	};
	struct cmsghdr *message;

	ret_message->count = 0;
	ret_message->size = recvmsg(socket, &header, flags | MSG_CMSG_CLOEXEC);
	ret_message->flags = header.msg_flags;
	if (ret_message->size < 0) {
		ret_message->size = -errno;
		return;
	}
	for (message = CMSG_FIRSTHDR(&header); message != NULL;
	     message = CMSG_NXTHDR(&header, message)) {
		if (message->cmsg_level != SOL_SOCKET || message->cmsg_type != SCM_RIGHTS)
			continue;
		ret_message->count = (message->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		memcpy(ret_message->fds, CMSG_DATA(message), ret_message->count * sizeof(int));
	}
}

void raw_close_all(struct raw_message *message)
{
	for (size_t i = 0; i < message->count; i++)
		close(message->fds[i]);
	message->count = 0;
}

ssize_t raw_read(int socket, void *bytes, size_t size)
{
	ssize_t got = recv(socket, bytes, size, MSG_WAITALL);

	return got < 0 ? -errno : got;
}

int raw_has_greeting(int socket)
{
	char bytes[8];

	return raw_read(socket, bytes, sizeof(bytes)) == 8 && memcmp(bytes, "fdpass/1", 8) == 0;
}

int raw_has_record(int socket, char type, uint32_t count, const char *text)
{
	unsigned char head[8];
	char bytes[256];
	size_t length = strlen(text);

	return raw_read(socket, head, sizeof(head)) == 8 && head[0] == (unsigned char)type &&
	       head[1] == 0 && ((size_t)head[2] << 8 | head[3]) == length &&
	       ((uint32_t)head[4] << 24 | (uint32_t)head[5] << 16 | (uint32_t)head[6] << 8 |
		head[7]) == count &&
	       (length == 0 || raw_read(socket, bytes, length) == (ssize_t)length) &&
	       memcmp(bytes, text, length) == 0;
}

int raw_is_at_end(int pipe_read_end)
{
	struct pollfd polled = {.fd = pipe_read_end, .events = POLLIN};

	return poll(&polled, 1, 0) == 1 && (polled.revents & POLLHUP) != 0;
}

#ifdef RAW_COUNTED
/* gcov's, which writes at exit(3) only. */
extern void __gcov_dump(void);
#endif

void raw_end(int status)
{
#ifdef RAW_COUNTED
	__gcov_dump();
#endif
	_exit(status);
}

void raw_check_line(int holds, int line)
{
	if (holds)
		return;
	dprintf(STDERR_FILENO, "child: line %d\n", line);
	_exit(1);
}

pid_t raw_fork(void (*run)(void *context), void *context)
{
	pid_t child = fork();

	ck_assert_int_ge(child, 0);
	if (child == 0) {
		run(context);
		raw_end(0);
	}
	return child;
}

void raw_join(pid_t child)
{
	int status;

	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(status, 0);
}

void raw_become_nobody(void)
{
	if (geteuid() != 0)
		return;
	raw_check(setgroups(0, NULL) == 0);
	raw_check(setresgid(65534, 65534, 65534) == 0);
	raw_check(setresuid(65534, 65534, 65534) == 0);
}

void raw_become_somebody(void)
{
	uid_t uid = 30000 + (uid_t)getpid() % 30000;

	/* Not where a user namespace maps fewer. */
	if (geteuid() != 0 || setresuid(uid, uid, uid) < 0)
		raw_become_nobody();
}

void raw_set_table(int size)
{
	struct rlimit limit;

	raw_check(getrlimit(RLIMIT_NOFILE, &limit) == 0);
	limit.rlim_cur = (rlim_t)size;
	raw_check(setrlimit(RLIMIT_NOFILE, &limit) == 0);
}

static int64_t milliseconds(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t raw_now_ms(void)
{
	return milliseconds(CLOCK_MONOTONIC);
}

int64_t raw_cpu_ms(void)
{
	return milliseconds(CLOCK_PROCESS_CPUTIME_ID);
}
