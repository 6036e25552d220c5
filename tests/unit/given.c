/* SPDX-License-Identifier: MIT */
/* Descriptors that are known again. */
#include "given.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "raw.h"

#define FILES 3

static int files[FILES];
static struct stat identities[FILES];

void given_open(void)
{
	for (int i = 0; i < FILES; i++) {
		const char name[] = {'g', 'i', 'v', 'e', 'n', (char)('0' + i), '\0'};

		files[i] = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
		raw_check(files[i] >= 0 && fstat(files[i], &identities[i]) == 0);
	}
}

void given_close(void)
{
	for (int i = 0; i < FILES; i++)
		close(files[i]);
}

/* Long enough that a few hundred of them are several pieces of a stream. */
static const char *name_of(size_t index)
{
	static char name[64];

	snprintf(name, sizeof(name), "the-descriptor-with-the-number-%zu", index);
	return name;
}

struct fdpass_set *given_set(size_t count, enum given_names names)
{
	struct fdpass_set *set = NULL;

	raw_check(fdpass_set_new(&set) == 0);
	for (size_t i = 0; i < count; i++) {
		raw_check(fdpass_set_borrow(set, files[i % FILES]) == 0);
		if (names == GIVEN_WITH_NAMES)
			raw_check(fdpass_set_rename(set, i, name_of(i)) == 0);
	}
	return set;
}

int given_is(const struct fdpass_set *set, size_t count, enum given_names names)
{
	if (fdpass_set_count(set) != count)
		return 0;
	for (size_t i = 0; i < count; i++) {
		const struct stat *wanted = &identities[i % FILES];
		const char *name = fdpass_set_name(set, i);
		const int fd = fdpass_set_get(set, i);
		struct stat status;

		if (fstat(fd, &status) < 0 || status.st_ino != wanted->st_ino ||
		    status.st_dev != wanted->st_dev || fcntl(fd, F_GETFD) != FD_CLOEXEC)
			return 0;
		if (names == GIVEN_WITH_NAMES ? name == NULL || strcmp(name, name_of(i)) != 0
					      : name != NULL)
			return 0;
	}
	return 1;
}
