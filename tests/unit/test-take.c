/* SPDX-License-Identifier: MIT */
/* Taking by description, and telling what is there. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "acquire/socket.h"
#include "acquire/tables.h"
#include "base/deadline.h"
#include "children.h"
#include "descriptors.h"
#include "lacking.h"
#include "suite.h"

/* What the children of this file make, and tests know about. */
struct made {
	char folder[32];
	unsigned v4, v6, udp, any, bound; /* ports */
	unsigned count;
	ino_t inode;
};

static struct made *new_made(void)
{
	struct made *made = shared_memory(sizeof(*made));

	strcpy(made->folder, "/tmp/fdpass-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(made->folder));
	return made;
}

static void remove_made(const struct made *made)
{
	static const char *const names[] = {"socket", "moved", "log", "log (deleted)"};
	char path[64];

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		snprintf(path, sizeof(path), "%s/%s", made->folder, names[i]);
		unlink(path);
	}
	ck_assert_int_eq(rmdir(made->folder), 0);
}

/* Puts `fd` on `number`. */
static void put(int fd, int number)
{
	child_check(fd >= 0 && fd < number && dup2(fd, number) == number);
	close(fd);
}

static unsigned port_of(int fd)
{
	struct sockaddr_in6 address;
	socklen_t size = sizeof(address);

	child_check(getsockname(fd, (struct sockaddr *)&address, &size) == 0);
	return ntohs(address.sin6_port); /* in the same place in IPv4's */
}

static int bound(int type, const char *host, unsigned port)
{
	struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port)};
	int family = inet_pton(AF_INET, host, &v4.sin_addr) == 1 ? AF_INET : AF_INET6;
	int fd = socket(family, type, 0), one = 1;

	if (family == AF_INET) {
		child_check(bind(fd, (struct sockaddr *)&v4, sizeof(v4)) == 0);
	} else {
		child_check(inet_pton(AF_INET6, host, &v6.sin6_addr) == 1);
		child_check(setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one)) == 0);
		child_check(bind(fd, (struct sockaddr *)&v6, sizeof(v6)) == 0);
	}
	return fd;
}

static int listening(const char *host, unsigned port)
{
	int fd = bound(SOCK_STREAM, host, port);

	child_check(listen(fd, 5) == 0);
	return fd;
}

static int bound_unix(int type, const char *name, size_t length)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, type, 0);

	memcpy(address.sun_path, name, length);
	child_check(bind(fd, (struct sockaddr *)&address,
			 (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length)) == 0);
	return fd;
}

static int connected_to(int listener)
{
	struct sockaddr_storage address;
	socklen_t size = sizeof(address);
	int fd;

	child_check(getsockname(listener, (struct sockaddr *)&address, &size) == 0);
	fd = socket(address.ss_family, SOCK_STREAM, 0);
	child_check(connect(fd, (struct sockaddr *)&address, size) == 0);
	return fd;
}

/*
 * 20 TCP 127.0.0.1:v4    23 the same as 20     25 connection to 20    27 UDP 127.0.0.1:udp
 * 21 TCP [::1]:v6        24 TCP 0.0.0.0:any    26 accepted from 20    28 TCP bound, not listening
 */
static void prepare_internet(void *context)
{
	struct made *made = context;

	put(listening("127.0.0.1", 0), 20);
	made->v4 = port_of(20);
	put(listening("::1", 0), 21);
	made->v6 = port_of(21);
	child_check(dup2(20, 23) == 23);
	put(listening("0.0.0.0", 0), 24);
	made->any = port_of(24);
	put(connected_to(20), 25);
	put(accept(20, NULL, NULL), 26);
	put(bound(SOCK_DGRAM, "127.0.0.1", 0), 27);
	made->udp = port_of(27);
	put(bound(SOCK_STREAM, "127.0.0.1", 0), 28);
	made->bound = port_of(28);
}

/*
 * 20 listens at FOLDER/socket    22 a pair's end    24 connection to 20      26 datagrams, @MADE-d
 * 21 listens at @MADE            23 the other       25 accepted from 20      27 seqpacket listens, @MADE-q
 */
