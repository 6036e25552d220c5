/* SPDX-License-Identifier: MIT */
/* Whether another process is stopped, or on its way out. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "acquire/status.h"
#include "children.h"
#include "descriptors.h"
#include "raw.h"
#include "scratch.h"
#include "suite.h"

static void *wait_for_ever(void *context)
{
	for (;;)
		pause();
	return context;
}

static void have_threads(void *context)
{
	int *count = context;
	pthread_t thread;

	for (int i = 0; i < *count; i++)
		child_check(pthread_create(&thread, NULL, wait_for_ever, NULL) == 0);
}

START_TEST(stopped_and_continued)
{
	int *threads = shared_memory(sizeof(*threads)), status;
	struct fdpass_pidref *ref;
	struct child child;

	*threads = _i;
	child = child_start(have_threads, threads);
	ref = child_pin(&child);
	for (int round = 0; round < 20; round++) {
		ck_assert_int_eq(fdpass_pidref_is_stopped(ref), 0);
		ck_assert_int_eq(fdpass_pidref_is_ending(ref), 0);
		ck_assert_int_eq(fdpass_pidref_signal(ref, SIGSTOP), 0);
		/* The parent is told when the last thread has stopped. */
		ck_assert_int_eq(waitpid(child.pid, &status, WUNTRACED), child.pid);
		ck_assert(WIFSTOPPED(status));
		ck_assert_int_eq(fdpass_pidref_is_stopped(ref), 1);
		ck_assert_int_eq(fdpass_pidref_is_ending(ref), 0);
		ck_assert_int_eq(fdpass_pidref_signal(ref, SIGCONT), 0);
		ck_assert_int_eq(waitpid(child.pid, &status, WCONTINUED), child.pid);
	}
	fdpass_pidref_free(ref);
	child_stop(&child);
}
END_TEST

/* A child, and the read end of a pipe whose write end it has, close-on-exec. */
struct ends {
	int reader;
	pid_t pid;
};

/* What it does begins at the end of `go`. */
static struct ends start(void (*act)(int go))
{
	int pipe_ends[2], go[2];
	struct ends ends;

	ck_assert_int_eq(pipe2(pipe_ends, O_CLOEXEC), 0);
	ck_assert_int_eq(pipe2(go, O_CLOEXEC), 0);
	ends.pid = fork();
	if (ends.pid == 0) {
		close(pipe_ends[0]);
		close(go[1]);
		act(go[0]);
		raw_end(9);
	}
	close(pipe_ends[1]);
	close(go[0]);
	ends.reader = pipe_ends[0];
	close(go[1]);
	return ends;
}

static void become_another(int go)
{
	char byte;

	while (read(go, &byte, 1) > 0)
		continue;
	execlp("sleep", "sleep", "60", (char *)NULL);
}

static void end(int go)
{
	char byte;

	while (read(go, &byte, 1) > 0)
		continue;
	raw_end(0);
}

/* Whether the close-on-exec descriptor was closed by an exec or by the end: many times, since it depends on
 * how far the kernel is at that moment. */
START_TEST(exec_or_end)
{
	for (int round = 0; round < 100; round++) {
		struct ends ends = start(_i == 0 ? become_another : end);
		struct fdpass_pidref *ref = NULL;
		char byte;
		int status;

		if (fdpass_pidref_open(ends.pid, 0, &ref, NULL) == 0) {
			ck_assert_int_eq(read(ends.reader, &byte, 1), 0);
			ck_assert_int_eq(fdpass_pidref_is_ending(ref), _i == 0 ? 0 : 1);
		} else {
			ck_assert_int_eq(_i, 1);
		}
		kill(ends.pid, SIGKILL);
		ck_assert_int_eq(waitpid(ends.pid, &status, 0), ends.pid);
		if (ref != NULL) {
			ck_assert_int_eq(fdpass_pidref_is_ending(ref), 1);
			ck_assert_int_eq(fdpass_pidref_is_stopped(ref), -ESRCH);
		}
		fdpass_pidref_free(ref);
		close(ends.reader);
	}
}
END_TEST

START_TEST(its_directory)
{
	struct child child = child_start(have_threads, shared_memory(sizeof(int)));
	struct fdpass_pidref *ref = child_pin(&child);
	int fd = openat(fdpass_pidref_directory(ref), "stat", O_RDONLY | O_CLOEXEC);
	char text[16] = "";

	ck_assert_int_ge(fd, 0);
	ck_assert_int_gt(read(fd, text, sizeof(text) - 1), 0);
	ck_assert_int_eq(atoi(text), child.pid);
	close(fd);
	child_stop(&child);
	ck_assert_int_lt(openat(fdpass_pidref_directory(ref), "stat", O_RDONLY | O_CLOEXEC), 0);
	fdpass_pidref_free(ref);
}
END_TEST

/* What /proc/PID/status says, in a folder that looks like it. */
START_TEST(a_core_that_is_being_written)
{
	static const struct {
		const char *text;
		int dumping;
	} cases[] = {
		{"Name:\tx\nCoreDumping:\t1\nTHP_enabled:\t1\n", 1},
		{"Name:\tx\nCoreDumping:\t0\nTHP_enabled:\t1\n", 0},
		{"Name:\tCoreDumping:\\t1\n", 0},
		{"", 0},
	};
	int folder = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	ck_assert_int_eq(fdpass_status_is_dumping(folder), 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		FILE *file = fopen("status", "w");

		ck_assert_int_ge(fputs(cases[i].text, file), 0);
		ck_assert_int_eq(fclose(file), 0);
		ck_assert_int_eq(fdpass_status_is_dumping(folder), cases[i].dumping);
	}
	close(folder);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("state");
	TCase *tcase = descriptors_tcase("state"), *folder = descriptors_tcase("status");

	tcase_add_loop_test(tcase, stopped_and_continued, 0, 4);
	tcase_add_loop_test(tcase, exec_or_end, 0, 2);
	tcase_add_test(tcase, its_directory);
	scratch_add(folder);
	tcase_add_test(folder, a_core_that_is_being_written);
	suite_add_tcase(suite, tcase);
	suite_add_tcase(suite, folder);
	return suite_run(suite);
}
