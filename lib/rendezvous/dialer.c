/* SPDX-License-Identifier: MIT */
/*
 * Connecting to an address, and waiting for somebody to listen there.
 *
 * What is awaited is a listener, not a file. The kernel tells when names change (inotify), and for
 * abstract names, where it has nothing, a receiver of ours does. What neither tells, such as a foreign
 * receiver that binds first and listens later, is found by trying again after pauses that grow to a
 * bound.
 */
#include "rendezvous/dialer.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/deadline.h"
#include "base/error.h"
#include "base/fd.h"
#include "base/socket.h"
#include "rendezvous/companion.h"
#include "rendezvous/rundir.h"
#include "sockfile/sockpath.h"

void fdpass_dialer_init(struct dialer *dialer, const struct fdpass_address *address)
{
	*dialer = (struct dialer){
		.address = address,
		.socket = FD_NONE,
		.watch = WATCH_INIT,
		.companion = FD_NONE,
		.unannounced = {.first = NSEC_PER_MSEC, .most = NSEC_PER_SEC},
		.announced = {.first = NSEC_PER_SEC, .most = 30 * NSEC_PER_SEC},
		.poked = {.first = NSEC_PER_MSEC, .most = 100 * NSEC_PER_MSEC},
	};
}

/* The address for connect. A path that does not fit goes through a descriptor of the socket file,
 * which `*ret_inode` then holds until connect was called. */
static int connect_address(const struct fdpass_address *address, struct sockaddr_un *un,
			   int *ret_inode)
{
	if (address->kind == FDPASS_ADDRESS_ABSTRACT)
		return (int)fdpass_address_abstract(address, un);
	return fdpass_sockpath_to(address->text, un, ret_inode);
}

/* A connection that the program inherited: it stays where it is, and a duplicate serves. */
static int take_connected(int fd, struct fdpass_error *error)
{
	int r = fdpass_socket_check_connected(fd);
	int taken = r < 0 ? r : fcntl(fd, F_DUPFD_CLOEXEC, 0);

	if (r == 0 && taken < 0)
		taken = -errno;
	return taken < 0 ? fdpass_error_set(error, FDPASS_STEP_CONNECT, taken) : taken;
}

/* A socket that is not connected yet. It outlasts a try that fails, so that the next one, for which somebody
 * may be waiting, has it already. */
static int prepare_socket(struct dialer *dialer, struct fdpass_error *error)
{
	fd_owned int fd = FD_NONE;

	if (dialer->socket >= 0)
		return 0;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return fdpass_error_set(error, FDPASS_STEP_SOCKET, -errno);
	/* No descriptor is expected from the other end. Before connecting, so that a stranger who
	 * listens there cannot leave any in our queue. */
	fdpass_socket_refuse_descriptors(fd);
	if (dialer->pidfds == SOCKET_PIDFDS_ON) {
		int r = fdpass_socket_pidfds(fd, SOCKET_PIDFDS_ON);

		if (r < 0)
			return fdpass_error_text(error, FDPASS_STEP_START, r, "kernel");
	}
	dialer->socket = fd_give(&fd);
	return 0;
}

int fdpass_dialer_try(struct dialer *dialer, struct fdpass_error *error)
{
	fd_owned int inode = FD_NONE;
	struct sockaddr_un un;
	int length, r = 0;

	if (dialer->address->kind == FDPASS_ADDRESS_CONNECTED)
		return take_connected(dialer->address->fd, error);
	if (dialer->address->is_private)
		r = fdpass_rundir_check(dialer->address->directory, error);
	if (r == 0)
		r = prepare_socket(dialer, error);
	if (r < 0)
		return r;
	length = connect_address(dialer->address, &un, &inode);
	if (length < 0)
		return fdpass_error_set(error, FDPASS_STEP_CONNECT, length);
	if (connect(dialer->socket, (struct sockaddr *)&un, (socklen_t)length) < 0)
		return fdpass_error_set(error, FDPASS_STEP_CONNECT, -errno);
	return fd_give(&dialer->socket);
}