static void prepare_unix(void *context)
{
	const struct made *made = context;
	char name[108] = {0};
	int pair[2];

	snprintf(name, sizeof(name), "%s/socket", made->folder);
	put(bound_unix(SOCK_STREAM, name, strlen(name)), 20);
	child_check(listen(20, 5) == 0);
	snprintf(name + 1, sizeof(name) - 1, "%s", made->folder);
	name[0] = '\0';
	put(bound_unix(SOCK_STREAM, name, strlen(name + 1) + 1), 21);
	child_check(listen(21, 5) == 0);
	child_check(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
	put(pair[0], 22);
	put(pair[1], 23);
	put(connected_to(20), 24);
	put(accept(20, NULL, NULL), 25);
	strcat(name + 1, "-d");
	put(bound_unix(SOCK_DGRAM, name, strlen(name + 1) + 1), 26);
	name[strlen(name + 1)] = 'q';
	put(bound_unix(SOCK_SEQPACKET, name, strlen(name + 1) + 1), 27);
	child_check(listen(27, 5) == 0);
}

struct told {
	char *text;
	size_t used, room;
};

static void tell(void *context, int number, const char *text)
{
	struct told *told = context;

	told->used += (size_t)snprintf(told->text + told->used, told->room - told->used, "%d %s\n",
				       number, text);
}

/* The numbers of what was taken, as "20 21 ". */
static void tell_number(void *context, int number, const char *text)
{
	struct told *told = context;

	(void)text;
	told->used +=
		(size_t)snprintf(told->text + told->used, told->room - told->used, "%d ", number);
}

static struct fdpass_match *parse(const char *text)
{
	struct fdpass_match *match = NULL;

	ck_assert_int_eq(fdpass_match_parse(text, &match, NULL), 0);
	return match;
}

/* What fits is `expected`; each is what the child has under that number. */
static void takes(const struct child *child, enum fdpass_method method, const char *text,
		  const char *expected)
{
	struct fdpass_pidref *ref = child_pin(child);
	struct fdpass_match *match = parse(text);
	struct fdpass_error error = FDPASS_ERROR_INIT;
	char numbers[512] = "", *next = numbers;
	struct told told = {numbers, 0, sizeof(numbers)};
	struct fdpass_set *set = NULL;
	int count;

	ck_assert_int_eq(fdpass_set_new(&set), 0);
	count = fdpass_acquire_match(ref, match, method, set, tell_number, &told, &error);
	ck_assert_msg(strcmp(numbers, expected) == 0, "%s: '%s', not '%s'", text, numbers,
		      expected);
	if (expected[0] == '\0') {
		ck_assert_int_eq(count, -ENOENT);
		ck_assert_int_eq(error.step, FDPASS_STEP_ACQUIRE);
		ck_assert_int_eq(error.peer.pid, child->pid);
		ck_assert_str_eq(error.text, "match");
		ck_assert_uint_eq(fdpass_set_count(set), 0);
	}
	for (int i = 0; i < count; i++) {
		int number = (int)strtol(next, &next, 10), fd = fdpass_set_get(set, (size_t)i);
		struct stat ours, theirs;
		char path[64];

		snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)child->pid, number);
		ck_assert_int_eq(fstat(fd, &ours), 0);
		ck_assert_int_eq(stat(path, &theirs), 0);
		ck_assert(ours.st_ino == theirs.st_ino && ours.st_dev == theirs.st_dev);
		ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
	}
	fdpass_set_free(set);
	fdpass_match_free(match);
	fdpass_pidref_free(ref);
}

#define TAKES(EXPECTED, ...)                                                                       \
	do {                                                                                       \
		char expression[128];                                                              \
		snprintf(expression, sizeof(expression), __VA_ARGS__);                             \
		takes(&child, FDPASS_METHOD_REOPEN, expression, EXPECTED);                         \
	} while (0)

