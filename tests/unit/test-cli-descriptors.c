/* SPDX-License-Identifier: MIT */
/* Many descriptors at once. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/descriptors.h"
#include "descriptors.h"
#include "raw.h"
#include "suite.h"

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

enum { COUNT = 600, FIRST = 3 };

/* From the lowest free number on, so that whatever is opened to find out comes to lie in a hole. */
static void first_closed(void *context)
{
	static const int holes[] = {0, 1, 15, 252, 253, 254, 505, 506, 599};
	int fds[COUNT];

	(void)context;
	for (int i = 0; i < COUNT; i++) {
		fds[i] = FIRST + i;
		raw_check(dup2(0, fds[i]) == fds[i]);
	}
	raw_check(cli_descriptors_first_closed(fds, COUNT) == COUNT);
	raw_check(cli_descriptors_first_closed(fds, 0) == 0);
	for (size_t i = 0; i < sizeof(holes) / sizeof(*holes); i++) {
		size_t hole = (size_t)holes[i];

		close(fds[hole]);
		raw_check(cli_descriptors_first_closed(fds, COUNT) == hole);
		raw_check(cli_descriptors_first_closed(fds, hole) == hole);
		raw_check(cli_descriptors_first_closed(fds + hole, 1) == 0);
		/* Nothing of its own is left there. */
		raw_check(fcntl(fds[hole], F_GETFD) < 0);
		raw_check(dup2(0, fds[hole]) == fds[hole]);
	}
	close(fds[0]);
	close(fds[300]);
	raw_check(cli_descriptors_first_closed(fds + 1, COUNT - 1) == 299);
}

START_TEST(what_is_not_open_is_found)
{
	raw_join(raw_fork(first_closed, NULL));
}
END_TEST

START_TEST(what_is_sorted)
{
	int fds[] = {5, 3, 3, 9, 0}, already[] = {1, 2, 2, 7};

	cli_descriptors_sort(fds, 5);
	ck_assert(fds[0] == 0 && fds[1] == 3 && fds[2] == 3 && fds[3] == 5 && fds[4] == 9);
	cli_descriptors_sort(already, 4);
	ck_assert(already[0] == 1 && already[1] == 2 && already[2] == 2 && already[3] == 7);
	cli_descriptors_sort(fds, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("descriptors");
	TCase *tcase = descriptors_tcase("descriptors");

	tcase_add_test(tcase, what_is_kept_back);
	tcase_add_test(tcase, what_is_not_kept_is_closed);
	tcase_add_test(tcase, what_is_not_open_is_found);
	tcase_add_test(tcase, what_is_sorted);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
