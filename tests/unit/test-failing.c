/* SPDX-License-Identifier: MIT */
/*
 * Every call that the library makes of the C library and the kernel fails, in each thing that it can do: call number
 * 1, 2, 3, ... until there is none, with each error that it may have, once and for ever; or it is interrupted, or
 * moves fewer bytes than it might. Whatever fails,
 *
 * - it ends within its bound, without a crash, and does not spin;
 * - the descriptor tables are what they were, of both processes where there are two, and so is the directory;
 * - what succeeded is there, and what was given was given (the scenarios assert that);
 * - the error record agrees with the result and names a step;
 * - the same again, in the same place, works;
 * - what is only interrupted or short makes no difference.
 *
 * usage: test-failing [--everything] [SCENARIO]; with it all errors of each call are tried, else they take turns.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/deadline.h"
#include "descriptors.h"
#include "failing.h"
#include "fdpass.h"
#include "given.h"
#include "lacking.h"
#include "scenarios.h"
#include "scratch.h"

#define MOST 128       /* scenarios */
#define LAST_TURN 5000 /* a scenario that makes more calls has no end */
#define SPINNING                                                                                   \
	2000 /* failures in one try: it tries again and again without waiting for anything */
/* What it may wait for in a clean run, and where a failure does not end. */
#define PATIENCE (30 * NSEC_PER_SEC)
#define HASTE (NSEC_PER_SEC / 25)

/* What is known of a scenario and a way, in memory that the tests' processes share with main(). */
struct progress {
	struct failing failing;
	unsigned tried, ended; /* ended: that the library failed at */
	int done;
};

static const struct scenario *scenarios[MOST];
static int count;
static struct progress *progress;
static struct failing *failing; /* the try that is going on */
static int everything;

struct fdpass_wait scenario_patience(void)
{
	const int64_t time =
		failing->how == FAILING_FOR_EVER && failing->turn != 0 ? HASTE : PATIENCE;

	return (struct fdpass_wait){fdpass_deadline_in(time), -1};
}

int scenario_untold(int r, struct fdpass_error *error)
{
	if (r < 0)
		*error = (struct fdpass_error){.step = FDPASS_STEP_MEMORY, .code = -r};
	return r;
}

/* $FDPASS_RUNTIME_DIR, which is absolute. */
static void set_run_directory(void)
{
	char path[4096];

	ck_assert_int_lt(snprintf(path, sizeof(path), "%s/run", scratch_path()), sizeof(path));
	ck_assert_int_eq(setenv("FDPASS_RUNTIME_DIR", path, 1), 0);
}

/* The lowest free number: the same after as before, when nothing was kept. */
static int lowest_free(void)
{
	int fd = dup(0);

	close(fd);
	return fd;
}

struct files {
	unsigned all;       /* in the working directory, and in the run directory in it */
	unsigned temporary; /* names that nobody else can know */
};

static void count_files(const char *path, struct files *files)
{
	DIR *directory = opendir(path);
	struct dirent *entry;

	while (directory != NULL && (entry = readdir(directory)) != NULL) {
		const int temporary = strncmp(entry->d_name, ".fdpass-", 8) == 0;

		files->all += entry->d_name[0] != '.' || temporary;
		files->temporary += temporary;
	}
	if (directory != NULL)
		closedir(directory);
}

static struct files files(void)
{
	struct files files = {0, 0};

	count_files(".", &files);
	count_files("run", &files);
	return files;
}

/* What nobody can remove stays, and what nobody can look at any more, since it may be somebody else's by then; but a
 * temporary name is nobody else's. The next run removes it. */
static int may_leave(struct files left)
{
	return strcmp(failing->call, "unlinkat") == 0 ||
	       (left.temporary == 0 && strcmp(failing->call, "fstatat") == 0);
}

/* One run, judged by what holds for all of them. Returns what the library said. */
static int run(const struct scenario *scenario, struct failing plan)
{
	struct fdpass_error error = FDPASS_ERROR_INIT;
	const int free_before = lowest_free();
	const int64_t start = fdpass_deadline_in(0);
	int r;

	*failing = plan;
	r = scenario->run(&error);
	ck_assert_msg(lowest_free() == free_before, "a descriptor was kept");
	ck_assert_msg(r >= 0 || (error.code == -r && error.step != FDPASS_STEP_NONE),
		      "%s, and the record says: %s: %s", strerror(-r), fdpass_step_text(error.step),
		      strerror(error.code));
	ck_assert_msg(
		r >= 0 || failing->failed > 0 || (r == -ETIMEDOUT && plan.how == FAILING_FOR_EVER),
		"it fails by itself: %s: %s", fdpass_step_text(error.step), strerror(error.code));
	ck_assert_msg(r != -ETIMEDOUT || plan.how == FAILING_FOR_EVER, "it waited for %d seconds",
		      (int)((fdpass_deadline_in(0) - start) / NSEC_PER_SEC));
	if (failing->failed > 0 && failing->no_matter && plan.how != FAILING_FOR_EVER)
		ck_assert_msg(r >= 0, "%s: %s", fdpass_step_text(error.step), strerror(error.code));
	/* (To look at all processes of a busy machine takes as many, of calls on files.) */
	ck_assert_msg(failing->failed < SPINNING || scenario->most > 0, "it spins");
	if (getenv("FAILING_VERBOSE") != NULL && failing->failed > 0)
		printf("%s: %s: %s -> %s: %s (%lld us)\n", scenario->name, failing->call,
		       strerror(failing->code), fdpass_step_text(error.step),
		       strerror(r < 0 ? -r : 0), (long long)(fdpass_deadline_in(0) - start) / 1000);
	return r;
}

