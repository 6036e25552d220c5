/* SPDX-License-Identifier: MIT */
/* Structs of options that grow: programs of earlier and of later releases than the library. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/options.h"
#include "descriptors.h"
#include "fdpass.h"
#include "suite.h"

/* Three releases of one struct. */
struct first {
	size_t size;
	int a;
	const void *b;
};

struct second {
	size_t size;
	int a;
	const void *b;
	int c;
};

struct third {
	size_t size;
	int a;
	const void *b;
	int c;
	const void *d;
};

#define LEAST OPTIONS_LEAST(struct second, b)

static int read_second(struct second *options, const void *given)
{
	*options = (struct second){sizeof(*options), 1, NULL, 3};
	return fdpass_options_read(options, sizeof(*options), LEAST, given);
}

START_TEST(none_are_the_defaults)
{
	struct second options;

	ck_assert_int_eq(read_second(&options, NULL), 0);
	ck_assert_int_eq(options.a, 1);
	ck_assert_int_eq(options.c, 3);
}
END_TEST

START_TEST(the_same_release)
{
	const struct second given = {sizeof(given), 10, &given, 30};
	struct second options;

	ck_assert_int_eq(read_second(&options, &given), 0);
	ck_assert_int_eq(options.a, 10);
	ck_assert_ptr_eq(options.b, &given);
	ck_assert_int_eq(options.c, 30);
}
END_TEST

START_TEST(an_earlier_one_has_the_defaults_for_the_rest)
{
	const struct first given = {sizeof(given), 10, &given};
	struct second options;

	ck_assert_uint_eq(LEAST, sizeof(given));
	ck_assert_int_eq(read_second(&options, &given), 0);
	ck_assert_uint_eq(options.size, sizeof(options));
	ck_assert_int_eq(options.a, 10);
	ck_assert_ptr_eq(options.b, &given);
	ck_assert_int_eq(options.c, 3);
}
END_TEST

START_TEST(a_later_one_may_not_ask_for_what_is_unknown)
{
	struct third given;
	struct second options;

	memset(&given, 0, sizeof(given));
	given.size = sizeof(given);
	given.a = 10;
	ck_assert_int_eq(read_second(&options, &given), 0);
	ck_assert_uint_eq(options.size, sizeof(options));
	ck_assert_int_eq(options.a, 10);
	ck_assert_int_eq(options.c, 0);
	given.d = &given;
	ck_assert_int_eq(read_second(&options, &given), -E2BIG);
	ck_assert_int_eq(options.a, 1);
}
END_TEST

START_TEST(what_is_shorter_than_the_first_is_none)
{
	struct second given = {0, 10, NULL, 30}, options;

	for (given.size = 0; given.size < LEAST; given.size++) {
		ck_assert_int_eq(read_second(&options, &given), -EINVAL);
		ck_assert_int_eq(options.a, 1);
	}
}
END_TEST

/* Every public struct of options, longer by some bytes. */
union longer {
	char bytes[256];
	struct fdpass_send_options send;
	struct fdpass_listen_options listen;
	struct fdpass_open_options open;
	struct fdpass_announcement announcement;
};

enum { SEND, LISTEN, OPEN, EXPORT, CALLS };

static int call(int which, union longer *given, struct fdpass_error *error)
{
	struct fdpass_listener *listener = NULL;
	struct fdpass_endpoint *endpoint = NULL;
	struct fdpass_address *address = NULL;
	struct fdpass_set *set = NULL;
	char **changes = NULL;
	int r = -1;

	ck_assert_int_eq(fdpass_address_parse(FDPASS_ADDRESS_ABSTRACT, "fdpass-unit-options",
					      &address, NULL),
			 0);
	ck_assert_int_eq(
		fdpass_endpoint_parse("unix-abstract:fdpass-unit-options", &endpoint, NULL), 0);
	ck_assert_int_eq(fdpass_set_new(&set), 0);
	ck_assert_int_eq(fdpass_set_borrow(set, 0), 0);
	switch (which) {
	case SEND:
		r = fdpass_send(address, set, &given->send, NULL, error);
		break;
	case LISTEN:
		r = fdpass_listener_open(address, &given->listen, &listener, error);
		break;
	case OPEN:
		r = fdpass_open_listen(endpoint, &given->open, &listener, error);
		break;
	case EXPORT:
		r = fdpass_activation_export(&given->announcement, &changes, error);
		break;
	}
	free(changes);
	fdpass_listener_close(listener);
	fdpass_set_free(set);
	fdpass_endpoint_free(endpoint);
	fdpass_address_free(address);
	return r;
}

START_TEST(every_public_struct_is_read_like_that)
{
	struct fdpass_error error = FDPASS_ERROR_INIT;
	union longer given;
	size_t size = 0;
	/* Nobody listens there. */
	int good = _i == SEND ? -ECONNREFUSED : 0;

	memset(&given, 0, sizeof(given));
	switch (_i) {
	case SEND:
		given.send = (struct fdpass_send_options)FDPASS_SEND_OPTIONS_INIT;
		size = sizeof(given.send);
		break;
	case LISTEN:
		given.listen = (struct fdpass_listen_options)FDPASS_LISTEN_OPTIONS_INIT;
		size = sizeof(given.listen);
		break;
	case OPEN:
		given.open = (struct fdpass_open_options)FDPASS_OPEN_OPTIONS_INIT;
		size = sizeof(given.open);
		break;
	case EXPORT:
		given.announcement = (struct fdpass_announcement)FDPASS_ANNOUNCEMENT_INIT;
		size = sizeof(given.announcement);
		break;
	}
	ck_assert_uint_eq(given.send.size, size);
	ck_assert_int_eq(call(_i, &given, NULL), good);
	given.send.size = size + 8;
	ck_assert_int_eq(call(_i, &given, NULL), good);
	given.bytes[size + 7] = 1;
	ck_assert_int_eq(call(_i, &given, &error), -E2BIG);
	ck_assert_int_eq(error.step, _i == EXPORT ? FDPASS_STEP_ACTIVATION : FDPASS_STEP_ADDRESS);
	given.send.size = 0;
	ck_assert_int_eq(call(_i, &given, &error), -EINVAL);
	ck_assert_int_eq(error.code, EINVAL);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("options");
	TCase *tcase = descriptors_tcase("options");

	tcase_add_test(tcase, none_are_the_defaults);
	tcase_add_test(tcase, the_same_release);
	tcase_add_test(tcase, an_earlier_one_has_the_defaults_for_the_rest);
	tcase_add_test(tcase, a_later_one_may_not_ask_for_what_is_unknown);
	tcase_add_test(tcase, what_is_shorter_than_the_first_is_none);
	tcase_add_loop_test(tcase, every_public_struct_is_read_like_that, 0, CALLS);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
