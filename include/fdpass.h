/* SPDX-License-Identifier: MIT */
#ifndef FDPASS_H
#define FDPASS_H

/*
 * fdpass.h - move open file descriptors between Linux processes.
 *
 * This header can be read instead of a manual. What holds for every function in it:
 *
 * Results.  Functions that can fail return 0 or a positive value, or a negative errno (-EINVAL, ...).
 * errno itself is neither read nor promised. Where a `struct fdpass_error *` is taken it may be
 * NULL; otherwise it is filled on failure with the step that failed and the facts about it, and is
 * left alone on success. `ret_` parameters are written on success only. Whatever makes or enlarges an
 * object can fail with -ENOMEM (step MEMORY), also where its comment does not say so.
 *
 * Options.  A struct of options begins with its size, and is initialised with its FDPASS_..._INIT; a
 * NULL pointer to one means the same. It grows from release to release, and programs need not be
 * compiled again: what a shorter one of an earlier release has not, is as it was then; a longer one of
 * a later release is refused (-E2BIG) when it asks for something that is not known here. One of zeros
 * was not initialised, and is too short (-EINVAL).
 *
 * Ownership.  A descriptor has one owner at every moment, and the owner closes it. Each comment says
 * who that is before and after. Every descriptor that the library makes or receives is close-on-exec
 * from its first instant; nothing becomes inheritable but what fdpass_plan_run() places.
 *
 * Waiting.  What can wait takes a `struct fdpass_wait`: an absolute deadline and a descriptor that
 * cancels. Nothing sleeps in a loop, nothing waits without end unless it was asked to.
 *
 * Threads and signals.  There is no global state. Different objects may be used by different threads
 * at once; one object by one thread at a time. No function is async-signal-safe unless it says so.
 * The library never prints, exits, installs a signal handler, or changes a resource limit, and it
 * never raises SIGPIPE.
 */

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

#ifdef FDPASS_BUILD /* the library itself is compiled with everything else hidden */
#pragma GCC visibility push(default)
#endif

#define FDPASS_VERSION "0.1.0"

/* The version of the library that is running, as "MAJOR.MINOR.PATCH". */
const char *fdpass_version(void);

/* ------------------------------------------------------------------------------------- limits -- */

/* Descriptors in one message: SCM_MAX_FD in the kernel's include/net/scm.h, unchanged since 2.6.38. */
#define FDPASS_MESSAGE_MAX 253

/* Descriptors in one handover: the default of fs.nr_open (kernel, fs/file.c), which no process can
 * exceed unless its administrator raised it. */
#define FDPASS_HANDOVER_MAX 1048576

/* Bytes of an abstract name: sizeof sun_path less the leading NUL, unix(7). */
#define FDPASS_ABSTRACT_MAX 107

/* Bytes of a reason that one side gives the other, without the terminating NUL. */
#define FDPASS_REASON_MAX 255

/* Bytes of a descriptor's name: FDNAME_MAX of systemd, sd_listen_fds(3). */
#define FDPASS_NAME_MAX 255

/* Bytes of all names of one handover, with a NUL behind each. Names are there to be told to programs, and
 * the kernel gives one no more than that of arguments and environment: 3/4 of _STK_LIM (8 MiB), execve(2),
 * fs/exec.c, bprm_stack_limits(). One argument or variable, such as LISTEN_FDNAMES, has room for fewer: 32
 * pages (MAX_ARG_STRLEN); whether that is enough is for the receiver to say. */
#define FDPASS_NAMES_MAX 6291456

/* Callers that a receiver listens to at once, before they have sent anything complete. */
#define FDPASS_CALLERS_MAX 64

/* ------------------------------------------------------------------------------------- errors -- */

/* Where an operation failed. The numbers are part of the ABI; new ones are added at the end. */
enum fdpass_step {
	FDPASS_STEP_NONE = 0,
	FDPASS_STEP_MEMORY,     /* allocating memory */
	FDPASS_STEP_ADDRESS,    /* reading a SOCKSPEC */
	FDPASS_STEP_RUNDIR,     /* finding, making or checking the run directory */
	FDPASS_STEP_DIRECTORY,  /* opening the directory of a socket */
	FDPASS_STEP_LOCK,       /* locking that directory */
	FDPASS_STEP_SOCKET,     /* making or setting up a socket */
	FDPASS_STEP_BIND,       /* binding it */
	FDPASS_STEP_LISTEN,     /* listening on it */
	FDPASS_STEP_PUBLISH,    /* giving a listening socket its public name */
	FDPASS_STEP_CONNECT,    /* connecting */
	FDPASS_STEP_PEER,       /* finding out who the other end is, or admitting it */
	FDPASS_STEP_SEND,       /* sending the message with the descriptors */
	FDPASS_STEP_ANSWER,     /* waiting for or reading the receiver's answer */
	FDPASS_STEP_RECEIVE,    /* receiving a message */
	FDPASS_STEP_DESCRIPTOR, /* looking at a descriptor that was named */
	FDPASS_STEP_PLACE,      /* putting descriptors on their numbers */
	FDPASS_STEP_OPEN,       /* opening a file */
	FDPASS_STEP_RESOLVE,    /* looking up a host or service */
	FDPASS_STEP_WAIT,       /* waiting: -ETIMEDOUT at the deadline, -ECANCELED when cancelled */
	FDPASS_STEP_PROCESS,    /* finding and pinning another process */
	FDPASS_STEP_ACQUIRE,    /* taking a descriptor out of it */
	FDPASS_STEP_ACTIVATION, /* reading or writing an announcement of descriptors */
	FDPASS_STEP_START,      /* waiting until the receiver has started what it is to run */
};

/* The other end of a connection as the kernel's credentials show it: unix(7), SO_PEERCRED and
 * SCM_CREDENTIALS. pid is 0 when the process is not visible from here. */
struct fdpass_peer {
	pid_t pid;
	uid_t uid;
	gid_t gid;
};

/* What is known about a failure. The caller owns it; it holds no resources. */
struct fdpass_error {
	enum fdpass_step step;
	int code;                         /* a positive errno, the same as the negative result */
	int fd;                           /* the descriptor number concerned, or -1 */
	struct fdpass_peer peer;          /* the process concerned; uid is (uid_t)-1 when none is */
	char text[FDPASS_REASON_MAX + 1]; /* a path or name, or the other end's own words; or "" */
};

#define FDPASS_ERROR_INIT                                                                          \
	{                                                                                          \
		FDPASS_STEP_NONE, 0, -1, {0, (uid_t)-1, (gid_t)-1},                                \
		{                                                                                  \
			0                                                                          \
		}                                                                                  \
	}

/* A few words for a step, such as "binding the socket". Never NULL; static storage. */
const char *fdpass_step_text(enum fdpass_step step);

/* Bytes in which every line of fdpass_error_format() fits, with its NUL. */
#define FDPASS_ERROR_LINE_MAX 512

/*
 * Writes the record as one line of English, for a log or a person: "connecting: Connection refused", "waiting
 * for the answer: the receiver refused: the disk is full". Without a line feed, and cut to `size` bytes with
 * the NUL. Returns `text`, so that it can be an argument. What was done to which address the caller knows,
 * and writes before it.
 */
char *fdpass_error_format(const struct fdpass_error *error, char *text, size_t size);

/* ------------------------------------------------------------------------------------ waiting -- */

#define FDPASS_NO_DEADLINE INT64_MAX

/*
 * How long something may wait. `deadline` is absolute, in nanoseconds of CLOCK_MONOTONIC, or
 * FDPASS_NO_DEADLINE; a deadline that has passed means "only what can be done at once".
 * `cancel_fd`, unless negative, ends the wait as soon as it is readable (a signalfd, an eventfd, the
 * read end of a pipe); it is borrowed and never read from.
 *
 * A NULL pointer to this struct means: wait without end.
 */
struct fdpass_wait {
	int64_t deadline;
	int cancel_fd;
};

#define FDPASS_WAIT_INIT                                                                           \
	{                                                                                          \
		FDPASS_NO_DEADLINE, -1                                                             \
	}

/* The moment that lies `nanoseconds` from now; negative counts as 0, and what would overflow is
 * FDPASS_NO_DEADLINE. Async-signal-safe. */
