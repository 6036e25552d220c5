/* SPDX-License-Identifier: MIT */
/*
 * A listening socket at an address.
 *
 * A path socket is bound under a temporary name, listens there with its final mode, and only then gets
 * its public name, by a rename that replaces nothing. So nobody ever sees a socket that refuses, has
 * the wrong mode, or takes the place of a live one. Whatever is removed is removed under a lock of the
 * directory, and everything goes through one descriptor of it.
 */
#include "rendezvous/listener.h"

#include <dirent.h>
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
#include "rendezvous/address.h"
#include "rendezvous/companion.h"
#include "rendezvous/holder.h"
#include "rendezvous/lock.h"
#include "rendezvous/probe.h"
#include "rendezvous/rundir.h"
#include "rendezvous/sockpath.h"

#ifndef RENAME_NOREPLACE
#define RENAME_NOREPLACE (1 << 0)
#endif

/* How often the name may change under our hands before we give up: somebody else keeps making it. */
#define PUBLISH_TRIES 64

/* How many names of a directory to look at for leftovers, and how many of those. */
#define SWEEP_NAMES 65536
#define SWEEP_LEFTOVERS 256

struct fdpass_listener {
	int socket;
	int directory;      /* of a path socket, else FD_NONE */
	char *name;         /* in that directory */
	int published;      /* 1 while the name is this socket's */
	struct stat status; /* of the socket's inode */
};

/* One path socket on its way from its temporary to its public name. */
struct birth {
	const struct fdpass_address *address;
	const struct fdpass_listen_options *options;
	struct fdpass_error *error;
	struct fdpass_listener *listener;
	int locked; /* 1 while we hold the directory's lock */
	int bound;  /* 1 once the temporary name exists */
	char temporary[sizeof(ADDRESS_TEMPORARY_PREFIX) + 16];
};

static int open_directory(const struct fdpass_address *address, struct fdpass_error *error)
{
	int fd;

	if (address->is_private)
		return fdpass_rundir_open(address->directory, error);
	fd = open(address->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	/* Search and write permission are enough to make a socket, though not to lock. */
	if (fd < 0 && errno == EACCES)
		fd = open(address->directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? fdpass_error_set(error, FDPASS_STEP_DIRECTORY, -errno) : fd;
}

static int make_socket(struct fdpass_error *error)
{
	fd_owned int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int on = 1;

	/* Before it listens, so that it holds for whoever connects first: a connection inherits it. */
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) < 0)
		return fdpass_error_set(error, FDPASS_STEP_SOCKET, -errno);
	return fd_give(&fd);
}

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

/* Removes what is left over. Under the lock, since a socket that is just being bound looks like that for
 * an instant; and bounded, since others may fill the directory. */
static void sweep(int directory, const char *path)
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
		if (strncmp(entry->d_name, ADDRESS_TEMPORARY_PREFIX,
			    strlen(ADDRESS_TEMPORARY_PREFIX)) != 0)
			continue;
		found++;
		sweep_one(directory, path, entry->d_name);
	}
	closedir(names);
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
	snprintf(birth->temporary, sizeof(birth->temporary), ADDRESS_TEMPORARY_PREFIX "%016jx",
		 (uintmax_t)random);
	length = fdpass_sockpath_in(listener->directory, birth->address->directory,
				    birth->temporary, &un);
	if (length < 0)
		return fdpass_error_set(birth->error, FDPASS_STEP_BIND, length);
	if (bind(listener->socket, (struct sockaddr *)&un, (socklen_t)length) < 0)
		return fdpass_error_set(birth->error, FDPASS_STEP_BIND, -errno);
	birth->bound = 1;
	r = correct_mode(birth);
	if (r < 0)
		return fdpass_error_set(birth->error, FDPASS_STEP_BIND, r);
	if (listen(listener->socket, birth->options->backlog) < 0)
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
	const char *path = birth->address->directory;
	const char *name = birth->address->name;
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
		int r = rename_new(listener->directory, birth->temporary, birth->address->name);

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

