/* SPDX-License-Identifier: MIT */
/* An ordered list of descriptors that knows which of them it has to close. */
#include "base/set.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/discard.h"
#include "base/fd.h"

#define SET_ROOM_FIRST 16

/* A message full, and the one more that the padding behind an odd number has room for. */
#define SET_MESSAGE_ROOM (FDPASS_MESSAGE_MAX + 1)

/* One allocation holds the numbers, side by side, and behind them one ownership byte for each. Names
 * are rare, so that only who gives one pays for them. */
struct fdpass_set {
	int *fds;
	unsigned char *owned;
	size_t count;
	size_t room;
	char **names; /* NULL where there is none */
	size_t name_room;
	char *block; /* in which many of them may stand */
	size_t block_size;
};

int fdpass_set_new(struct fdpass_set **ret_set)
{
	struct fdpass_set *set = calloc(1, sizeof(*set));

	if (set == NULL)
		return -ENOMEM;
	*ret_set = set;
	return 0;
}

struct fdpass_set *fdpass_set_free(struct fdpass_set *set)
{
	if (set != NULL) {
		fdpass_set_truncate(set, 0);
		free(set->names);
		free(set->block);
		free(set->fds);
		free(set);
	}
	return NULL;
}

/* Room for `extra` more; at most for `most` altogether. */
static int reserve(struct fdpass_set *set, size_t extra, size_t most)
{
	size_t needed, room;
	int *fds;

	if (extra <= set->room - set->count)
		return 0;
	if (set->count > most || extra > most - set->count)
		return -EMFILE;
	needed = set->count + extra;
	room = set->room > 0 ? 2 * set->room : SET_ROOM_FIRST;
	if (room < needed)
		room = needed;
	if (room > most)
		room = most;
	fds = realloc(set->fds, room * (sizeof(*set->fds) + sizeof(*set->owned)));
	if (fds == NULL)
		return -ENOMEM;
	/* The ownership bytes are where they were; their place is now farther up. */
	set->owned = (unsigned char *)(fds + room);
	memmove(set->owned, fds + set->room, set->count);
	set->fds = fds;
	set->room = room;
	return 0;
}

int fdpass_set_reserve(struct fdpass_set *set, size_t extra)
{
	return reserve(set, extra, FDPASS_HANDOVER_MAX);
}

int fdpass_set_reserve_message(struct fdpass_set *set)
{
	return reserve(set, SET_MESSAGE_ROOM, FDPASS_HANDOVER_MAX + SET_MESSAGE_ROOM);
}

static void append(struct fdpass_set *set, int fd, unsigned char owned)
{
	set->fds[set->count] = fd;
	set->owned[set->count] = owned;
	set->count++;
}

int fdpass_set_take(struct fdpass_set *set, int fd)
{
	int r;

	if (fd < 0)
		return -EBADF;
	r = fdpass_set_reserve(set, 1);
	if (r < 0)
		return r;
	append(set, fd, 1);
	return 0;
}

int fdpass_set_take_many(struct fdpass_set *set, const int *fds, size_t count)
{
	size_t i;
	int r;

	for (i = 0; i < count; i++)
		if (fds[i] < 0)
			return -EBADF;
	r = fdpass_set_reserve(set, count);
	if (r < 0)
		return r;
	if (count > 0) {
		memcpy(set->fds + set->count, fds, count * sizeof(*fds));
		memset(set->owned + set->count, 1, count);
		set->count += count;
	}
	return 0;
}

int fdpass_set_dup(struct fdpass_set *set, int fd)
{
	int r, copy;

	r = fdpass_set_reserve(set, 1);
	if (r < 0)
		return r;
	copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (copy < 0)
		return -errno;
	append(set, copy, 1);
	return 0;
}

int fdpass_set_borrow(struct fdpass_set *set, int fd)
{
	int r;

	if (!fdpass_fd_is_open(fd))
		return -EBADF;
	r = fdpass_set_reserve(set, 1);
	if (r < 0)
		return r;
	append(set, fd, 0);
	return 0;
}

size_t fdpass_set_count(const struct fdpass_set *set)
{
	return set->count;
}

const int *fdpass_set_numbers(const struct fdpass_set *set)
{
	return set->count > 0 ? set->fds : NULL;
}

int fdpass_set_get(const struct fdpass_set *set, size_t index)
{
	return index < set->count ? set->fds[index] : FD_NONE;
}