int64_t fdpass_deadline_in(int64_t nanoseconds);

/* Waits until `fd`, which is borrowed, has one of the poll(2) `events` or an error: 1; or -ETIMEDOUT,
 * -ECANCELED, which goes before everything else; -ENOMEM as poll(2). What the library itself uses, for
 * the waits of whoever uses it. */
int fdpass_poll(int fd, short events, const struct fdpass_wait *wait);

/* ------------------------------------------------------------------------------ descriptor sets -- */

/*
 * An ordered list of descriptors. The verb says who owns: what was taken or duplicated is closed
 * with the set, what was borrowed is not. At most FDPASS_HANDOVER_MAX (-EMFILE beyond).
 */
struct fdpass_set;

int fdpass_set_new(struct fdpass_set **ret_set);

/* Closes what the set owns. NULL is fine. Returns NULL, to be assigned. */
struct fdpass_set *fdpass_set_free(struct fdpass_set *set);

/* Appends `fd`, which the set owns from here on. On failure the caller still owns it. -EBADF when it is
 * negative. */
int fdpass_set_take(struct fdpass_set *set, int fd);

/* Appends a close-on-exec duplicate of `fd` (fcntl(2), F_DUPFD_CLOEXEC); the caller keeps `fd`.
 * -EBADF when it is not open, -EMFILE when the table is full. */
int fdpass_set_dup(struct fdpass_set *set, int fd);

/* Appends `fd` without owning it: the caller keeps it open for as long as the set is used.
 * -EBADF when it is not open now. */
int fdpass_set_borrow(struct fdpass_set *set, int fd);

size_t fdpass_set_count(const struct fdpass_set *set);

/* The descriptor at `index`, still the set's; -EBADF beyond the end or where it was stolen. */
int fdpass_set_get(const struct fdpass_set *set, size_t index);

/* Takes the descriptor at `index` out of the set: the caller owns it if the set did. Its place stays,
 * empty (-EBADF), so that the other indexes do not move. */
int fdpass_set_steal(struct fdpass_set *set, size_t index);

/*
 * A descriptor may have a name: 1 to FDPASS_NAME_MAX bytes of printable ASCII without ':', the rule of
 * $LISTEN_FDNAMES, sd_listen_fds(3). Several may have the same one. It goes with the place in the set, also
 * when the descriptor is stolen from there.
 */

/* 0 when `name` keeps to that, else -EINVAL. */
int fdpass_name_check(const char *name);

/* The name at `index`, the set's and valid until it changes; NULL where there is none. */
const char *fdpass_set_name(const struct fdpass_set *set, size_t index);

/* Gives what is at `index` a copy of `name`, or with NULL no name. -EINVAL when it is no name, -EBADF
 * beyond the end, -ENOMEM; on failure it has the name that it had. */
int fdpass_set_rename(struct fdpass_set *set, size_t index, const char *name);

/* Closes everything from `count` on and shortens the set to that. */
void fdpass_set_truncate(struct fdpass_set *set, size_t count);

/*
 * The same for descriptors that somebody else made and that you do not trust: closing a socket for the
 * last time can take as long as its maker wants (SO_LINGER, socket(7)), and each close of a file of FUSE or of
 * a network file system as long as its daemon or server does, which no signal ends. Costs a short-lived child
 * process when there is one of these among them, and waits for a second or so at the most: a child that closes
 * such a file is left behind if need be, until it is answered (clone3(2), Linux 5.3; without it, it is closed
 * here). No SIGCHLD comes of it, and waitpid(2) does not see it without __WCLONE.
 */
void fdpass_set_discard(struct fdpass_set *set, size_t count);

/* --------------------------------------------------------------------------------- one message -- */

/*
 * Data and descriptors in one message over a Unix socket of yours: a stream, a datagram or a seqpacket
 * socket. For a conversation of your own; a whole handover, which knows whether it has arrived, is
 * fdpass_send(). The socket is borrowed and left as it is: whether it blocks or has O_NONBLOCK makes no
 * difference, since it is `wait` that says how long.
 */

/*
 * Sends `size` bytes and with them the descriptors of `set` (up to FDPASS_MESSAGE_MAX), or none when `set` is
 * NULL. The set is borrowed and unchanged; the receiver gets descriptors of its own. Returns the bytes that
 * went out, which are all. Only on a stream they may be fewer, when the wait ended or the connection failed
 * after some had gone: then the descriptors have gone with the first of them, and what is left is to be
 * sent without any.
 *
 * That it was sent is not to say that it was or will be read.
 *
 * -EINVAL     nothing to go with the descriptors: an empty payload on a stream, where the kernel would
 *             drop them without a word, unix(7) (on other sockets it may be empty); more descriptors than
 *             that; or one of a kind that cannot be passed (an io_uring)
 * -EPROTOTYPE no Unix socket, and others lose descriptors without a word; -ENOTSOCK, -EBADF (also when one
 *             of the set is not open or was stolen)
 * -EPIPE, -ECONNRESET, -ECONNREFUSED, -ENOTCONN     nobody is there
 * -EPERM      the other end refuses descriptors (SO_PASSRIGHTS, Linux 6.16)
 * -EMSGSIZE   too much for one datagram
 * -ETIMEDOUT, -ECANCELED     the wait ended; or, with an earlier deadline than the receiver's reading: its
 *             socket is full, or too many descriptors of this user are on their way (ETOOMANYREFS, unix(7),
 *             for which the kernel has no event, so that the library looks again after growing pauses)
 */
ssize_t fdpass_message_send(int socket, const void *bytes, size_t size,
			    const struct fdpass_set *set, const struct fdpass_wait *wait);

/* What came in one message. Who wrote it is known where the socket has SO_PASSCRED (SCM_CREDENTIALS,
 * unix(7)); else uid is (uid_t)-1. */
struct fdpass_message {
	size_t size;               /* bytes; 0 only of an empty datagram or seqpacket message */
	size_t count;              /* descriptors, which were appended to the set */
	struct fdpass_peer writer; /* who wrote it, or nobody */
};

/*
 * Receives one message of up to `size` bytes (at least 1). Its descriptors are appended to `set`, which owns
 * them, close-on-exec since they exist; none is ever left over. 1: a message came; 0: end of file, and
 * nothing is written; or a negative errno.
 *
 * What did not come whole is an error, and every descriptor of it is closed: -EMFILE when one was lost, since
 * the table is full (RLIMIT_NOFILE) or a security module kept it back; -EMSGSIZE when a datagram has more
 * bytes than that. In both cases the message is gone. Else -EAGAIN never; -ETIMEDOUT, -ECANCELED; -EINVAL
 * when `size` is 0; -ECONNRESET, -ENOTCONN, -EBADF, -ENOTSOCK, -ENOMEM.
 *
 * A stream keeps no boundaries: bytes that were sent ahead may come in front of those that have descriptors,
 * and what is read in pieces has them with the first. The kernel never joins two messages that both have
 * some, nor what different processes wrote, unix(7). So agree upon lengths, and ask for exactly those. On a
 * seqpacket socket without SO_PASSCRED an empty message without descriptors looks like the end of file; a
 * datagram socket has none, unless its receiving side was shut down.
 */
int fdpass_message_receive(int socket, void *bytes, size_t size, struct fdpass_set *set,
			   const struct fdpass_wait *wait, struct fdpass_message *ret_message);

/*
 * The two functions of W. Richard Stevens' "UNIX Network Programming" that everybody has copied, with his
 * signatures and meaning, so that such programs need but rename the calls. Unlike everything else here they
 * block as the socket does, return -1 on failure, and say why in errno. They raise no SIGPIPE.
 *
 * fdpass_write_fd() sends `nbytes` bytes and the descriptor `sendfd`, which stays the caller's: the bytes
 * sent, of a stream perhaps fewer (the descriptor goes with the first). EINVAL: no bytes, on a stream;
 * EBADF: also when `sendfd` is -1, since a failed open() must not become a message without a descriptor;
 * else as sendmsg(2), EINTR and EAGAIN included, and as fdpass_message_send().
 *
 * fdpass_read_fd() receives up to `nbytes` bytes: how many; 0 at the end of file. `*recvfd` is the descriptor
 * that came with them, close-on-exec and the caller's, or -1 when none came, also on failure. Of several, the
 * first; the others are closed. EMFILE: one came and was lost, since the table is full; else as recvmsg(2),
 * which is also what happens to longer datagrams: they are cut.
 */