START_TEST(internet_sockets)
{
	struct made *made = new_made();
	struct child child = child_start(prepare_internet, made);

	TAKES("20 21 24 ", "listen");
	TAKES("20 ", "listen:%u", made->v4);
	TAKES("20 ", "listen:127.0.0.1:%u", made->v4);
	TAKES("20 ", "listen:[::ffff:127.0.0.1]:%u", made->v4);
	TAKES("", "listen:127.0.0.2:%u", made->v4);
	TAKES("21 ", "listen:%u", made->v6);
	TAKES("21 ", "listen:[::1]:%u", made->v6);
	TAKES("", "listen:[::]:%u", made->v6);
	TAKES("24 ", "listen:0.0.0.0:%u", made->any);
	TAKES("", "listen:127.0.0.1:%u", made->any);
	TAKES("20 26 ", "tcp:%u", made->v4);
	TAKES("27 ", "udp:%u", made->udp);
	TAKES("27 ", "udp:127.0.0.1:%u", made->udp);
	TAKES("27 ", "udp");
	TAKES("28 ", "tcp:%u", made->bound);
	TAKES("", "listen:%u", made->bound);
	TAKES("20 21 24 25 26 28 ", "tcp");
	TAKES("", "udp:%u", made->v4);
	TAKES("", "listen:%u", made->udp);
	TAKES("", "unix");
	child_stop(&child);
	remove_made(made);
}
END_TEST

START_TEST(unix_sockets)
{
	struct made *made = new_made();
	struct child child = child_start(prepare_unix, made);
	char old[64], moved[64];

	TAKES("20 21 27 ", "listen");
	TAKES("20 ", "listen:%s/socket", made->folder);
	TAKES("20 25 ", "unix:%s/socket", made->folder);
	TAKES("21 ", "listen:@%s", made->folder);
	TAKES("21 ", "unix:@%s", made->folder);
	TAKES("26 ", "unix:@%s-d", made->folder);
	TAKES("27 ", "listen:@%s-q", made->folder);
	TAKES("", "listen:@%s-d", made->folder);
	TAKES("", "listen:%s", made->folder);
	TAKES("20 21 22 23 24 25 26 27 ", "unix");
	/* Another spelling, and another name since. */
	TAKES("20 ", "listen:%s/../%s/./socket", made->folder, made->folder + strlen("/tmp/"));
	snprintf(old, sizeof(old), "%s/socket", made->folder);
	snprintf(moved, sizeof(moved), "%s/moved", made->folder);
	ck_assert_int_eq(rename(old, moved), 0);
	TAKES("20 ", "listen:%s", moved);
	TAKES("20 ", "listen:%s", old);
	child_stop(&child);
	remove_made(made);
}
END_TEST

static void prepare_files(void *context)
{
	const struct made *made = context;
	char path[64];

	snprintf(path, sizeof(path), "%s/log", made->folder);
	put(open(path, O_WRONLY | O_CREAT | O_APPEND, 0600), 20);
	put(open(path, O_RDONLY), 21);
	child_check(dup2(20, 22) == 22);
	put(open("/dev/null", O_RDWR), 23);
	put(eventfd(0, 0), 24);
	strcat(path, " (deleted)");
	put(open(path, O_WRONLY | O_CREAT, 0600), 25);
}

START_TEST(files)
{
	struct made *made = new_made();
	struct child child = child_start(prepare_files, made);
	struct fdpass_match *match = parse("file:/dev/null");
	struct fdpass_pidref *ref = child_pin(&child);
	struct fdpass_set *set = NULL;
	char path[64];

	TAKES("20 21 22 ", "file:%s/log", made->folder);
	TAKES("20 21 22 ", "file:%s/../%s/log", made->folder, made->folder + strlen("/tmp/"));
	TAKES("25 ", "file:%s/log (deleted)", made->folder);
	TAKES("", "file:%s", made->folder);
	ck_assert_int_eq(fdpass_set_new(&set), 0);
	ck_assert_int_ge(
		fdpass_acquire_match(ref, match, FDPASS_METHOD_DUPLICATE, set, NULL, NULL, NULL),
		1);
	fdpass_match_free(match);

	/* Reopened as it was opened; or shared. */
	snprintf(path, sizeof(path), "file:%s/log", made->folder);
	match = parse(path);
	fdpass_set_truncate(set, 0);
	ck_assert_int_eq(
		fdpass_acquire_match(ref, match, FDPASS_METHOD_REOPEN, set, NULL, NULL, NULL), 3);
	ck_assert_int_eq(fcntl(fdpass_set_get(set, 0), F_GETFL) & (O_ACCMODE | O_APPEND),
			 O_WRONLY | O_APPEND);
	ck_assert_int_eq(fcntl(fdpass_set_get(set, 1), F_GETFL) & (O_ACCMODE | O_APPEND), O_RDONLY);
	ck_assert_int_eq(write(fdpass_set_get(set, 0), "x", 1), 1);
	ck_assert_int_eq(lseek(fdpass_set_get(set, 2), 0, SEEK_CUR), 0);
	fdpass_set_truncate(set, 0);
	ck_assert_int_eq(
		fdpass_acquire_match(ref, match, FDPASS_METHOD_DUPLICATE, set, NULL, NULL, NULL),
		3);
	ck_assert_int_eq(write(fdpass_set_get(set, 0), "x", 1), 1);
	ck_assert_int_eq(lseek(fdpass_set_get(set, 2), 0, SEEK_CUR), 2);

	snprintf(path, sizeof(path), "%s/log", made->folder);
	ck_assert_int_eq(unlink(path), 0);
	TAKES("20 21 22 ", "file:%s/log", made->folder);
	TAKES("25 ", "file:%s/log (deleted)", made->folder);
	fdpass_set_free(set);
	fdpass_match_free(match);
	fdpass_pidref_free(ref);
	child_stop(&child);
	remove_made(made);
}
END_TEST

