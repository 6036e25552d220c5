/* SPDX-License-Identifier: MIT */
/*
 * Making a socket file that is whole, and that takes nobody's place.
 *
 * A hidden birth binds the socket under a temporary name, lets it listen there with its final mode, and
 * only then gives it its public name, by a rename that replaces nothing. So nobody ever sees a socket that
 * refuses. But getsockname(2) shows the temporary name for ever, and servers look for the address that they
 * are configured with. A birth in place therefore binds under the public name, which replaces nothing
 * either. What it costs: from bind to listen, some microseconds, who finds the name is refused.
 *
 * Either way nobody ever gets through to a socket with the wrong mode or owner. Whatever is removed is
 * removed under a lock of the directory, and everything but bind itself goes through one descriptor of it.
 */
#include "sockfile/birth.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
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
/* Linux 4.12: a descriptor (O_PATH) of the inode that a socket is bound to. <linux/un.h> has it, and cannot
 * be included beside <sys/un.h>. */
#ifndef SIOCUNIXFILE
#define SIOCUNIXFILE (SIOCPROTOPRIVATE + 0)
#endif

/* How often the name may change under our hands before we give up: somebody else keeps making it. */
#define PUBLISH_TRIES 64

/* One socket on its way to its public name. */
struct birth {
	const char *path; /* of the directory */
	const struct birth_options *options;
	struct fdpass_error *error;
	struct fdpass_listener *listener;
	int locked; /* 1 while we hold the directory's lock */
	const char
		*made; /* its name in the directory, once that is known to be its own; else NULL */
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

/* Looks at what bind made, which should have that name in the directory. */
static int recognise(struct birth *birth, const char *name)
{
	struct fdpass_listener *listener = birth->listener;

	if (fstatat(listener->directory, name, &listener->status, AT_SYMLINK_NOFOLLOW) < 0) {
		int code = errno;

		/* A name that nobody else can know is ours without a look. */
		if (name == birth->temporary)
			unlinkat(listener->directory, name, 0);
		return -code;
	}
	/* Somebody put another file in its place: that can only be in a directory of theirs. */
	if (!S_ISSOCK(listener->status.st_mode) || listener->status.st_uid != geteuid())
		return -EPERM;
	birth->made = name;
	return 0;
}

/* Gives it the owner and the mode that were asked for. */
static int settle(struct birth *birth)
{
	const struct birth_options *options = birth->options;
	struct fdpass_listener *listener = birth->listener;
	/* With CAP_NET_ADMIN, which root has, the kernel itself says which inode is the socket's. Without,
	 * another socket of this user, which the owner of the directory has put there, passes for it. */
	fd_owned int inode = ioctl(listener->socket, SIOCUNIXFILE);
	struct stat status;

	if (inode < 0)
		inode = openat(listener->directory, birth->made, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (inode < 0 || fstat(inode, &status) < 0)
		return -errno;
	if (status.st_dev != listener->status.st_dev || status.st_ino != listener->status.st_ino) {
		birth->made = NULL;
		return -ESTALE;
	}
	/* The owner first: changing it may take mode bits away again. */
	if ((options->owner != (uid_t)-1 || options->group != (gid_t)-1) &&
	    fchownat(inode, "", options->owner, options->group, AT_EMPTY_PATH) < 0)
		return -errno;
	/* The umask took part in bind. */
	return (status.st_mode & 07777) == options->mode ? 0
							 : fdpass_fd_chmod(inode, options->mode);
}

/* Binds it to that address, which is `name` in the directory: 0, -EADDRINUSE, ... */
static int bind_to(struct birth *birth, const struct sockaddr_un *un, int length, const char *name)
{
	/* fchmod before bind sets the mode that the inode is born with, less the umask; after bind it would
	 * change nothing. So it is never wider than it should be, not for an instant. Nobody connects to a
	 * stream before it listens, but a datagram socket takes messages as soon as it is bound: until it
	 * has its owner, it is nobody's. */
	mode_t mode = birth->options->backlog > 0 ? birth->options->mode : 0;
	int socket = birth->listener->socket;

	if (fchmod(socket, mode) < 0 ||
	    bind(socket, (const struct sockaddr *)un, (socklen_t)length) < 0)
		return -errno;
	return recognise(birth, name);
}

/* Makes what is bound ready to be used. */
static int finish(struct birth *birth)
{
	int backlog = birth->options->backlog;
	int r = settle(birth);

	if (r < 0)
		return fdpass_error_set(birth->error, FDPASS_STEP_BIND, r);
	if (backlog > 0 && listen(birth->listener->socket, backlog) < 0)
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
static int occupied(struct birth *birth, enum probe_result what)
{
	struct fdpass_peer holder = {0, (uid_t)-1, (gid_t)-1};

	if (what == PROBE_OTHER)
		return fdpass_error_set(birth->error, FDPASS_STEP_PUBLISH, -EEXIST);
	holder.pid = fdpass_holder_of_file(birth->listener->directory, birth->listener->name);
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
		return occupied(birth, what);
	r = fdpass_probe_unlink(directory, name, &status);
	if (r == 0 || r == -ENOENT || r == -ESTALE)
		return 0;
	return fdpass_error_set(birth->error, FDPASS_STEP_PUBLISH, r);
}

static int publish(struct birth *birth)
{
	struct fdpass_listener *listener = birth->listener;

	for (int i = 0; i < PUBLISH_TRIES; i++) {
		int r = rename_new(listener->directory, birth->made, listener->name);

		if (r == 0)
			return 0;
		if (r != -EEXIST)
			return fdpass_error_set(birth->error, FDPASS_STEP_PUBLISH, r);
		r = displace(birth);
		if (r < 0)
			return r;
	}
	return fdpass_error_set(birth->error, FDPASS_STEP_PUBLISH, -EADDRINUSE);
}

static int bear_hidden(struct birth *birth)
{
	struct sockaddr_un un;
	uint64_t random;
	int r;

	/* A socket that is just being bound looks like a left-over for an instant. */
	if (birth->locked)
		fdpass_sweep(birth->listener->directory, birth->path);
	if (getrandom(&random, sizeof(random), GRND_NONBLOCK) != (ssize_t)sizeof(random))
		random = (uint64_t)getpid() << 32 ^ (uint64_t)(uintptr_t)birth;
	snprintf(birth->temporary, sizeof(birth->temporary), SWEEP_PREFIX "%016jx",
		 (uintmax_t)random);
	r = fdpass_sockpath_in(birth->listener->directory, birth->path, birth->temporary, &un);
	if (r >= 0)
		r = bind_to(birth, &un, r, birth->temporary);
	if (r < 0)
		return fdpass_error_set(birth->error, FDPASS_STEP_BIND, r);
	r = finish(birth);
	return r < 0 ? r : publish(birth);
}

/* The lock, where it can be had, is also for those who look at the name at this moment: until bind has
 * come to its end they would take it for stale. */
static int bear_in_place(struct birth *birth, const struct sockaddr_un *un, int length)
{
	for (int i = 0; i < PUBLISH_TRIES; i++) {
		int r = bind_to(birth, un, length, birth->listener->name);

		if (r == 0)
			return finish(birth);
		/* bind(2) says so of whatever has the name, and looks behind no symbolic link. */
		if (r != -EADDRINUSE)
			return fdpass_error_set(birth->error, FDPASS_STEP_BIND, r);
		r = displace(birth);
		if (r < 0)
			return r;
	}
	return fdpass_error_set(birth->error, FDPASS_STEP_PUBLISH, -EADDRINUSE);
}

/* Removes what was made, if it is still that; a temporary name also when that cannot be seen any more. */
static void take_back(const struct birth *birth)
{
	int directory = birth->listener->directory;
	int r = fdpass_probe_unlink(directory, birth->made, &birth->listener->status);

	if (r < 0 && r != -ESTALE && birth->made == birth->temporary)
		unlinkat(directory, birth->made, 0);
}

int fdpass_birth(struct fdpass_listener *listener, int directory, const char *path,
		 const char *name, const struct birth_options *options, struct fdpass_error *error)
{
	struct birth birth = {
		.path = path, .options = options, .error = error, .listener = listener};
	struct sockaddr_un un;
	int length, r;

	listener->directory = directory;
	listener->name = strdup(name);
	if (listener->name == NULL)
		return fdpass_error_set(error, FDPASS_STEP_MEMORY, -ENOMEM);
	r = lock(&birth, LOCK_WAIT_SHORT);
	if (r == -ECANCELED || r == -ETIMEDOUT)
		return lock_failed(&birth, r);
	length = options->spelling != NULL ? fdpass_sockpath_plain(options->spelling, &un)
					   : -ENAMETOOLONG;
	r = length < 0 ? bear_hidden(&birth) : bear_in_place(&birth, &un, length);
	if (r == 0)
		listener->published = 1;
	else if (birth.made != NULL)
		take_back(&birth);
	if (birth.locked)
		fdpass_lock_release(directory);
	return r;
}
