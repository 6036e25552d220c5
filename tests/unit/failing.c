/* SPDX-License-Identifier: MIT */
/* The wrappers. tests/unit/meson.build has the list of them for the linker. */
#include "failing.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/types.h>
#include <time.h>

static enum failing_how way;
static unsigned left; /* calls until the one that fails; 0: none does */
/* Volatile: link-time optimisation knows that calloc() changes no variable, and does not know of the wrapper. */
static volatile int has_failed;
static const char *last = "";

void failing_begin(enum failing_how how, unsigned turn)
{
	way = how;
	left = turn;
	has_failed = 0;
}

int failing_end(void)
{
	left = 0;
	return has_failed;
}

const char *failing_last(void)
{
	return last;
}

/* Whether it is this call's turn; sets errno. */
static int fails(const char *name, int code, int can_be_interrupted)
{
	if (left == 0 || (way == FAILING_INTERRUPTED && !can_be_interrupted))
		return 0;
	if (--left > 0)
		return 0;
	has_failed = 1;
	last = name;
	errno = way == FAILING_INTERRUPTED ? EINTR : code;
	return 1;
}

#define WRAP_AS(RESULT, NAME, PARAMETERS, ARGUMENTS, FAILED, CODE, INTERRUPTED)                    \
	RESULT __real_##NAME PARAMETERS;                                                           \
	RESULT __wrap_##NAME PARAMETERS;                                                           \
	RESULT __wrap_##NAME PARAMETERS                                                            \
	{                                                                                          \
		return fails(#NAME, CODE, INTERRUPTED) ? FAILED : __real_##NAME ARGUMENTS;         \
	}
#define WRAP(NAME, PARAMETERS, ARGUMENTS, CODE)                                                    \
	WRAP_AS(int, NAME, PARAMETERS, ARGUMENTS, -1, CODE, 0)
#define WRAP_POINTER(RESULT, NAME, PARAMETERS, ARGUMENTS, CODE)                                    \
	WRAP_AS(RESULT, NAME, PARAMETERS, ARGUMENTS, NULL, CODE, 0)

/* What glibc's headers call NAME64 where file offsets have 64 bits. On a machine of 32 bits that is another function,
 * and NAME is called by nobody; other C libraries have no such names. */
#if defined(__GLIBC__) && !defined(__LP64__)
#define REAL_64(NAME) __real_##NAME##64
#else
#define REAL_64(NAME) __real_##NAME
#endif
#define WRAP_64(NAME, PARAMETERS, ARGUMENTS, CODE)                                                 \
	int REAL_64(NAME) PARAMETERS;                                                              \
	int __wrap_##NAME PARAMETERS;                                                              \
	int __wrap_##NAME PARAMETERS                                                               \
	{                                                                                          \
		return fails(#NAME, CODE, 0) ? -1 : REAL_64(NAME) ARGUMENTS;                       \
	}                                                                                          \
	int __wrap_##NAME##64 PARAMETERS;                                                          \
	int __wrap_##NAME##64 PARAMETERS                                                           \
	{                                                                                          \
		return __wrap_##NAME ARGUMENTS;                                                    \
	}

WRAP_POINTER(void *, malloc, (size_t size), (size), ENOMEM)
WRAP_POINTER(void *, calloc, (size_t count, size_t size), (count, size), ENOMEM)
WRAP_POINTER(void *, realloc, (void *block, size_t size), (block, size), ENOMEM)
WRAP_POINTER(char *, strdup, (const char *text), (text), ENOMEM)

WRAP_POINTER(char *, strndup, (const char *text, size_t size), (text, size), ENOMEM)

WRAP(socket, (int domain, int type, int protocol), (domain, type, protocol), EMFILE)
WRAP(bind, (int fd, const struct sockaddr *address, socklen_t size), (fd, address, size), EACCES)
WRAP(listen, (int fd, int backlog), (fd, backlog), EADDRINUSE)
WRAP(setsockopt, (int fd, int level, int name, const void *value, socklen_t size),
     (fd, level, name, value, size), ENOMEM)
WRAP(getsockopt, (int fd, int level, int name, void *value, socklen_t *size),
     (fd, level, name, value, size), ENOBUFS)
WRAP(getsockname, (int fd, struct sockaddr *address, socklen_t *size), (fd, address, size), ENOBUFS)
WRAP(getpeername, (int fd, struct sockaddr *address, socklen_t *size), (fd, address, size),
     ENOTCONN)
WRAP_AS(int, connect, (int fd, const struct sockaddr *address, socklen_t size), (fd, address, size),
	-1, ECONNREFUSED, 0)
WRAP_AS(int, accept4, (int fd, struct sockaddr *address, socklen_t *size, int flags),
	(fd, address, size, flags), -1, EMFILE, 1)
WRAP_AS(ssize_t, recvmsg, (int fd, struct msghdr *message, int flags), (fd, message, flags), -1,
	ENOMEM, 1)
WRAP_AS(ssize_t, recv, (int fd, void *bytes, size_t size, int flags), (fd, bytes, size, flags), -1,
	ENOMEM, 1)
/* Of files in /proc and of what does not block: neither is interrupted. */
WRAP_AS(ssize_t, read, (int fd, void *bytes, size_t size), (fd, bytes, size), -1, EIO, 0)

WRAP_AS(ssize_t, send, (int fd, const void *bytes, size_t size, int flags),
	(fd, bytes, size, flags), -1, ENOBUFS, 0)

WRAP(epoll_create1, (int flags), (flags), EMFILE)
WRAP(epoll_ctl, (int events, int what, int fd, struct epoll_event *event),
     (events, what, fd, event), ENOSPC)
WRAP_AS(int, epoll_wait, (int events, struct epoll_event *event, int most, int timeout),
	(events, event, most, timeout), -1, EINVAL, 0)
WRAP_AS(int, ppoll,
	(struct pollfd * polled, nfds_t count, const struct timespec *timeout,
	 const sigset_t *mask),
	(polled, count, timeout, mask), -1, ENOMEM, 1)
WRAP(inotify_init1, (int flags), (flags), EMFILE)
WRAP(inotify_add_watch, (int fd, const char *path, uint32_t mask), (fd, path, mask), ENOSPC)
WRAP(pipe2, (int ends[2], int flags), (ends, flags), EMFILE)

WRAP(fchmod, (int fd, mode_t mode), (fd, mode), EPERM)
WRAP(chmod, (const char *path, mode_t mode), (path, mode), EPERM)
WRAP(mkdir, (const char *path, mode_t mode), (path, mode), EACCES)
WRAP(flock, (int fd, int operation), (fd, operation), ENOLCK)
WRAP(linkat, (int from, const char *old, int to, const char *new, int flags),
     (from, old, to, new, flags), EACCES)
WRAP(renameat, (int from, const char *old, int to, const char *new), (from, old, to, new), EACCES)
WRAP(unlinkat, (int directory, const char *path, int flags), (directory, path, flags), EACCES)
WRAP_64(fstat, (int fd, struct stat *status), (fd, status), EIO)
WRAP_64(stat, (const char *path, struct stat *status), (path, status), EACCES)
WRAP_64(lstat, (const char *path, struct stat *status), (path, status), EACCES)
WRAP_64(fstatat, (int directory, const char *path, struct stat *status, int flags),
	(directory, path, status, flags), EACCES)
WRAP_64(fstatfs, (int fd, struct statfs *status), (fd, status), EIO)
WRAP_64(statfs, (const char *path, struct statfs *status), (path, status), EIO)
WRAP_64(getrlimit, (int which, struct rlimit *limit), (which, limit), EPERM)
WRAP_AS(ssize_t, readlinkat, (int directory, const char *path, char *text, size_t size),
	(directory, path, text, size), -1, EACCES, 0)
WRAP_POINTER(DIR *, fdopendir, (int fd), (fd), ENOMEM)
WRAP(dup2, (int from, int to), (from, to), EBUSY)
WRAP(dup3, (int from, int to, int flags), (from, to, flags), EBUSY)

/* Those that have one argument more, or none: it is passed on, whatever it is. */
#define WRAP_MORE(RESULT, NAME, REAL, PARAMETERS, ARGUMENTS, LAST, CODE)                           \
	RESULT REAL PARAMETERS;                                                                    \
	RESULT __wrap_##NAME PARAMETERS;                                                           \
	RESULT __wrap_##NAME PARAMETERS                                                            \
	{                                                                                          \
		va_list more;                                                                      \
		unsigned long a, b, c, d, e, f;                                                    \
                                                                                                   \
		va_start(more, LAST);                                                              \
		a = va_arg(more, unsigned long);                                                   \
		b = va_arg(more, unsigned long);                                                   \
		c = va_arg(more, unsigned long);                                                   \
		d = va_arg(more, unsigned long);                                                   \
		e = va_arg(more, unsigned long);                                                   \
		f = va_arg(more, unsigned long);                                                   \
		va_end(more);                                                                      \
		(void)b, (void)c, (void)d, (void)e, (void)f;                                       \
		return fails(#NAME, CODE, 0) ? -1 : REAL ARGUMENTS;                                \
	}
#define ALSO_64_MORE(NAME, PARAMETERS, ARGUMENTS, LAST)                                            \
	int __wrap_##NAME##64 PARAMETERS;                                                          \
	int __wrap_##NAME##64 PARAMETERS                                                           \
	{                                                                                          \
		unsigned long a;                                                                   \
		va_list more;                                                                      \
                                                                                                   \
		va_start(more, LAST);                                                              \
		a = va_arg(more, unsigned long);                                                   \
		va_end(more);                                                                      \
		return __wrap_##NAME ARGUMENTS;                                                    \
	}

WRAP_MORE(int, fcntl, REAL_64(fcntl), (int fd, int what, ...), (fd, what, a), what, EMFILE)
ALSO_64_MORE(fcntl, (int fd, int what, ...), (fd, what, a), what)
WRAP_MORE(int, open, REAL_64(open), (const char *path, int flags, ...), (path, flags, a), flags,
	  EMFILE)
ALSO_64_MORE(open, (const char *path, int flags, ...), (path, flags, a), flags)
WRAP_MORE(int, openat, REAL_64(openat), (int at, const char *path, int flags, ...),
	  (at, path, flags, a), flags, EMFILE)
ALSO_64_MORE(openat, (int at, const char *path, int flags, ...), (at, path, flags, a), flags)
WRAP_MORE(int, ioctl, __real_ioctl, (int fd, unsigned long what, ...), (fd, what, a), what, EIO)
WRAP_MORE(long, syscall, __real_syscall, (long number, ...), (number, a, b, c, d, e, f), number,
	  ENOMEM)