ssize_t fdpass_write_fd(int fd, void *ptr, size_t nbytes, int sendfd);
ssize_t fdpass_read_fd(int fd, void *ptr, size_t nbytes, int *recvfd);

/* ---------------------------------------------------------------------------------- addresses -- */

/* How a SOCKSPEC is to be read. */
enum fdpass_address_kind {
	FDPASS_ADDRESS_NAMED,     /* with a '/': a path; without: a name in the run directory */
	FDPASS_ADDRESS_ABSTRACT,  /* an abstract name, 1 to FDPASS_ABSTRACT_MAX bytes, as is */
	FDPASS_ADDRESS_CONNECTED, /* the number of an inherited, connected Unix stream socket */
};

/*
 * Where two processes meet. The run directory of names is $FDPASS_RUNTIME_DIR; else /run/fdsend for
 * root (effective uid 0); else $XDG_RUNTIME_DIR/fdsend; else /run/user/UID/fdsend.
 *
 * Parsing looks at the environment, but at no file. -EINVAL: an empty name, ".", "..", a name that
 * begins with the reserved ".fdpass-", a relative $FDPASS_RUNTIME_DIR, what is not the number of a
 * descriptor, or a kind that there is not; -ENAMETOOLONG: a name longer than the kernel allows. `text`
 * of the error is the reason in words.
 */
struct fdpass_address;

int fdpass_address_parse(enum fdpass_address_kind kind, const char *text,
			 struct fdpass_address **ret_address, struct fdpass_error *error);

/* NULL is fine. Returns NULL. */
struct fdpass_address *fdpass_address_free(struct fdpass_address *address);

/* What to show a person: the whole path, or '@' and the abstract name. Lives as long as `address`. */
const char *fdpass_address_text(const struct fdpass_address *address);

/* Of FDPASS_ADDRESS_CONNECTED the number, which stays the caller's; else -EBADF. */
int fdpass_address_fd(const struct fdpass_address *address);

/* 1 when the address is a name in the run directory, which only its owner can search; else 0. */
int fdpass_address_is_private(const struct fdpass_address *address);

/* -------------------------------------------------------------------------------- peers, rules -- */

/*
 * Who called connect(), listen() or socketpair() for the other end of the connected Unix socket `fd`
 * (SO_PEERCRED, unix(7)); a process that was handed that end since does not show. `fd` is borrowed.
 * -ENOTCONN when it has no other end, -ENOTSOCK, -EBADF.
 */
int fdpass_peer_get(int fd, struct fdpass_peer *ret_peer);

/*
 * Who is admitted. A new rule admits the caller's own effective user and root. The first admit call
 * replaces that: from then on, exactly those who were named are admitted.
 *
 * In a user namespace whose map does not cover every id, the overflow id stands for all the ids that
 * have no name there, so that it matches no user and no group, not even one's own
 * (user_namespaces(7)). fdpass_rule_admit_anyone() admits everyone without looking.
 */
struct fdpass_rule;

int fdpass_rule_new(struct fdpass_rule **ret_rule);
struct fdpass_rule *fdpass_rule_free(struct fdpass_rule *rule);
int fdpass_rule_admit_user(struct fdpass_rule *rule, uid_t uid);
int fdpass_rule_admit_group(struct fdpass_rule *rule, gid_t gid);
int fdpass_rule_admit_anyone(struct fdpass_rule *rule);

/* 1 when somebody besides the caller's own user and root may be admitted; else 0. */
int fdpass_rule_admits_others(const struct fdpass_rule *rule);

/* 1 when the other end of the connected Unix socket `fd` is admitted, 0 when not; supplementary
 * groups count where the kernel tells them (SO_PEERGROUPS, Linux 4.13). `ret_peer` may be NULL and is
 * written in both cases. Failures: as fdpass_peer_get(). */
int fdpass_rule_check(const struct fdpass_rule *rule, int fd, struct fdpass_peer *ret_peer);

/* ---------------------------------------------------------------------------------- listening -- */

struct fdpass_listen_options {
	size_t size; /* sizeof(struct fdpass_listen_options) */
	mode_t mode; /* permissions of a path socket, whatever the umask: 0 to 0777 */
	int backlog; /* listen(2), at least 1; cut to net.core.somaxconn by the kernel */
	const struct fdpass_wait
		*wait; /* bounds the wait for the directory's lock; at most 2 s anyway */
};

#define FDPASS_LISTEN_OPTIONS_INIT                                                                 \
	{                                                                                          \
		sizeof(struct fdpass_listen_options), 0600, 4096, NULL                             \
	}

/*
 * A listening Unix stream socket at `address`, which it copies what it needs of. -EINVAL (ADDRESS): the
 * address is a connection, or an option has a value that it cannot have.
 *
 * A path appears at once listening and with its final mode; before that moment nobody can reach it.
 * A stale socket there is replaced, a live one never: -EADDRINUSE, with the process that has it in
 * error->peer where the kernel shows it. What is not a socket is left alone: -EEXIST. The run
 * directory is made if it is missing, and refused (-EPERM, RUNDIR) unless it is the caller's own
 * directory, not a symbolic link, and writable by nobody else. A stale socket that cannot be replaced,
 * since a stranger holds the directory's lock or the directory may not be read: LOCK. A wait that ends
 * meanwhile: WAIT, with error->text "lock".
 *
 * Credentials of every message are asked for (SO_PASSCRED) before it listens.
 */
struct fdpass_listener;

int fdpass_listener_open(const struct fdpass_address *address,
			 const struct fdpass_listen_options *options,
			 struct fdpass_listener **ret_listener, struct fdpass_error *error);

/* The listening socket, still the listener's: non-blocking, close-on-exec. */
int fdpass_listener_fd(const struct fdpass_listener *listener);

/* Gives the listening socket away: the caller owns it, its name stays, and the listener is gone. */
int fdpass_listener_keep(struct fdpass_listener *listener);

/* Removes the name, if it is still this very socket's, and then closes it: callers that were not
 * accepted see ECONNRESET. NULL is fine. Returns NULL. */
struct fdpass_listener *fdpass_listener_close(struct fdpass_listener *listener);

/* ------------------------------------------------------------------------------------ opening -- */

/*
 * Where a socket is, as an ADDR: "tcp:[HOST:]PORT", "tcp4:", "tcp6:", "udp:", "udp4:", "udp6:",
 * "unix:PATH", "unix-abstract:NAME", "unix-dgram:PATH", "unix-seqpacket:PATH". HOST may stand in
 * brackets, and must when it has a colon. Parsing looks nothing up: -EINVAL (ADDRESS), with the reason
 * in words in error->text.
 */
struct fdpass_endpoint;

int fdpass_endpoint_parse(const char *text, struct fdpass_endpoint **ret_endpoint,
			  struct fdpass_error *error);

/* NULL is fine. Returns NULL. */
struct fdpass_endpoint *fdpass_endpoint_free(struct fdpass_endpoint *endpoint);

enum fdpass_reuse {
	FDPASS_REUSE_ADDRESS, /* SO_REUSEADDR on TCP: as servers are restarted; socket(7) */
	FDPASS_REUSE_PORT,    /* SO_REUSEPORT too: several sockets share the port, Linux 3.9 */
};

struct fdpass_open_options {
	size_t size;             /* sizeof(struct fdpass_open_options) */
	int backlog;             /* as in struct fdpass_listen_options */
	enum fdpass_reuse reuse; /* TCP and UDP */
	mode_t mode;             /* Unix paths: permissions, whatever the umask */
	uid_t owner;             /* Unix paths; (uid_t)-1: the caller */
	gid_t group;             /* Unix paths; (gid_t)-1: the caller's, or the directory's */
	const struct fdpass_wait *wait;
};