/* One or the other. */
static void lists_either(const struct child *child, const char *expected, const char *other)
{
	struct fdpass_pidref *ref = child_pin(child);
	char text[4096] = "", *from;
	struct told told = {text, 0, sizeof(text)};

	ck_assert_int_gt(fdpass_acquire_list(ref, tell, &told, NULL), 0);
	/* 0 to 2 are whatever the tests were started with. */
	from = strstr(text, "\n3 pipe\n");
	ck_assert_ptr_nonnull(from);
	from += strlen("\n3 pipe\n");
	if (strcmp(from, other) != 0)
		ck_assert_str_eq(from, expected);
	fdpass_pidref_free(ref);
}

static void lists(const struct child *child, const char *expected)
{
	lists_either(child, expected, expected);
}

START_TEST(a_list_of_internet_sockets)
{
	struct made *made = new_made();
	struct child child = child_start(prepare_internet, made);
	struct fdpass_pidref *ref = child_pin(&child);
	char expected[512], newer[512];
	unsigned client;
	int fd;

	ck_assert_int_eq(fdpass_acquire(ref, 25, FDPASS_METHOD_DUPLICATE, &fd, NULL), 0);
	client = port_of(fd);
	close(fd);
	fdpass_pidref_free(ref);
	snprintf(expected, sizeof(expected),
		 "20 tcp-listen 127.0.0.1:%u\n21 tcp-listen [::1]:%u\n23 tcp-listen 127.0.0.1:%u\n"
		 "24 tcp-listen 0.0.0.0:%u\n25 tcp 127.0.0.1:%u -> 127.0.0.1:%u\n"
		 "26 tcp 127.0.0.1:%u -> 127.0.0.1:%u\n27 udp 127.0.0.1:%u\n28 tcp\n",
		 made->v4, made->v6, made->v4, made->any, client, made->v4, made->v4, client,
		 made->udp);
	/* Since Linux 6.8 sock_diag shows TCP sockets that are bound and nothing else. */
	snprintf(newer, sizeof(newer), "%.*s 127.0.0.1:%u\n", (int)strlen(expected) - 1, expected,
		 made->bound);
	lists_either(&child, newer, expected);
	child_stop(&child);
	remove_made(made);
}
END_TEST

START_TEST(a_list_of_unix_sockets)
{
	struct made *made = new_made();
	struct child child = child_start(prepare_unix, made);
	char expected[512];

	snprintf(expected, sizeof(expected),
		 "20 unix-listen %s/socket\n21 unix-listen @%s\n22 unix\n23 unix\n24 unix\n"
		 "25 unix %s/socket\n26 unix-dgram @%s-d\n27 unix-seqpacket-listen @%s-q\n",
		 made->folder, made->folder, made->folder, made->folder, made->folder);
	lists(&child, expected);
	child_stop(&child);
	remove_made(made);
}
END_TEST

