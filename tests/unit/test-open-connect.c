/* SPDX-License-Identifier: MIT */
/* Connected sockets that are opened to be given away, and how the wait for them ends. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "descriptors.h"
#include "fdpass.h"
#include "lacking.h"
#include "scratch.h"
#include "suite.h"

#define MILLISECONDS(n) ((int64_t)(n)*1000 * 1000)

static int try_to_connect(const char *text, const struct fdpass_wait *wait, int *ret_fd,
			  struct fdpass_error *error)
{
	struct fdpass_endpoint *endpoint;
	int r;

	ck_assert_msg(fdpass_endpoint_parse(text, &endpoint, NULL) == 0, "%s", text);
	r = fdpass_open_connect(endpoint, wait, ret_fd, error);
	fdpass_endpoint_free(endpoint);
	return r;
}

static int connect_to(const char *text)
{
	struct fdpass_wait wait = {fdpass_deadline_in(MILLISECONDS(20000)), -1};
	struct fdpass_error error = FDPASS_ERROR_INIT;
	int fd = -1;
	int r = try_to_connect(text, &wait, &fd, &error);

	ck_assert_msg(r == 0, "%s: %s: %s", text, fdpass_step_text(error.step), strerror(-r));
	return fd;
}

/* A server of that ADDR, with the address that it got in `name`. */
static int serve(const char *text, int backlog, char *name, size_t size)
{
	struct fdpass_open_options options = FDPASS_OPEN_OPTIONS_INIT;
	struct fdpass_endpoint *endpoint;
	struct fdpass_listener *listener;
	int fd;

	options.backlog = backlog;
	ck_assert_int_eq(fdpass_endpoint_parse(text, &endpoint, NULL), 0);
	ck_assert_int_eq(fdpass_open_listen(endpoint, &options, &listener, NULL), 0);
	fdpass_endpoint_free(endpoint);
	ck_assert_int_eq(fdpass_open_name(fdpass_listener_fd(listener), name, size), 0);
	fd = fdpass_listener_keep(listener);
	/* A path has another name by now. */
	if (strncmp(text, "unix", 4) == 0)
		snprintf(name, size, "%s", text);
	return fd;
}

static void talk(int server, int client, int type)
{
	char byte = 0;
	int accepted = type == SOCK_DGRAM ? dup(server) : accept(server, NULL, NULL);

	ck_assert_int_ge(accepted, 0);
	ck_assert_int_eq(send(client, "x", 1, MSG_NOSIGNAL), 1);
	ck_assert_int_eq(recv(accepted, &byte, 1, 0), 1);
	ck_assert_int_eq(byte, 'x');
	close(accepted);
}

static const struct {
	const char *text;
	int family, type;
} kinds[] = {
	{"tcp:127.0.0.1:0", AF_INET, SOCK_STREAM},
	{"tcp:[::1]:0", AF_INET6, SOCK_STREAM},
	{"tcp4:localhost:0", AF_INET, SOCK_STREAM},
	{"udp:127.0.0.1:0", AF_INET, SOCK_DGRAM},
	{"udp6:[::1]:0", AF_INET6, SOCK_DGRAM},
	{"unix:./there", AF_UNIX, SOCK_STREAM},
	{"unix-dgram:there", AF_UNIX, SOCK_DGRAM},
	{"unix-seqpacket:./there", AF_UNIX, SOCK_SEQPACKET},
};

START_TEST(every_kind)
{
	char name[128];
	int server = serve(kinds[_i].text, 8, name, sizeof(name));
	int client = connect_to(name);
	int value;
	socklen_t length = sizeof(value);

	ck_assert_int_eq(fcntl(client, F_GETFD), FD_CLOEXEC);
	ck_assert_int_eq(fcntl(client, F_GETFL) & O_NONBLOCK, 0);
	ck_assert_int_eq(getsockopt(client, SOL_SOCKET, SO_DOMAIN, &value, &length), 0);
	ck_assert_int_eq(value, kinds[_i].family);
	ck_assert_int_eq(getsockopt(client, SOL_SOCKET, SO_TYPE, &value, &length), 0);
	ck_assert_int_eq(value, kinds[_i].type);
	talk(server, client, kinds[_i].type);
	close(client);
	close(server);
}
END_TEST

