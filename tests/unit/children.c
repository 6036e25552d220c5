/* SPDX-License-Identifier: MIT */
/* Processes that hold something, for as long as a test wants them to. */
#include "children.h"

#include <check.h>
#include <dirent.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "raw.h"

#define HOLD 3
#define READY 4

void child_check_that(int holds, const char *file, int line)
{
	if (!holds) {
		fprintf(stderr, "%s:%d: in a child\n", file, line);
		_exit(1);
	}
}

/* Not those that valgrind keeps for itself, which /proc does not show. */
static void close_the_rest(void)
{
	DIR *directory = opendir("/proc/self/fd");
	struct dirent *entry;
	int fds[256], count = 0;

	child_check(directory != NULL);
	while ((entry = readdir(directory)) != NULL) {
		if (atoi(entry->d_name) > READY && count < 256)
			fds[count++] = atoi(entry->d_name);
	}
	closedir(directory);
	while (count > 0)
		close(fds[--count]);
}

static void live(int hold, int ready, void (*prepare)(void *context), void *context)
{
	char byte = 0;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	child_check((hold = fcntl(hold, F_DUPFD_CLOEXEC, 10)) >= 0);
	child_check((ready = fcntl(ready, F_DUPFD_CLOEXEC, 10)) >= 0);
	child_check(dup2(hold, HOLD) == HOLD && dup2(ready, READY) == READY);
	close_the_rest();
	prepare(context);
	child_check(write(READY, &byte, 1) == 1);
	close(READY);
	while (read(HOLD, &byte, 1) > 0)
		continue;
	raw_end(0);
}

struct child child_start(void (*prepare)(void *context), void *context)
{
	struct child child;
	int hold[2], ready[2];
	char byte;

	ck_assert_int_eq(pipe2(hold, O_CLOEXEC), 0);
	ck_assert_int_eq(pipe2(ready, O_CLOEXEC), 0);
	child.pid = fork();
	if (child.pid == 0)
		live(hold[0], ready[1], prepare, context);
	ck_assert_int_gt(child.pid, 0);
	close(hold[0]);
	close(ready[1]);
	ck_assert_int_eq(read(ready[0], &byte, 1), 1);
	/* And until it is closed, so that a test sees nothing of it there. */
	ck_assert_int_eq(read(ready[0], &byte, 1), 0);
	close(ready[0]);
	child.hold = hold[1];
	return child;
}

void child_stop(struct child *child)
{
	int status;

	close(child->hold);
	ck_assert_int_eq(waitpid(child->pid, &status, 0), child->pid);
	ck_assert_int_eq(status, 0);
}

void *shared_memory(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	ck_assert(memory != MAP_FAILED);
	return memory;
}

struct fdpass_pidref *child_pin(const struct child *child)
{
	struct fdpass_error error = FDPASS_ERROR_INIT;
	struct fdpass_pidref *ref = NULL;

	ck_assert_msg(fdpass_pidref_open(child->pid, 0, &ref, &error) == 0, "not pinned: %s",
		      error.text);
	return ref;
}

void become_nobody(void)
{
	ck_assert_int_eq(setgroups(0, NULL), 0);
	ck_assert_int_eq(setresgid(65534, 65534, 65534), 0);
	ck_assert_int_eq(setresuid(65534, 65534, 65534), 0);
	ck_assert_int_eq(prctl(PR_SET_DUMPABLE, 1), 0);
}