#define FDPASS_OPEN_OPTIONS_INIT                                                                   \
	{                                                                                          \
		sizeof(struct fdpass_open_options), 4096, FDPASS_REUSE_ADDRESS, 0600, (uid_t)-1,   \
			(gid_t)-1, NULL                                                            \
	}

/*
 * A listening socket there; for datagrams, a bound one. Blocking, as servers expect it, and close-on-exec.
 * "tcp:" without a host listens for IPv6 and IPv4, or for what there is of them; "tcp6:" for IPv6 alone.
 * Unix paths come to be as with fdpass_listener_open(): with their final mode and owner before anybody
 * gets through, replacing a stale socket but nothing else; fdpass_listener_close() removes them again,
 * fdpass_listener_keep() keeps them. But they are bound as they are written, so that getsockname(2) shows
 * what servers are configured with: from bind(2) to listen(2) whoever connects is refused. What is too long
 * for sun_path, unix(7), shows a temporary name instead.
 *
 * Failures, by step: RESOLVE (-ENOENT: no such host or service; -EIO: the resolver failed; its words are
 * in error->text), SOCKET, BIND (-EADDRINUSE, -EACCES, ...), LISTEN, WAIT, and for Unix paths those of
 * fdpass_listener_open().
 */
int fdpass_open_listen(const struct fdpass_endpoint *endpoint,
		       const struct fdpass_open_options *options,
		       struct fdpass_listener **ret_listener, struct fdpass_error *error);

/*
 * A connected socket: blocking, close-on-exec, the caller's. All addresses of a name are tried, a quarter
 * of a second apart, and the first that answers is taken (RFC 8305). Without a host: this machine.
 * Failures: RESOLVE, SOCKET, CONNECT (of the address that failed last), WAIT.
 */
int fdpass_open_connect(const struct fdpass_endpoint *endpoint, const struct fdpass_wait *wait,
			int *ret_fd, struct fdpass_error *error);

enum fdpass_access {
	FDPASS_ACCESS_READ,
	FDPASS_ACCESS_WRITE,
	FDPASS_ACCESS_READ_WRITE,
};

/*
 * Opens a file: neither creates nor truncates it, does not make a terminal the controlling one, and does
 * not wait for the other end of a FIFO. Blocking, close-on-exec, the caller's. Step OPEN, open(2).
 */
int fdpass_open_file(const char *path, enum fdpass_access access, int *ret_fd,
		     struct fdpass_error *error);

/* Writes the ADDR that the socket `fd` is bound to, cut to `size`: with the port that the kernel chose
 * for port 0. -EAFNOSUPPORT when it is of a family that has no ADDR; -ENOTSOCK, -EBADF. */
int fdpass_open_name(int fd, char *text, size_t size);

/* ---------------------------------------------------------------------------------- acquiring -- */

/*
 * Descriptors out of another process, without its help. The process is pinned first: by a pidfd, and by
 * its directory in /proc, opened and then checked against the pidfd. Everything goes through those two,
 * so that a process number that is used again can never be mistaken. The process does not notice.
 *
 * Failures have the step PROCESS (finding and pinning it) or ACQUIRE (taking something out of it), the
 * process in error->peer (its pid; uid and gid where they are visible), the number in error->fd where
 * one is concerned, and in error->text one word for a table, or "":
 *
 *   PROCESS  "gone"          -ESRCH: there is no such process any more, or never was
 *            "zombie"        -ESRCH: it has ended and its parent has not asked for its status yet
 *            "thread"        -EINVAL: the number is that of a thread, not of a process
 *            "number"        -EINVAL: no process has such a number
 *            "inode"         -ESRCH: the process with that number is another one now
 *            "pidfs"         -EOPNOTSUPP: inodes of pidfds say nothing before Linux 6.9
 *            "hidden"        -EACCES: the socket is there, but whoever holds it is not visible to this
 *                            user, or is in another pid namespace
 *            "nobody"        -ESRCH: no process holds such a thing
 *            a list          -ENOTUNIQ: several do, none of them the ancestor of the others:
 *                            "123 (nginx), 124 (nginx)"
 *            "policy"        -EPERM and others: seccomp, for example, does not allow to pin it
 *   ACQUIRE  "number"        -EBADF: nothing is open there under that number
 *            "gone", "zombie"        -ESRCH: it has ended meanwhile
 *            "user", "group"         it runs as another user or group, in one of its three ids
 *            "capabilities"          it has capabilities that the caller has not
 *            "dumpable"              it has protected itself: PR_SET_DUMPABLE, or an unreadable program
 *            "yama"                  kernel.yama.ptrace_scope allows it to ancestors or nobody only
 *            "policy"                another rule: a security module, a user namespace, seccomp
 *                            these six are -EPERM when duplicating and -EACCES otherwise; CAP_SYS_PTRACE
 *                            helps against all but "yama" and "policy"; ptrace(2), "access mode checking".
 *                            Reopening what another user's process has takes both
 *            "socket"        -ENXIO: a socket cannot be opened a second time, only duplicated
 *            "anonymous"     -ENXIO: the same for what has no file at all (eventfd, epoll, pidfd, ...)
 *            "device"        -EOPNOTSUPP: opening that device again makes something new (a
 *                            pseudo-terminal's master, /dev/tty, tun, FUSE): only duplicate it
 *            "opener"        -EOPNOTSUPP: a file of procfs or cgroupfs, which lets whoever opened it do
 *                            what he might: only duplicate it
 *            "fifo"          -ENXIO: nobody reads from that FIFO, so that it cannot be opened for writing
 *            "lease"         -EAGAIN: another process has a lease on the file, fcntl(2)
 *            "file"          any other errno: the file itself does not let the caller open it like that
 *            "match"         -ENOENT: nothing that the process holds fits
 *   both     "table"         -EMFILE: the caller's own table is full; -ENFILE: the system's
 *            "proc"          any errno: /proc is not mounted, or does not show the process
 *            "kernel"        -ENOSYS: pidfd_open(2), Linux 5.3, or pidfd_getfd(2), 5.6, are not there
 *
 * Without /proc a process can still be pinned, and its descriptors duplicated by number.
 */

/* A process that is pinned. */
struct fdpass_pidref;

/* Pins process `pid`. `inode`, unless 0, is what fdpass_pidref_inode() of that process was, and is
 * checked before anything else; the kernel gives no two processes the same one (pidfs, Linux 6.9). */
int fdpass_pidref_open(pid_t pid, uint64_t inode, struct fdpass_pidref **ret_ref,
		       struct fdpass_error *error);

/* What is looked for in a process: see fdpass_match_parse(). */
struct fdpass_match;

/*
 * Pins the process that holds what `match` describes: of several, the one that is an ancestor of all the
 * others (a server's first process). The caller itself does not count. Sockets are looked for in the
 * caller's network namespace, processes among those that it may look into: proc(5), PTRACE_MODE_READ.
 */
int fdpass_pidref_find(const struct fdpass_match *match, struct fdpass_pidref **ret_ref,
		       struct fdpass_error *error);

/* How many processes hold what `match` describes, the caller not counted: of those that it may look into.
 * Else a negative errno, of the step PROCESS or MEMORY. */
int fdpass_pidref_count(const struct fdpass_match *match, struct fdpass_error *error);

/* NULL is fine. Returns NULL. */
struct fdpass_pidref *fdpass_pidref_free(struct fdpass_pidref *ref);

pid_t fdpass_pidref_pid(const struct fdpass_pidref *ref);

/* The inode of its pidfds, which names it for as long as the system runs; 0 before Linux 6.9. */
uint64_t fdpass_pidref_inode(const struct fdpass_pidref *ref);

/* The pidfd, still the pidref's: readable once the process has ended, pidfd_open(2). */
int fdpass_pidref_fd(const struct fdpass_pidref *ref);

/* Its directory in /proc, opened while it lived, still the pidref's: what is opened in there (openat(2)) is
 * that process's, and fails with ESRCH or ENOENT when it is gone. A negative errno: why there is none. */
int fdpass_pidref_directory(const struct fdpass_pidref *ref);

/* Sends a signal to exactly that process: pidfd_send_signal(2). -ESRCH, -EPERM, -EINVAL. */
int fdpass_pidref_signal(const struct fdpass_pidref *ref, int signal);

