/* SPDX-License-Identifier: MIT */
/* Watching a path: each way in which it can come to be is an event, and nothing else is. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "descriptors.h"
#include "raw.h"
#include "rendezvous/watch.h"
#include "scratch.h"
#include "suite.h"

static struct watch watch;

static void begin(void)
{
	watch = (struct watch)WATCH_INIT;
	umask(077);
}

static void end(void)
{
	fdpass_watch_end(&watch);
	ck_assert_int_eq(watch.inotify, FD_NONE);
	fdpass_watch_end(&watch);
}

static void make(const char *directory)
{
	ck_assert_int_eq(mkdir(directory, 0700), 0);
}

static void make_socket(const char *path)
{
	close(raw_listen(path, -1));
}

static int is_complete(const char *path)
{
	return (fdpass_watch_arm(&watch, path) & WATCH_COMPLETE) != 0;
}

static void arm(const char *path)
{
	ck_assert(is_complete(path));
	ck_assert_int_ge(watch.inotify, 0);
	ck_assert_int_eq(fcntl(watch.inotify, F_GETFD), FD_CLOEXEC);
	/* What arming itself causes. */
	fdpass_watch_drain(&watch);
	ck_assert_int_eq(fdpass_watch_drain(&watch), 0);
}

START_TEST(nothing_happens)
{
	arm("./s");
	arm("./s");
	ck_assert_int_eq(fdpass_watch_drain(&watch), 0);
}
END_TEST

/* Each time that it watches elsewhere, and only then: also when the same name is another directory. */
START_TEST(a_change_is_told)
{
	const int complete = WATCH_COMPLETE, changed = WATCH_COMPLETE | WATCH_CHANGED;

	ck_assert_int_eq(fdpass_watch_arm(&watch, "a/b/s"), changed);
	ck_assert_int_eq(fdpass_watch_arm(&watch, "a/b/s"), complete);
	make("other");
	ck_assert_int_eq(fdpass_watch_arm(&watch, "a/b/s"), complete);
	make("a");
	ck_assert_int_eq(fdpass_watch_arm(&watch, "a/b/s"), changed);
	make("a/b");
	ck_assert_int_eq(fdpass_watch_arm(&watch, "a/b/s"), changed);
	ck_assert_int_eq(rename("a/b", "moved"), 0);
	make("a/b");
	ck_assert_int_eq(fdpass_watch_arm(&watch, "a/b/s"), changed);
	ck_assert_int_eq(fdpass_watch_arm(&watch, "a/b/s"), complete);
	make_socket("a/b/s");
	ck_assert_int_eq(fdpass_watch_arm(&watch, "a/b/s"), complete);
	ck_assert_int_eq(rmdir("moved"), 0);
	ck_assert_int_eq(unlink("a/b/s"), 0);
	ck_assert_int_eq(rmdir("a/b"), 0);
	ck_assert_int_eq(fdpass_watch_arm(&watch, "a/b/s"), changed);
}
END_TEST

/* The name appears in a directory that is there: by bind, rename, link or permissions. */
START_TEST(the_name_appears)
{
	make("a");
	make("b");
	make_socket("b/other");
	if (_i == 3)
		make_socket("a/s");
	arm("a/s");
	switch (_i) {
	case 0:
		make_socket("a/s");
		break;
	case 1:
		ck_assert_int_eq(rename("b/other", "a/s"), 0);
		break;
	case 2:
		ck_assert_int_eq(link("b/other", "a/s"), 0);
		break;
	case 3:
		ck_assert_int_eq(chmod("a/s", 0666), 0);
		break;
	default:
		make_socket("a/.fdpass-1");
		ck_assert_int_eq(rename("a/.fdpass-1", "a/s"), 0);
		break;
	}
	ck_assert_int_eq(fdpass_watch_drain(&watch), 1);
	ck_assert_int_eq(fdpass_watch_drain(&watch), 0);
}
END_TEST

