/* SPDX-License-Identifier: MIT */
/* SOCKSPECs taken apart: every kind, every limit, and where the run directory is. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "descriptors.h"
#include "rendezvous/address.h"
#include "suite.h"

static const struct address_environment usual = {1000, NULL, NULL};

static struct fdpass_address *build(enum fdpass_address_kind kind, const char *text,
				    const struct address_environment *environment)
{
	struct fdpass_address *address = NULL;
	struct fdpass_error error = FDPASS_ERROR_INIT;

	ck_assert_int_eq(fdpass_address_build(kind, text, environment, &address, &error), 0);
	ck_assert_int_eq(error.step, FDPASS_STEP_NONE);
	ck_assert_str_eq(error.text, "");
	return address;
}

static void assert_wrong(enum fdpass_address_kind kind, const char *text,
			 const struct address_environment *environment, int code)
{
	struct fdpass_address *address = (struct fdpass_address *)&address;
	struct fdpass_error error = FDPASS_ERROR_INIT;

	ck_assert_int_eq(fdpass_address_build(kind, text, environment, &address, &error), code);
	ck_assert_ptr_eq(address, &address);
	ck_assert_int_eq(error.step, FDPASS_STEP_ADDRESS);
	ck_assert_int_eq(error.code, -code);
	ck_assert_str_ne(error.text, "");
	ck_assert_int_eq(fdpass_address_build(kind, text, environment, &address, NULL), code);
}

static const struct {
	const char *text, *directory, *name;
} paths[] = {
	{"/s", "/", "s"},
	{"//s", "/", "s"},
	{"/run/x/s", "/run/x", "s"},
	{"./s", ".", "s"},
	{"../s", "..", "s"},
	{"a/b/s", "a/b", "s"},
	{"a//s", "a/", "s"},
	{"./-s", ".", "-s"},
	{"./...", ".", "..."},
	{"./.fdpass", ".", ".fdpass"},
	{"./x.fdpass-", ".", "x.fdpass-"},
	{".fdpass-dir/s", ".fdpass-dir", "s"},
	{"./@abstract", ".", "@abstract"},
	{"./a b\n\xc3\xa4", ".", "a b\n\xc3\xa4"},
};

START_TEST(paths_are_kept_as_they_are)
{
	struct fdpass_address *address = build(FDPASS_ADDRESS_NAMED, paths[_i].text, &usual);

	ck_assert_str_eq(fdpass_address_text(address), paths[_i].text);
	ck_assert_str_eq(address->directory, paths[_i].directory);
	ck_assert_str_eq(address->name, paths[_i].name);
	ck_assert_int_eq(fdpass_address_is_private(address), 0);
	ck_assert_ptr_null(fdpass_address_free(address));
}
END_TEST

static const struct {
	struct address_environment environment;
	const char *directory;
} directories[] = {
	{{0, NULL, NULL}, "/run/fdsend"},
	{{0, NULL, "/run/user/0"}, "/run/fdsend"},
	{{0, "/somewhere", "/run/user/0"}, "/somewhere"},
	{{1000, NULL, NULL}, "/run/user/1000/fdsend"},
	{{4294967294, NULL, NULL}, "/run/user/4294967294/fdsend"},
	{{1000, NULL, "/xdg"}, "/xdg/fdsend"},
	{{1000, NULL, "/xdg/"}, "/xdg//fdsend"},
	{{1000, NULL, "xdg"}, "/run/user/1000/fdsend"},
	{{1000, NULL, "./xdg"}, "/run/user/1000/fdsend"},
	{{1000, NULL, ""}, "/run/user/1000/fdsend"},
	{{1000, "/somewhere", "/xdg"}, "/somewhere"},
	{{1000, "/somewhere///", NULL}, "/somewhere"},
};

START_TEST(names_are_in_the_run_directory)
{
	struct fdpass_address *address =
		build(FDPASS_ADDRESS_NAMED, "name", &directories[_i].environment);
	char text[PATH_MAX];

	snprintf(text, sizeof(text), "%s/name", directories[_i].directory);
	ck_assert_str_eq(fdpass_address_text(address), text);
	ck_assert_str_eq(address->directory, directories[_i].directory);
	ck_assert_str_eq(address->name, "name");
	ck_assert_int_eq(fdpass_address_is_private(address), 1);
	fdpass_address_free(address);
}
END_TEST

START_TEST(the_root_can_be_the_run_directory)
{
	static const char *const roots[] = {"/", "//", "///"};
	const struct address_environment environment = {1000, roots[_i], NULL};
	struct fdpass_address *address = build(FDPASS_ADDRESS_NAMED, "name", &environment);

	ck_assert_str_eq(address->directory, "/");
	ck_assert_str_eq(address->name, "name");
	fdpass_address_free(address);
}
END_TEST

START_TEST(a_relative_run_directory_is_wrong)
{
	static const char *const relative[] = {"", "x", "./x", "../x", "~/x"};
	const struct address_environment environment = {_i % 2 == 0 ? 0 : 1000, relative[_i],
							"/xdg"};

	assert_wrong(FDPASS_ADDRESS_NAMED, "name", &environment, -EINVAL);
	/* It does not matter where it is not looked at. */
	fdpass_address_free(build(FDPASS_ADDRESS_NAMED, "./name", &environment));
	fdpass_address_free(build(FDPASS_ADDRESS_ABSTRACT, "name", &environment));
}
END_TEST

