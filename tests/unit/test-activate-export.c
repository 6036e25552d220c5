/* SPDX-License-Identifier: MIT */
/* Announcing: every variable of every dialect, and no trace of another one. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "descriptors.h"
#include "fdpass.h"
#include "suite.h"

static const int numbers[] = {3, 4, 5, 6};
static const char *const names[] = {"web", NULL, "admin port"};
static const char *const addresses[] = {"127.0.0.1:80", "/run/x.sock", "[::]:443"};

/* What is in `changes` for a variable: its value, "" for one that is to be removed. */
static const char *change_of(char **changes, const char *variable)
{
	size_t length = strlen(variable);

	for (; *changes != NULL; changes++) {
		if (strncmp(*changes, variable, length) != 0)
			continue;
		if ((*changes)[length] == '=')
			return *changes + length + 1;
		if ((*changes)[length] == '\0')
			return "";
	}
	ck_abort_msg("%s is neither set nor removed", variable);
	return NULL;
}

static const char *const variables[] = {"LISTEN_FDS",
					"LISTEN_PID",
					"LISTEN_FDNAMES",
					"LISTEN_PIDFDID",
					"NGINX",
					"SERVER_STARTER_PORT",
					"SERVER_STARTER_GENERATION",
					"FPM_SOCKETS"};

/* `expected` are pairs of variable and value, up to NULL; all others are to be removed. */
static void expect(const struct fdpass_announcement *announcement, const char *const *expected)
{
	struct fdpass_error error = FDPASS_ERROR_INIT;
	char **changes = NULL;
	size_t count = 0;

	if (fdpass_activation_export(announcement, &changes, &error) < 0)
		ck_abort_msg("refused: %s", error.text);
	while (changes[count] != NULL)
		count++;
	ck_assert_uint_eq(count, sizeof(variables) / sizeof(*variables));
	for (size_t i = 0; i < sizeof(variables) / sizeof(*variables); i++) {
		const char *value = "";

		for (size_t j = 0; expected[j] != NULL; j += 2)
			if (strcmp(expected[j], variables[i]) == 0)
				value = expected[j + 1];
		ck_assert_str_eq(change_of(changes, variables[i]), value);
	}
	free(changes);
}

static struct fdpass_announcement announcement_of(enum fdpass_dialect dialect, size_t count)
{
	struct fdpass_announcement announcement = FDPASS_ANNOUNCEMENT_INIT;

	announcement.dialect = dialect;
	announcement.count = count;
	announcement.numbers = numbers;
	announcement.pid = 4711;
	return announcement;
}

START_TEST(nothing)
{
	struct fdpass_announcement announcement = FDPASS_ANNOUNCEMENT_INIT;

	for (int i = FDPASS_DIALECT_SYSTEMD; i <= FDPASS_DIALECT_PHP_FPM; i++) {
		announcement.dialect = (enum fdpass_dialect)i;
		expect(&announcement, (const char *const[]){NULL});
	}
}
END_TEST

START_TEST(systemd)
{
	struct fdpass_announcement announcement = announcement_of(FDPASS_DIALECT_SYSTEMD, 3);

	expect(&announcement, (const char *const[]){"LISTEN_FDS", "3", "LISTEN_PID", "4711", NULL});
	announcement.names = names;
	announcement.pid_id = UINT64_MAX;
	expect(&announcement,
	       (const char *const[]){"LISTEN_FDS", "3", "LISTEN_PID", "4711", "LISTEN_FDNAMES",
				     "web:unknown:admin port", "LISTEN_PIDFDID",
				     "18446744073709551615", NULL});
	announcement.count = 1;
	announcement.names = (const char *const[]){NULL};
	announcement.pid_id = 0;
	expect(&announcement, (const char *const[]){"LISTEN_FDS", "1", "LISTEN_PID", "4711", NULL});
}
END_TEST

START_TEST(nginx)
{
	struct fdpass_announcement announcement = announcement_of(FDPASS_DIALECT_NGINX, 2);

	expect(&announcement, (const char *const[]){"NGINX", "3;4;", NULL});
	announcement.numbers = (const int[]){17, 0};
	expect(&announcement, (const char *const[]){"NGINX", "17;0;", NULL});
}
END_TEST

START_TEST(server_starter)
{
	struct fdpass_announcement announcement = announcement_of(FDPASS_DIALECT_SERVER_STARTER, 3);

	announcement.addresses = addresses;
	expect(&announcement, (const char *const[]){"SERVER_STARTER_PORT",
						    "127.0.0.1:80=3;/run/x.sock=4;[::]:443=5",
						    "SERVER_STARTER_GENERATION", "1", NULL});
}
END_TEST

