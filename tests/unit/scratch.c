/* SPDX-License-Identifier: MIT */
/* An empty directory for each test. */
#include "scratch.h"

#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char base[PATH_MAX];
static char place[PATH_MAX];

/* Made and removed by the process that runs all tests, so that those that fail leave nothing. */
static void make_base(void)
{
	const char *temporary = getenv("TMPDIR");

	snprintf(base, sizeof(base), "%s/fdpass-unit-XXXXXX",
		 temporary != NULL && temporary[0] == '/' ? temporary : "/tmp");
	ck_assert_ptr_nonnull(mkdtemp(base));
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *walk)
{
	(void)status;
	(void)type;
	(void)walk;
	return remove(path);
}

/* A test may have taken the permissions that removing needs. */
static int permit_one(const char *path, const struct stat *status, int type, struct FTW *walk)
{
	(void)status;
	(void)walk;
	if (type == FTW_D || type == FTW_DNR)
		chmod(path, 0700);
	return 0;
}

static void remove_base(void)
{
	nftw(base, permit_one, 16, FTW_PHYS);
	nftw(base, remove_one, 16, FTW_PHYS | FTW_DEPTH);
}

static void enter(void)
{
	ck_assert_int_lt(snprintf(place, sizeof(place), "%.4000s/XXXXXX", base), PATH_MAX);
	ck_assert_ptr_nonnull(mkdtemp(place));
	ck_assert_int_eq(chdir(place), 0);
}

static void leave(void)
{
	ck_assert_int_eq(chdir("/"), 0);
}

void scratch_add(TCase *tcase)
{
	tcase_add_unchecked_fixture(tcase, make_base, remove_base);
	tcase_add_checked_fixture(tcase, enter, leave);
}

const char *scratch_path(void)
{
	return place;
}

void scratch_open_to_others(void)
{
	ck_assert_int_eq(chmod(base, 0755), 0);
	ck_assert_int_eq(chmod(place, 0755), 0);
}
