/* SPDX-License-Identifier: MIT */
/*
 * Making a socket file so that nobody ever sees it unfinished.
 *
 * The socket is bound under a temporary name, listens there with its final mode, and only then gets its
 * public name, by a rename that replaces nothing. So nobody ever sees a socket that refuses, has the
 * wrong mode, or takes the place of a live one. Whatever is removed is removed under a lock of the
 * directory, and everything goes through one descriptor of it.
 */
#include "sockfile/birth.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"
#include "sockfile/holder.h"
#include "sockfile/lock.h"
#include "sockfile/probe.h"
#include "sockfile/sockpath.h"
#include "sockfile/sweep.h"

#ifndef RENAME_NOREPLACE
#define RENAME_NOREPLACE (1 << 0)
#endif

/* How often the name may change under our hands before we give up: somebody else keeps making it. */
#define PUBLISH_TRIES 64

/* One socket on its way from its temporary to its public name. */
struct birth {
	const char *path; /* of the directory */
	const struct birth_options *options;
	struct fdpass_error *error;
	struct fdpass_listener *listener;
	int locked; /* 1 while we hold the directory's lock */
	int bound;  /* 1 once the temporary name exists */
	char temporary[sizeof(SWEEP_PREFIX) + 16];
};

int fdpass_birth_directory(const char *path, struct fdpass_error *error)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	/* Search and write permission are enough to make a socket, though not to lock. */
	if (fd < 0 && errno == EACCES)
		fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? fdpass_error_set(error, FDPASS_STEP_DIRECTORY, -errno) : fd;
}

/* chmod(2) does not take an O_PATH descriptor. Linux 6.6 has a call that does; before that, the link of
 * the descriptor in /proc leads to the inode. */
static int change_mode(int inode, mode_t mode)
{
	char path[32];

#ifdef SYS_fchmodat2
	if (syscall(SYS_fchmodat2, inode, "", mode, AT_EMPTY_PATH) == 0)
		return 0;
#endif
	snprintf(path, sizeof(path), "/proc/self/fd/%d", inode);
	return chmod(path, mode) < 0 ? -errno : 0;
}

/* The umask took part in bind: give the inode the mode that was asked for. */
static int correct_mode(struct birth *birth)
{
	struct fdpass_listener *listener = birth->listener;
	fd_owned int inode =
		openat(listener->directory, birth->temporary, O_PATH | O_NOFOLLOW | O_CLOEXEC);

	if (inode < 0 || fstat(inode, &listener->status) < 0)
		return -errno;
	/* Somebody put another file in its place: that can only be in a directory that they rule. */
	if (!S_ISSOCK(listener->status.st_mode) || listener->status.st_uid != geteuid())
		return -EPERM;
	/* The owner first: changing it may take mode bits away again. */
	if ((birth->options->owner != (uid_t)-1 || birth->options->group != (gid_t)-1) &&
	    fchownat(inode, "", birth->options->owner, birth->options->group, AT_EMPTY_PATH) < 0)
		return -errno;
	if ((listener->status.st_mode & 07777) == birth->options->mode)
		return 0;
	return change_mode(inode, birth->options->mode);
}

static int bind_temporary(struct birth *birth)
{
	struct fdpass_listener *listener = birth->listener;
	struct sockaddr_un un;
	uint64_t random;
	int length, r;

	/* fchmod before bind sets the mode that the inode is born with, less the umask: it is never
	 * wider than it should be, not for an instant. After bind it would change nothing. */
	if (fchmod(listener->socket, birth->options->mode) < 0)
		return fdpass_error_set(birth->error, FDPASS_STEP_SOCKET, -errno);
	if (getrandom(&random, sizeof(random), GRND_NONBLOCK) != (ssize_t)sizeof(random))
		random = (uint64_t)getpid() << 32 ^ (uint64_t)(uintptr_t)listener;
	snprintf(birth->temporary, sizeof(birth->temporary), SWEEP_PREFIX "%016jx",
		 (uintmax_t)random);
	length = fdpass_sockpath_in(listener->directory, birth->path, birth->temporary, &un);
	if (length < 0)
		return fdpass_error_set(birth->error, FDPASS_STEP_BIND, length);
	if (bind(listener->socket, (struct sockaddr *)&un, (socklen_t)length) < 0)
		return fdpass_error_set(birth->error, FDPASS_STEP_BIND, -errno);
	birth->bound = 1;
	r = correct_mode(birth);
	if (r < 0)
		return fdpass_error_set(birth->error, FDPASS_STEP_BIND, r);
	if (birth->options->backlog > 0 && listen(listener->socket, birth->options->backlog) < 0)
		return fdpass_error_set(birth->error, FDPASS_STEP_LISTEN, -errno);
	return 0;
}

