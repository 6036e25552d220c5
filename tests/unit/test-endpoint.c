/* SPDX-License-Identifier: MIT */
/* ADDRs, taken apart: what each part is, and what is said of those that are none. Pure. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "descriptors.h"
#include "open/endpoint.h"
#include "suite.h"

#define NAME_107                                                                                   \
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"                             \
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static const struct {
	const char *text;
	int family, type, kind;
	const char *host, *name;
} good[] = {
	{"tcp:80", AF_UNSPEC, SOCK_STREAM, ENDPOINT_INTERNET, NULL, "80"},
	{"tcp:0", AF_UNSPEC, SOCK_STREAM, ENDPOINT_INTERNET, NULL, "0"},
	{"tcp:00080", AF_UNSPEC, SOCK_STREAM, ENDPOINT_INTERNET, NULL, "00080"},
	{"tcp:65535", AF_UNSPEC, SOCK_STREAM, ENDPOINT_INTERNET, NULL, "65535"},
	{"tcp:http", AF_UNSPEC, SOCK_STREAM, ENDPOINT_INTERNET, NULL, "http"},
	{"tcp:h323hostcall", AF_UNSPEC, SOCK_STREAM, ENDPOINT_INTERNET, NULL, "h323hostcall"},
	{"tcp:3com-tsmux", AF_UNSPEC, SOCK_STREAM, ENDPOINT_INTERNET, NULL, "3com-tsmux"},
	{"tcp4:80", AF_INET, SOCK_STREAM, ENDPOINT_INTERNET, NULL, "80"},
	{"tcp6:80", AF_INET6, SOCK_STREAM, ENDPOINT_INTERNET, NULL, "80"},
	{"udp:53", AF_UNSPEC, SOCK_DGRAM, ENDPOINT_INTERNET, NULL, "53"},
	{"udp4:53", AF_INET, SOCK_DGRAM, ENDPOINT_INTERNET, NULL, "53"},
	{"udp6:domain", AF_INET6, SOCK_DGRAM, ENDPOINT_INTERNET, NULL, "domain"},
	{"tcp:127.0.0.1:80", AF_UNSPEC, SOCK_STREAM, ENDPOINT_INTERNET, "127.0.0.1", "80"},
	{"tcp:[127.0.0.1]:80", AF_UNSPEC, SOCK_STREAM, ENDPOINT_INTERNET, "127.0.0.1", "80"},
	{"tcp:example.com:http", AF_UNSPEC, SOCK_STREAM, ENDPOINT_INTERNET, "example.com", "http"},
	{"tcp:[example.com]:80", AF_UNSPEC, SOCK_STREAM, ENDPOINT_INTERNET, "example.com", "80"},
	{"tcp:[::1]:80", AF_UNSPEC, SOCK_STREAM, ENDPOINT_INTERNET, "::1", "80"},
	{"tcp6:[::]:0", AF_INET6, SOCK_STREAM, ENDPOINT_INTERNET, "::", "0"},
	{"tcp:[fe80::1%eth0]:22", AF_UNSPEC, SOCK_STREAM, ENDPOINT_INTERNET, "fe80::1%eth0", "22"},
	{"udp:[::ffff:127.0.0.1]:53", AF_UNSPEC, SOCK_DGRAM, ENDPOINT_INTERNET, "::ffff:127.0.0.1",
	 "53"},
	{"tcp:80:80", AF_UNSPEC, SOCK_STREAM, ENDPOINT_INTERNET, "80", "80"},
	{"unix:x", AF_UNIX, SOCK_STREAM, ENDPOINT_PATH, NULL, "x"},
	{"unix:/run/x.sock", AF_UNIX, SOCK_STREAM, ENDPOINT_PATH, NULL, "/run/x.sock"},
	{"unix:./a:b[c]", AF_UNIX, SOCK_STREAM, ENDPOINT_PATH, NULL, "./a:b[c]"},
	{"unix::", AF_UNIX, SOCK_STREAM, ENDPOINT_PATH, NULL, ":"},
	{"unix:.fdpass-x/y", AF_UNIX, SOCK_STREAM, ENDPOINT_PATH, NULL, ".fdpass-x/y"},
	{"unix: ", AF_UNIX, SOCK_STREAM, ENDPOINT_PATH, NULL, " "},
	{"unix-dgram:/dev/log", AF_UNIX, SOCK_DGRAM, ENDPOINT_PATH, NULL, "/dev/log"},
	{"unix-seqpacket:./x", AF_UNIX, SOCK_SEQPACKET, ENDPOINT_PATH, NULL, "./x"},
	{"unix-abstract:name", AF_UNIX, SOCK_STREAM, ENDPOINT_ABSTRACT, NULL, "name"},
	{"unix-abstract:a/b/", AF_UNIX, SOCK_STREAM, ENDPOINT_ABSTRACT, NULL, "a/b/"},
	{"unix-abstract:" NAME_107, AF_UNIX, SOCK_STREAM, ENDPOINT_ABSTRACT, NULL, NAME_107},
};

START_TEST(what_it_says)
{
	struct fdpass_error error = FDPASS_ERROR_INIT;
	struct fdpass_endpoint *endpoint;

	ck_assert_msg(fdpass_endpoint_parse(good[_i].text, &endpoint, &error) == 0, "%s: %s",
		      good[_i].text, error.text);
	ck_assert_str_eq(endpoint->text, good[_i].text);
	ck_assert_int_eq(endpoint->family, good[_i].family);
	ck_assert_int_eq(endpoint->type, good[_i].type);
	ck_assert_int_eq((int)endpoint->kind, good[_i].kind);
	if (good[_i].host == NULL)
		ck_assert_ptr_null(endpoint->host);
	else
		ck_assert_str_eq(endpoint->host, good[_i].host);
	ck_assert_str_eq(endpoint->name, good[_i].name);
	ck_assert_int_eq(error.step, FDPASS_STEP_NONE);
	ck_assert_ptr_null(fdpass_endpoint_free(endpoint));
}
END_TEST

static const struct {
	const char *text, *reason;
} bad[] = {
	{"", "an address begins with tcp:"},
	{"80", "an address begins with tcp:"},
	{"tcp", "an address begins with tcp:"},
	{"TCP:80", "an address begins with tcp:"},
	{" tcp:80", "an address begins with tcp:"},
	{"http:80", "an address begins with tcp:"},
	{"tcp5:80", "an address begins with tcp:"},
	{"/run/x.sock", "an address begins with tcp:"},
	{"unix-stream:x", "an address begins with tcp:"},
	{"unix-abstract", "an address begins with tcp:"},
	{"[::1]:80", "an address begins with tcp:"},
	{"tcp:", "the port is missing"},
	{"tcp:127.0.0.1:", "the port is missing"},
	{"tcp:[::1]:", "the port is missing"},
	{"tcp:65536", "at most 65535"},
	{"tcp:70000", "at most 65535"},
	{"tcp:99999999999999999999999999999999999", "at most 65535"},
	{"tcp:localhost:65536", "at most 65535"},
	{"udp:[::1]:70000", "at most 65535"},
	{"tcp:-1", "a number or the name of a service"},
	{"tcp:+80", "a number or the name of a service"},
	{"tcp: 80", "a number or the name of a service"},
	{"tcp:localhost:-80", "a number or the name of a service"},
	{"tcp::80", "the host is empty"},
	{"tcp:[]:80", "the host is empty"},
	{"tcp:a:b:c", "too many colons"},
	{"tcp:::1:80", "too many colons"},
	{"tcp:[::1]:80:90", "too many colons"},
	{"tcp:localhost:80:", "too many colons"},
	{"tcp:[::1]", "after '[' there must be"},
	{"tcp:[::1]80", "after '[' there must be"},
	{"tcp:[::1", "after '[' there must be"},
	{"tcp:[", "after '[' there must be"},
	{"tcp:[a]b:80", "after '[' there must be"},
	{"unix:", "the name is empty"},
	{"unix-dgram:", "the name is empty"},
	{"unix-abstract:", "the name is empty"},
	{"unix:/", "names a directory"},
	{"unix:./x/", "names a directory"},
	{"unix:.fdpass-x", "names that begin with .fdpass- are reserved"},
	{"unix-dgram:/run/.fdpass-", "names that begin with .fdpass- are reserved"},
	{"unix-seqpacket:/run/", "names a directory"},
	{"unix-abstract:a" NAME_107, "at most 107 bytes"},
};

START_TEST(why_it_is_none)
{
	struct fdpass_error error = FDPASS_ERROR_INIT;
	struct fdpass_endpoint *endpoint = (void *)&error;

	ck_assert_msg(fdpass_endpoint_parse(bad[_i].text, &endpoint, &error) == -EINVAL, "'%s'",
		      bad[_i].text);
	ck_assert_ptr_eq(endpoint, (void *)&error);
	ck_assert_int_eq(error.step, FDPASS_STEP_ADDRESS);
	ck_assert_int_eq(error.code, EINVAL);
	ck_assert_msg(strstr(error.text, bad[_i].reason) != NULL, "'%s': %s", bad[_i].text,
		      error.text);
	ck_assert_int_eq(fdpass_endpoint_parse(bad[_i].text, &endpoint, NULL), -EINVAL);
}
END_TEST

/* "tcp:aaa...:80" with a host of that many bytes, or "unix:aaa..." with such a path. */
static char *long_text(const char *before, size_t length, const char *after)
{
	char *text = calloc(1, strlen(before) + length + strlen(after) + 1);

	ck_assert_ptr_nonnull(text);
	strcpy(text, before);
	memset(text + strlen(before), 'a', length);
	strcpy(text + strlen(before) + length, after);
	return text;
}

