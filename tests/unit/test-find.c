/* SPDX-License-Identifier: MIT */
/* Which process is meant by what it holds. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "acquire/holders.h"
#include "children.h"
#include "descriptors.h"
#include "lacking.h"
#include "raw.h"
#include "suite.h"

/* A socket that listens at 127.0.0.1, and its EXPR. */
static int listening(char expression[64])
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	socklen_t size = sizeof(address);

	ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	ck_assert_int_eq(listen(fd, 5), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&address, &size), 0);
	snprintf(expression, 64, "listen:127.0.0.1:%u", ntohs(address.sin_port));
	return fd;
}

static int find(const char *expression, struct fdpass_pidref **ref, struct fdpass_error *error)
{
	struct fdpass_match *match = NULL;
	int r;

	ck_assert_int_eq(fdpass_match_parse(expression, &match, NULL), 0);
	*ref = NULL;
	r = fdpass_pidref_find(match, ref, error);
	ck_assert((*ref != NULL) == (r == 0));
	fdpass_match_free(match);
	return r;
}

static void finds(const char *expression, pid_t pid)
{
	struct fdpass_error error = FDPASS_ERROR_INIT;
	struct fdpass_pidref *ref;

	ck_assert_msg(find(expression, &ref, &error) == 0, "%s: %s", expression, error.text);
	ck_assert_int_eq(fdpass_pidref_pid(ref), pid);
	fdpass_pidref_free(ref);
}

static void finds_not(const char *expression, int code, const char *text)
{
	struct fdpass_error error = FDPASS_ERROR_INIT;
	struct fdpass_pidref *ref;

	ck_assert_int_eq(find(expression, &ref, &error), code);
	ck_assert_int_eq(error.step, FDPASS_STEP_PROCESS);
	ck_assert_int_eq(error.code, -code);
	ck_assert_str_eq(error.text, text);
	ck_assert_int_eq(find(expression, &ref, NULL), code);
}

/* What children make, and tests know about. */
struct server {
	char expression[64];
	char path[64];
	pid_t workers[2];
};

static void prepare_server(void *context)
{
	listening(((struct server *)context)->expression);
}

START_TEST(the_process_behind_a_port)
{
	struct server *server = shared_memory(sizeof(*server));
	struct child child = child_start(prepare_server, server);
	struct fdpass_pidref *ref, *same = NULL;

	finds(server->expression, child.pid);
	ck_assert_int_eq(find(server->expression, &ref, NULL), 0);
	ck_assert_int_eq(fdpass_pidref_open(child.pid, fdpass_pidref_inode(ref), &same, NULL), 0);
	fdpass_pidref_free(ref);
	fdpass_pidref_free(same);
	child_stop(&child);
	finds_not(server->expression, -ESRCH, "nobody");
}
END_TEST

START_TEST(we_do_not_count)
{
	char expression[64];
	int fd = listening(expression);

	finds_not(expression, -ESRCH, "nobody");
	close(fd);
}
END_TEST

enum { SHARED = 40 };

/* Sockets that share a port: so many that they need more room than one has. */
static void prepare_shared(void *context)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
	struct server *server = context;
	socklen_t size = sizeof(address);
	int on = 1;

	for (int i = 0; i < SHARED; i++) {
		int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

		child_check(setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) == 0);
		child_check(bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0);
		child_check(listen(fd, 5) == 0);
		child_check(getsockname(fd, (struct sockaddr *)&address, &size) == 0);
	}
	snprintf(server->expression, sizeof(server->expression), "listen:127.0.0.1:%u",
		 ntohs(address.sin_port));
}

START_TEST(the_process_that_has_many)
{
	struct server *server = shared_memory(sizeof(*server));
	struct child child = child_start(prepare_shared, server);
	struct fdpass_match *match = NULL;

	finds(server->expression, child.pid);
	ck_assert_int_eq(fdpass_match_parse(server->expression, &match, NULL), 0);
	ck_assert_int_eq(fdpass_pidref_count(match, NULL), 1);
	fdpass_match_free(match);
	child_stop(&child);
}
END_TEST

/* The tables, or one of what is looked at on the way. */
START_TEST(a_full_table)
{
	struct server *server = shared_memory(sizeof(*server));
	struct child child = child_start(prepare_server, server);
	int lowest = fcntl(0, F_DUPFD_CLOEXEC, 3);
	struct rlimit before, now;

	close(lowest);
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
	now = before;
	now.rlim_cur = (rlim_t)(lowest + _i);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &now), 0);
	finds_not(server->expression, -EMFILE, "table");
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
	child_stop(&child);
}
END_TEST

static void wait_for_the_end(void)
{
	char byte;

	while (read(3, &byte, 1) > 0)
		continue;
	raw_end(0);
}

/* A master and two workers, one of which is a grandchild whose parent does not hold the socket. */
static void prepare_master(void *context)
{
	struct server *server = context;
	int between, fd = listening(server->expression), out[2];

	server->workers[0] = fork();
	if (server->workers[0] == 0) {
		close(4);
		wait_for_the_end();
	}
	child_check(server->workers[0] > 0 && pipe(out) == 0);
	between = fork();
	if (between == 0) {
		pid_t worker = fork();

		if (worker == 0) {
			close(4);
			close(out[0]);
			close(out[1]);
			wait_for_the_end();
		}
		close(4);
		close(fd);
		child_check(write(out[1], &worker, sizeof(worker)) == sizeof(worker));
		wait_for_the_end();
	}
	child_check(between > 0);
	child_check(read(out[0], &server->workers[1], sizeof(pid_t)) == sizeof(pid_t));
	close(out[0]);
	close(out[1]);
}

