/* SPDX-License-Identifier: MIT */
/* Reading what a process has open. What vanishes meanwhile is left out. */
#include "acquire/links.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"

#define ROOM_FIRST 64
#define SOCKET_LINK "socket:["

static int append(struct fdpass_links *links, size_t *room, const struct fdpass_link *link)
{
	if (links->count == *room) {
		size_t wanted = *room > 0 ? 2 * *room : ROOM_FIRST;
		struct fdpass_link *list = realloc(links->list, wanted * sizeof(*list));

		if (list == NULL)
			return -ENOMEM;
		links->list = list;
		*room = wanted;
	}
	links->list[links->count++] = *link;
	return 0;
}

static int by_number(const void *a, const void *b)
{
	const struct fdpass_link *x = a, *y = b;

	return (x->number > y->number) - (x->number < y->number);
}

int fdpass_links_text(const struct fdpass_links *links, int number, char *text, size_t size)
{
	char name[16];
	ssize_t length;

	snprintf(name, sizeof(name), "%d", number);
	length = readlinkat(dirfd(links->directory), name, text, size - 1);
	if (length < 0)
		return -errno;
	text[length] = '\0';
	return (int)length;
}

static int read_links(struct fdpass_links *links)
{
	size_t room = 0;
	struct dirent *entry;
	int failed;

	for (errno = 0; (entry = readdir(links->directory)) != NULL; errno = 0) {
		struct fdpass_link link = {.number = atoi(entry->d_name)};
		char text[64];
		int r;

		if (entry->d_name[0] == '.')
			continue;
		r = fdpass_links_text(links, link.number, text, sizeof(text));
		if (r == -ENOENT)
			continue;
		if (r < 0)
			return r;
		if (strncmp(text, SOCKET_LINK, strlen(SOCKET_LINK)) == 0)
			link.socket = strtoull(text + strlen(SOCKET_LINK), NULL, 10);
		r = append(links, &room, &link);
		if (r < 0)
			return r;
	}
	failed = -errno;
	if (links->count > 0)
		qsort(links->list, links->count, sizeof(*links->list), by_number);
	return failed;
}

int fdpass_links_read(int proc, struct fdpass_links *ret_links)
{
	struct fdpass_links links = LINKS_INIT;
	int fd = openat(proc, "fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r;

	if (fd < 0)
		return -errno;
	links.directory = fdopendir(fd);
	if (links.directory == NULL) {
		/* Also ENOENT: it looks at the directory, whose process may have gone (fs/proc/fd.c). */
		r = -errno;
		fdpass_fd_close(fd);
		return r;
	}
	r = read_links(&links);
	if (r < 0) {
		fdpass_links_free(&links);
		return r;
	}
	*ret_links = links;
	return 0;
}

void fdpass_links_free(struct fdpass_links *links)
{
	if (links->directory != NULL)
		closedir(links->directory);
	free(links->list);
	*links = (struct fdpass_links)LINKS_INIT;
}
