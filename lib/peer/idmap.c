/* SPDX-License-Identifier: MIT */
/* Which ids have a name in our user namespace: reading the kernel's maps, and judging them. */
#include "peer/idmap.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/types.h>
#include <unistd.h>

#include "base/fd.h"

/* UID_GID_MAP_MAX_EXTENTS in the kernel's include/linux/user_namespace.h: 340 since 4.15, 5 before. */
#define EXTENTS_MAX 340

/* "%10u %10u %10u\n", kernel/user_namespace.c. */
#define EXTENT_TEXT 33

/* DEFAULT_OVERFLOWUID and DEFAULT_OVERFLOWGID in the kernel's include/linux/highuid.h. */
#define OVERFLOW_DEFAULT 65534

/* Ids are 0 to 4294967294. */
#define IDS 0xFFFFFFFFU

struct extent {
	uint32_t first;
	uint32_t count;
};

/* Reads decimal digits at `*at`, after blanks. 0 on success, -EINVAL. */
static int read_number(const char **at, const char *end, uint32_t *ret_number)
{
	const char *p = *at;
	uint64_t number = 0;

	while (p < end && (*p == ' ' || *p == '\t'))
		p++;
	if (p == end || *p < '0' || *p > '9')
		return -EINVAL;
	while (p < end && *p >= '0' && *p <= '9') {
		number = 10 * number + (uint64_t)(*p++ - '0');
		if (number > UINT32_MAX)
			return -EINVAL;
	}
	*at = p;
	*ret_number = (uint32_t)number;
	return 0;
}

/* Blanks, then a newline or the end. */
static int read_line_end(const char **at, const char *end)
{
	const char *p = *at;

	while (p < end && (*p == ' ' || *p == '\t'))
		p++;
	if (p < end && *p++ != '\n')
		return -EINVAL;
	*at = p;
	return 0;
}

static int read_extent(const char **at, const char *end, struct extent *ret_extent)
{
	struct extent extent;
	uint32_t outside;

	/* "3 4": the number has to end at a blank, which the next one's first digit ensures. */
	if (read_number(at, end, &extent.first) < 0 || read_number(at, end, &outside) < 0 ||
	    read_number(at, end, &extent.count) < 0 || read_line_end(at, end) < 0)
		return -EINVAL;
	if (extent.count == 0 || extent.count > IDS - extent.first)
		return -EINVAL;
	*ret_extent = extent;
	return 0;
}

static int compare_extents(const void *a, const void *b)
{
	uint32_t x = ((const struct extent *)a)->first, y = ((const struct extent *)b)->first;

	return (x > y) - (x < y);
}

int fdpass_idmap_is_whole(const char *text, size_t length)
{
	struct extent extents[EXTENTS_MAX];
	const char *at = text, *end = text + length;
	size_t count = 0, i;
	uint32_t covered = 0;

	while (at < end) {
		if (count == EXTENTS_MAX || read_extent(&at, end, &extents[count]) < 0)
			return 0;
		count++;
	}
	qsort(extents, count, sizeof(extents[0]), compare_extents);
	for (i = 0; i < count && extents[i].first <= covered; i++)
		if (extents[i].first + extents[i].count > covered)
			covered = extents[i].first + extents[i].count;
	return covered == IDS;
}

uint32_t fdpass_idmap_number(const char *text, size_t length, uint32_t fallback)
{
	const char *at = text, *end = text + length;
	uint32_t number;

	if (read_number(&at, end, &number) < 0 || read_line_end(&at, end) < 0 || at != end)
		return fallback;
	return number;
}

/* All of a file in /proc. The length, or a negative errno; -EFBIG when it does not fit. */
static ssize_t read_file(const char *path, char *buffer, size_t room)
{
	fd_owned int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t length = 0;

	if (fd < 0)
		return -errno;
	while (length < room) {
		ssize_t n = read(fd, buffer + length, room - length);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return (ssize_t)length;
		length += (size_t)n;
	}
	return -EFBIG;
}

uint32_t fdpass_idmap_overflow(enum fdpass_idmap_kind kind)
{
	char text[16];
	ssize_t length = read_file(kind == FDPASS_IDMAP_USERS ? "/proc/sys/kernel/overflowuid"
							      : "/proc/sys/kernel/overflowgid",
				   text, sizeof(text));

	if (length < 0)
		return OVERFLOW_DEFAULT;
	return fdpass_idmap_number(text, (size_t)length, OVERFLOW_DEFAULT);
}

int fdpass_idmap_covers_all(enum fdpass_idmap_kind kind)
{
	char text[EXTENTS_MAX * EXTENT_TEXT + 1];
	ssize_t length =
		read_file(kind == FDPASS_IDMAP_USERS ? "/proc/self/uid_map" : "/proc/self/gid_map",
			  text, sizeof(text));

	if (length == -EMFILE || length == -ENFILE)
		return (int)length;
	return length > 0 && fdpass_idmap_is_whole(text, (size_t)length);
}