int fdpass_dialer_can_wait(const struct dialer *dialer, int code)
{
	if (dialer->address->kind == FDPASS_ADDRESS_CONNECTED)
		return 0;
	switch (code) {
	case -ENOENT:       /* no such name, or no such directory */
	case -ENOTDIR:      /* a file where a directory may come */
	case -ECONNREFUSED: /* stale, no socket at all, or not listening yet */
	case -EACCES:       /* permissions may change, and so may who made it */
	case -EAGAIN:       /* it listens, and its backlog is full */
	case -EPROTOTYPE:   /* a socket of another type */
	case -ELOOP:
		return 1;
	default:
		return 0;
	}
}

/* A path: its events. */
static void arm_path(struct dialer *dialer, int code)
{
	int state = fdpass_watch_arm(&dialer->watch, dialer->address->text);
	int absent = code == -ENOENT || code == -ENOTDIR;
	int announced = (state & WATCH_COMPLETE) != 0 && absent && !dialer->muted;
	struct fdpass_pause *pause = announced ? &dialer->announced : &dialer->unannounced;

	dialer->muted = 0;
	dialer->resume = (state & WATCH_CHANGED) != 0 ? 0 : fdpass_pause_next(pause);
}

static int path_is_due(struct dialer *dialer)
{
	int r = dialer->muted ? 0 : fdpass_watch_drain(&dialer->watch);

	if (r > 0) {
		pause_restart(&dialer->unannounced);
		pause_restart(&dialer->announced);
		return 1;
	}
	/* It stays readable, and tells nothing: a pause has to do, and a shorter one. */
	if (r < 0) {
		int64_t soon = fdpass_pause_next(&dialer->unannounced);

		dialer->muted = 1;
		if (soon < dialer->resume)
			dialer->resume = soon;
	}
	return fdpass_deadline_now() >= dialer->resume;
}

/* An abstract name: pokes. */
static void arm_abstract(struct dialer *dialer)
{
	dialer->muted = 0;
	dialer->resume = 0;
	if (dialer->armed) {
		dialer->resume = fdpass_pause_next(&dialer->unannounced);
		return;
	}
	/* It may have come before it could poke us: at once. */
	dialer->armed = 1;
	dialer->companion = fdpass_companion_open(dialer->address->name);
}

static int abstract_is_due(struct dialer *dialer)
{
	/* Anybody can poke. The first is believed at once, those that follow it at a bounded rate. */
	if (!dialer->muted && fdpass_companion_drain(dialer->companion)) {
		int is_first = dialer->poked.next == 0;
		int64_t pause = fdpass_pause_next(&dialer->poked);

		if (is_first)
			return 1;
		dialer->muted = 1;
		dialer->resume = pause;
	}
	if (fdpass_deadline_now() < dialer->resume)
		return 0;
	if (!dialer->muted)
		pause_restart(&dialer->poked);
	return 1;
}

void fdpass_dialer_arm(struct dialer *dialer, int code)
{
	if (dialer->address->kind == FDPASS_ADDRESS_ABSTRACT)
		arm_abstract(dialer);
	else
		arm_path(dialer, code);
}

int fdpass_dialer_is_due(struct dialer *dialer)
{
	return dialer->address->kind == FDPASS_ADDRESS_ABSTRACT ? abstract_is_due(dialer)
								: path_is_due(dialer);
}

struct interest fdpass_dialer_interest(const struct dialer *dialer)
{
	int fd = dialer->address->kind == FDPASS_ADDRESS_ABSTRACT ? dialer->companion
								  : dialer->watch.inotify;

	return (struct interest){dialer->muted ? FD_NONE : fd, POLLIN, dialer->resume};
}

void fdpass_dialer_end(struct dialer *dialer)
{
	dialer->socket = fdpass_fd_close(dialer->socket);
	fdpass_watch_end(&dialer->watch);
	dialer->companion = fdpass_fd_close(dialer->companion);
}
