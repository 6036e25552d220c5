/* SPDX-License-Identifier: MIT */
/* Many descriptors at once: what is closed, and what no other program is to inherit. */
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

void cli_descriptors_close_others(int *kept, size_t count)
{
	int lowest = 0;

	qsort(kept, count, sizeof(*kept), compare_numbers);
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