START_TEST(names_that_cannot_be)
{
	static const char *const wrong[] = {
		"",    ".",   "..",   "/",        "a/",        "/a/",       "/.",
		"/..", "a/.", "./..", ".fdpass-", ".fdpass-x", "/.fdpass-", "a/.fdpass-1",
	};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		assert_wrong(FDPASS_ADDRESS_NAMED, wrong[i], &usual, -EINVAL);
	assert_wrong(FDPASS_ADDRESS_ABSTRACT, "", &usual, -EINVAL);
}
END_TEST

/* A string of `length` characters: `start`, then x. */
static const char *of_length(const char *start, size_t length)
{
	static char text[8192];

	memset(text, 'x', length);
	memcpy(text, start, strlen(start));
	text[length] = '\0';
	return text;
}

START_TEST(abstract_names_are_taken_as_they_are)
{
	static const char *const names[] = {"x",  "/",         ".", "..", "a/b",
					    "@x", ".fdpass-x", "-", " "};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		struct fdpass_address *address = build(FDPASS_ADDRESS_ABSTRACT, names[i], &usual);
		struct sockaddr_un un;
		size_t length = strlen(names[i]);

		ck_assert_str_eq(address->name, names[i]);
		ck_assert_int_eq(fdpass_address_text(address)[0], '@');
		ck_assert_str_eq(fdpass_address_text(address) + 1, names[i]);
		ck_assert_int_eq(fdpass_address_is_private(address), 0);
		ck_assert_uint_eq(fdpass_address_abstract(address, &un),
				  offsetof(struct sockaddr_un, sun_path) + 1 + length);
		ck_assert_int_eq(un.sun_family, AF_UNIX);
		ck_assert_int_eq(un.sun_path[0], '\0');
		ck_assert_mem_eq(un.sun_path + 1, names[i], length);
		fdpass_address_free(address);
	}
}
END_TEST

START_TEST(an_abstract_name_has_107_bytes)
{
	struct fdpass_address *address;
	struct sockaddr_un un;

	address = build(FDPASS_ADDRESS_ABSTRACT, of_length("a", 107), &usual);
	ck_assert_uint_eq(fdpass_address_abstract(address, &un), sizeof(un));
	ck_assert_int_eq(un.sun_path[107], 'x');
	fdpass_address_free(address);
	assert_wrong(FDPASS_ADDRESS_ABSTRACT, of_length("a", 108), &usual, -ENAMETOOLONG);
	assert_wrong(FDPASS_ADDRESS_ABSTRACT, of_length("a", 5000), &usual, -ENAMETOOLONG);
}
END_TEST

START_TEST(a_file_name_has_255_bytes)
{
	fdpass_address_free(build(FDPASS_ADDRESS_NAMED, of_length("a", 108), &usual));
	fdpass_address_free(build(FDPASS_ADDRESS_NAMED, of_length("a", 255), &usual));
	assert_wrong(FDPASS_ADDRESS_NAMED, of_length("a", 256), &usual, -ENAMETOOLONG);
	fdpass_address_free(build(FDPASS_ADDRESS_NAMED, of_length("./", 257), &usual));
	assert_wrong(FDPASS_ADDRESS_NAMED, of_length("./", 258), &usual, -ENAMETOOLONG);
}
END_TEST

/* A path of `length` characters, of which the last two are a slash and a short name. */
static const char *long_path(size_t length)
{
	static char text[8192];

	for (size_t i = 0; i < length; i++)
		text[i] = i % 100 == 0 || i + 2 == length ? '/' : i + 1 == length ? 's' : 'x';
	text[length] = '\0';
	return text;
}

START_TEST(a_path_has_4095_bytes)
{
	static const size_t good[] = {107, 108, 109, 255, 256, 4094, 4095};

	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		struct fdpass_address *address =
			build(FDPASS_ADDRESS_NAMED, long_path(good[i]), &usual);

		ck_assert_uint_eq(strlen(fdpass_address_text(address)), good[i]);
		ck_assert_uint_eq(strlen(address->directory), good[i] - 2);
		ck_assert_str_eq(address->name, "s");
		fdpass_address_free(address);
	}
	assert_wrong(FDPASS_ADDRESS_NAMED, long_path(4096), &usual, -ENAMETOOLONG);
	assert_wrong(FDPASS_ADDRESS_NAMED, long_path(5000), &usual, -ENAMETOOLONG);
}
END_TEST