/* 1 when every thread of that process is stopped, by SIGSTOP or a tracer, so that nothing of it runs until
 * it is continued; 0 when not; -ESRCH when it has ended, another negative errno when /proc does not
 * tell: proc(5), /proc/PID/task. The kernel has no event for it. */
int fdpass_pidref_is_stopped(const struct fdpass_pidref *ref);

/* 1 when that process has ended or is about to, since it exits, was killed or has crashed: its
 * descriptors may be closed already while its pidfd still says that it lives. 0 when not; a negative errno
 * when /proc does not tell: proc_pid_stat(5), field 9, PF_EXITING; and CoreDumping of proc_pid_status(5),
 * Linux 4.15. So when a close-on-exec descriptor of it has been closed, 0 means that it has executed another
 * program. */
int fdpass_pidref_is_ending(const struct fdpass_pidref *ref);

/*
 * A description of descriptors, EXPR:
 *
 *   listen                  every socket that listens: TCP, and Unix stream and seqpacket
 *   listen:[HOST:]PORT      TCP sockets that listen there
 *   listen:PATH, @NAME      Unix sockets that listen there; PATH has a '/', NAME is abstract
 *   tcp:[HOST:]PORT         TCP sockets with that local address, whether they listen or are connected
 *   udp:[HOST:]PORT         UDP sockets with that local address, whether they are connected or not
 *   unix:PATH, unix:@NAME   Unix sockets of any type with that name, which connections have from the
 *                           listening socket that accepted them
 *   tcp, udp, unix          every socket of that kind
 *   file:PATH               descriptors of that file, or of one that had that name and was deleted
 *
 * HOST is numeric, in brackets if it is IPv6, and is the very address that the socket is bound to:
 * 127.0.0.1 does not fit a socket on 0.0.0.0. It fits that address mapped into IPv6 as well
 * (::ffff:127.0.0.1). Without it every address fits, of IPv4 and IPv6.
 *
 * A PATH of "listen:" and "unix:" means the sockets that are bound to the file there, as the caller finds it
 * when he looks for them: it does not matter how the process spelt it, or that the socket was renamed since.
 * The name that a socket was bound by counts only where nothing is at PATH, or where it is not known which
 * file that was (of sockets of another network namespace, and on a kernel without sock_diag(7)): anybody can
 * have a socket of any name, in a mount namespace of his own. A PATH of "file:" fits by inode, and by name
 * as well.
 *
 * Pure: looks nothing up. -EINVAL (ADDRESS) with the reason in words in error->text.
 */
int fdpass_match_parse(const char *text, struct fdpass_match **ret_match,
		       struct fdpass_error *error);

/*
 * What describes the connections that were accepted from the listening socket `fd`, which is borrowed and
 * not needed afterwards: TCP sockets with the address and port that it listens on, or with that port where
 * it listens on every address; Unix sockets that have its name, as accepted ones do (unix(7)). That
 * somebody else listens on the same port of every address cannot be told apart.
 * -EINVAL (DESCRIPTOR) when it does not listen or has no name; also -EBADF, -ENOTSOCK, -ENOMEM.
 */
int fdpass_match_accepted(int fd, struct fdpass_match **ret_match, struct fdpass_error *error);

/* What describes the socket `fd` and no other, whoever holds it. The descriptor is borrowed and not needed
 * afterwards. -EBADF, -ENOTSOCK (DESCRIPTOR), -ENOMEM. */
int fdpass_match_same(int fd, struct fdpass_match **ret_match, struct fdpass_error *error);

/* NULL is fine. Returns NULL. */
struct fdpass_match *fdpass_match_free(struct fdpass_match *match);

/* 1 when it describes sockets, which can only be duplicated; 0 for "file:". */
int fdpass_match_is_socket(const struct fdpass_match *match);

/* How a descriptor is taken. */
enum fdpass_method {
	FDPASS_METHOD_DUPLICATE,         /* the same open file description, pidfd_getfd(2) */
	FDPASS_METHOD_REOPEN,            /* a new one, with the access mode of the original */
	FDPASS_METHOD_REOPEN_READ,       /* a new one, for reading only, whatever the original's */
	FDPASS_METHOD_REOPEN_WRITE,      /* for writing only */
	FDPASS_METHOD_REOPEN_READ_WRITE, /* for both */
};

/*
 * Takes descriptor `number` of that process: close-on-exec, the caller's.
 *
 * A duplicate shares everything with the original, its offset and its status flags (O_NONBLOCK) too.
 *
 * What is reopened has an offset of its own, 0, and shares nothing. It keeps O_APPEND, O_NONBLOCK,
 * O_DIRECT, O_SYNC, O_DSYNC, O_NOATIME, O_PATH (unless an access mode was asked for) and O_DIRECTORY,
 * as /proc/PID/fdinfo shows them (proc(5)); it never becomes the controlling terminal, never waits for the
 * other end of a FIFO, and works for files that were deleted. The file's permissions are checked again.
 * In a process of another user the flags are those of a duplicate that is closed at once, so that it
 * cannot pass off the flags of one file for those of another.
 */
int fdpass_acquire(const struct fdpass_pidref *ref, int number, enum fdpass_method method,
		   int *ret_fd, struct fdpass_error *error);

/* Told of one descriptor of a process: its number there and what it is. `text` is lent for the call,
 * one line, without control characters. */
typedef void (*fdpass_held)(void *context, int number, const char *text);

/*
 * Takes every descriptor of that process that fits, in the order of their numbers, and appends them to
 * `set`, which owns them: how many, at least 1. On failure the set is as it was. A socket comes once,
 * though it be open under several numbers; a descriptor that vanishes meanwhile is passed over.
 * Sockets are duplicated whatever `method` says. `held`, which may be NULL, is told of each.
 *
 * What fits is found in the links of /proc/PID/fd and in the kernel's socket tables (sock_diag(7), or
 * /proc/PID/net in another network namespace). Only that is duplicated, and looked at once more: while
 * somebody holds a duplicate of a connection, closing the original does not end it. (Sockets that are
 * in none of these tables are looked at as duplicates, which are closed at once if they do not fit.)
 */
int fdpass_acquire_match(const struct fdpass_pidref *ref, const struct fdpass_match *match,
			 enum fdpass_method method, struct fdpass_set *set, fdpass_held held,
			 void *context, struct fdpass_error *error);

/*
 * How many sockets (or, for "file:", descriptors) of that process fit, which may be none; takes nothing. Of a
 * process that is stopped, which can close nothing meanwhile, each socket is looked at as a duplicate, which
 * is closed at once; else nothing is duplicated. Connections that were reset need not count.
 */
int fdpass_acquire_count(const struct fdpass_pidref *ref, const struct fdpass_match *match,
			 struct fdpass_error *error);

/*
 * Tells of every descriptor of that process, in the order of their numbers, and takes none: how many.
 * The texts begin with a word: "tcp-listen 0.0.0.0:80", "tcp LOCAL -> REMOTE", "tcp", "udp [::]:53",
 * "udp LOCAL -> REMOTE", "unix-listen /run/x", "unix @name", "unix", "unix-dgram ...",
 * "unix-seqpacket ...", "unix-seqpacket-listen ...", other sockets by their protocol ("netlink");
 * "file PATH", "dir PATH", "char PATH", "block PATH", "pty PATH", "fifo PATH", "pipe", "memfd NAME",
 * with " (deleted)" after a PATH that is gone; "namespace net:[INODE]"; and what has no file by the
 * kernel's name for it ("eventfd", "eventpoll", "pidfd").
 */
int fdpass_acquire_list(const struct fdpass_pidref *ref, fdpass_held held, void *context,
			struct fdpass_error *error);

/* --------------------------------------------------------------------------------- observation -- */

