/* SPDX-License-Identifier: MIT */
/* Sets, rules, messages; listening, opening files and sockets. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <check.h>

#include "base/fd.h"
#include "given.h"
#include "peer/idmap.h"
#include "raw.h"
#include "scenarios.h"

static int sets(struct fdpass_error *error)
{
	struct fdpass_set *set = NULL;
	int r;

	failing_begin();
	r = fdpass_set_new(&set);
	for (int i = 0; r == 0 && i < 20; i++)
		r = i % 2 == 0 ? fdpass_set_dup(set, 0) : fdpass_set_borrow(set, 0);
	for (size_t i = 0; r == 0 && i < 20; i++)
		r = fdpass_set_rename(set, i, "name");
	if (set != NULL)
		fdpass_set_discard(set, 10);
	fdpass_set_free(set);
	failing_end();
	return scenario_untold(r, error);
}

/* Closing what is not trusted cannot fail, and closes. */
static int discarding(struct fdpass_error *error)
{
	struct fdpass_set *set;
	int pair[2];

	(void)error;
	raw_pair(pair);
	ck_assert_int_eq(fdpass_set_new(&set), 0);
	ck_assert_int_eq(fdpass_set_take(set, pair[0]), 0);
	ck_assert_int_eq(fdpass_set_take(set, pair[1]), 0);
	failing_begin();
	fdpass_set_discard(set, 0);
	failing_end();
	fdpass_set_free(set);
	return 0;
}

static int rules(struct fdpass_error *error)
{
	struct fdpass_rule *rule = NULL;
	struct fdpass_peer peer;
	int pair[2], admitted = 0, stranger = 0, r;

	raw_pair(pair);
	failing_begin();
	r = fdpass_rule_new(&rule);
	if (r == 0)
		r = admitted = fdpass_rule_check(rule, pair[0], &peer);
	for (unsigned i = 0; r >= 0 && i < 20; i++)
		r = fdpass_rule_admit_user(rule, i + 1000000);
	for (unsigned i = 0; r >= 0 && i < 20; i++)
		r = fdpass_rule_admit_group(rule, i + 1000000);
	if (r >= 0)
		r = stranger = fdpass_rule_check(rule, pair[0], &peer);
	if (r >= 0)
		r = fdpass_peer_get(pair[1], &peer);
	fdpass_rule_free(rule);
	failing_end();
	if (r >= 0) {
		/* Who goes by the overflow id is a stranger where the map of the namespace cannot be read. */
		if (geteuid() != fdpass_idmap_overflow(FDPASS_IDMAP_USERS))
			ck_assert_int_eq(admitted, 1);
		ck_assert_int_eq(peer.pid, getpid());
	}
	ck_assert_int_le(stranger, 0);
	close(pair[0]);
	close(pair[1]);
	return scenario_untold(r, error);
}

/* ------------------------------------------------------------------------------------ messages -- */

#define WORDS "a few words"

/* All of it: a stream may give it in pieces. */
static int receive_words(int socket, struct fdpass_set *set, const struct fdpass_wait *wait)
{
	struct fdpass_message message;
	char bytes[sizeof(WORDS)];
	size_t have = 0;
	int r = 1;

	while (r > 0 && have < sizeof(bytes)) {
		r = fdpass_message_receive(socket, bytes + have, sizeof(bytes) - have, set, wait,
					   &message);
		have += r > 0 ? message.size : 0;
	}
	return r > 0 && strcmp(bytes, WORDS) != 0 ? -EBADMSG : r;
}

static int message(struct fdpass_error *error)
{
	struct fdpass_set *set = given_set(FDPASS_MESSAGE_MAX, GIVEN_WITHOUT_NAMES), *came = NULL;
	const struct fdpass_wait patience = scenario_patience();
	int pair[2], r;

	raw_pair(pair);
	ck_assert_int_eq(fdpass_set_new(&came), 0);
	failing_begin();
	r = (int)fdpass_message_send(pair[0], WORDS, sizeof(WORDS), set, &patience);
	if (r > 0)
		r = r != sizeof(WORDS) ? -EBADMSG : receive_words(pair[1], came, &patience);
	failing_end();
	ck_assert(r != 0 && r != -EBADMSG);
	ck_assert_uint_eq(fdpass_set_count(set), FDPASS_MESSAGE_MAX);
	if (r > 0)
		ck_assert(given_is(came, FDPASS_MESSAGE_MAX, GIVEN_WITHOUT_NAMES));
	fdpass_set_free(came);
	fdpass_set_free(set);
	close(pair[0]);
	close(pair[1]);
	return scenario_untold(r, error);
}