/* One try, and the same again if that failed. */
static void try(const struct scenario *scenario, struct failing plan, unsigned files_before,
		struct progress *to)
{
	const int r = run(scenario, plan);
	struct files left;

	if (failing->failed == 0)
		return;
	/* What says "try again" was tried once with the others. */
	if (plan.how != FAILING_FOR_EVER || !failing_says_again(failing->code)) {
		to->tried++;
		to->ended += r < 0;
	}
	left = files();
	if (left.all != files_before)
		ck_assert_msg(may_leave(left), "a file was left");
	if (r < 0 || left.all != files_before) {
		const struct failing tried = *failing;

		ck_assert_msg(run(scenario, (struct failing){.how = plan.how}) >= 0,
			      "and the next run fails");
		ck_assert_msg(files().all == files_before, "and the next run leaves a file");
		*failing = tried;
	}
}

static void try_turn(const struct scenario *scenario, struct failing plan, unsigned files_before,
		     struct progress *to)
{
	unsigned first = 0, last = 0;

	/* Those that take turns: one of them all. How many there are is seen when the first is tried. */
	try(scenario, plan, files_before, to);
	if (plan.how > FAILING_FOR_EVER || failing->failed == 0)
		return;
	last = failing->errors;
	if (!everything) {
		first = plan.turn % last;
		last = first + 1;
	}
	for (plan.error = first > 1 ? first : 1; plan.error < last; plan.error++)
		try(scenario, plan, files_before, to);
}

START_TEST(each_call_fails_in_its_turn)
{
	const struct scenario *scenario = scenarios[_i / FAILING_WAYS];
	struct failing plan = {.how = (enum failing_how)(_i % FAILING_WAYS), .turn = 0};
	unsigned files_before;

	failing = &progress[_i].failing;
	failing_use(failing);
	set_run_directory();
	given_open();
	if (scenario->prepare != NULL)
		scenario->prepare();
	ck_assert_int_ge(run(scenario, plan), 0);
	files_before = files().all;
	do {
		plan.turn++;
		try_turn(scenario, plan, files_before, &progress[_i]);
		ck_assert_msg(plan.turn < LAST_TURN, "it has no end");
	} while (failing->failed > 0 && plan.turn != scenario->most &&
		 plan.how != FAILING_INTERRUPTED && plan.how != FAILING_SHORT_ALWAYS);
	/* The wrappers are in place: something can fail in everything that is tried. */
	ck_assert_msg(plan.how > FAILING_FOR_EVER || plan.turn > 2, "nothing failed");
	if (scenario->finish != NULL)
		scenario->finish();
	given_close();
	progress[_i].done = 1;
}
END_TEST

static void list(const struct scenario *more, const char *wanted)
{
	for (; more->name != NULL && count < MOST; more++) {
		if (wanted == NULL || strcmp(wanted, more->name) == 0)
			scenarios[count++] = more;
	}
}

/* What was going on in those that did not come to their end. */
static unsigned report(int64_t start)
{
	static const char *const ways[] = {"once", "for ever", "interrupted", "short",
					   "always short"};
	unsigned tried = 0, ended = 0, broken = 0;

	for (int i = 0; i < count * FAILING_WAYS; i++) {
		const struct progress *one = &progress[i];

		tried += one->tried;
		ended += one->ended;
		if (one->done)
			continue;
		broken++;
		printf("%s, %s: call %u, %s: %s\n", scenarios[i / FAILING_WAYS]->name,
		       ways[i % FAILING_WAYS], one->failing.turn,
		       one->failing.call != NULL ? one->failing.call : "none failed",
		       strerror(one->failing.code));
	}
	printf("calls of the library that fail: %u tried in %d scenarios (%u ended one), "
	       "%u violations, %d s\n",
	       tried, count, ended, broken, (int)((fdpass_deadline_in(0) - start) / NSEC_PER_SEC));
	return tried == 0 ? 1 : broken;
}

/* Scenarios from `first` to before `last`, in a process of their own: many of them wait most of the time. */
static void run_some(int first, int last)
{
	SRunner *runner;
	Suite *suite;
	TCase *tcase;

	if (fork() != 0)
		return;
	suite = suite_create("failing");
	tcase = descriptors_tcase("failing");
	scratch_add(tcase);
	tcase_set_timeout(tcase, 120);
	tcase_add_loop_test(tcase, each_call_fails_in_its_turn, first * FAILING_WAYS,
			    last * FAILING_WAYS);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	srunner_free(runner);
	exit(EXIT_SUCCESS);
}

/* With _FORTIFY_SOURCE, as packages are built, open(2) and others go by names of the C library's own. */
#if defined(_FORTIFY_SOURCE) && _FORTIFY_SOURCE > 0
#define FORTIFIED 1
#else
#define FORTIFIED 0
#endif

#define SKIPPED 77 /* meson's */

int main(int argc, char **argv)
{
	static const struct scenario *const lists[] = {scenarios_socket, scenarios_handover,
						       scenarios_process};
	const int64_t start = fdpass_deadline_in(0);

	if (FORTIFIED && lacking("calls by their own names", "failing"))
		return SKIPPED;
	everything = argc > 1 && strcmp(argv[1], "--everything") == 0;
	argv += everything;
	progress = mmap(NULL, sizeof(*progress) * MOST * FAILING_WAYS, PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (progress == MAP_FAILED)
		return EXIT_FAILURE;
	for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++) {
		const int first = count;

		list(lists[i], argv[1]);
		if (count > first)
			run_some(first, count);
	}
	while (wait(NULL) > 0)
		continue;
	return report(start) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