enum fdpass_event_kind {
	FDPASS_EVENT_WAITING,   /* sender: nobody takes it yet, waiting for a receiver */
	FDPASS_EVENT_CONNECTED, /* either side: a connection to `peer` */
	FDPASS_EVENT_SENT,      /* sender: the message is in the socket */
	FDPASS_EVENT_UNREAD,    /* sender: the receiver closed without reading; nothing was given */
	FDPASS_EVENT_NOT_ADMITTED, /* either side: `peer` may not; `reason` says as what it came */
	FDPASS_EVENT_TURNED_AWAY,  /* receiver: refused for `reason` */
	FDPASS_EVENT_DISCONNECTED, /* receiver: gone before it had sent anything complete */
	FDPASS_EVENT_CROWDED_OUT,  /* receiver: closed, idle longest of too many callers */
	FDPASS_EVENT_BUSY,         /* receiver: told that another sender was first */
	FDPASS_EVENT_PROGRESS,     /* either side, of a rich handover: `done` of `total` */
	FDPASS_EVENT_ACCEPTED,     /* sender, when it waits for more: the receiver has them */
	FDPASS_EVENT_STARTED,      /* sender, when it waits for that: it has become its program */
};

/* Lent to the observer for the duration of the call. */
struct fdpass_event {
	enum fdpass_event_kind kind;
	int index;               /* receiver: of the listener; sender: 0 */
	struct fdpass_peer peer; /* uid is (uid_t)-1 when nobody is concerned */
	const char *reason;      /* never NULL; "" without one */
	size_t done;             /* of a rich handover: descriptors that were sent, or came, ... */
	size_t total;            /* ... of so many; 0 of anything else */
};

/* Told of what happens while a call waits. It must not call back into the same object. Progress is told
 * whenever there is some, many times a second: who shows it to a person decides how often. */
typedef void (*fdpass_observer)(void *context, const struct fdpass_event *event);

/* ------------------------------------------------------------------------------------ sending -- */

enum fdpass_confirm {
	FDPASS_CONFIRM_BEST,   /* an answer, or else the kernel's proof that the message was read */
	FDPASS_CONFIRM_ANSWER, /* nothing but an answer: fails with a receiver that does not speak */
	FDPASS_CONFIRM_NONE,   /* none: done when the message is in the receiver's socket */
};

enum fdpass_waiting {
	FDPASS_WAIT_NEVER,    /* no receiver there: an error */
	FDPASS_WAIT_LISTENER, /* no receiver there: wait until one listens, and takes it */
};

/* How much of what follows is waited for. */
enum fdpass_until {
	FDPASS_UNTIL_ACCEPTED, /* until it is delivered, as `confirm` says */
	FDPASS_UNTIL_STARTED, /* until the process that accepted has become the program that it was to run:
				  its execve(2) has succeeded */
	FDPASS_UNTIL_ENDED, /* and until it has ended, whatever it was by then */
};

/* How it is known that a handover arrived. */
enum fdpass_proof {
	FDPASS_PROOF_NONE,   /* it is not: FDPASS_CONFIRM_NONE */
	FDPASS_PROOF_READ,   /* the message was read, by somebody who said nothing */
	FDPASS_PROOF_ANSWER, /* the receiver said that it has them */
};

struct fdpass_send_options {
	size_t size;                    /* sizeof(struct fdpass_send_options) */
	const struct fdpass_rule *rule; /* who may receive; NULL: a new rule */
	enum fdpass_confirm confirm;
	enum fdpass_waiting waiting;
	enum fdpass_until until; /* if not ACCEPTED: as with FDPASS_CONFIRM_ANSWER */
	const struct fdpass_wait *wait;
	fdpass_observer observer; /* or NULL */
	void *observer_context;
};

#define FDPASS_SEND_OPTIONS_INIT                                                                   \
	{                                                                                          \
		sizeof(struct fdpass_send_options), NULL, FDPASS_CONFIRM_BEST, FDPASS_WAIT_NEVER,  \
			FDPASS_UNTIL_ACCEPTED, NULL, NULL, NULL                                    \
	}

struct fdpass_delivery {
	enum fdpass_proof proof;
	uint32_t installed;      /* with FDPASS_PROOF_ANSWER: how many of them the receiver keeps */
	struct fdpass_peer peer; /* who listened there, or made the connection */
};

/*
 * Hands the descriptors of `set` (1 to FDPASS_HANDOVER_MAX) and their names (FDPASS_NAMES_MAX bytes) to the
 * receiver at `address`. The set is borrowed and unchanged, whatever happens.
 *
 * Without names, and up to FDPASS_MESSAGE_MAX, that is a "plain handover", which every receiver
 * understands; else a "rich" one, which takes a receiver of this library's and its answer:
 * fdpass-protocol(7). The receiver gets all of them or none. With FDPASS_WAIT_LISTENER, a handover is tried
 * again after a receiver that did not read it (a plain one), or did not ask for the descriptors (a rich
 * one), or said -EBUSY.
 *
 * 0 means delivered, with the proof in `ret_delivery` (which may be NULL), and that what `until` waits for
 * has happened. The process is the one that answered (SCM_PIDFD, Linux 6.5), whoever called listen(). Its
 * connection ends when it becomes another program, or dies, or closes it: then it must not be marked as
 * exiting in /proc, or it must have ended of its own accord since (Linux 6.15, PIDFD_GET_INFO, or /proc while
 * nobody has asked for its status). So it has to be visible in /proc, and on an inherited connection nobody
 * else may hold its end. Failures, by step:
 *   CONNECT  -ECONNREFUSED, -ENOENT, -EACCES, ...: no receiver; nothing was sent
 *   PEER     -EPERM: the receiver is not admitted by the rule; nothing was sent
 *   SEND     nothing was given; -EINVAL also when a descriptor is of a kind that cannot be passed
 *   ANSWER   -ECONNRESET: closed without reading it, nothing was given
 *            -EBUSY: another sender was first, nothing was given
 *            -EREMOTEIO: refused, the receiver's reason is in error->text
 *            -ECONNABORTED: the receiver ended after reading and without an answer: cannot tell; or, with
 *            error->text "partly", in the middle of a rich handover, so that nothing was given
 *            -EPROTONOSUPPORT: it ended without asking for the descriptors of a rich handover, which
 *            receivers do that are too old for one, or it read on and never greeted: nothing was given
 *            -EPROTO: what it wrote is no answer: cannot tell; or, with error->text "unasked", that came
 *            before it had asked for the descriptors of a rich handover, so that nothing was given
 *            -ENOMSG: it was read, but by a receiver that does not answer (CONFIRM_ANSWER only, or with
 *            error->text "until" since more was to be waited for)
 *   START    the receiver, error->peer, has accepted, and
 *            -ENOEXEC: could not start what it was to run; its reason is in error->text
 *            -EOWNERDEAD: cannot tell, since it was ended by a signal ("killed" in error->text), or is not
 *            visible in /proc ("hidden"), or has ended nobody knows how ("unknown"), or runs nothing and
 *            has passed them on ("relay")
 *            or it was not even connected to: -EOPNOTSUPP ("kernel"), before Linux 6.5
 *   WAIT     -ETIMEDOUT, -ECANCELED; error->text is "accepted" when it has not started yet, "started" when
 *            it has not ended yet, "sent" when the message had gone out already, so
 *            that it may still be read. Else nothing was given, and it says what stood in the way at last:
 *            "stranger" (who, in error->peer), "denied", "backlog", "unread", "old" (the receiver has not
 *            asked for the descriptors of a rich handover, and may be too old for one), "partly" (a rich
 *            handover was on its way), or "" when nobody listened
 *   ADDRESS  -EINVAL: the set is empty or too large, or an option has a value that it cannot have, also
 *            CONFIRM_NONE with an `until`; -E2BIG: the names are longer than FDPASS_NAMES_MAX; or, with
 *            error->text "options", the options are of a later release
 *   RUNDIR, SOCKET, MEMORY   as fdpass_listener_open(); nothing was sent
 */
int fdpass_send(const struct fdpass_address *address, const struct fdpass_set *set,
		const struct fdpass_send_options *options, struct fdpass_delivery *ret_delivery,
		struct fdpass_error *error);

/*
 * The same for event loops: one handover that is taken further, step by step, and never waits.
 *
 *	fdpass_sending_begin(address, set, &options, &sending, &error);
 *	while ((r = fdpass_sending_step(sending, &delivery, &error)) == 0)
 *		... until fdpass_sending_fd() is readable, or fdpass_sending_until() has come ...
 *	fdpass_sending_free(sending);
 *
 * fdpass_send() is that with poll(2) in the middle, so that everything which is said of it holds: with
 * FDPASS_WAIT_LISTENER it waits for a receiver, and with `until` for what that one becomes, in the same way.
 */