static int open_path(const struct fdpass_address *address,
		     const struct fdpass_listen_options *options, struct fdpass_listener *listener,
		     struct fdpass_error *error)
{
	struct birth birth = {
		.address = address, .options = options, .error = error, .listener = listener};
	int r;

	listener->directory = open_directory(address, error);
	if (listener->directory < 0)
		return listener->directory;
	listener->name = strdup(address->name);
	if (listener->name == NULL)
		return fdpass_error_set(error, FDPASS_STEP_MEMORY, -ENOMEM);
	r = lock(&birth, LOCK_WAIT_SHORT);
	if (r == -ECANCELED || r == -ETIMEDOUT)
		return lock_failed(&birth, r);
	if (r == 0)
		sweep(listener->directory, address->directory);
	r = bind_temporary(&birth);
	if (r == 0)
		r = publish(&birth);
	if (r < 0 && birth.bound)
		unlinkat(listener->directory, birth.temporary, 0);
	if (birth.locked)
		fdpass_lock_release(listener->directory);
	return r;
}

static int open_abstract(const struct fdpass_address *address,
			 const struct fdpass_listen_options *options,
			 struct fdpass_listener *listener, struct fdpass_error *error)
{
	struct fdpass_peer holder = {0, (uid_t)-1, (gid_t)-1};
	struct sockaddr_un un;
	socklen_t length = fdpass_address_abstract(address, &un);

	if (bind(listener->socket, (struct sockaddr *)&un, length) < 0) {
		if (errno != EADDRINUSE)
			return fdpass_error_set(error, FDPASS_STEP_BIND, -errno);
		holder.pid = fdpass_holder_of_abstract(address->name);
		return fdpass_error_peer(error, FDPASS_STEP_BIND, -EADDRINUSE, &holder);
	}
	if (listen(listener->socket, options->backlog) < 0)
		return fdpass_error_set(error, FDPASS_STEP_LISTEN, -errno);
	fdpass_companion_poke(address->name);
	return 0;
}

int fdpass_listener_open(const struct fdpass_address *address,
			 const struct fdpass_listen_options *options,
			 struct fdpass_listener **ret_listener, struct fdpass_error *error)
{
	static const struct fdpass_listen_options usual = FDPASS_LISTEN_OPTIONS_INIT;
	struct fdpass_listener *listener;
	int r;

	if (options == NULL)
		options = &usual;
	if (options->size != sizeof(*options) || options->mode > 0777 || options->backlog < 1)
		return fdpass_error_set(error, FDPASS_STEP_ADDRESS, -EINVAL);
	listener = calloc(1, sizeof(*listener));
	if (listener == NULL)
		return fdpass_error_set(error, FDPASS_STEP_MEMORY, -ENOMEM);
	listener->directory = FD_NONE;
	listener->socket = make_socket(error);
	if (listener->socket < 0)
		r = listener->socket;
	else if (address->kind == FDPASS_ADDRESS_ABSTRACT)
		r = open_abstract(address, options, listener, error);
	else
		r = open_path(address, options, listener, error);
	if (r < 0) {
		fdpass_listener_close(listener);
		return r;
	}
	*ret_listener = listener;
	return 0;
}

int fdpass_listener_fd(const struct fdpass_listener *listener)
{
	return listener->socket;
}

void fdpass_listener_withdraw(struct fdpass_listener *listener)
{
	int locked;

	if (!listener->published)
		return;
	/* While it listens, no receiver of ours takes the name for stale: the lock only keeps them
	 * from looking at it in this very moment, so there is no need to wait for it. */
	locked = fdpass_lock_try(listener->directory) == 0;
	fdpass_probe_unlink(listener->directory, listener->name, &listener->status);
	if (locked)
		fdpass_lock_release(listener->directory);
	listener->published = 0;
}

struct fdpass_listener *fdpass_listener_close(struct fdpass_listener *listener)
{
	if (listener == NULL)
		return NULL;
	fdpass_listener_withdraw(listener);
	fdpass_fd_close(listener->socket);
	fdpass_fd_close(listener->directory);
	free(listener->name);
	free(listener);
	return NULL;
}
