/* SPDX-License-Identifier: MIT */
/*
 * The table of calls that can fail, each with the errors that it may plausibly have, the likeliest first. EPERM is
 * also what a seccomp filter says. EPIPE, ECONNRESET, and EAGAIN of recvmsg(2) and sendmsg(2) are left out: they are
 * news, which is believed until there is an event.
 *
 * meson.build reads the names that the linker needs from the lines that begin with WRAP.
 */
#include "failing.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#include "turns.h"

#define ERRORS(...) ((const int[]){__VA_ARGS__, 0})
#define MAKES EMFILE, ENFILE, ENOMEM, EPERM
#define FILES EACCES, EIO, ENOMEM, ENOENT, EPERM
#define CHANGES EACCES, EROFS, EPERM
#define NAMES ENOSPC, EEXIST, EINVAL, EACCES, EROFS, EPERM
#define OPENS EMFILE, EACCES, ENOENT, ENFILE, ENOMEM, EINTR, EIO, EPERM
#define OPTIONS ENOPROTOOPT, ENOBUFS, EPERM
#define SENDS ENOBUFS, EAGAIN, EINTR, ENOMEM, EPERM
#define RECEIVES TURNS_EINTR, ENOMEM, EPERM
#define WAITS TURNS_EINTR, ENOMEM, EPERM

