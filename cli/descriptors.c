/* SPDX-License-Identifier: MIT */
/* Many descriptors at once: whether they are open, what is closed, and what no other program is to inherit. */
#include "cli/descriptors.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Linux 5.11 (linux/close_range.h, which musl's compiler does not find). */
#ifndef CLOSE_RANGE_CLOEXEC
#define CLOSE_RANGE_CLOEXEC (1U << 2)
#endif

/* From how many on it pays to ask the kernel for all at once, which takes two system calls. */
#define MANY 4

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

/* How many of `count` numbers from `first` on are open before one is not. */
static size_t count_open(int first, size_t count)
{
	size_t open = 0;
	int copy;

	/* A duplicate goes to the lowest free number that is not below `first`: behind them, if all are open. */
	if (count >= MANY && (copy = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, first)) >= 0) {
		close(copy);
		return (size_t)(copy - first) < count ? (size_t)(copy - first) : count;
	}
	while (open < count && fcntl(first + (int)open, F_GETFD) >= 0)
		open++;
	return open;
}

size_t cli_descriptors_first_closed(const int *fds, size_t count)
{
	for (size_t first = 0, end, open; first < count; first = end) {
		for (end = first + 1; end < count && fds[end] - 1 == fds[end - 1];)
			end++;
		open = count_open(fds[first], end - first);
		if (open < end - first)
			return first + open;
	}
	return count;
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