static void prepare_zoo(void *context)
{
	const struct made *made = context;
	char path[64];
	int fds[2];

	put(open(made->folder, O_RDONLY | O_DIRECTORY), 20);
	put(open("/dev/null", O_RDWR), 21);
	put((int)syscall(SYS_memfd_create, "a\nb", 0), 22);
	child_check(pipe(fds) == 0);
	put(fds[0], 23);
	close(fds[1]);
	snprintf(path, sizeof(path), "%s/log", made->folder);
	child_check(mkfifo(path, 0600) == 0);
	put(open(path, O_RDWR), 24);
	child_check(unlink(path) == 0);
	put(open(path, O_RDWR | O_CREAT, 0600), 25);
	child_check(unlink(path) == 0);
	put(eventfd(0, 0), 26);
	put((int)syscall(SYS_pidfd_open, getpid(), 0), 27);
	put(open("/proc/self/ns/net", O_RDONLY), 28);
	put(socket(AF_NETLINK, SOCK_RAW, 0), 29);
	put(socket(AF_INET6, SOCK_DGRAM, 0), 30);
}

START_TEST(a_list_of_everything_else)
{
	struct made *made = new_made();
	struct child child = child_start(prepare_zoo, made);
	char expected[1024], namespace[64];
	ssize_t length = readlink("/proc/self/ns/net", namespace, sizeof(namespace) - 1);

	ck_assert_int_gt(length, 0);
	namespace[length] = '\0';
	snprintf(expected, sizeof(expected),
		 "20 dir %s\n21 char /dev/null\n22 memfd a?b\n23 pipe\n24 fifo %s/log (deleted)\n"
		 "25 file %s/log (deleted)\n26 eventfd\n27 pidfd\n28 namespace %s\n29 netlink\n"
		 "30 udp\n",
		 made->folder, made->folder, made->folder, namespace);
	lists(&child, expected);
	TAKES("30 ", "udp");
	TAKES("", "listen");
	child_stop(&child);
	remove_made(made);
}
END_TEST

static void prepare_other_network(void *context)
{
	child_check(unshare(CLONE_NEWNET) == 0);
	put(listening("0.0.0.0", 0), 20);
	((struct made *)context)->any = port_of(20);
	put(listening("::", 0), 21);
	((struct made *)context)->v6 = port_of(21);
	put(bound(SOCK_DGRAM, "::", 0), 22);
	((struct made *)context)->udp = port_of(22);
}

/* What /proc/PID/net says is what sock_diag would. */
START_TEST(in_another_network_namespace)
{
	struct made *made = new_made();
	struct child child = child_start(prepare_other_network, made), second;
	struct fdpass_match *match;
	struct fdpass_pidref *ref = NULL;
	char expected[256];

	TAKES("20 21 ", "listen");
	TAKES("20 ", "listen:0.0.0.0:%u", made->any);
	TAKES("21 ", "listen:[::]:%u", made->v6);
	TAKES("22 ", "udp:[::]:%u", made->udp);
	snprintf(expected, sizeof(expected),
		 "20 tcp-listen 0.0.0.0:%u\n21 tcp-listen [::]:%u\n22 udp [::]:%u\n", made->any,
		 made->v6, made->udp);
	lists(&child, expected);
	/* Its ports are no ports of ours. */
	snprintf(expected, sizeof(expected), "listen:0.0.0.0:%u", made->any);
	match = parse(expected);
	ck_assert_int_eq(fdpass_pidref_find(match, &ref, NULL), -ESRCH);
	fdpass_match_free(match);
	child_stop(&child);

	/* And we are the others there; sockets of a third are looked at as duplicates. */
	second = child_start(prepare_unix, made);
	ck_assert_int_eq(unshare(CLONE_NEWNET), 0);
	child = second;
	TAKES("20 21 27 ", "listen");
	TAKES("20 ", "listen:%s/socket", made->folder);
	TAKES("21 ", "listen:@%s", made->folder);
	child_stop(&child);
	remove_made(made);
}
END_TEST

static void prepare_foreign_sockets(void *context)
{
	struct made *made = context;

	child_check(unshare(CLONE_NEWNET) == 0);
	put(listening("0.0.0.0", 0), 20);
	made->any = port_of(20);
	child_check(unshare(CLONE_NEWNET) == 0);
}

START_TEST(of_a_network_namespace_that_nobody_is_in)
{
	struct made *made = new_made();
	struct child child = child_start(prepare_foreign_sockets, made);

	TAKES("20 ", "listen");
	TAKES("20 ", "listen:%u", made->any);
	TAKES("", "udp");
	child_stop(&child);
	remove_made(made);
}
END_TEST