/* A call that is not made when it fails: its result is FAILED then, in which `code` is the error. */
#define WRAP(NAME, RESULT, PARAMETERS, ARGUMENTS, FAILED, ...)                                     \
	RESULT __real_##NAME PARAMETERS;                                                           \
	RESULT __wrap_##NAME PARAMETERS;                                                           \
	RESULT __wrap_##NAME PARAMETERS                                                            \
	{                                                                                          \
		int code = turns_take(#NAME, ERRORS(__VA_ARGS__));                                 \
                                                                                                   \
		errno = code != 0 ? code : errno;                                                  \
		return code != 0 ? FAILED : __real_##NAME ARGUMENTS;                               \
	}

/* What glibc's headers call NAME64 where file offsets have 64 bits. On a machine of 32 bits that is another function,
 * and NAME is called by nobody; other C libraries have no such names. */
#if defined(__GLIBC__) && !defined(__LP64__)
#define REAL_64(NAME) __real_##NAME##64
#else
#define REAL_64(NAME) __real_##NAME
#endif
#define WRAP_64(NAME, RESULT, PARAMETERS, ARGUMENTS, FAILED, ...)                                  \
	RESULT REAL_64(NAME) PARAMETERS;                                                           \
	RESULT __wrap_##NAME PARAMETERS;                                                           \
	RESULT __wrap_##NAME PARAMETERS                                                            \
	{                                                                                          \
		int code = turns_take(#NAME, ERRORS(__VA_ARGS__));                                 \
                                                                                                   \
		errno = code != 0 ? code : errno;                                                  \
		return code != 0 ? FAILED : REAL_64(NAME) ARGUMENTS;                               \
	}                                                                                          \
	RESULT __wrap_##NAME##64 PARAMETERS;                                                       \
	RESULT __wrap_##NAME##64 PARAMETERS                                                        \
	{                                                                                          \
		return __wrap_##NAME ARGUMENTS;                                                    \
	}

/* --------------------------------------------------------------------------------------- memory -- */

WRAP(malloc, void *, (size_t size), (size), NULL, ENOMEM)
WRAP(calloc, void *, (size_t count, size_t size), (count, size), NULL, ENOMEM)
WRAP(realloc, void *, (void *block, size_t size), (block, size), NULL, ENOMEM)
WRAP_64(mmap, void *, (void *place, size_t size, int protection, int flags, int fd, off_t offset),
	(place, size, protection, flags, fd, offset), MAP_FAILED, ENOMEM, EPERM)
WRAP(strdup, char *, (const char *text), (text), NULL, ENOMEM)
WRAP(strndup, char *, (const char *text, size_t size), (text, size), NULL, ENOMEM)
WRAP(fdopen, FILE *, (int fd, const char *mode), (fd, mode), NULL, ENOMEM)
WRAP(__getdelim, ssize_t, (char **line, size_t *room, int end, FILE *stream),
     (line, room, end, stream), -1, ENOMEM, EIO)
WRAP(pthread_create, int,
     (pthread_t * thread, const pthread_attr_t *attributes, void *(*run)(void *), void *context),
     (thread, attributes, run, context), code, EAGAIN, EPERM)
WRAP(vasprintf, int, (char **text, const char *format, va_list words), (text, format, words), -1,
     ENOMEM)

/* -------------------------------------------------------------------------------------- sockets -- */

WRAP(socket, int, (int domain, int type, int protocol), (domain, type, protocol), -1, MAKES)
WRAP(bind, int, (int fd, const struct sockaddr *address, socklen_t size), (fd, address, size), -1,
     EADDRINUSE, ENOSPC, EACCES, EROFS, ENOMEM, EPERM)
WRAP(listen, int, (int fd, int backlog), (fd, backlog), -1, EADDRINUSE, ENOMEM, EPERM)
WRAP(connect, int, (int fd, const struct sockaddr *address, socklen_t size), (fd, address, size),
     -1, ECONNREFUSED, EINTR, EAGAIN, EACCES, ENOMEM, ENOENT, EPERM)
WRAP(accept4, int, (int fd, struct sockaddr *address, socklen_t *size, int flags),
     (fd, address, size, flags), -1, EMFILE, ECONNABORTED, TURNS_EINTR, ENFILE, ENOMEM, EPERM)
WRAP(shutdown, int, (int fd, int how), (fd, how), -1, ENOBUFS, EPERM)
WRAP(setsockopt, int, (int fd, int level, int name, const void *value, socklen_t size),
     (fd, level, name, value, size), -1, OPTIONS)
WRAP(getsockopt, int, (int fd, int level, int name, void *value, socklen_t *size),
     (fd, level, name, value, size), -1, OPTIONS)
WRAP(getsockname, int, (int fd, struct sockaddr *address, socklen_t *size), (fd, address, size), -1,
     ENOBUFS, EPERM)
WRAP(getpeername, int, (int fd, struct sockaddr *address, socklen_t *size), (fd, address, size), -1,
     ENOBUFS, EPERM)
WRAP(getaddrinfo, int,
     (const char *host, const char *service, const struct addrinfo *hints, struct addrinfo **list),
     (host, service, hints, list), code, EAI_AGAIN, EAI_MEMORY, EAI_FAIL, EAI_NONAME)

/* What moves bytes may also move fewer of them: see turns_size(). */
WRAP(send, ssize_t, (int fd, const void *bytes, size_t size, int flags),
     (fd, bytes, turns_size("send", fd, size, TURNS_PIECE), flags), -1, SENDS)
WRAP(recv, ssize_t, (int fd, void *bytes, size_t size, int flags),
     (fd, bytes, turns_size("recv", fd, size, TURNS_BYTE), flags), -1, RECEIVES)
WRAP(read, ssize_t, (int fd, void *bytes, size_t size),
     (fd, bytes, turns_size("read", fd, size, TURNS_BYTE)), -1, EIO, EINTR, EPERM)

/* The header itself stays in place, since the kernel writes into it. */
#define WRAP_MESSAGE(NAME, REAL, DIRECTION, ...)                                                   \
	ssize_t __wrap_##NAME(int fd, struct msghdr *message, int flags);                          \
	ssize_t __wrap_##NAME(int fd, struct msghdr *message, int flags)                           \
	{                                                                                          \
		int code = turns_take(#NAME, ERRORS(__VA_ARGS__));                                 \
		struct iovec *whole = message->msg_iov;                                            \
		const size_t pieces = message->msg_iovlen;                                         \
		struct iovec less;                                                                 \
		ssize_t r = -1;                                                                    \
                                                                                                   \
		if (code == 0 && pieces > 0) {                                                     \
			less = *whole;                                                             \
			less.iov_len = turns_size(#NAME, fd, less.iov_len, DIRECTION);             \
			if (less.iov_len < whole->iov_len)                                         \
				message->msg_iov = &less, message->msg_iovlen = 1;                 \
		}                                                                                  \
		errno = code != 0 ? code : errno;                                                  \
		r = code != 0 ? -1 : REAL(fd, message, flags);                                     \
		message->msg_iov = whole;                                                          \
		message->msg_iovlen = pieces;                                                      \
		return r;                                                                          \
	}
ssize_t __real_recvmsg(int fd, struct msghdr *message, int flags);
WRAP_MESSAGE(recvmsg, __real_recvmsg, TURNS_PIECE, RECEIVES)
/* By its number, as the library does: musl's own cannot send 253 descriptors. */
long __real_syscall(long number, ...);
#define SENDMSG(...) __real_syscall(SYS_sendmsg, __VA_ARGS__)
WRAP_MESSAGE(sendmsg, SENDMSG, TURNS_PIECE, ENOBUFS, TURNS_EINTR, ETOOMANYREFS, ENOMEM, EPERM)

/* -------------------------------------------------------------------------------------- waiting -- */

WRAP(epoll_create1, int, (int flags), (flags), -1, MAKES)
WRAP(epoll_ctl, int, (int events, int what, int fd, struct epoll_event *event),
     (events, what, fd, event), -1, ENOMEM, ENOSPC, EPERM)
WRAP(epoll_wait, int, (int events, struct epoll_event *event, int most, int timeout),
     (events, event, most, timeout), -1, WAITS)
WRAP(poll, int, (struct pollfd * polled, nfds_t count, int timeout), (polled, count, timeout), -1,
     WAITS)
WRAP(ppoll, int,
     (struct pollfd * polled, nfds_t count, const struct timespec *timeout, const sigset_t *mask),
     (polled, count, timeout, mask), -1, WAITS)
WRAP(inotify_init1, int, (int flags), (flags), -1, MAKES)
WRAP(inotify_add_watch, int, (int fd, const char *path, uint32_t mask), (fd, path, mask), -1,
     ENOSPC, EACCES, ENOMEM, EPERM)
WRAP(waitpid, pid_t, (pid_t child, int *status, int options), (child, status, options), -1,
     TURNS_EINTR)

/* -------------------------------------------------------------------------------------- files -- */

WRAP(pipe2, int, (int ends[2], int flags), (ends, flags), -1, MAKES)
WRAP(dup3, int, (int from, int to, int flags), (from, to, flags), -1, EBUSY, EINTR, EMFILE, EPERM)
WRAP(flock, int, (int fd, int operation), (fd, operation), -1, ENOLCK, EWOULDBLOCK, EINTR, EPERM)
WRAP(mkdir, int, (const char *path, mode_t mode), (path, mode), -1, ENOSPC, CHANGES)
WRAP(chmod, int, (const char *path, mode_t mode), (path, mode), -1, CHANGES)
WRAP(fchmod, int, (int fd, mode_t mode), (fd, mode), -1, CHANGES)
WRAP(fchownat, int, (int at, const char *path, uid_t user, gid_t group, int flags),
     (at, path, user, group, flags), -1, CHANGES)
WRAP(linkat, int, (int from, const char *old, int to, const char *new, int flags),
     (from, old, to, new, flags), -1, NAMES)
WRAP(unlinkat, int, (int directory, const char *path, int flags), (directory, path, flags), -1,
     EBUSY, CHANGES)
WRAP(access, int, (const char *path, int mode), (path, mode), -1, FILES)
WRAP(faccessat, int, (int directory, const char *path, int mode, int flags),
     (directory, path, mode, flags), -1, FILES)
WRAP_64(fstat, int, (int fd, struct stat *status), (fd, status), -1, FILES)
WRAP_64(stat, int, (const char *path, struct stat *status), (path, status), -1, FILES)
WRAP_64(lstat, int, (const char *path, struct stat *status), (path, status), -1, FILES)
WRAP_64(fstatat, int, (int directory, const char *path, struct stat *status, int flags),
	(directory, path, status, flags), -1, FILES)
WRAP_64(fstatfs, int, (int fd, struct statfs *status), (fd, status), -1, FILES)
WRAP_64(statfs, int, (const char *path, struct statfs *status), (path, status), -1, FILES)
WRAP(readlink, ssize_t, (const char *path, char *text, size_t size), (path, text, size), -1, FILES)
WRAP(readlinkat, ssize_t, (int directory, const char *path, char *text, size_t size),
     (directory, path, text, size), -1, FILES)
WRAP(realpath, char *, (const char *path, char *whole), (path, whole), NULL, FILES)
WRAP(getxattr, ssize_t, (const char *path, const char *name, void *value, size_t size),
     (path, name, value, size), -1, ENOTSUP, FILES)
WRAP(opendir, DIR *, (const char *path), (path), NULL, MAKES, ENOENT)
WRAP(fdopendir, DIR *, (int fd), (fd), NULL, ENOMEM)
WRAP_64(readdir, struct dirent *, (DIR * directory), (directory), NULL, EIO, ENOENT)
WRAP_64(getrlimit, int, (int which, struct rlimit *limit), (which, limit), -1, EPERM)
WRAP(getrandom, ssize_t, (void *bytes, size_t size, unsigned flags), (bytes, size, flags), -1,
     EAGAIN, ENOSYS)

/* The number is free whatever it says, close(2). */
#define WRAP_CLOSE(NAME, ...)                                                                      \
	int __real_##NAME(int fd);                                                                 \
	int __wrap_##NAME(int fd);                                                                 \
	int __wrap_##NAME(int fd)                                                                  \
	{                                                                                          \
		int r = __real_##NAME(fd), code = turns_take(#NAME, ERRORS(__VA_ARGS__));          \
                                                                                                   \
		errno = code != 0 ? code : errno;                                                  \
		return code != 0 ? -1 : r;                                                         \
	}
WRAP_CLOSE(close, TURNS_EINTR, EIO)

/* ------------------------------------------------------------------------- with more arguments -- */

/* One argument more, or none: it is passed on, whatever it is. */
#define MORE_OF(LAST)                                                                              \
	unsigned long more;                                                                        \
	va_list list;                                                                              \
                                                                                                   \
	va_start(list, LAST);                                                                      \
	more = va_arg(list, unsigned long);                                                        \
	va_end(list);
#define WRAP_MORE_AS(NAME, REAL, CAN_FAIL, PARAMETERS, ARGUMENTS, LAST, ...)                       \
	int REAL PARAMETERS;                                                                       \
	int __wrap_##NAME PARAMETERS;                                                              \
	int __wrap_##NAME PARAMETERS                                                               \
	{                                                                                          \
		int code = CAN_FAIL ? turns_take(#NAME, ERRORS(__VA_ARGS__)) : 0;                  \
		MORE_OF(LAST)                                                                      \
		errno = code != 0 ? code : errno;                                                  \
		return code != 0 ? -1 : REAL ARGUMENTS;                                            \
	}
#define WRAP_MORE(NAME, CAN_FAIL, PARAMETERS, ARGUMENTS, LAST, ...)                                \
	WRAP_MORE_AS(NAME, __real_##NAME, CAN_FAIL, PARAMETERS, ARGUMENTS, LAST, __VA_ARGS__)
#define WRAP_MORE_64(NAME, CAN_FAIL, PARAMETERS, ARGUMENTS, LAST, ...)                             \
	WRAP_MORE_AS(NAME, REAL_64(NAME), CAN_FAIL, PARAMETERS, ARGUMENTS, LAST, __VA_ARGS__)      \
	int __wrap_##NAME##64 PARAMETERS;                                                          \
	int __wrap_##NAME##64 PARAMETERS                                                           \
	{                                                                                          \
		MORE_OF(LAST)                                                                      \
		return __wrap_##NAME ARGUMENTS;                                                    \
	}

/* Nothing else can fail of a descriptor that is open. */
WRAP_MORE_64(fcntl, (what == F_DUPFD_CLOEXEC || what == F_SETFL), (int fd, int what, ...),
	     (fd, what, more), what, EMFILE, EIO, EPERM)
WRAP_MORE_64(open, 1, (const char *path, int flags, ...), (path, flags, more), flags, OPENS)
WRAP_MORE_64(openat, 1, (int at, const char *path, int flags, ...), (at, path, flags, more), flags,
	     OPENS)
WRAP_MORE(ioctl, 1, (int fd, unsigned long what, ...), (fd, what, more), what, ENOTTY, ENOMEM,
	  EPERM)

/* It ends in vasprintf(), which is wrapped. */
#define WRAP_WORDS(NAME)                                                                           \
	int __wrap_##NAME(char **text, const char *format, ...);                                   \
	int __wrap_##NAME(char **text, const char *format, ...)                                    \
	{                                                                                          \
		va_list words;                                                                     \
		int r;                                                                             \
                                                                                                   \
		va_start(words, format);                                                           \
		r = __wrap_vasprintf(text, format, words);                                         \
		va_end(words);                                                                     \
		return r;                                                                          \
	}
WRAP_WORDS(asprintf)

/* What has no function of its own in every C library. */
static const struct number {
	long number;
	const char *name;
	const int *errors;
} numbers[] = {
	{SYS_pidfd_open, "pidfd_open", ERRORS(ENOSYS, MAKES)},
	{SYS_pidfd_getfd, "pidfd_getfd", ERRORS(ENOSYS, MAKES)},
	{SYS_pidfd_send_signal, "pidfd_send_signal", ERRORS(ENOSYS, EPERM)},
	{SYS_renameat2, "renameat2", ERRORS(NAMES)},
	{SYS_clone, "clone", ERRORS(EAGAIN, ENOMEM, EPERM)},
	{0, "another system call", ERRORS(ENOSYS, EPERM)}, /* fchmodat2, close_range */
};

/* Six arguments or fewer: they are passed on, whatever they are. */
#define WRAP_NUMBER(NAME)                                                                          \
	long __wrap_##NAME(long number, ...);                                                      \
	long __wrap_##NAME(long number, ...)                                                       \
	{                                                                                          \
		const struct number *called = numbers;                                             \
		unsigned long more[6];                                                             \
		va_list list;                                                                      \
		int code;                                                                          \
                                                                                                   \
		va_start(list, number);                                                            \
		for (int i = 0; i < 6; i++)                                                        \
			more[i] = va_arg(list, unsigned long);                                     \
		va_end(list);                                                                      \
		if (number == SYS_sendmsg)                                                         \
			return __wrap_sendmsg((int)more[0], (struct msghdr *)more[1],              \
					      (int)more[2]);                                       \
		while (called->number != 0 && called->number != number)                            \
			called++;                                                                  \
		code = turns_take(called->name, called->errors);                                   \
		errno = code != 0 ? code : errno;                                                  \
		return code != 0 ? -1                                                              \
				 : __real_##NAME(number, more[0], more[1], more[2], more[3],       \
						 more[4], more[5]);                                \
	}
WRAP_NUMBER(syscall)
