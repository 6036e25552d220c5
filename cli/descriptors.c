/* SPDX-License-Identifier: MIT */
/* Many descriptors at once: whether they are open, what is closed, and what no other program is to inherit. */
#include "cli/descriptors.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fdpass.h"

/* Linux 5.11 (linux/close_range.h, which musl's compiler does not find). */
#ifndef CLOSE_RANGE_CLOEXEC
#define CLOSE_RANGE_CLOEXEC (1U << 2)
#endif

/* From how many on it pays to ask the kernel for all at once. */
#define MANY 16

/* The default of fs.nr_open (fs/file.c). */
#define TABLE_MAX 1048576

static void keep_back(int fd)
{
	int flags = fcntl(fd, F_GETFD);

	if (flags >= 0)
		fcntl(fd, F_SETFD, flags | FD_CLOEXEC);
}

static void close_one(int fd)
{
	close(fd);
}

/* Where close_range(2) is missing (before Linux 5.11) or forbidden: what /proc lists, or every number
 * that there can be. */
static void do_each(int lowest, int highest, void (*act)(int fd))
{
	struct dirent *entry;
	DIR *fds = opendir("/proc/self/fd");
	struct rlimit limit;

	if (fds == NULL) {
		if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_max > TABLE_MAX)
			limit.rlim_max = TABLE_MAX;
		for (rlim_t fd = (rlim_t)lowest; fd < limit.rlim_max && fd <= (rlim_t)highest; fd++)
			act((int)fd);
		return;
	}
	while ((entry = readdir(fds)) != NULL) {
		char *end;
		long fd = strtol(entry->d_name, &end, 10);

		if (*end == '\0' && fd >= lowest && fd <= highest && fd != dirfd(fds))
			act((int)fd);
	}
	closedir(fds);
}

static int act_on_range(int lowest, int highest, unsigned flags)
{
#ifdef SYS_close_range
	return syscall(SYS_close_range, (unsigned)lowest,
		       highest == INT_MAX ? UINT_MAX : (unsigned)highest, flags) == 0;
#else
	return 0;
#endif
}

static int compare_numbers(const void *a, const void *b)
{
	int x = *(const int *)a, y = *(const int *)b;

	return (x > y) - (x < y);
}

/*
 * Whether that many, a message full at most, are proven to be open, with one system call instead of one each. A
 * message to nobody: the kernel looks its descriptors up before it looks for somebody to send it to
 * (unix_stream_sendmsg() of net/unix/af_unix.c), and says ENOTCONN only when it has found all of them.
 */
static int are_open(int nobody, const int *fds, size_t count)
{
	union {
		char buffer[CMSG_SPACE(sizeof(int) * FDPASS_MESSAGE_MAX)];
		struct cmsghdr align;
	} control;
	struct iovec vector = {.iov_base = (char[]){0}, .iov_len = 1};
	struct msghdr header = {
		.msg_iov = &vector,
		.msg_iovlen = 1,
		.msg_control = control.buffer,
		.msg_controllen = CMSG_SPACE(sizeof(int) * count),
	};

	memset(&control, 0, sizeof(control));
	control.align = (struct cmsghdr){
		.cmsg_len = CMSG_LEN(sizeof(int) * count),
		.cmsg_level = SOL_SOCKET,
		.cmsg_type = SCM_RIGHTS,
	};
	memcpy(CMSG_DATA(&control.align), fds, sizeof(int) * count);
	return sendmsg(nobody, &header, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 && errno == ENOTCONN;
}

/* A socket that is connected to nobody; on none of the numbers, or it would pass for what was meant. */
static int open_nobody(const int *fds, size_t count)
{
	int nobody = count < MANY ? -1 : socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	for (size_t i = 0; nobody >= 0 && i < count; i++) {
		if (fds[i] == nobody) {
			close(nobody);
			return -1;
		}
	}
	return nobody;
}

size_t cli_descriptors_first_closed(const int *fds, size_t count)
{
	int nobody = open_nobody(fds, count);
	size_t first = 0, end = 0;

	while (first == end && end < count) {
		end += count - end < FDPASS_MESSAGE_MAX ? count - end : FDPASS_MESSAGE_MAX;
		if (nobody >= 0 && are_open(nobody, fds + first, end - first))
			first = end;
		while (first < end && fcntl(fds[first], F_GETFD) >= 0)
			first++;
	}
	if (nobody >= 0)
		close(nobody);
	return first;
}

void cli_descriptors_sort(int *fds, size_t count)
{
	for (size_t i = 1; i < count; i++) {
		if (fds[i - 1] > fds[i]) {
			qsort(fds, count, sizeof(*fds), compare_numbers);
			return;
		}
	}
}

void cli_descriptors_close_others(int *kept, size_t count)
{
	int lowest = 0;

	cli_descriptors_sort(kept, count);
	for (size_t i = 0; i <= count; i++) {
		int highest = i < count ? kept[i] - 1 : INT_MAX;

		if (lowest <= highest && !act_on_range(lowest, highest, 0))
			do_each(lowest, highest, close_one);
		if (i < count && kept[i] >= lowest)
			lowest = kept[i] + 1;
	}
}

void cli_descriptors_keep_back(int lowest)
{
	if (!act_on_range(lowest, INT_MAX, CLOSE_RANGE_CLOEXEC))
		do_each(lowest, INT_MAX, keep_back);
}
