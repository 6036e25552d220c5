/* SPDX-License-Identifier: MIT */
/*
 * Sockets that do not block, for nginx.
 *
 * It accepts whenever its workers are woken, and makes only those sockets non-blocking that it opens itself.
 * With an inherited one that blocks, a worker that is woken for a connection which another has taken by then
 * waits for the next one in accept(2), and serves nobody meanwhile (measured with nginx 1.22: 8 workers were
 * found like that in 328 of 2400 looks; with `multi_accept on` at once, and all of them).
 */
#include "tools/fdrecv/nonblock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "cli/diagnostic.h"

/* nginx looks at what is no socket, says so, and leaves it alone; so is it here. */
static int is_socket(int fd)
{
	socklen_t size = sizeof(int);
	int type;

	return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0;
}

/* 1 when it was changed, 0 when there was nothing to change, or a negative errno. */
static int set_one(int fd)
{
	int flags;

	if (!is_socket(fd))
		return 0;
	flags = fcntl(fd, F_GETFL);
	if (flags < 0)
		return -errno;
	if ((flags & O_NONBLOCK) != 0)
		return 0;
	return fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 ? -errno : 1;
}

static int set_group(const struct reception *reception, size_t group, struct nonblock *changed)
{
	size_t count;
	const int *numbers = fdrecv_placement_of(&reception->placement, group, &count);

	for (size_t i = 0; i < count; i++) {
		int r = set_one(numbers[i]);

		if (r < 0)
			return r;
		if (r == 0)
			continue;
		changed->numbers[changed->count++] = numbers[i];
		cli_verbose("descriptor %d is non-blocking now, as --dialect %s wants it",
			    numbers[i], reception->request->dialect_word);
	}
	return 0;
}

int fdrecv_nonblock_set(const struct reception *reception, struct nonblock *changed)
{
	const struct request *request = reception->request;
	int r = 0;

	if (request->listen_count == 0 || request->dialect != FDPASS_DIALECT_NGINX)
		return 0;
	changed->numbers = calloc(reception->placement.count, sizeof(*changed->numbers));
	if (changed->numbers == NULL)
		return -ENOMEM;
	for (size_t i = 0; r == 0 && i < request->group_count; i++)
		if (request->groups[i].target == TARGET_LISTEN)
			r = set_group(reception, i, changed);
	if (r < 0)
		fdrecv_nonblock_undo(changed);
	return r;
}

/* 1 when it is a socket that blocks. */
static int blocks(int fd)
{
	int flags = is_socket(fd) ? fcntl(fd, F_GETFL) : -1;

	return flags >= 0 && (flags & O_NONBLOCK) == 0;
}

int fdrecv_nonblock_note(const struct reception *reception, struct nonblock *blocking)
{
	size_t count = 0;

	for (size_t i = 0; i < reception->request->group_count; i++)
		count += fdpass_set_count(reception->sets[i]);
	blocking->numbers = calloc(count + 1, sizeof(*blocking->numbers));
	if (blocking->numbers == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < reception->request->group_count; i++) {
		const struct fdpass_set *set = reception->sets[i];

		for (size_t j = 0;
		     reception->request->groups[i].origin >= 0 && j < fdpass_set_count(set); j++)
			if (blocks(fdpass_set_get(set, j)))
				blocking->numbers[blocking->count++] = fdpass_set_get(set, j);
	}
	return 0;
}

void fdrecv_nonblock_undo(struct nonblock *changed)
{
	for (size_t i = 0; i < changed->count; i++) {
		int flags = fcntl(changed->numbers[i], F_GETFL);

		if (flags >= 0)
			fcntl(changed->numbers[i], F_SETFL, flags & ~O_NONBLOCK);
	}
	free(changed->numbers);
	*changed = (struct nonblock)NONBLOCK_INIT;
}
