/* SPDX-License-Identifier: MIT */
/* Many descriptors at once. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/descriptors.h"
#include "descriptors.h"
#include "raw.h"

static void keep_back(void *context)
{
	static const int numbers[] = {10, 11, 63, 64, 100, 200};

	(void)context;
	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++)
		raw_check(dup2(0, numbers[i]) == numbers[i]);
	cli_descriptors_keep_back(11);
	raw_check(fcntl(10, F_GETFD) == 0);
	for (size_t i = 1; i < sizeof(numbers) / sizeof(*numbers); i++)
		raw_check(fcntl(numbers[i], F_GETFD) == FD_CLOEXEC);
	/* Nothing there is fine too. */
	cli_descriptors_keep_back(100000);
}

/* In a process of its own, since nobody knows what has these numbers here. */
START_TEST(what_is_kept_back)
{
	raw_join(raw_fork(keep_back, NULL));
}
END_TEST

/* In a child, since it closes what the test runner has. */
static void close_others(void *context)
{
	int kept[] = {40, -1, 12, 13, 0, 12};

	(void)context;
	for (int fd = 10; fd < 60; fd++)
		raw_check(dup2(0, fd) == fd);
	cli_descriptors_close_others(kept, sizeof(kept) / sizeof(*kept));
	for (int fd = 0; fd < 100; fd++)
		raw_check((fcntl(fd, F_GETFD) >= 0) ==
			  (fd == 0 || fd == 12 || fd == 13 || fd == 40));
	kept[0] = -1;
	cli_descriptors_close_others(kept, 1);
	for (int fd = 0; fd < 100; fd++)
		raw_check(fcntl(fd, F_GETFD) < 0);
}

START_TEST(what_is_not_kept_is_closed)
{
	raw_join(raw_fork(close_others, NULL));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("descriptors");
	TCase *tcase = descriptors_tcase("descriptors");
	SRunner *runner;
	int failed;

	tcase_add_test(tcase, what_is_kept_back);
	tcase_add_test(tcase, what_is_not_kept_is_closed);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