START_TEST(an_absolute_path)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s//a///s", scratch_path());
	arm(path);
	make("a");
	ck_assert_int_eq(fdpass_watch_drain(&watch), 1);
	arm(path);
	make_socket("a/s");
	ck_assert_int_eq(fdpass_watch_drain(&watch), 1);
}
END_TEST

START_TEST(the_root_is_a_directory)
{
	ck_assert(is_complete("/fdpass-unit-nobody-makes-this"));
	ck_assert(is_complete("//fdpass-unit-nobody-makes-this/s"));
}
END_TEST

/* Made one after the other, each is an event; the watch follows. */
START_TEST(directories_that_come_later)
{
	static const char *const way[] = {"a", "a/b", "a/b/c"};

	for (int i = 0; i < 3; i++) {
		arm("a/b/c/s");
		make(way[i]);
		ck_assert_int_eq(fdpass_watch_drain(&watch), 1);
	}
	arm("a/b/c/s");
	make_socket("a/b/c/s");
	ck_assert_int_eq(fdpass_watch_drain(&watch), 1);
}
END_TEST

START_TEST(a_whole_tree_is_renamed_into_place)
{
	make("t");
	make("t/b");
	make("t/b/c");
	make_socket("t/b/c/s");
	arm("a/b/c/s");
	ck_assert_int_eq(rename("t", "a"), 0);
	ck_assert_int_eq(fdpass_watch_drain(&watch), 1);
}
END_TEST

/* A directory on the way, of any depth, goes, moves away, or changes its permissions. */
START_TEST(a_directory_on_the_way_changes)
{
	static const char *const way[] = {"a", "a/b", "a/b/c"};
	const char *which = way[_i % 3];

	for (int i = 0; i < 3; i++)
		make(way[i]);
	arm("a/b/c/s");
	switch (_i / 3) {
	case 0:
		ck_assert_int_eq(rename(which, "moved"), 0);
		break;
	case 1:
		ck_assert_int_eq(chmod(which, 0755), 0);
		break;
	default:
		for (int i = 2; i >= _i % 3; i--)
			ck_assert_int_eq(rmdir(way[i]), 0);
		break;
	}
	ck_assert_int_eq(fdpass_watch_drain(&watch), 1);
	if (_i / 3 == 1)
		return;
	/* And again from there. */
	arm("a/b/c/s");
	for (int i = _i % 3; i < 3; i++) {
		make(way[i]);
		ck_assert_int_eq(fdpass_watch_drain(&watch), 1);
		arm("a/b/c/s");
	}
	make_socket("a/b/c/s");
	ck_assert_int_eq(fdpass_watch_drain(&watch), 1);
}
END_TEST

START_TEST(a_file_where_a_directory_belongs)
{
	close(open("a", O_CREAT | O_RDWR | O_CLOEXEC, 0600));
	arm("a/s");
	ck_assert_int_eq(unlink("a"), 0);
	fdpass_watch_drain(&watch);
	make("a");
	ck_assert_int_eq(fdpass_watch_drain(&watch), 1);
	arm("a/s");
	make_socket("a/s");
	ck_assert_int_eq(fdpass_watch_drain(&watch), 1);
}
END_TEST