START_TEST(an_abstract_name)
{
	char text[128], name[128];
	int server, client;

	snprintf(text, sizeof(text), "unix-abstract:fdpass-test-connect-%d", (int)getpid());
	server = serve(text, 8, name, sizeof(name));
	client = connect_to(text);
	talk(server, client, SOCK_STREAM);
	close(client);
	close(server);
}
END_TEST

START_TEST(without_a_host)
{
	char name[128], text[128];
	int server = serve("tcp:0", 8, name, sizeof(name));
	int client;

	snprintf(text, sizeof(text), "tcp:%s", strrchr(name, ':') + 1);
	client = connect_to(text);
	talk(server, client, SOCK_STREAM);
	close(client);
	close(server);
}
END_TEST

START_TEST(a_long_path)
{
	char text[256] = "unix:./", name[256];
	int server, client;

	memset(text + 7, 'd', 150);
	ck_assert_int_eq(mkdir(text + 5, 0700), 0);
	strcat(text, "/there");
	server = serve(text, 8, name, sizeof(name));
	client = connect_to(text);
	talk(server, client, SOCK_STREAM);
	close(client);
	close(server);
}
END_TEST

static void fails(const char *text, enum fdpass_step step, int code)
{
	struct fdpass_error error = FDPASS_ERROR_INIT;
	int fd = -2;

	ck_assert_int_eq(try_to_connect(text, NULL, &fd, &error), -code);
	ck_assert_int_eq(error.step, step);
	ck_assert_int_eq(error.code, code);
	ck_assert_int_eq(fd, -2);
	ck_assert_int_eq(try_to_connect(text, NULL, &fd, NULL), -code);
}

START_TEST(nobody_is_there)
{
	char name[128];
	int server = serve("tcp:127.0.0.1:0", 8, name, sizeof(name));

	close(server);
	fails(name, FDPASS_STEP_CONNECT, ECONNREFUSED);
	fails("unix:./nobody", FDPASS_STEP_CONNECT, ENOENT);
	server = serve("unix:./there", 8, name, sizeof(name));
	fails("unix-dgram:./there", FDPASS_STEP_CONNECT, EPROTOTYPE);
	close(server);
	fails("unix:./there", FDPASS_STEP_CONNECT, ECONNREFUSED);
	fails("unix-abstract:fdpass-test-nobody-at-all", FDPASS_STEP_CONNECT, ECONNREFUSED);
	fails("tcp:127.0.0.1:no-such-service", FDPASS_STEP_RESOLVE, ENOENT);
}
END_TEST

