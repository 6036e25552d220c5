/* SPDX-License-Identifier: MIT */
/* What another process is doing: whether it is stopped, and whether it is on its way out. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "acquire/pidref.h"
#include "acquire/status.h"
#include "base/fd.h"
#include "base/process.h"

/* One thread: 1 when it does not run, 0 when it may. One that has gone meanwhile does not. */
static int is_at_rest(int tasks, const char *name)
{
	fd_owned int task = openat(tasks, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct fdpass_status status;
	int r = task >= 0 ? fdpass_status_read(task, &status) : -errno;

	if (r < 0)
		return r == -ENOENT || r == -ESRCH ? 1 : r;
	return strchr("TtZX", status.state) != NULL;
}

int fdpass_pidref_is_stopped(const struct fdpass_pidref *ref)
{
	struct dirent *entry;
	int fd, r = 1;
	DIR *tasks;

	if (ref->proc < 0)
		return ref->proc;
	fd = openat(ref->proc, "task", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? -ESRCH : -errno;
	tasks = fdopendir(fd);
	if (tasks == NULL) {
		r = errno == ENOENT ? -ESRCH : -errno;
		fdpass_fd_close(fd);
		return r;
	}
	while (r > 0 && (entry = readdir(tasks)) != NULL) {
		if (entry->d_name[0] != '.')
			r = is_at_rest(dirfd(tasks), entry->d_name);
	}
	closedir(tasks);
	return fdpass_pidref_has_ended(ref) ? -ESRCH : r;
}

int fdpass_pidref_is_ending(const struct fdpass_pidref *ref)
{
	struct process_stat stat;
	int r;

	if (fdpass_pidref_has_ended(ref))
		return 1;
	if (ref->proc < 0)
		return ref->proc;
	r = fdpass_process_stat(ref->proc, &stat);
	if (r < 0)
		return r == -ESRCH ? 1 : r;
	if ((stat.flags & PROCESS_EXITING) != 0)
		return 1;
	/* Its threads are on their way out, too, but the flag is set when its core has been written, which takes
	 * seconds where it is large. */
	return fdpass_status_is_dumping(ref->proc);
}
