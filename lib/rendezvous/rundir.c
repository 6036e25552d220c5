/* SPDX-License-Identifier: MIT */
/* The directory of short names: made with mode 0700, and refused unless it is its user's alone. */
#include "rendezvous/rundir.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"

static int refuse(struct fdpass_error *error, const char *reason)
{
	return fdpass_error_text(error, FDPASS_STEP_RUNDIR, -EPERM, reason);
}

static int check(const struct stat *status, struct fdpass_error *error)
{
	if (S_ISLNK(status->st_mode))
		return refuse(error, "it is a symbolic link");
	if (!S_ISDIR(status->st_mode))
		return refuse(error, "it is not a directory");
	if (status->st_uid != geteuid())
		return refuse(error, "it belongs to another user");
	if ((status->st_mode & (S_IWGRP | S_IWOTH)) != 0)
		return refuse(error, "others may write to it");
	return 0;
}

/* A call that was given the path has failed. */
static int failed(int code, struct fdpass_error *error)
{
	return code == ENOTDIR ? refuse(error, "it is not a directory")
			       : fdpass_error_set(error, FDPASS_STEP_RUNDIR, -code);
}

static int check_path(const char *path, struct fdpass_error *error)
{
	struct stat status;

	return lstat(path, &status) < 0 ? failed(errno, error) : check(&status, error);
}

static int open_checked(const char *path, struct fdpass_error *error)
{
	fd_owned int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct stat status;
	int r;

	/* A link, or something else: that says which. */
	if (fd < 0 && (errno == ELOOP || errno == ENOTDIR)) {
		r = check_path(path, error);
		return r < 0 ? r : refuse(error, "it is not a directory");
	}
	if (fd < 0 || fstat(fd, &status) < 0)
		return failed(errno, error);
	r = check(&status, error);
	return r < 0 ? r : fd_give(&fd);
}

/* mkdir obeys the umask, which may have taken bits that we need ourselves. The directory just made is
 * taken by descriptor: in a parent that others can write to, its path may lead elsewhere by now. */
static void undo_umask(const char *path)
{
	fd_owned int fd = open(path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct stat status;

	if (fd < 0 || fstat(fd, &status) < 0 || status.st_uid != geteuid() ||
	    (status.st_mode & 0700) == 0700)
		return;
	fdpass_fd_chmod(fd, 0700);
}

int fdpass_rundir_open(const char *path, struct fdpass_error *error)
{
	int made = mkdir(path, 0700) == 0;
	int saved = errno;
	int fd;

	if (!made && saved != EEXIST && saved != EROFS && saved != EACCES)
		return fdpass_error_set(error, FDPASS_STEP_RUNDIR, -saved);
	if (made)
		undo_umask(path);
	fd = open_checked(path, error);
	/* Not there and not to be made: the reason is why it could not be made. */
	if (fd == -ENOENT && !made)
		return fdpass_error_set(error, FDPASS_STEP_RUNDIR, -saved);
	return fd;
}

int fdpass_rundir_check(const char *path, struct fdpass_error *error)
{
	struct fdpass_error failure;
	int r = check_path(path, &failure);

	if (r == 0 || r == -ENOENT)
		return 0;
	if (error != NULL)
		*error = failure;
	return r;
}