struct fdpass_sending;

/*
 * Prepares it, and neither connects nor sends. `address`, `set`, the rule and the observer's context are
 * borrowed until fdpass_sending_free(), and the set must not change; the rest of `options`, and what its
 * `wait` points to, is copied. Failures: ADDRESS, MEMORY, SOCKET, as above.
 */
int fdpass_sending_begin(const struct fdpass_address *address, const struct fdpass_set *set,
			 const struct fdpass_send_options *options,
			 struct fdpass_sending **ret_sending, struct fdpass_error *error);

/*
 * Goes as far as it can without waiting, a bounded way. 1: delivered, as fdpass_send() says with 0; 0: call
 * again when there is a reason to (earlier does no harm); a negative errno: failed, as there. After 1 and
 * after a failure there is nothing more to do but fdpass_sending_free(): -EINVAL (NONE).
 *
 * The deadline of `options.wait` and its cancel_fd are looked at in every step. The deadline is a reason to
 * call again; cancel_fd is not, and an event loop that is to give up rather calls fdpass_sending_free().
 */
int fdpass_sending_step(struct fdpass_sending *sending, struct fdpass_delivery *ret_delivery,
			struct fdpass_error *error);

/* The descriptor to watch for being readable, still the sending's: one and the same for all of its life,
 * whatever is behind it (an epoll instance, epoll(7), which can be in another one). Level-triggered. */
int fdpass_sending_fd(const struct fdpass_sending *sending);

/* The moment at which to call again though nothing was readable, in nanoseconds of CLOCK_MONOTONIC: one that
 * has passed, 0 for example, means at once, FDPASS_NO_DEADLINE never. Changes with every step. */
int64_t fdpass_sending_until(const struct fdpass_sending *sending);

/* Ends it, delivered or not. When the message had gone out without an answer, it may still be read. NULL is
 * fine. Returns NULL. */
struct fdpass_sending *fdpass_sending_free(struct fdpass_sending *sending);

/* ---------------------------------------------------------------------------------- receiving -- */

/*
 * A receiver serves any number of listeners at once. Callers that its rule does not admit, that are
 * silent, that send no descriptor, more than fits, or garbage, are turned away and never end its wait.
 * What they sent is closed as fdpass_set_discard() does it.
 *
 * Several rich handovers may be on their way at once. When room for callers or numbers for descriptors run
 * out, those that have not sent everything are closed, the one that was idle longest first, and what had
 * come of them is closed with them; they are told "busy", so that senders who wait try again.
 */
struct fdpass_receiver;
struct fdpass_handover;

/* `rule` is borrowed for the receiver's life; NULL: a new rule. `observer` may be NULL. -EMFILE, -ENFILE:
 * it has a descriptor of its own, epoll_create1(2). */
int fdpass_receiver_new(const struct fdpass_rule *rule, fdpass_observer observer,
			void *observer_context, struct fdpass_receiver **ret_receiver);

/* What a caller offers: a rich handover, before anything of it was taken. Lent for the duration of the
 * call. */
struct fdpass_offer {
	int index;                /* of the listener, or of the connection, that it came by */
	struct fdpass_peer peer;  /* as fdpass_handover_peer(); the rule admitted that one */
	size_t count;             /* of descriptors: 1 to FDPASS_HANDOVER_MAX */
	const char *const *names; /* so many; NULL, here or in a place: none */
};

/*
 * Judges an offer: 0, it may come; or a negative value, and in `reason` why, for a person at the other end
 * (it is "" before, and is cut to what fits). It must not call back into the receiver.
 */
typedef int (*fdpass_consider)(void *context, const struct fdpass_offer *offer,
			       char reason[FDPASS_REASON_MAX + 1]);

/*
 * Has every offer judged by `consider` from here on, so that what is not wanted is refused before a single
 * descriptor was taken; NULL: everything may come. To be called before fdpass_receiver_next().
 *
 * That is the place to raise RLIMIT_NOFILE: whoever offers as many as that, or more, is refused after it. A
 * plain handover is not an offer, since its one message has everything: judge it by what came.
 */
void fdpass_receiver_consider(struct fdpass_receiver *receiver, fdpass_consider consider,
			      void *context);

/* Closes every listener, and the callers that were not read, who are told that it has ended. Handovers
 * that came from it stay as they are: they are their owner's. NULL is fine. Returns NULL. */
struct fdpass_receiver *fdpass_receiver_free(struct fdpass_receiver *receiver);

/* Adds a listener, which the receiver owns from here on (on failure the caller still does). Returns
 * its index: 0 for the first, and so on; or -ENOSPC as epoll_ctl(2). */
int fdpass_receiver_add(struct fdpass_receiver *receiver, struct fdpass_listener *listener);

/*
 * Adds one connection instead, which the caller keeps, as the receiver works on a duplicate, and which
 * somebody else may hold as well: nothing that outlives us is changed on it, and the writers of its
 * messages are not known, only who made it
 * (fdpass_peer_get()). Returns its index, as fdpass_receiver_add(). -EPERM (PEER) when the rule does not
 * admit that one; -ENOTSOCK, -EPROTOTYPE, -ENOTCONN, -EBADF (CONNECT) when it is no such socket; -EMFILE.
 *
 * When it ends without a handover, that does end fdpass_receiver_next(): step RECEIVE, with its
 * index in error->fd and the reason in error->text.
 */
int fdpass_receiver_add_connection(struct fdpass_receiver *receiver, int fd,
				   struct fdpass_error *error);

/* Closes listener `index` and the callers that wait on it, each told "another sender was first"; of a
 * connection that was added, the duplicate. The other indexes do not move. */
void fdpass_receiver_drop(struct fdpass_receiver *receiver, int index);

/*
 * Waits for the next complete handover on any listener, in the order in which they become complete. With a
 * deadline that has passed, it looks once at what is there, a bounded part of it.
 * The caller owns it, and must answer it. -ETIMEDOUT, -ECANCELED (step WAIT); -ENOMEM. Whatever those
 * do wrong who come by a listener is not an error of the receiver.
 */
int fdpass_receiver_next(struct fdpass_receiver *receiver, const struct fdpass_wait *wait,
			 struct fdpass_handover **ret_handover, struct fdpass_error *error);

/*
 * For event loops: the descriptor to watch for being readable, still the receiver's, and the same for all of
 * its life (an epoll instance, epoll(7), which can be in another one); and the moment at which to look though
 * nothing was readable, FDPASS_NO_DEADLINE when there is none (it has one while the table of open files is
 * full). When one of them comes, call fdpass_receiver_next() with a deadline that has passed, such as 0: a
 * handover, or -ETIMEDOUT when there is none yet. Level-triggered: one call for each event is enough, and
 * what a call leaves is reported again.
 */
int fdpass_receiver_fd(const struct fdpass_receiver *receiver);
int64_t fdpass_receiver_until(const struct fdpass_receiver *receiver);

/* The index of the listener, or of the connection, that it came in by. */
int fdpass_handover_index(const struct fdpass_handover *handover);

/* Who wrote it: the credentials of its message, which the rule admitted. Of a connection that was added, who
 * made that: called connect(2), listen(2) or socketpair(2) for its other end. */
struct fdpass_peer fdpass_handover_peer(const struct fdpass_handover *handover);

/* What came, with its names if it has some: owned by the handover; steal from it what is to live longer. */
struct fdpass_set *fdpass_handover_set(struct fdpass_handover *handover);

/* Answers "accepted; I keep `installed` of them". To be called once they are in the table and nothing
 * that can be checked beforehand stands against using them. A sender that has gone is no failure. */
void fdpass_handover_accept(struct fdpass_handover *handover, uint32_t installed);

/*
 * Answers for a process that runs nothing with them, and has given them to others, as fdfwd(1) does, with what is
 * known of all of those. PROOF_ANSWER: they have accepted, and keep `installed` at least; a sender that waits for
 * a start hears that nobody here can tell. PROOF_READ: one of them has read them, and said nothing; only for a
 * plain handover, since those that answer take the others.
 */