struct counted {
	const struct made *made;
	struct fdpass_socket sockets[8];
	size_t count;
};

static int remember(void *context, const struct fdpass_socket *socket)
{
	struct counted *counted = context;
	unsigned port = socket->local.port;

	if (socket->kind == SOCKET_UNKNOWN || socket->kind == SOCKET_UNIX ||
	    (port != counted->made->v4 && port != counted->made->v6 && port != counted->made->udp))
		return 0;
	ck_assert_uint_lt(counted->count, 8);
	counted->sockets[counted->count++] = *socket;
	return 0;
}

/* Both sources say the same of the same sockets. */
START_TEST(two_tables_agree)
{
	struct made *made = new_made();
	struct child child = child_start(prepare_internet, made);
	struct counted diag = {.made = made}, text = {.made = made};
	int self = open("/proc/self", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	size_t same = 0;

	ck_assert_int_eq(fdpass_diag_visit(remember, &diag), 0);
	ck_assert_int_eq(fdpass_procnet_visit(self, remember, &text), 0);
	close(self);
	ck_assert_uint_eq(diag.count, 4);
	ck_assert_uint_eq(text.count, 4);
	for (size_t i = 0; i < diag.count; i++) {
		for (size_t j = 0; j < text.count; j++) {
			const struct fdpass_socket *a = &diag.sockets[i], *b = &text.sockets[j];

			if (a->inode != b->inode)
				continue;
			ck_assert_int_eq(a->kind, b->kind);
			ck_assert_int_eq(a->listening, b->listening);
			ck_assert_mem_eq(&a->local, &b->local, sizeof(a->local));
			ck_assert_mem_eq(&a->remote, &b->remote, sizeof(a->remote));
			same++;
		}
	}
	ck_assert_uint_eq(same, 4);
	child_stop(&child);
	remove_made(made);
}
END_TEST

/* As many as may be, up to 10,000: half of them connections, and one that listens at the end. */
static void prepare_many(void *context)
{
	struct made *made = context;
	struct rlimit limit;
	unsigned count = 10000;
	int last;

	child_check(getrlimit(RLIMIT_NOFILE, &limit) == 0);
	limit.rlim_cur = limit.rlim_max;
	child_check(setrlimit(RLIMIT_NOFILE, &limit) == 0);
	if (limit.rlim_cur < count + 16)
		count = (unsigned)limit.rlim_cur - 16;
	for (unsigned i = 0; i < count / 2 - 1; i++) {
		int pair[2];

		child_check(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
	}
	last = listening("127.0.0.1", 0);
	child_check(last >= 0 && dup(last) >= 0);
	made->v4 = port_of(last);
	made->count = count;
}

START_TEST(among_ten_thousand)
{
	struct made *made = new_made();
	struct child child = child_start(prepare_many, made);
	struct fdpass_pidref *ref = child_pin(&child);
	struct fdpass_match *match = NULL;
	struct fdpass_set *set = NULL;
	int64_t start, best = INT64_MAX;
	char text[64];

	snprintf(text, sizeof(text), "listen:%u", made->v4);
	match = parse(text);
	ck_assert_int_eq(fdpass_set_new(&set), 0);
	for (int i = 0; i < 3; i++) {
		fdpass_set_truncate(set, 0);
		start = fdpass_deadline_now();
		ck_assert_int_eq(fdpass_acquire_match(ref, match, FDPASS_METHOD_DUPLICATE, set,
						      NULL, NULL, NULL),
				 1);
		best = deadline_earlier(best, fdpass_deadline_now() - start);
	}
	/* 20 ms where this was written; a sanitizer or valgrind takes ten times as long. */
	ck_assert_int_lt(best, NSEC_PER_SEC);
	fdpass_set_free(set);
	fdpass_match_free(match);
	fdpass_pidref_free(ref);
	child_stop(&child);
	remove_made(made);
}
END_TEST

/* Nothing is kept when not everything fits in the table. */
START_TEST(all_or_nothing)
{
	struct made *made = new_made();
	struct child child = child_start(prepare_unix, made);
	struct fdpass_pidref *ref = child_pin(&child);
	struct fdpass_match *match = parse("unix");
	struct fdpass_error error = FDPASS_ERROR_INIT;
	struct fdpass_set *set = NULL;
	struct rlimit before, now;
	int lowest, r = -EMFILE, failures = 0;

	ck_assert_int_eq(fdpass_set_new(&set), 0);
	ck_assert_int_eq(fdpass_set_borrow(set, 0), 0);
	lowest = fcntl(0, F_DUPFD_CLOEXEC, 3);
	close(lowest);
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
	now = before;
	for (now.rlim_cur = (rlim_t)lowest; r < 0; now.rlim_cur++) {
		ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &now), 0);
		r = fdpass_acquire_match(ref, match, FDPASS_METHOD_DUPLICATE, set, NULL, NULL,
					 &error);
		ck_assert(r == 8 || r == -EMFILE);
		if (r < 0) {
			failures++;
			ck_assert_str_eq(error.text, "table");
			ck_assert_int_eq(error.step, FDPASS_STEP_ACQUIRE);
		}
		ck_assert_uint_eq(fdpass_set_count(set), r < 0 ? 1 : 9);
	}
	ck_assert_int_ge(failures, 8);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
	fdpass_set_free(set);
	fdpass_match_free(match);
	fdpass_pidref_free(ref);
	child_stop(&child);
	remove_made(made);
}
END_TEST