START_TEST(other_names_are_nothing)
{
	make("a");
	make_socket("a/old");
	arm("a/s");
	make_socket("a/ss");
	make_socket("a/S");
	make_socket("a/.s");
	make("a/directory");
	ck_assert_int_eq(rename("a/old", "a/new"), 0);
	ck_assert_int_eq(link("a/new", "a/s1"), 0);
	ck_assert_int_eq(unlink("a/new"), 0);
	ck_assert_int_eq(chmod("a/ss", 0666), 0);
	/* More than one read takes. */
	for (int i = 0; i < 300; i++) {
		char name[64];

		snprintf(name, sizeof(name), "a/a-name-that-takes-some-room-%d", i);
		close(open(name, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	}
	ck_assert_int_eq(fdpass_watch_drain(&watch), 0);
	/* It is found behind all of them too. */
	for (int i = 0; i < 300; i++) {
		char name[64];

		snprintf(name, sizeof(name), "a/another-name-that-takes-room-%d", i);
		close(open(name, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	}
	make_socket("a/s");
	ck_assert_int_eq(fdpass_watch_drain(&watch), 1);
}
END_TEST

START_TEST(other_names_beside_a_missing_directory_are_nothing)
{
	arm("a/s");
	make("aa");
	make("b");
	make_socket("s");
	make_socket("b/s");
	ck_assert_int_eq(fdpass_watch_drain(&watch), 0);
}
END_TEST

START_TEST(behind_symbolic_links_it_is_incomplete)
{
	make("real");
	make("real/b");
	ck_assert_int_eq(symlink("real", "link"), 0);
	ck_assert_int_eq(symlink("nowhere", "dangling"), 0);
	ck_assert_int_eq(symlink("../elsewhere", "real/s"), 0);
	ck_assert(!is_complete("link/s2"));
	ck_assert(!is_complete("link/b/s"));
	ck_assert(!is_complete("link/missing/s"));
	/* The socket's own name. */
	ck_assert(!is_complete("real/s"));
	/* Yet what happens there is noticed where it can be. */
	fdpass_watch_arm(&watch, "link/s2");
	fdpass_watch_drain(&watch);
	make_socket("real/s2");
	ck_assert_int_eq(fdpass_watch_drain(&watch), 1);
}
END_TEST

static void arm_as_nobody(void *context)
{
	(void)context;
	raw_become_nobody();
	raw_check(!is_complete("searchable/s"));
	raw_check(!is_complete("searchable/below/s"));
	raw_check(is_complete("readable/s"));
}

START_TEST(where_it_may_not_read_it_is_incomplete)
{
	umask(0);
	scratch_open_to_others();
	ck_assert_int_eq(mkdir("readable", 0755), 0);
	ck_assert_int_eq(mkdir("searchable", 0711), 0);
	ck_assert_int_eq(mkdir("searchable/below", 0755), 0);
	/* Without root, the directory is its own user's. */
	if (geteuid() != 0)
		ck_assert_int_eq(chmod("searchable", 0311), 0);
	raw_join(raw_fork(arm_as_nobody, NULL));
}
END_TEST

START_TEST(without_inotify_it_is_incomplete)
{
	struct rlimit limit, low;
	int r;

	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	low = limit;
	low.rlim_cur = 0;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &low), 0);
	r = fdpass_watch_arm(&watch, "./s");
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	ck_assert_int_eq(r, 0);
	ck_assert_int_lt(watch.inotify, 0);
	/* And works when it can. */
	arm("./s");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("watch");
	TCase *tcase = descriptors_tcase("watch");

	scratch_add(tcase);
	tcase_add_checked_fixture(tcase, begin, end);
	tcase_add_test(tcase, nothing_happens);
	tcase_add_test(tcase, a_change_is_told);
	tcase_add_loop_test(tcase, the_name_appears, 0, 5);
	tcase_add_test(tcase, an_absolute_path);
	tcase_add_test(tcase, the_root_is_a_directory);
	tcase_add_test(tcase, directories_that_come_later);
	tcase_add_test(tcase, a_whole_tree_is_renamed_into_place);
	tcase_add_loop_test(tcase, a_directory_on_the_way_changes, 0, 9);
	tcase_add_test(tcase, a_file_where_a_directory_belongs);
	tcase_add_test(tcase, other_names_are_nothing);
	tcase_add_test(tcase, other_names_beside_a_missing_directory_are_nothing);
	tcase_add_test(tcase, behind_symbolic_links_it_is_incomplete);
	tcase_add_test(tcase, where_it_may_not_read_it_is_incomplete);
	tcase_add_test(tcase, without_inotify_it_is_incomplete);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
