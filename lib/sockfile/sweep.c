/* SPDX-License-Identifier: MIT */
/* Removing what killed receivers left behind. */
#include "sockfile/sweep.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "sockfile/probe.h"

/* How many names of a directory to look at, and how many left-overs among them. */
#define SWEEP_NAMES 65536
#define SWEEP_LEFTOVERS 256

/* A socket under a temporary name, of this user: what a receiver left behind when it was killed. Others'
 * are not even probed. */
static void sweep_one(int directory, const char *path, const char *name)
{
	struct stat status;

	if (fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
	    status.st_uid == geteuid() &&
	    fdpass_probe(directory, path, name, &status) == PROBE_STALE &&
	    status.st_uid == geteuid())
		fdpass_probe_unlink(directory, name, &status);
}

void fdpass_sweep(int directory, const char *path)
{
	int again = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *names = again < 0 ? NULL : fdopendir(again);
	int seen = 0, found = 0;
	struct dirent *entry;

	if (names == NULL) {
		fdpass_fd_close(again);
		return;
	}
	while (seen++ < SWEEP_NAMES && found < SWEEP_LEFTOVERS &&
	       (entry = readdir(names)) != NULL) {
		if (strncmp(entry->d_name, SWEEP_PREFIX, strlen(SWEEP_PREFIX)) != 0)
			continue;
		found++;
		sweep_one(directory, path, entry->d_name);
	}
	closedir(names);
}