int fdpass_set_steal(struct fdpass_set *set, size_t index)
{
	if (index >= set->count)
		return FD_NONE;
	set->owned[index] = 0;
	return fd_give(&set->fds[index]);
}

int fdpass_name_check(const char *name)
{
	size_t length = 0;

	for (; name[length] != '\0'; length++) {
		unsigned char c = (unsigned char)name[length];

		if (length == FDPASS_NAME_MAX || c < 0x20 || c >= 0x7f || c == ':')
			return -EINVAL;
	}
	return length > 0 ? 0 : -EINVAL;
}

const char *fdpass_set_name(const struct fdpass_set *set, size_t index)
{
	return index < set->count && index < set->name_room ? set->names[index] : NULL;
}

int fdpass_set_has_names(const struct fdpass_set *set)
{
	for (size_t i = 0; i < set->count && i < set->name_room; i++) {
		if (set->names[i] != NULL)
			return 1;
	}
	return 0;
}

/* Frees a name, unless it stands in the block. */
static void free_name(const struct fdpass_set *set, char *name)
{
	uintptr_t at = (uintptr_t)name, first = (uintptr_t)set->block;

	if (at < first || at - first >= set->block_size)
		free(name);
}

void fdpass_set_adopt_names(struct fdpass_set *set, char **names, char *block, size_t size)
{
	for (size_t i = 0; i < set->name_room; i++)
		free_name(set, set->names[i]);
	free(set->names);
	free(set->block);
	set->names = names;
	set->name_room = set->count;
	set->block = block;
	set->block_size = size;
}

int fdpass_set_rename(struct fdpass_set *set, size_t index, const char *name)
{
	char *copy = NULL;

	if (index >= set->count)
		return -EBADF;
	if (name != NULL && fdpass_name_check(name) < 0)
		return -EINVAL;
	if (name == NULL && index >= set->name_room)
		return 0;
	if (index >= set->name_room) {
		char **grown = realloc(set->names, set->room * sizeof(*grown));

		if (grown == NULL)
			return -ENOMEM;
		memset(grown + set->name_room, 0, (set->room - set->name_room) * sizeof(*grown));
		set->names = grown;
		set->name_room = set->room;
	}
	if (name != NULL) {
		copy = strdup(name);
		if (copy == NULL)
			return -ENOMEM;
	}
	free_name(set, set->names[index]);
	set->names[index] = copy;
	return 0;
}

static void forget_names(struct fdpass_set *set, size_t count)
{
	for (size_t i = count; i < set->count && i < set->name_room; i++) {
		free_name(set, set->names[i]);
		set->names[i] = NULL;
	}
}

void fdpass_set_close_run(int first, int last)
{
	int fd;

#ifdef SYS_close_range
	/* Linux 5.9. By number, because glibc before 2.34 and musl have no function for it. If it
	 * fails it has closed nothing: ENOSYS, or EPERM from a container's seccomp filter. */
	if (last > first) {
		int saved = errno;
		long r = syscall(SYS_close_range, (unsigned)first, (unsigned)last, 0U);

		errno = saved;
		if (r == 0)
			return;
	}
#endif
	for (fd = first; fd < last; fd++)
		fdpass_fd_close(fd);
	fdpass_fd_close(last);
}

void fdpass_set_truncate(struct fdpass_set *set, size_t count)
{
	size_t first, last;

	forget_names(set, count);
	/* What was received is nearly always a few ascending runs: recvmsg(2) takes the lowest free
	 * numbers, in order. */
	for (first = count; first < set->count; first = last + 1) {
		last = first;
		if (!set->owned[first])
			continue;
		while (last + 1 < set->count && set->owned[last + 1] &&
		       set->fds[last + 1] - 1 == set->fds[last])
			last++;
		fdpass_set_close_run(set->fds[first], set->fds[last]);
	}
	if (count < set->count)
		set->count = count;
}

void fdpass_set_discard(struct fdpass_set *set, size_t count)
{
	forget_names(set, count);
	/* What is borrowed stays open; the places go with the set's end. */
	for (size_t i = count; i < set->count; i++) {
		if (!set->owned[i])
			set->fds[i] = FD_NONE;
	}
	if (count < set->count) {
		fdpass_discard(set->fds + count, set->count - count);
		set->count = count;
	}
}