START_TEST(a_long_run_directory_counts)
{
	struct address_environment environment = {1000, long_path(4090), NULL};

	fdpass_address_free(build(FDPASS_ADDRESS_NAMED, "name", &environment));
	assert_wrong(FDPASS_ADDRESS_NAMED, "name5", &environment, -ENAMETOOLONG);
}
END_TEST

START_TEST(a_number_is_a_connection)
{
	static const struct {
		const char *text, *shown;
		int fd;
	} numbers[] = {
		{"0", "descriptor 0", 0},
		{"3", "descriptor 3", 3},
		{"007", "descriptor 7", 7},
		{"2147483647", "descriptor 2147483647", INT_MAX},
	};
	static const char *const wrong[] = {"",
					    "x",
					    "-1",
					    "+1",
					    " 1",
					    "1 ",
					    "1x",
					    "0x1",
					    "1.0",
					    "./1",
					    "2147483648",
					    "4294967296",
					    "99999999999999999999999999"};

	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
		struct fdpass_address *address =
			build(FDPASS_ADDRESS_CONNECTED, numbers[i].text, &usual);

		ck_assert_int_eq(fdpass_address_fd(address), numbers[i].fd);
		ck_assert_str_eq(fdpass_address_text(address), numbers[i].shown);
		ck_assert_int_eq(fdpass_address_is_private(address), 0);
		fdpass_address_free(address);
	}
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		assert_wrong(FDPASS_ADDRESS_CONNECTED, wrong[i], &usual, -EINVAL);
}
END_TEST

START_TEST(only_a_connection_has_a_number)
{
	struct fdpass_address *address = build(FDPASS_ADDRESS_NAMED, "./3", &usual);

	ck_assert_int_eq(fdpass_address_fd(address), -EBADF);
	fdpass_address_free(address);
}
END_TEST

START_TEST(a_kind_that_there_is_not)
{
	assert_wrong((enum fdpass_address_kind)77, "./s", &usual, -EINVAL);
	assert_wrong((enum fdpass_address_kind)(FDPASS_ADDRESS_CONNECTED + 1), "3", &usual,
		     -EINVAL);
	assert_wrong((enum fdpass_address_kind) - 1, "name", &usual, -EINVAL);
}
END_TEST

START_TEST(parsing_asks_the_environment)
{
	struct fdpass_error error = FDPASS_ERROR_INIT;
	struct fdpass_address *address;

	ck_assert_int_eq(setenv("FDPASS_RUNTIME_DIR", "/own", 1), 0);
	ck_assert_int_eq(fdpass_address_parse(FDPASS_ADDRESS_NAMED, "n", &address, &error), 0);
	ck_assert_str_eq(fdpass_address_text(address), "/own/n");
	fdpass_address_free(address);
	ck_assert_int_eq(setenv("FDPASS_RUNTIME_DIR", "own", 1), 0);
	ck_assert_int_eq(fdpass_address_parse(FDPASS_ADDRESS_NAMED, "n", &address, &error),
			 -EINVAL);
	ck_assert(strstr(error.text, "FDPASS_RUNTIME_DIR") != NULL);
	/* Empty counts as unset. */
	ck_assert_int_eq(setenv("FDPASS_RUNTIME_DIR", "", 1), 0);
	ck_assert_int_eq(setenv("XDG_RUNTIME_DIR", "/xdg", 1), 0);
	ck_assert_int_eq(fdpass_address_parse(FDPASS_ADDRESS_NAMED, "n", &address, NULL), 0);
	ck_assert_str_eq(fdpass_address_text(address),
			 geteuid() == 0 ? "/run/fdsend/n" : "/xdg/fdsend/n");
	fdpass_address_free(address);
}
END_TEST

START_TEST(freeing_nothing)
{
	ck_assert_ptr_null(fdpass_address_free(NULL));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("address");
	TCase *tcase = descriptors_tcase("address");

	tcase_add_loop_test(tcase, paths_are_kept_as_they_are, 0, sizeof(paths) / sizeof(*paths));
	tcase_add_loop_test(tcase, names_are_in_the_run_directory, 0,
			    sizeof(directories) / sizeof(*directories));
	tcase_add_loop_test(tcase, the_root_can_be_the_run_directory, 0, 3);
	tcase_add_loop_test(tcase, a_relative_run_directory_is_wrong, 0, 5);
	tcase_add_test(tcase, names_that_cannot_be);
	tcase_add_test(tcase, abstract_names_are_taken_as_they_are);
	tcase_add_test(tcase, an_abstract_name_has_107_bytes);
	tcase_add_test(tcase, a_file_name_has_255_bytes);
	tcase_add_test(tcase, a_path_has_4095_bytes);
	tcase_add_test(tcase, a_long_run_directory_counts);
	tcase_add_test(tcase, a_number_is_a_connection);
	tcase_add_test(tcase, only_a_connection_has_a_number);
	tcase_add_test(tcase, a_kind_that_there_is_not);
	tcase_add_test(tcase, parsing_asks_the_environment);
	tcase_add_test(tcase, freeing_nothing);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
