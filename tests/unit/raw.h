/* SPDX-License-Identifier: MIT */
#ifndef TESTS_UNIT_RAW_H
#define TESTS_UNIT_RAW_H

/*
 * The other end as somebody would write it who knows nothing of this library: plain system calls. In a
 * test they assert; in a forked child raw_check() says where it failed.
 */

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/un.h>

/* Linux 6.16; Debian 12's headers are older (include/uapi/asm-generic/socket.h). */
#ifndef SO_PASSRIGHTS
#define SO_PASSRIGHTS 83
#endif

/* A connected pair of stream sockets; blocking, close-on-exec. */
void raw_pair(int pair[2]);

/* A stream socket bound to `path` and listening; bound only, when `backlog` is negative. */
int raw_listen(const char *path, int backlog);
int raw_listen_abstract(const char *name, int backlog);

/* Connected, blocking; or -errno. */
int raw_connect(const char *path);
int raw_connect_abstract(const char *name);

/* What sendmsg(2) says, or -errno. */
ssize_t raw_send(int socket, const void *bytes, size_t size, const int *fds, size_t count);

/* One byte and a descriptor of its own making, which it closes after that. */
ssize_t raw_send_one(int socket);

#define RAW_FDS_MAX 300

struct raw_message {
	ssize_t size; /* what recvmsg(2) says, or -errno */
	int flags;
	size_t count;
	int fds[RAW_FDS_MAX];
	char bytes[8192];
};

/* Waits for a message of at most `size` bytes. */
void raw_receive(int socket, size_t size, int flags, struct raw_message *ret_message);
void raw_close_all(struct raw_message *message);

/* Reads exactly `size` bytes, or fewer at the end; -errno. */
ssize_t raw_read(int socket, void *bytes, size_t size);

/* Reads the greeting, and a record with this type; 1 when they are as they should be. */
int raw_has_greeting(int socket);
int raw_has_record(int socket, char type, uint32_t count, const char *text);

/* The open file description behind `fd` has its write end closed everywhere: end of file. */
int raw_is_at_end(int pipe_read_end);

/* Ends the child, with the line as its status, unless `condition` holds. */
#define raw_check(condition) raw_check_line((condition) ? 1 : 0, __LINE__)
void raw_check_line(int holds, int line);

/* Ends a child at once, with that status, as _exit(2); but what gcov has counted in it is not lost. */
_Noreturn void raw_end(int status);

/* A child that calls `run` and ends with status 0. It closes no descriptor of its own accord. */
pid_t raw_fork(void (*run)(void *context), void *context);

/* Waits for the child and asserts that it ended well. */
void raw_join(pid_t child);

/* Becomes uid and gid 65534 when it is root, for good. */
void raw_become_nobody(void);

/* The same, to a user whom nobody else is now, as far as that goes: the kernel counts a user's descriptors on
 * their way, whoever sent them. */
void raw_become_somebody(void);

/* The soft limit of open files; the table is then as large as that. */
void raw_set_table(int size);

/* Milliseconds of CLOCK_MONOTONIC; of processor time. */
int64_t raw_now_ms(void);
int64_t raw_cpu_ms(void);

#endif
