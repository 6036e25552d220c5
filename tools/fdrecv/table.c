/* SPDX-License-Identifier: MIT */
/* The table of open files: how large it may be, here and for the command, and what is in it. */
#include "tools/fdrecv/table.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

/* 0 to 2, which count as taken. */
#define STANDARD 3
/* Numbers that a command can count on to find free: its libraries are loaded through some of them. */
#define ROOM 64
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
	table->reached = 0;
	limit = table->inherited;
	if (!holds(table, highest, count))
		return -EMFILE;
	limit.rlim_cur = limit.rlim_max;
	if (limit.rlim_cur != table->inherited.rlim_cur && setrlimit(RLIMIT_NOFILE, &limit) < 0)
		return -errno;
	return fdrecv_table_reach(table, highest, count);
}

/*
 * The kernel grows the table when a high number is first used, and may have no memory then; better before a sender is
 * told that its descriptors are safe. It never shrinks. What is used is made for that: when a duplicate of a file is
 * closed, the record locks of the process on it are gone (fcntl(2)), and the command was to have them.
 */
static int grow(int highest)
{
	int own = eventfd(0, EFD_CLOEXEC), high, r = 0;

	if (own < 0)
		return -errno;
	high = fcntl(own, F_DUPFD_CLOEXEC, highest);
	if (high >= 0)
		close(high);
	else
		r = errno == EINVAL ? -EMFILE : -errno;
	close(own);
	return r;
}

int fdrecv_table_reach(struct table *table, int highest, size_t count)
{
	int r;

	if (!holds(table, highest, count))
		return -EMFILE;
	if (highest < ROOM || highest <= table->reached)
		return 0;
	r = grow(highest);
	if (r == 0)
		table->reached = highest;
	return r;
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
	/* Here it is the hard one. */
	if (limit.rlim_cur != limit.rlim_max && setrlimit(RLIMIT_NOFILE, &limit) < 0)
		return 0;
	return limit.rlim_cur;
}
