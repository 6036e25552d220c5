/* SPDX-License-Identifier: MIT */
/* The table of open files: how large it may be, here and for the command, and what is in it. */
#include "tools/fdrecv/table.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Linux 5.11 (linux/close_range.h, which musl's compiler does not find). */
#ifndef CLOSE_RANGE_CLOEXEC
#define CLOSE_RANGE_CLOEXEC (1U << 2)
#endif

/* 0 to 2, which count as taken. */
#define STANDARD 3
/* Numbers that a command can count on to find free: its libraries are loaded through some of them. */
#define ROOM 64
/* The default of fs.nr_open (fs/file.c). */
#define TABLE_MAX 1048576
/* How far above the highest number its limit is when the inherited one has no room. */
#define ROOM_ABOVE 256

static int holds(const struct table *table, int highest, size_t count)
{
	rlim_t limit = table->inherited.rlim_max;

	return (highest < 0 || (rlim_t)highest < limit) && count + STANDARD <= limit;
}

int fdrecv_table_open(struct table *table, int highest, size_t count)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &table->inherited) < 0)
		return -errno;
	limit = table->inherited;
	if (!holds(table, highest, count))
		return -EMFILE;
	limit.rlim_cur = limit.rlim_max;
	if (limit.rlim_cur != table->inherited.rlim_cur && setrlimit(RLIMIT_NOFILE, &limit) < 0)
		return -errno;
	return fdrecv_table_reach(table, highest, count);
}

int fdrecv_table_reach(const struct table *table, int highest, size_t count)
{
	int fd;

	if (!holds(table, highest, count))
		return -EMFILE;
	/* The kernel grows the table when a high number is first used, and may have no memory then;
	 * better before a sender is told that its descriptors are safe. It never shrinks. */
	if (highest < ROOM)
		return 0;
	fd = fcntl(0, F_DUPFD_CLOEXEC, highest);
	if (fd < 0)
		return errno == EINVAL ? -EMFILE : -errno;
	close(fd);
	return 0;
}

int fdrecv_table_is_free(int fd)
{
	int flags = fcntl(fd, F_GETFD);

	return flags < 0 || (flags & FD_CLOEXEC) != 0;
}

rlim_t fdrecv_table_limit(const struct table *table, int highest, size_t free)
{
	rlim_t limit = (rlim_t)highest + ROOM_ABOVE;

	if (free >= ROOM)
		return table->inherited.rlim_cur;
	if (limit < table->inherited.rlim_cur)
		limit = table->inherited.rlim_cur;
	return limit < table->inherited.rlim_max ? limit : table->inherited.rlim_max;
}

/* How many numbers below `limit` the command will find free, counted up to ROOM. */
static size_t count_free(rlim_t limit)
{
	struct stat status;
	size_t free = 0;

	/* Linux 6.2 tells how many are open in all (fs/proc/fd.c); mostly that is answer enough. */
	if (stat("/proc/self/fd", &status) == 0 && status.st_size > 0 &&
	    (rlim_t)status.st_size + ROOM <= limit)
		return ROOM;
	for (rlim_t fd = 0; fd < limit && fd <= INT_MAX && free < ROOM; fd++)
		free += (size_t)fdrecv_table_is_free((int)fd);
	return free;
}

rlim_t fdrecv_table_restore(const struct table *table, int highest)
{
	struct rlimit limit = table->inherited;

	limit.rlim_cur = fdrecv_table_limit(table, highest, count_free(table->inherited.rlim_cur));
	return setrlimit(RLIMIT_NOFILE, &limit) < 0 ? 0 : limit.rlim_cur;
}

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

void fdrecv_table_close_others(const int *kept, size_t count)
{
	int lowest = 0;

	for (size_t i = 0; i <= count; i++) {
		int highest = i < count ? kept[i] - 1 : INT_MAX;

		if (lowest <= highest && !act_on_range(lowest, highest, 0))
			do_each(lowest, highest, close_one);
		if (i < count && kept[i] >= lowest)
			lowest = kept[i] + 1;
	}
}

void fdrecv_table_keep_back(int lowest)
{
	if (!act_on_range(lowest, INT_MAX, CLOSE_RANGE_CLOEXEC))
		do_each(lowest, INT_MAX, keep_back);
}
