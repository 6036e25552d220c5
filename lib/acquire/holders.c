/* SPDX-License-Identifier: MIT */
/* Looking through the processes in /proc for those that hold something. */
#include "acquire/holders.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "acquire/links.h"
#include "base/fd.h"

/* Parents are looked up one by one, while processes come and go: a bound, so that it ends. */
#define GENERATIONS_MAX 1024

static int by_number(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

int fdpass_holders_look(int proc, const struct fdpass_wanted *wanted)
{
	links_owned struct fdpass_links links = LINKS_INIT;
	int r = fdpass_links_read(proc, &links), found = 0;
	struct stat status;

	if (r < 0)
		return r;
	for (size_t i = 0; !found && i < links.count; i++) {
		uint64_t socket = links.list[i].socket;

		if (wanted->sought->match->kind == MATCH_FILE)
			found = socket == 0 &&
				fdpass_sought_fits_file(wanted->sought, &links,
							links.list[i].number, &status);
		else
			found = socket != 0 && bsearch(&socket, wanted->inodes, wanted->count,
						       sizeof(socket), by_number) != NULL;
	}
	return found;
}

static int append(struct fdpass_holders *holders, pid_t pid)
{
	pid_t *pids = realloc(holders->pids, (holders->count + 1) * sizeof(*pids));

	if (pids == NULL)
		return -ENOMEM;
	holders->pids = pids;
	holders->pids[holders->count++] = pid;
	return 0;
}

/* 1 when it holds it, 0 when not: what cannot be looked into, or has gone, is passed over. Or a negative errno. */
static int holds(int proc_root, const char *name, const struct fdpass_wanted *wanted)
{
	fd_owned int proc = openat(proc_root, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r = proc >= 0 ? fdpass_holders_look(proc, wanted) : -errno;

	return r > 0 || r == -EMFILE || r == -ENFILE || r == -ENOMEM ? r : 0;
}

static int look_at(int proc_root, const char *name, const struct fdpass_wanted *wanted,
		   struct fdpass_holders *holders)
{
	pid_t pid = (pid_t)atoi(name);
	int r = pid > 0 ? holds(proc_root, name, wanted) : 0;

	if (r <= 0)
		return r;
	if (pid == getpid()) {
		holders->own = 1;
		return 0;
	}
	return append(holders, pid);
}

int fdpass_holders_find(const struct fdpass_wanted *wanted, struct fdpass_holders *ret_holders)
{
	struct fdpass_holders holders = {NULL, 0, 0};
	DIR *proc = opendir("/proc");
	struct dirent *entry;
	int r = 0;

	if (proc == NULL)
		return -errno;
	/* An empty directory where nothing is mounted, or the processes of another PID namespace. */
	if (faccessat(dirfd(proc), "self", F_OK, 0) < 0)
		r = -ENOENT;
	while (r == 0 && (entry = readdir(proc)) != NULL)
		r = look_at(dirfd(proc), entry->d_name, wanted, &holders);
	closedir(proc);
	if (r < 0) {
		free(holders.pids);
		return r;
	}
	*ret_holders = holders;
	return 0;
}

int fdpass_holders_again(const struct fdpass_wanted *wanted, struct fdpass_holders *holders)
{
	size_t left = 0, before = holders->count;

	for (size_t i = 0; i < before; i++) {
		char path[32];
		int r;

		snprintf(path, sizeof(path), "/proc/%d", (int)holders->pids[i]);
		r = holds(AT_FDCWD, path, wanted);
		if (r < 0)
			return r;
		if (r > 0)
			holders->pids[left++] = holders->pids[i];
	}
	holders->count = left;
	return left < before;
}

static int read_proc(pid_t pid, const char *name, char *text, size_t size)
{
	fd_owned int fd = FD_NONE;
	char path[48];
	ssize_t length;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	length = fd >= 0 ? read(fd, text, size - 1) : -1;
	text[length > 0 ? length : 0] = '\0';
	return length > 0;
}

/* Field 4 of /proc/PID/stat; the name before it may contain anything, so it is found from its end. */
static pid_t parent_of(pid_t pid)
{
	char text[512], *end;
	int parent;

	if (!read_proc(pid, "stat", text, sizeof(text)))
		return 0;
	end = strrchr(text, ')');
	return end != NULL && sscanf(end, ") %*c %d", &parent) == 1 ? (pid_t)parent : 0;
}

static int is_ancestor(pid_t ancestor, pid_t pid)
{
	for (int i = 0; pid > 0 && pid != ancestor && i < GENERATIONS_MAX; i++)
		pid = parent_of(pid);
	return pid == ancestor;
}

pid_t fdpass_holders_first(const struct fdpass_holders *holders)
{
	pid_t first = holders->count > 0 ? holders->pids[0] : 0;

	/* An ancestor of all is one of whoever looks like it so far, so going through them once finds it. */
	for (size_t i = 1; i < holders->count; i++) {
		if (is_ancestor(holders->pids[i], first))
			first = holders->pids[i];
	}
	for (size_t i = 0; i < holders->count; i++) {
		if (!is_ancestor(first, holders->pids[i]))
			return 0;
	}
	return first;
}

void fdpass_holders_text(const struct fdpass_holders *holders, char *text, size_t size)
{
	static const char more[] = ", ...";
	size_t used = 0;

	text[0] = '\0';
	for (size_t i = 0; i < holders->count; i++) {
		char name[32], entry[64];
		size_t room = size - used - (i + 1 < holders->count ? sizeof(more) : 1), length;

		if (!read_proc(holders->pids[i], "comm", name, sizeof(name)))
			strcpy(name, "?");
		name[strcspn(name, "\n")] = '\0';
		length = (size_t)snprintf(entry, sizeof(entry), "%s%d (%s)", i > 0 ? ", " : "",
					  (int)holders->pids[i], name);
		if (length > room) {
			strcpy(text + used, more);
			return;
		}
		memcpy(text + used, entry, length + 1);
		used += length;
	}
}