START_TEST(php_fpm)
{
	struct fdpass_announcement announcement = announcement_of(FDPASS_DIALECT_PHP_FPM, 2);

	announcement.addresses = addresses;
	expect(&announcement,
	       (const char *const[]){"FPM_SOCKETS", "127.0.0.1:80=3,/run/x.sock=4", NULL});
}
END_TEST

START_TEST(many)
{
	enum { MANY = 10000 };
	struct fdpass_announcement announcement = announcement_of(FDPASS_DIALECT_NGINX, MANY);
	int *all = malloc(MANY * sizeof(*all));
	char **changes = NULL;
	const char *value;

	ck_assert_ptr_nonnull(all);
	for (int i = 0; i < MANY; i++)
		all[i] = i;
	announcement.numbers = all;
	ck_assert_int_eq(fdpass_activation_export(&announcement, &changes, NULL), 0);
	value = change_of(changes, "NGINX");
	ck_assert_uint_eq(strlen(value), 10 * 2 + 90 * 3 + 900 * 4 + 9000 * 5);
	ck_assert_str_eq(value + strlen(value) - 5, "9999;");
	free(changes);
	free(all);
}
END_TEST

static void expect_refusal(const struct fdpass_announcement *announcement, int fd)
{
	struct fdpass_error error = FDPASS_ERROR_INIT;
	char *untouched = NULL, **changes = &untouched;

	ck_assert_int_eq(fdpass_activation_export(announcement, &changes, &error), -EINVAL);
	ck_assert_ptr_eq(changes, &untouched);
	ck_assert_int_eq(error.step, FDPASS_STEP_ACTIVATION);
	ck_assert_int_eq(error.code, EINVAL);
	ck_assert_int_eq(error.fd, fd);
	ck_assert_str_ne(error.text, "");
	ck_assert_int_eq(fdpass_activation_export(announcement, &changes, NULL), -EINVAL);
}

START_TEST(what_no_reader_would_understand)
{
	static const char *const bad_names[] = {"a:b", "", "line\n", "\x7f", "gr\xc3\xbc\xc3\x9f"};
	static const char *const bad_starter[] = {"", "/a;b", "/a=b", NULL};
	static const char *const bad_fpm[] = {"", "/a,b", "/a=b", NULL};
	struct fdpass_announcement announcement = announcement_of(FDPASS_DIALECT_SYSTEMD, 1);

	for (size_t i = 0; i < sizeof(bad_names) / sizeof(*bad_names); i++) {
		announcement.names = &bad_names[i];
		expect_refusal(&announcement, 3);
	}
	announcement.names = NULL;
	announcement.numbers = numbers + 1;
	expect_refusal(&announcement, 4);
	announcement.numbers = NULL;
	expect_refusal(&announcement, -1);
	announcement.numbers = numbers;
	announcement.pid = 0;
	expect_refusal(&announcement, -1);
	announcement.pid = 1;
	announcement.size--;
	expect_refusal(&announcement, -1);

	announcement = announcement_of((enum fdpass_dialect)17, 1);
	expect_refusal(&announcement, -1);
	announcement = announcement_of(FDPASS_DIALECT_NGINX, 1);
	announcement.numbers = (const int[]){-1};
	expect_refusal(&announcement, -1);
	announcement = announcement_of(FDPASS_DIALECT_SERVER_STARTER, 1);
	expect_refusal(&announcement, 3);
	for (size_t i = 0; i < sizeof(bad_starter) / sizeof(*bad_starter); i++) {
		announcement.addresses = &bad_starter[i];
		expect_refusal(&announcement, 3);
	}
	announcement = announcement_of(FDPASS_DIALECT_PHP_FPM, 1);
	for (size_t i = 0; i < sizeof(bad_fpm) / sizeof(*bad_fpm); i++) {
		announcement.addresses = &bad_fpm[i];
		expect_refusal(&announcement, 3);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("activate-export");
	TCase *tcase = descriptors_tcase("activate-export");

	tcase_add_test(tcase, nothing);
	tcase_add_test(tcase, systemd);
	tcase_add_test(tcase, nginx);
	tcase_add_test(tcase, server_starter);
	tcase_add_test(tcase, php_fpm);
	tcase_add_test(tcase, many);
	tcase_add_test(tcase, what_no_reader_would_understand);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