/* Those say EINTR, and the caller tries again. */
static int one_descriptor(struct fdpass_error *error)
{
	struct stat sent, came;
	int pair[2], fd = -1, r;
	char byte = 'x';

	raw_pair(pair);
	failing_begin();
	do
		r = (int)fdpass_write_fd(pair[0], &byte, 1, 0);
	while (r < 0 && errno == EINTR);
	if (r > 0) {
		do {
			fd = -2;
			r = (int)fdpass_read_fd(pair[1], &byte, 1, &fd);
		} while (r < 0 && errno == EINTR);
	}
	r = r < 0 ? -errno : r;
	failing_end();
	ck_assert(r > 0 || fd == -1);
	if (r > 0) {
		ck_assert(fstat(0, &sent) == 0 && fstat(fd, &came) == 0);
		ck_assert(sent.st_ino == came.st_ino && sent.st_dev == came.st_dev);
		close(fd);
	}
	close(pair[0]);
	close(pair[1]);
	return scenario_untold(r, error);
}

/* ----------------------------------------------------------------------------------- listening -- */

static int can_connect(const char *path)
{
	int fd = raw_connect(path);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static int listen_at(enum fdpass_address_kind kind, const char *text, const char *path,
		     struct fdpass_error *error)
{
	const struct fdpass_wait patience = scenario_patience();
	struct fdpass_listen_options options = FDPASS_LISTEN_OPTIONS_INIT;
	struct fdpass_listener *listener = NULL;
	struct fdpass_address *address = NULL;
	int r;

	options.wait = &patience;
	failing_begin();
	r = fdpass_address_parse(kind, text, &address, error);
	if (r == 0)
		r = fdpass_listener_open(address, &options, &listener, error);
	failing_end();
	if (r == 0 && path != NULL) {
		struct stat status;

		ck_assert(can_connect(path));
		ck_assert_int_eq(stat(path, &status), 0);
		ck_assert_uint_eq(status.st_mode & 0777, 0600);
	}
	failing_begin();
	fdpass_listener_close(listener);
	fdpass_address_free(address);
	failing_end();
	return r;
}

static int listening(struct fdpass_error *error)
{
	return listen_at(FDPASS_ADDRESS_NAMED, "./door", "door", error);
}

static int listening_abstract(struct fdpass_error *error)
{
	char name[64];

	snprintf(name, sizeof(name), "fdpass-unit-failing-%d", getpid());
	return listen_at(FDPASS_ADDRESS_ABSTRACT, name, NULL, error);
}

/* Which is not there yet. */
static int listening_by_name(struct fdpass_error *error)
{
	int r = listen_at(FDPASS_ADDRESS_NAMED, "name", "run/name", error);

	rmdir("run");
	return r;
}

static int listening_where_it_is_stale(struct fdpass_error *error)
{
	int r;

	unlink("stale");
	close(raw_listen("stale", 1));
	r = listen_at(FDPASS_ADDRESS_NAMED, "./stale", "stale", error);
	/* When it was not replaced it is what it was. */
	if (r < 0)
		unlink("stale");
	return r;
}

/* It is not stolen, whatever fails; but the kernel is believed that says that nobody listens. */
static int listening_where_somebody_does(struct fdpass_error *error)
{
	const struct fdpass_wait patience = scenario_patience();
	struct fdpass_listen_options options = FDPASS_LISTEN_OPTIONS_INIT;
	struct fdpass_listener *listener = NULL;
	struct fdpass_address *address = NULL;
	struct stat before, after;
	int live, r;

	unlink("live");
	live = raw_listen("live", 4);
	ck_assert_int_eq(stat("live", &before), 0);
	ck_assert_int_eq(fdpass_address_parse(FDPASS_ADDRESS_NAMED, "./live", &address, NULL), 0);
	options.wait = &patience;
	failing_begin();
	r = fdpass_listener_open(address, &options, &listener, error);
	failing_end();
	ck_assert_int_eq(error->code, r < 0 ? -r : 0);
	ck_assert(r < 0 || failing_was("connect", ECONNREFUSED));
	ck_assert(failing_count() > 0 || r == -EADDRINUSE);
	if (r < 0) {
		ck_assert_int_ne(error->step, FDPASS_STEP_NONE);
		ck_assert_int_eq(stat("live", &after), 0);
		ck_assert_uint_eq(before.st_ino, after.st_ino);
		ck_assert(can_connect("live"));
	}
	fdpass_listener_close(listener);
	fdpass_address_free(address);
	close(live);
	unlink("live");
	return 0;
}

static int listening_at_a_long_path(struct fdpass_error *error)
{
	char path[160];

	memset(path, 'x', sizeof(path));
	memcpy(path, "./", 2);
	path[sizeof(path) - 1] = '\0';
	return listen_at(FDPASS_ADDRESS_NAMED, path, NULL, error);
}

/* ------------------------------------------------------------------------------------- opening -- */

/* Listens there and connects to that; what `kind` of socket came of it is seen from getsockname(2). */
static int open_at(const char *text, int family, struct fdpass_error *error)
{
	const struct fdpass_wait patience = scenario_patience();
	struct fdpass_endpoint *endpoint = NULL, *other = NULL;
	struct fdpass_listener *listener = NULL;
	struct sockaddr_storage peer;
	socklen_t size = sizeof(peer);
	char name[128];
	int fd = FD_NONE, r;

	failing_begin();
	r = fdpass_endpoint_parse(text, &endpoint, error);
	if (r == 0)
		r = fdpass_open_listen(endpoint, NULL, &listener, error);
	if (r == 0)
		r = scenario_untold(
			fdpass_open_name(fdpass_listener_fd(listener), name, sizeof(name)), error);
	if (r == 0)
		r = fdpass_endpoint_parse(name, &other, error);
	if (r == 0)
		r = fdpass_open_connect(other, &patience, &fd, error);
	failing_end();
	if (r == 0) {
		ck_assert_int_eq(getpeername(fd, (struct sockaddr *)&peer, &size), 0);
		ck_assert(peer.ss_family == family || family == AF_UNSPEC);
		ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
		ck_assert_int_eq(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
	} else {
		ck_assert_int_eq(fd, FD_NONE);
	}
	failing_begin();
	fdpass_fd_close(fd);
	fdpass_listener_close(listener);
	fdpass_endpoint_free(endpoint);
	fdpass_endpoint_free(other);
	failing_end();
	return r;
}

static int opening_tcp(struct fdpass_error *error)
{
	return open_at("tcp:127.0.0.1:0", AF_INET, error);
}

static int opening_both(struct fdpass_error *error)
{
	return open_at("tcp:0", AF_UNSPEC, error);
}

static int opening_by_name(struct fdpass_error *error)
{
	int r = open_at("tcp4:localhost:0", AF_INET, error);

	/* A machine need not know that name. */
	return failing_count() == 0 && r == -ENOENT ? 0 : r;
}

static int opening_udp(struct fdpass_error *error)
{
	return open_at("udp:127.0.0.1:0", AF_INET, error);
}

static int opening_a_path(struct fdpass_error *error)
{
	return open_at("unix:opened", AF_UNIX, error);
}

static int opening_an_abstract_name(struct fdpass_error *error)
{
	char name[64];

	snprintf(name, sizeof(name), "unix-abstract:fdpass-unit-failing-opened-%d", getpid());
	return open_at(name, AF_UNIX, error);
}

static int opening_a_file(struct fdpass_error *error)
{
	struct stat wanted, opened;
	int fd = FD_NONE, r;

	failing_begin();
	r = fdpass_open_file("given0", FDPASS_ACCESS_READ_WRITE, &fd, error);
	failing_end();
	if (r == 0) {
		ck_assert(stat("given0", &wanted) == 0 && fstat(fd, &opened) == 0);
		ck_assert_uint_eq(wanted.st_ino, opened.st_ino);
		ck_assert_int_eq(fcntl(fd, F_GETFL) & (O_ACCMODE | O_NONBLOCK), O_RDWR);
		close(fd);
	}
	return r;
}

const struct scenario scenarios_socket[] = {
	{"sets", sets, NULL, NULL, 0},
	{"discarding", discarding, NULL, NULL, 0},
	{"rules", rules, NULL, NULL, 0},
	{"a message", message, NULL, NULL, 0},
	{"one descriptor", one_descriptor, NULL, NULL, 0},
	{"listening", listening, NULL, NULL, 0},
	{"listening at an abstract name", listening_abstract, NULL, NULL, 0},
	{"listening in the run directory", listening_by_name, NULL, NULL, 0},
	{"listening where it is stale", listening_where_it_is_stale, NULL, NULL, 0},
	{"listening where somebody does", listening_where_somebody_does, NULL, NULL, 80},
	{"listening at a long path", listening_at_a_long_path, NULL, NULL, 0},
	{"opening TCP", opening_tcp, NULL, NULL, 0},
	{"opening both", opening_both, NULL, NULL, 0},
	{"opening by name", opening_by_name, NULL, NULL, 0},
	{"opening UDP", opening_udp, NULL, NULL, 0},
	{"opening a path", opening_a_path, NULL, NULL, 0},
	{"opening an abstract name", opening_an_abstract_name, NULL, NULL, 0},
	{"opening a file", opening_a_file, NULL, NULL, 0},
	{NULL, NULL, NULL, NULL, 0},
};
