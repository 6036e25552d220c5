/* SPDX-License-Identifier: MIT */
/* Finding the command by the rules of execvp(3), and running it. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "descriptors.h"
#include "raw.h"
#include "scratch.h"
#include "suite.h"
#include "tools/fdrecv/command.h"

static void make_file(const char *path, mode_t mode, const char *text)
{
	int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0700);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	ck_assert_int_eq(fchmod(fd, mode), 0);
	close(fd);
}

/* a/run and b/run are programs; c/run cannot be executed, d/run is a directory, e is a file. */
static void make_tree(void)
{
	static const char *const directories[] = {"a", "b", "c", "d", "d/run", "nothing"};

	umask(077);
	for (size_t i = 0; i < sizeof(directories) / sizeof(*directories); i++)
		ck_assert_int_eq(mkdir(directories[i], 0700), 0);
	make_file("a/run", 0755, "#!/bin/sh\nexit 3\n");
	make_file("b/run", 0755, "#!/bin/sh\nexit 4\n");
	make_file("c/run", 0644, "");
	make_file("e", 0755, "");
	make_file("here", 0755, "");
}

static const struct {
	const char *path, *name, *found;
	int code;
} searches[] = {
	{"a:b", "run", "a/run", 0},
	{"b:a", "run", "b/run", 0},
	{"nothing:a", "run", "a/run", 0},
	{"absent:a", "run", "a/run", 0},
	/* A file on the way is as good as nothing. */
	{"e:a", "run", "a/run", 0},
	{"e", "run", NULL, ENOENT},
	/* What cannot be executed is remembered, and the search goes on. */
	{"c:a", "run", "a/run", 0},
	{"c", "run", NULL, EACCES},
	{"c:nothing", "run", NULL, EACCES},
	{"nothing:c:absent:e", "run", NULL, EACCES},
	{"d:a", "run", "a/run", 0},
	{"d", "run", NULL, EISDIR},
	{"d:nothing", "run", NULL, EISDIR},
	/* Empty elements are the current directory. */
	{"", "here", "./here", 0},
	{":a", "here", "./here", 0},
	{"a:", "here", "./here", 0},
	{"a::b", "here", "./here", 0},
	{"a::b", "run", "a/run", 0},
	{":a", "run", "a/run", 0},
	{"a:b", "here", NULL, ENOENT},
	{"", "absent", NULL, ENOENT},
	{"a/", "run", "a//run", 0},
	/* With a slash nothing is searched. */
	{"b", "a/run", "a/run", 0},
	{"a", "./run", NULL, ENOENT},
	{"a", "./here", "./here", 0},
	{"a", "c/run", NULL, EACCES},
	{"a", "d/run", NULL, EISDIR},
	{"a", "e/run", NULL, ENOTDIR},
	{"a", "a/", NULL, EISDIR},
	{"a", "/", NULL, EISDIR},
	/* No name is no command. */
	{"a", "", NULL, ENOENT},
};

START_TEST(searching)
{
	int status = 77, code = searches[_i].code;
	char *found;

	make_tree();
	ck_assert_int_eq(setenv("PATH", searches[_i].path, 1), 0);
	errno = 0;
	found = fdrecv_command_find(searches[_i].name, &status);
	if (searches[_i].found != NULL) {
		ck_assert_ptr_nonnull(found);
		ck_assert_str_eq(found, searches[_i].found);
		ck_assert_int_eq(status, 77);
	} else {
		ck_assert_int_eq(errno, code);
		ck_assert_ptr_null(found);
		ck_assert_int_eq(status,
				 code == ENOENT ? COMMAND_NOT_FOUND : COMMAND_NOT_EXECUTABLE);
	}
	free(found);
}
END_TEST

START_TEST(without_a_path_there_is_a_usual_one)
{
	int status = 77;
	char *found;

	ck_assert_int_eq(unsetenv("PATH"), 0);
	found = fdrecv_command_find("sh", &status);
	ck_assert_ptr_nonnull(found);
	ck_assert_str_eq(found, "/bin/sh");
	free(found);
}
END_TEST

static void search_as_nobody(void *context)
{
	int status = 0;

	(void)context;
	raw_become_nobody();
	raw_check(setenv("PATH", "closed", 1) == 0);
	raw_check(fdrecv_command_find("run", &status) == NULL);
	raw_check(errno == EACCES && status == COMMAND_NOT_EXECUTABLE);
	raw_check(setenv("PATH", "closed:open", 1) == 0);
	raw_check(fdrecv_command_find("run", &status) != NULL);
}

START_TEST(a_directory_that_may_not_be_searched)
{
	umask(0);
	scratch_open_to_others();
	ck_assert_int_eq(mkdir("open", 0755), 0);
	make_file("open/run", 0755, "");
	ck_assert_int_eq(mkdir("closed", 0600), 0);
	raw_join(raw_fork(search_as_nobody, NULL));
}
END_TEST

/* The status of a child that executes this. */
static int run(const char *path, char **arguments)
{
	int status;
	pid_t child = fork();

	ck_assert_int_ge(child, 0);
	if (child == 0)
		_exit(fdrecv_command_exec(path, arguments));
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static char words[4][16] = {"name", "7", "two words", ""};
static char *arguments[] = {words[0], words[1], words[2], words[3], NULL};

START_TEST(running)
{
	make_file("script", 0755, "#!/bin/sh\nexit $1\n");
	ck_assert_int_eq(run("./script", arguments), 7);
	/* Without "#!" a shell runs it, with the same arguments. */
	make_file("plain", 0755, "test $# = 3 && test \"$2\" = 'two words' && exit $1\n");
	ck_assert_int_eq(run("./plain", arguments), 7);
	make_file("empty", 0755, "");
	ck_assert_int_eq(run("./empty", arguments), 0);
	/* Its name may begin like an option. */
	make_file("-x", 0755, "exit 9\n");
	ck_assert_int_eq(run("./-x", arguments), 9);
}
END_TEST

START_TEST(what_cannot_be_run)
{
	ck_assert_int_eq(run("./absent", arguments), COMMAND_NOT_FOUND);
	make_file("closed", 0644, "#!/bin/sh\nexit 0\n");
	ck_assert_int_eq(run("./closed", arguments), COMMAND_NOT_EXECUTABLE);
	/* A program of another machine, or a part of one, is none for a shell. */
	make_file("foreign", 0755,
		  "\x7f"
		  "ELF and so on\nexit 5\n");
	ck_assert_int_eq(run("./foreign", arguments), COMMAND_NOT_EXECUTABLE);
	ck_assert_int_eq(truncate("foreign", 0), 0);
	make_file("zeros", 0755, "");
	ck_assert_int_eq(truncate("zeros", 100), 0);
	ck_assert_int_eq(run("./zeros", arguments), COMMAND_NOT_EXECUTABLE);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("command");
	TCase *tcase = descriptors_tcase("command");

	scratch_add(tcase);
	tcase_add_loop_test(tcase, searching, 0, sizeof(searches) / sizeof(*searches));
	tcase_add_test(tcase, without_a_path_there_is_a_usual_one);
	tcase_add_test(tcase, a_directory_that_may_not_be_searched);
	tcase_add_test(tcase, running);
	tcase_add_test(tcase, what_cannot_be_run);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