/* Renames without replacing: 0, -EEXIST, ... */
static int rename_new(int directory, const char *from, const char *to)
{
	/* Not renameat2(): musl has it only since 1.2.5. */
	if (syscall(SYS_renameat2, directory, from, directory, to, RENAME_NOREPLACE) == 0)
		return 0;
	if (errno != EINVAL && errno != ENOSYS)
		return -errno;
	/* A file system without that flag. A link does not replace either. */
	if (linkat(directory, from, directory, to, 0) < 0)
		return -errno;
	unlinkat(directory, from, 0);
	return 0;
}

/* Takes the directory's lock, within `most` nanoseconds. */
static int lock(struct birth *birth, int64_t most)
{
	int r = fdpass_lock_wait(birth->listener->directory, birth->options->wait, most);

	birth->locked = r == 0;
	return r;
}

static int lock_failed(struct birth *birth, int code)
{
	return fdpass_error_text(birth->error,
				 code == -ECANCELED || code == -ETIMEDOUT ? FDPASS_STEP_WAIT
									  : FDPASS_STEP_LOCK,
				 code, "lock");
}

/* Something live has the name, or something else. */
static int occupied(struct birth *birth, enum probe_result what, const struct stat *status)
{
	struct fdpass_peer holder = {0, (uid_t)-1, (gid_t)-1};

	if (what == PROBE_OTHER)
		return fdpass_error_set(birth->error, FDPASS_STEP_PUBLISH, -EEXIST);
	holder.pid = fdpass_holder_of_inode(status);
	return fdpass_error_peer(birth->error, FDPASS_STEP_PUBLISH, -EADDRINUSE, &holder);
}

/* Something has the name: removes it if it is a stale socket. 0: try again. */
static int displace(struct birth *birth)
{
	int directory = birth->listener->directory;
	const char *path = birth->path;
	const char *name = birth->listener->name;
	struct stat status = {0};
	enum probe_result what = fdpass_probe(directory, path, name, &status);
	int r;

	if (what == PROBE_STALE && !birth->locked) {
		r = lock(birth, LOCK_WAIT_MAX);
		if (r < 0)
			return lock_failed(birth, r);
		/* It may have been replaced before we had the lock. */
		what = fdpass_probe(directory, path, name, &status);
	}
	if (what == PROBE_GONE)
		return 0;
	if (what != PROBE_STALE)
		return occupied(birth, what, &status);
	r = fdpass_probe_unlink(directory, name, &status);
	if (r == 0 || r == -ENOENT || r == -ESTALE)
		return 0;
	return fdpass_error_set(birth->error, FDPASS_STEP_PUBLISH, r);
}

static int publish(struct birth *birth)
{
	struct fdpass_listener *listener = birth->listener;

	for (int i = 0; i < PUBLISH_TRIES; i++) {
		int r = rename_new(listener->directory, birth->temporary, birth->listener->name);

		if (r == 0) {
			listener->published = 1;
			return 0;
		}
		if (r != -EEXIST)
			return fdpass_error_set(birth->error, FDPASS_STEP_PUBLISH, r);
		r = displace(birth);
		if (r < 0)
			return r;
	}
	return fdpass_error_set(birth->error, FDPASS_STEP_PUBLISH, -EADDRINUSE);
}

int fdpass_birth(struct fdpass_listener *listener, int directory, const char *path,
		 const char *name, const struct birth_options *options, struct fdpass_error *error)
{
	struct birth birth = {
		.path = path, .options = options, .error = error, .listener = listener};
	int r;

	listener->directory = directory;
	listener->name = strdup(name);
	if (listener->name == NULL)
		return fdpass_error_set(error, FDPASS_STEP_MEMORY, -ENOMEM);
	r = lock(&birth, LOCK_WAIT_SHORT);
	if (r == -ECANCELED || r == -ETIMEDOUT)
		return lock_failed(&birth, r);
	if (r == 0)
		fdpass_sweep(directory, path);
	r = bind_temporary(&birth);
	if (r == 0)
		r = publish(&birth);
	if (r < 0 && birth.bound)
		unlinkat(directory, birth.temporary, 0);
	if (birth.locked)
		fdpass_lock_release(directory);
	return r;
}