void fdpass_handover_passed_on(struct fdpass_handover *handover, enum fdpass_proof proof,
			       uint32_t installed);

/* Answers "refused" with a reason for a person, cut to FDPASS_REASON_MAX bytes, and closes what is left in
 * the set, as fdpass_set_discard(); what was stolen from it stays open.
 * A handover is answered once, by one of these three: a second answer is not sent. */
void fdpass_handover_refuse(struct fdpass_handover *handover, const char *reason);

/* After fdpass_handover_accept(): says that what was to be run with them could not be started. A sender that
 * waits for the start takes an end of the connection without this for it: so it comes before every other end,
 * also of the process, but by a signal. */
void fdpass_handover_fail(struct fdpass_handover *handover, const char *reason);

/* The connection, which stays open to tell the sender about exec; still the handover's. Of one that was
 * added, a duplicate. */
int fdpass_handover_fd(const struct fdpass_handover *handover);

/* Moves the connection to a number that is at least `lowest`: -EMFILE, -EINVAL as fcntl(2), F_DUPFD_CLOEXEC,
 * and then it is where it was. */
int fdpass_handover_move(struct fdpass_handover *handover, int lowest);

/* Closes the connection and what is left in the set; not answered yet: refused. NULL is fine.
 * Returns NULL. */
struct fdpass_handover *fdpass_handover_free(struct fdpass_handover *handover);

/* Closes this process's copies of the connection and of what came, and answers nothing: a child that has
 * them since fork(2) does. NULL is fine. Returns NULL. */
struct fdpass_handover *fdpass_handover_release(struct fdpass_handover *handover);

/* ---------------------------------------------------------------------------------- placement -- */

/*
 * Puts descriptors on given numbers, whatever the overlap between old and new numbers, as a program
 * does that is about to exec. Adding is pure; fdpass_plan_run() makes the calls.
 */
struct fdpass_plan;

int fdpass_plan_new(struct fdpass_plan **ret_plan);
struct fdpass_plan *fdpass_plan_free(struct fdpass_plan *plan);

/* `source` is to be at `target`. One source may go to several targets; a target has one source:
 * -EEXIST. Negative numbers: -EBADF. */
int fdpass_plan_add(struct fdpass_plan *plan, int source, int target);

/* The highest target, or -1 without any. */
int fdpass_plan_highest(const struct fdpass_plan *plan);

/*
 * Carries it out: afterwards every target refers to its source's open file description and is
 * inherited across exec; whatever was at a target before is closed, and so is every source that is
 * not a target. Needs one free number when sources and targets form a cycle.
 *
 * There is no way back: on failure (-EMFILE, -EBADF, -ENOMEM; error->fd is the target) some targets
 * may be placed and others not, and the caller is expected to exit. dup(2), fcntl(2).
 */
int fdpass_plan_run(struct fdpass_plan *plan, struct fdpass_error *error);

/* --------------------------------------------------------------------------------- activation -- */

/*
 * A program that is started with open sockets is told of them in its environment. There are several
 * ways to say it; ADDR is what a socket is bound to: 127.0.0.1:80, [::]:80, or a path.
 */
enum fdpass_dialect {
	FDPASS_DIALECT_SYSTEMD, /* LISTEN_FDS=2, for 3 and 4; LISTEN_PID, LISTEN_FDNAMES=a:b and
				   LISTEN_PIDFDID: sd_listen_fds(3) */
	FDPASS_DIALECT_NGINX,   /* NGINX=3;4; */
	FDPASS_DIALECT_SERVER_STARTER, /* SERVER_STARTER_PORT=ADDR=3;ADDR=4 and
					  SERVER_STARTER_GENERATION=1: Perl's Server::Starter */
	FDPASS_DIALECT_PHP_FPM,        /* FPM_SOCKETS=ADDR=3,ADDR=4, IPv6 without brackets */
};

/* The first number that LISTEN_FDS announces: SD_LISTEN_FDS_START, sd_listen_fds(3). */
#define FDPASS_ACTIVATION_FIRST 3

enum fdpass_activation_check {
	FDPASS_ACTIVATION_OURS, /* only what is meant for this process, by LISTEN_PID and by
				   LISTEN_PIDFDID if it is set and can be checked */
	FDPASS_ACTIVATION_ANY,  /* whoever it is meant for: where a wrapper or a PID namespace has
				   come in between */
};

/*
 * Takes what $LISTEN_FDS announces: the set, which is the caller's, owns the descriptors from here on,
 * in order and with their names ("unknown" and "" are none), and they are close-on-exec. All or
 * nothing: on failure nothing is changed. The variables stay; they are not for children, so programs
 * that have some should remove them. To be called once, before other threads change the environment.
 *
 * Returns how many there are; 0, with an empty set, when nothing is announced. Failures are of the step
 * ACTIVATION, with the reason in words in error->text: -ESRCH when it is meant for another process, or
 * nobody says for whom (most servers take that as nothing); -EBADF when a number, which is in error->fd,
 * is not open; -EINVAL when a variable is malformed or the names are not as many; -EMFILE above
 * FDPASS_HANDOVER_MAX. Also -ENOMEM (MEMORY).
 */
int fdpass_activation_import(enum fdpass_activation_check check, struct fdpass_set **ret_set,
			     struct fdpass_error *error);

struct fdpass_announcement {
	size_t size; /* sizeof(struct fdpass_announcement) */
	enum fdpass_dialect dialect;
	size_t count;                 /* of descriptors; 0: announces nothing */
	const int *numbers;           /* as the program will find them; SYSTEMD: 3, 4, 5, ... */
	const char *const *names;     /* SYSTEMD only; NULL, here or in a place: none */
	const char *const *addresses; /* SERVER_STARTER and PHP_FPM only, and needed there */
	pid_t pid;                    /* SYSTEMD only: the process that is to have them */
	uint64_t pid_id;              /* SYSTEMD only: its fdpass_activation_pid_id(), or 0 */
};

#define FDPASS_ANNOUNCEMENT_INIT                                                                   \
	{                                                                                          \
		sizeof(struct fdpass_announcement), FDPASS_DIALECT_SYSTEMD, 0, NULL, NULL, NULL,   \
			0, 0                                                                       \
	}

/*
 * What to change in the environment so that it announces that, and nothing that was announced before in
 * any dialect: strings "NAME=VALUE", to be set, and "NAME", to be removed; the list ends with NULL and
 * is freed with one free(3). Pure: changes nothing itself. No name twice; the names are the same ones in
 * every dialect.
 *
 * -EINVAL (ACTIVATION), with the reason in words in error->text and the number in error->fd: a name that
 * is none, numbers that the dialect cannot say, an address that is missing or that has one of the
 * dialect's separators. -ENOMEM (MEMORY).
 */
int fdpass_activation_export(const struct fdpass_announcement *announcement, char ***ret_changes,
			     struct fdpass_error *error);

/* Bytes of an ADDR with its NUL: sun_path, unix(7), is longer than every host and port. */
#define FDPASS_ACTIVATION_ADDRESS_MAX 128

/* Writes the ADDR of the socket `fd` as the dialect wants it. -ENOTSOCK; -EDESTADDRREQ when it is bound
 * to nothing; -EAFNOSUPPORT when it is of a family that has no ADDR, or has an abstract name;
 * -EADDRNOTAVAIL when its path is a temporary one, as of a receiver's or a very long one's socket
 * (fdpass_open_listen());
 * -ENAMETOOLONG when it does not fit into `size`. */
int fdpass_activation_address(enum fdpass_dialect dialect, int fd, char *text, size_t size);

/* What identifies this process for LISTEN_PIDFDID: the inode of its pidfd, never used twice until the
 * machine is started anew. -EOPNOTSUPP where pidfds have none of their own (before Linux 6.9, pidfs, and
 * on 32-bit machines, where inode numbers are cut). */
int fdpass_activation_pid_id(uint64_t *ret_id);

#ifdef FDPASS_BUILD
#pragma GCC visibility pop
#endif

#ifdef __cplusplus
}
#endif

#endif