static void replace(const char *path, const char *text)
{
	int fd = open("replacement", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	ck_assert_int_eq(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	/* Without that file, what is built in is the same. */
	ck_assert(mount("replacement", path, "none", MS_BIND, NULL) == 0 || errno == ENOENT);
	unlink("replacement");
}

/* A name server that is not there, in a network of its own. */
START_TEST(nobody_can_be_asked)
{
	ck_assert_int_eq(unshare(CLONE_NEWNS | CLONE_NEWNET), 0);
	/* Where / is no mount point, as in a chroot, everybody would have those files. */
	if (mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) < 0) {
		ck_assert_int_eq(errno, EINVAL);
		lacking("mounts", "nobody_can_be_asked");
		return;
	}
	replace("/etc/nsswitch.conf", "hosts: dns\n");
	replace("/etc/resolv.conf", "nameserver 127.0.0.1\noptions timeout:1 attempts:1\n");
	fails("tcp:fdpass.example:9", FDPASS_STEP_RESOLVE, EIO);
}
END_TEST

/* ------------------------------------------------------------------------------------ the wait -- */

enum { CLIENTS = 8 };

/* A server that accepts nobody, with its queue full, and who fills it. */
struct full {
	int server, clients[CLIENTS];
	char name[128];
};

static void fill(struct full *full, const char *text)
{
	union {
		struct sockaddr any;
		struct sockaddr_storage storage;
		struct sockaddr_un un;
	} address = {.un = {.sun_family = AF_UNIX, .sun_path = "there"}};
	socklen_t length = sizeof(address.un);

	full->server = serve(text, 1, full->name, sizeof(full->name));
	if (strncmp(text, "unix", 4) != 0) {
		length = sizeof(address);
		ck_assert_int_eq(getsockname(full->server, &address.any, &length), 0);
	}
	for (int i = 0; i < CLIENTS; i++) {
		full->clients[i] = socket(address.any.sa_family,
					  SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		ck_assert_int_ge(full->clients[i], 0);
		ck_assert(connect(full->clients[i], &address.any, length) == 0 ||
			  errno == EINPROGRESS || errno == EAGAIN);
	}
}

static void empty(struct full *full)
{
	for (int i = 0; i < CLIENTS; i++)
		close(full->clients[i]);
	close(full->server);
}

static const char *const full_kinds[] = {"tcp:127.0.0.1:0", "unix:there"};

START_TEST(the_deadline)
{
	struct fdpass_wait wait = FDPASS_WAIT_INIT;
	struct fdpass_error error = FDPASS_ERROR_INIT;
	struct full full;
	int fd = -2;

	fill(&full, full_kinds[_i]);
	wait.deadline = fdpass_deadline_in(MILLISECONDS(100));
	ck_assert_int_eq(try_to_connect(full.name, &wait, &fd, &error), -ETIMEDOUT);
	ck_assert_int_eq(error.step, FDPASS_STEP_WAIT);
	ck_assert_int_ge(fdpass_deadline_in(0), wait.deadline);
	/* One that has passed: only what can be done at once. */
	ck_assert_int_eq(try_to_connect(full.name, &wait, &fd, &error), -ETIMEDOUT);
	ck_assert_int_eq(fd, -2);
	empty(&full);
}
END_TEST

START_TEST(cancelling)
{
	struct fdpass_wait wait = {FDPASS_NO_DEADLINE, eventfd(1, EFD_CLOEXEC)};
	struct fdpass_error error = FDPASS_ERROR_INIT;
	struct full full;
	int fd = -2;

	fill(&full, full_kinds[_i]);
	ck_assert_int_eq(try_to_connect(full.name, &wait, &fd, &error), -ECANCELED);
	ck_assert_int_eq(error.step, FDPASS_STEP_WAIT);
	ck_assert_int_eq(fd, -2);
	empty(&full);
	close(wait.cancel_fd);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("open-connect");
	TCase *tcase = descriptors_tcase("open-connect"), *root = descriptors_tcase("root");

	scratch_add(tcase);
	tcase_set_timeout(tcase, 30);
	tcase_add_loop_test(tcase, every_kind, 0, sizeof(kinds) / sizeof(*kinds));
	tcase_add_test(tcase, an_abstract_name);
	tcase_add_test(tcase, without_a_host);
	tcase_add_test(tcase, a_long_path);
	tcase_add_test(tcase, nobody_is_there);
	tcase_add_loop_test(tcase, the_deadline, 0, 2);
	tcase_add_loop_test(tcase, cancelling, 0, 2);
	suite_add_tcase(suite, tcase);
	scratch_add(root);
	tcase_set_timeout(root, 30);
	tcase_add_test(root, nobody_can_be_asked);
	if (!lacks_root("nobody_can_be_asked"))
		suite_add_tcase(suite, root);
	return suite_run(suite);
}