START_TEST(the_ancestor_of_all_the_others)
{
	struct server *server = shared_memory(sizeof(*server));
	struct child child = child_start(prepare_master, server);

	ck_assert_int_gt(server->workers[1], 0);
	finds(server->expression, child.pid);
	child_stop(&child);
}
END_TEST

static void prepare_brief(void *context)
{
	listening(((struct server *)context)->expression);
	switch (fork()) {
	case -1:
		child_check(0);
		return;
	case 0:
		close(4);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;) {
			if (fork() == 0)
				_exit(0);
			wait(NULL);
		}
	default:
		return;
	}
}

/* Who holds it for a moment only, as between fork and exec, and has gone when it comes to whose child it was. */
START_TEST(brief_holders)
{
	struct server *server = shared_memory(sizeof(*server));
	struct child child = child_start(prepare_brief, server);

	for (int i = 0; i < 100; i++)
		finds(server->expression, child.pid);
	child_stop(&child);
}
END_TEST

static void prepare_path(void *context)
{
	const struct server *server = context;

	child_check(open(server->path, O_RDWR) >= 0);
}

/* Neither is the other's ancestor. */
START_TEST(several)
{
	struct server *server = shared_memory(sizeof(*server));
	struct child first, second;
	char expected[128], expression[80];
	pid_t low, high;
	int fd;

	strcpy(server->path, "/tmp/fdpass-XXXXXX");
	fd = mkstemp(server->path);
	ck_assert_int_ge(fd, 0);
	close(fd);
	snprintf(expression, sizeof(expression), "file:%s", server->path);
	finds_not(expression, -ESRCH, "nobody");
	first = child_start(prepare_path, server);
	finds(expression, first.pid);
	second = child_start(prepare_path, server);
	low = first.pid < second.pid ? first.pid : second.pid;
	high = first.pid < second.pid ? second.pid : first.pid;
	snprintf(expected, sizeof(expected), "%d (test-find), %d (test-find)", (int)low, (int)high);
	finds_not(expression, -ENOTUNIQ, expected);
	child_stop(&first);
	finds(expression, second.pid);
	/* Also when it has no name any more. */
	ck_assert_int_eq(unlink(server->path), 0);
	finds(expression, second.pid);
	child_stop(&second);
	finds_not(expression, -ESRCH, "nobody");
}
END_TEST

START_TEST(what_nobody_holds)
{
	finds_not("listen:203.0.113.7:9", -ESRCH, "nobody");
	finds_not("udp:203.0.113.7:9", -ESRCH, "nobody");
	finds_not("tcp:203.0.113.7:9", -ESRCH, "nobody");
	finds_not("listen:@no such name", -ESRCH, "nobody");
	finds_not("unix:/no/such/path", -ESRCH, "nobody");
	finds_not("file:/no/such/path", -ESRCH, "nobody");
}
END_TEST

START_TEST(a_list_is_cut_between_entries)
{
	pid_t pids[64];
	struct fdpass_holders holders = {pids, 64, 0};
	char text[64], whole[FDPASS_REASON_MAX + 1];
	pid_t own = getpid();

	for (size_t i = 0; i < 64; i++)
		pids[i] = own;
	fdpass_holders_text(&holders, whole, sizeof(whole));
	ck_assert_uint_lt(strlen(whole), sizeof(whole));
	ck_assert_str_eq(whole + strlen(whole) - 6, "), ...");
	holders.count = 1;
	fdpass_holders_text(&holders, whole, sizeof(whole));
	/* Whatever fits exactly, and one byte less. */
	fdpass_holders_text(&holders, text, strlen(whole) + 1);
	ck_assert_str_eq(text, whole);
	holders.count = 2;
	for (size_t size = 6; size < 64; size++) {
		fdpass_holders_text(&holders, text, size);
		ck_assert_uint_lt(strlen(text), size);
		ck_assert(text[strlen(text) - 1] == ')' || text[strlen(text) - 1] == '.');
	}
}
END_TEST

START_TEST(of_another_user)
{
	struct server *server = shared_memory(sizeof(*server));
	struct child child = child_start(prepare_server, server);

	become_nobody();
	finds_not(server->expression, -EACCES, "hidden");
	child_stop(&child);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("find");
	TCase *tcase = descriptors_tcase("find"), *root = descriptors_tcase("root");
	TCase *pidfds = descriptors_tcase_tagged("pidfds");

	tcase_add_test(pidfds, the_process_behind_a_port);
	tcase_add_test(tcase, we_do_not_count);
	tcase_add_test(pidfds, the_process_that_has_many);
	tcase_add_loop_test(pidfds, a_full_table, 0, 2);
	tcase_add_test(pidfds, the_ancestor_of_all_the_others);
	tcase_add_test(pidfds, brief_holders);
	tcase_add_test(pidfds, several);
	tcase_add_test(tcase, what_nobody_holds);
	tcase_add_test(tcase, a_list_is_cut_between_entries);
	suite_add_tcase(suite, tcase);
	suite_add_tcase(suite, pidfds);
	tcase_add_test(root, of_another_user);
	if (!lacks_root("of_another_user"))
		suite_add_tcase(suite, root);
	return suite_run(suite);
}
