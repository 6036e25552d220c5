/* SPDX-License-Identifier: MIT */
/* USER and GROUP. The databases are replaced by functions of the same name in this file, which the
 * linker prefers, so that failing lookups can be had. */
#include <check.h>
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>

#include "cli/identity.h"
#include "descriptors.h"
#include "suite.h"

static int lookups;
static int lookup_errno;

struct passwd *getpwnam(const char *name)
{
	static struct passwd entry = {.pw_uid = 1234};

	lookups++;
	if (strcmp(name, "alice") == 0)
		return &entry;
	errno = lookup_errno;
	return NULL;
}

struct group *getgrnam(const char *name)
{
	static struct group entry = {.gr_gid = 4321};

	lookups++;
	if (strcmp(name, "wheel") == 0)
		return &entry;
	errno = lookup_errno;
	return NULL;
}

START_TEST(names_are_looked_up)
{
	uid_t uid = 0;
	gid_t gid = 0;

	ck_assert_int_eq(cli_identity_user("alice", &uid), 0);
	ck_assert_uint_eq(uid, 1234);
	ck_assert_int_eq(cli_identity_group("wheel", &gid), 0);
	ck_assert_uint_eq(gid, 4321);
	ck_assert_int_eq(lookups, 2);
}
END_TEST

static const struct {
	const char *text;
	unsigned int id;
} numbers[] = {
	{"0", 0},
	{"65534", 65534},
	{"0010", 10},
	{"4294967294", 4294967294},
};

START_TEST(numbers_are_not_looked_up)
{
	uid_t uid = 77;
	gid_t gid = 77;

	ck_assert_int_eq(cli_identity_user(numbers[_i].text, &uid), 0);
	ck_assert_uint_eq(uid, numbers[_i].id);
	ck_assert_int_eq(cli_identity_group(numbers[_i].text, &gid), 0);
	ck_assert_uint_eq(gid, numbers[_i].id);
	ck_assert_int_eq(lookups, 0);
}
END_TEST

START_TEST(numbers_that_no_id_can_be)
{
	static const char *const texts[] = {"4294967295", "4294967296", "99999999999999999999999"};

	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		uid_t uid = 77;
		gid_t gid = 77;

		ck_assert_int_eq(cli_identity_user(texts[i], &uid), -ERANGE);
		ck_assert_int_eq(cli_identity_group(texts[i], &gid), -ERANGE);
		ck_assert_uint_eq(uid, 77);
		ck_assert_uint_eq(gid, 77);
	}
	ck_assert_int_eq(lookups, 0);
}
END_TEST

static const char *const unknown[] = {"nobody-has-this", "", "-1", "+5", "12x", " 5", "0x0"};

START_TEST(what_is_no_number_is_a_name)
{
	uid_t uid = 77;
	gid_t gid = 77;

	ck_assert_int_eq(cli_identity_user(unknown[_i], &uid), -ENOENT);
	ck_assert_int_eq(cli_identity_group(unknown[_i], &gid), -ENOENT);
	ck_assert_uint_eq(uid, 77);
	ck_assert_uint_eq(gid, 77);
	ck_assert_int_eq(lookups, 2);
}
END_TEST

static const struct {
	int error;
	int result;
} failures[] = {
	{0, -ENOENT}, {ENOENT, -ENOENT}, {ESRCH, -ENOENT},
	{EIO, -EIO},  {EMFILE, -EMFILE}, {ECONNREFUSED, -ECONNREFUSED},
};

START_TEST(failing_lookup_is_not_an_unknown_name)
{
	uid_t uid;
	gid_t gid;

	lookup_errno = failures[_i].error;
	ck_assert_int_eq(cli_identity_user("bob", &uid), failures[_i].result);
	ck_assert_int_eq(cli_identity_group("bob", &gid), failures[_i].result);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("cli-identity");
	TCase *tcase = descriptors_tcase("identity");

	tcase_add_test(tcase, names_are_looked_up);
	tcase_add_loop_test(tcase, numbers_are_not_looked_up, 0,
			    sizeof numbers / sizeof numbers[0]);
	tcase_add_test(tcase, numbers_that_no_id_can_be);
	tcase_add_loop_test(tcase, what_is_no_number_is_a_name, 0,
			    sizeof unknown / sizeof unknown[0]);
	tcase_add_loop_test(tcase, failing_lookup_is_not_an_unknown_name, 0,
			    sizeof failures / sizeof failures[0]);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