static void prepare_to_close(void *context)
{
	int pair[2];

	(void)context;
	child_check(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0 && pair[0] == 5);
}

/* A connection of the child ends when the child does, however often it was looked at. */
START_TEST(looking_keeps_no_connection_open)
{
	struct child child = child_start(prepare_to_close, NULL);
	struct fdpass_pidref *ref = child_pin(&child);
	struct pollfd end = {.fd = -1, .events = POLLIN};
	char text[1024] = "";
	struct told told = {text, 0, sizeof(text)};

	ck_assert_int_eq(fdpass_acquire(ref, 5, FDPASS_METHOD_DUPLICATE, &end.fd, NULL), 0);
	ck_assert_int_gt(fdpass_acquire_list(ref, tell, &told, NULL), 0);
	TAKES("", "listen");
	child_stop(&child);
	ck_assert_int_eq(poll(&end, 1, 0), 1);
	ck_assert_int_eq(read(end.fd, text, 1), 0);
	close(end.fd);
	fdpass_pidref_free(ref);
}
END_TEST

START_TEST(the_dead_hold_nothing)
{
	struct child child = child_start(prepare_to_close, NULL);
	struct fdpass_pidref *ref = child_pin(&child);
	struct fdpass_match *match = parse("unix");
	struct fdpass_error error = FDPASS_ERROR_INIT;
	struct fdpass_set *set = NULL;

	child_stop(&child);
	ck_assert_int_eq(fdpass_set_new(&set), 0);
	ck_assert_int_eq(
		fdpass_acquire_match(ref, match, FDPASS_METHOD_DUPLICATE, set, NULL, NULL, &error),
		-ESRCH);
	ck_assert_str_eq(error.text, "gone");
	ck_assert_int_eq(fdpass_acquire_list(ref, tell, NULL, &error), -ESRCH);
	ck_assert_str_eq(error.text, "gone");
	fdpass_set_free(set);
	fdpass_match_free(match);
	fdpass_pidref_free(ref);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("take");
	TCase *tcase = descriptors_tcase("take"), *root = descriptors_tcase("root");

	tcase_set_timeout(tcase, 30);
	tcase_add_test(tcase, internet_sockets);
	tcase_add_test(tcase, unix_sockets);
	tcase_add_test(tcase, files);
	tcase_add_test(tcase, a_list_of_internet_sockets);
	tcase_add_test(tcase, a_list_of_unix_sockets);
	tcase_add_test(tcase, a_list_of_everything_else);
	tcase_add_test(tcase, two_tables_agree);
	tcase_add_test(tcase, among_ten_thousand);
	tcase_add_test(tcase, all_or_nothing);
	tcase_add_test(tcase, looking_keeps_no_connection_open);
	tcase_add_test(tcase, the_dead_hold_nothing);
	suite_add_tcase(suite, tcase);
	tcase_add_test(root, in_another_network_namespace);
	tcase_add_test(root, of_a_network_namespace_that_nobody_is_in);
	if (!lacks_root("in_another_network_namespace, of_a_network_namespace_that_nobody_is_in"))
		suite_add_tcase(suite, root);
	return suite_run(suite);
}