START_TEST(how_long_it_may_be)
{
	static const struct {
		const char *before, *after;
		size_t most;
	} limits[] = {
		{"tcp:", ":80", 255},
		{"tcp:[", "]:80", 255},
		{"unix-abstract:", "", FDPASS_ABSTRACT_MAX},
		{"unix:", "", PATH_MAX - 1},
	};
	struct fdpass_endpoint *endpoint;
	char *text = long_text(limits[_i].before, limits[_i].most, limits[_i].after);

	ck_assert_int_eq(fdpass_endpoint_parse(text, &endpoint, NULL), 0);
	fdpass_endpoint_free(endpoint);
	free(text);
	text = long_text(limits[_i].before, limits[_i].most + 1, limits[_i].after);
	ck_assert_int_eq(fdpass_endpoint_parse(text, &endpoint, NULL), -EINVAL);
	free(text);
}
END_TEST

START_TEST(nothing_to_free)
{
	ck_assert_ptr_null(fdpass_endpoint_free(NULL));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("endpoint");
	TCase *tcase = descriptors_tcase("endpoint");

	tcase_add_loop_test(tcase, what_it_says, 0, sizeof(good) / sizeof(*good));
	tcase_add_loop_test(tcase, why_it_is_none, 0, sizeof(bad) / sizeof(*bad));
	tcase_add_loop_test(tcase, how_long_it_may_be, 0, 4);
	tcase_add_test(tcase, nothing_to_free);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
