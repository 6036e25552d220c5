/* SPDX-License-Identifier: MIT */
/* What an EXPR is, and which sockets it fits. */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "acquire/match.h"
#include "descriptors.h"
#include "suite.h"

static struct fdpass_match *parse(const char *text)
{
	struct fdpass_error error = FDPASS_ERROR_INIT;
	struct fdpass_match *match = NULL;

	ck_assert_msg(fdpass_match_parse(text, &match, &error) == 0, "%s: %s", text, error.text);
	return match;
}

static const struct {
	const char *text;
	enum match_kind kind;
	enum match_where where;
	unsigned port;
} good[] = {
	{"listen", MATCH_LISTEN, MATCH_ANYWHERE, 0},
	{"listen:8080", MATCH_LISTEN, MATCH_PORT, 8080},
	{"listen:1", MATCH_LISTEN, MATCH_PORT, 1},
	{"listen:65535", MATCH_LISTEN, MATCH_PORT, 65535},
	{"listen:0080", MATCH_LISTEN, MATCH_PORT, 80},
	{"listen:127.0.0.1:8080", MATCH_LISTEN, MATCH_ADDRESS, 8080},
	{"listen:[127.0.0.1]:8080", MATCH_LISTEN, MATCH_ADDRESS, 8080},
	{"listen:[::]:443", MATCH_LISTEN, MATCH_ADDRESS, 443},
	{"listen:/run/x.sock", MATCH_LISTEN, MATCH_NAME, 0},
	{"listen:./x:1.sock", MATCH_LISTEN, MATCH_NAME, 0},
	{"listen:@name", MATCH_LISTEN, MATCH_NAME, 0},
	{"listen:@a/b", MATCH_LISTEN, MATCH_NAME, 0},
	{"tcp", MATCH_TCP, MATCH_ANYWHERE, 0},
	{"tcp:[fe80::1]:5", MATCH_TCP, MATCH_ADDRESS, 5},
	{"tcp:5", MATCH_TCP, MATCH_PORT, 5},
	{"udp", MATCH_UDP, MATCH_ANYWHERE, 0},
	{"udp:53", MATCH_UDP, MATCH_PORT, 53},
	{"udp:0.0.0.0:53", MATCH_UDP, MATCH_ADDRESS, 53},
	{"unix", MATCH_UNIX, MATCH_ANYWHERE, 0},
	{"unix:x", MATCH_UNIX, MATCH_NAME, 0},
	{"unix:8080", MATCH_UNIX, MATCH_NAME, 0},
	{"unix:@x", MATCH_UNIX, MATCH_NAME, 0},
	{"file:x", MATCH_FILE, MATCH_NAME, 0},
	{"file:@x", MATCH_FILE, MATCH_NAME, 0},
	{"file:/a b:c", MATCH_FILE, MATCH_NAME, 0},
};

START_TEST(well_formed)
{
	struct fdpass_match *match = parse(good[_i].text);

	ck_assert_int_eq(match->kind, good[_i].kind);
	ck_assert_int_eq(match->where, good[_i].where);
	ck_assert_uint_eq(match->port, good[_i].port);
	ck_assert_int_eq(fdpass_match_is_socket(match), good[_i].kind != MATCH_FILE);
	if (match->where == MATCH_NAME) {
		const char *name = strchr(good[_i].text, ':') + 1;

		ck_assert_uint_eq(match->name_length, strlen(name));
		ck_assert_str_eq(match->name + 1, name + 1);
		ck_assert_int_eq(match->name[0],
				 match->kind != MATCH_FILE && name[0] == '@' ? '\0' : name[0]);
	}
	ck_assert_ptr_null(fdpass_match_free(match));
}
END_TEST

static const char *const bad[] = {
	"",
	":",
	"8080",
	"liste",
	"listens",
	"listen ",
	"Listen:80",
	"listen:",
	"listen:0",
	"listen:65536",
	"listen:99999999999999999999999",
	"listen:-1",
	"listen:+80",
	"listen: 80",
	"listen:80 ",
	"listen:http",
	"listen:localhost:80",
	"listen:x.sock",
	"listen::80",
	"listen:[]:80",
	"listen:127.0.0.1",
	"listen:127.0.0.1:",
	"listen:127.1:80",
	"listen:127.0.0.1:80:80",
	"listen:::1:80",
	"listen:[::1]",
	"listen:[::1]80",
	"listen:[::1]:",
	"listen:[::1",
	"listen:[::1%lo]:80",
	"listen:[1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb:cccc]:80",
	"listen:@",
	"tcp:",
	"tcp:/x",
	"tcp:@x",
	"udp:",
	"udp:dns",
	"unix:",
	"unix:@",
	"file",
	"file:",
	"pipe",
	"http:80",
};

START_TEST(malformed)
{
	struct fdpass_error error = FDPASS_ERROR_INIT;
	struct fdpass_match *match = (struct fdpass_match *)&error;

	ck_assert_msg(fdpass_match_parse(bad[_i], &match, &error) == -EINVAL, "%s", bad[_i]);
	ck_assert_int_eq(error.step, FDPASS_STEP_ADDRESS);
	ck_assert_int_eq(error.code, EINVAL);
	ck_assert_str_ne(error.text, "");
	ck_assert_ptr_eq(match, (struct fdpass_match *)&error);
	ck_assert_int_eq(fdpass_match_parse(bad[_i], &match, NULL), -EINVAL);
}
END_TEST

START_TEST(names_have_bounds)
{
	struct fdpass_match *match;
	char text[5000];

	memset(text, 'a', sizeof(text));
	memcpy(text, "unix:@", 6);
	text[6 + FDPASS_ABSTRACT_MAX] = '\0';
	fdpass_match_free(parse(text));
	text[6 + FDPASS_ABSTRACT_MAX] = 'a';
	text[7 + FDPASS_ABSTRACT_MAX] = '\0';
	ck_assert_int_eq(fdpass_match_parse(text, &match, NULL), -EINVAL);
	memset(text, 'a', sizeof(text));
	memcpy(text, "file:", 5);
	text[5 + 4095] = '\0';
	fdpass_match_free(parse(text));
	text[5 + 4095] = 'a';
	text[5 + 4096] = '\0';
	ck_assert_int_eq(fdpass_match_parse(text, &match, NULL), -EINVAL);
	ck_assert_ptr_null(fdpass_match_free(NULL));
}
END_TEST

/* `host` of a Unix socket is its name. */
static struct fdpass_socket a_socket(enum socket_kind kind, int listening, const char *host,
				     unsigned port)
{
	struct fdpass_socket socket = {.kind = kind, .listening = listening};

	if (kind == SOCKET_UNIX) {
		fdpass_socket_set_name(&socket, host, strlen(host + 1) + 1);
		return socket;
	}
	socket.local.family = strchr(host, ':') != NULL ? AF_INET6 : AF_INET;
	socket.local.port = (uint16_t)port;
	ck_assert_int_eq(inet_pton(socket.local.family, host, socket.local.bytes), 1);
	return socket;
}

static const struct {
	const char *text;
	enum socket_kind kind;
	int listening;
	const char *host;
	unsigned port;
	int fits, named;
} fitting[] = {
	{"listen", SOCKET_TCP, 1, "0.0.0.0", 80, 1, 0},
	{"listen", SOCKET_TCP, 0, "0.0.0.0", 80, 0, 0},
	{"listen", SOCKET_UDP, 0, "0.0.0.0", 80, 0, 0},
	{"listen", SOCKET_UNIX, 1, "/x", 0, 1, 0},
	{"listen", SOCKET_UNIX, 0, "/x", 0, 0, 0},
	{"listen", SOCKET_UNKNOWN, 1, "0.0.0.0", 80, 0, 0},
	{"listen:80", SOCKET_TCP, 1, "0.0.0.0", 80, 1, 0},
	{"listen:80", SOCKET_TCP, 1, "::", 80, 1, 0},
	{"listen:80", SOCKET_TCP, 1, "::", 81, 0, 0},
	{"listen:80", SOCKET_TCP, 0, "10.0.0.1", 80, 0, 0},
	{"listen:80", SOCKET_UDP, 0, "10.0.0.1", 80, 0, 0},
	{"listen:80", SOCKET_UNIX, 1, "80", 0, 0, 0},
	{"listen:127.0.0.1:80", SOCKET_TCP, 1, "127.0.0.1", 80, 1, 0},
	{"listen:127.0.0.1:80", SOCKET_TCP, 1, "127.0.0.2", 80, 0, 0},
	{"listen:127.0.0.1:80", SOCKET_TCP, 1, "127.0.0.1", 81, 0, 0},
	{"listen:127.0.0.1:80", SOCKET_TCP, 1, "0.0.0.0", 80, 0, 0},
	{"listen:127.0.0.1:80", SOCKET_TCP, 1, "::ffff:127.0.0.1", 80, 1, 0},
	{"listen:[::ffff:127.0.0.1]:80", SOCKET_TCP, 1, "127.0.0.1", 80, 1, 0},
	{"listen:0.0.0.0:80", SOCKET_TCP, 1, "::", 80, 0, 0},
	{"listen:[::]:80", SOCKET_TCP, 1, "::", 80, 1, 0},
	{"listen:[::]:80", SOCKET_TCP, 1, "::1", 80, 0, 0},
	{"tcp:80", SOCKET_TCP, 1, "0.0.0.0", 80, 1, 0},
	{"tcp:80", SOCKET_TCP, 0, "10.0.0.1", 80, 1, 0},
	{"tcp", SOCKET_TCP, 0, "10.0.0.1", 80, 1, 0},
	{"tcp", SOCKET_UDP, 0, "10.0.0.1", 80, 0, 0},
	{"udp:80", SOCKET_UDP, 0, "10.0.0.1", 80, 1, 0},
	{"udp:80", SOCKET_TCP, 1, "10.0.0.1", 80, 0, 0},
	{"listen:/x", SOCKET_UNIX, 1, "/x", 0, 1, 1},
	{"listen:/x", SOCKET_UNIX, 0, "/x", 0, 0, 0},
	{"listen:/x", SOCKET_UNIX, 1, "/xy", 0, 0, 1},
	{"listen:/x", SOCKET_TCP, 1, "0.0.0.0", 80, 0, 0},
	{"listen:@x", SOCKET_UNIX, 1, "\0x", 0, 1, 1},
	{"listen:@x", SOCKET_UNIX, 1, "\0y", 0, 0, 1},
	{"listen:@x", SOCKET_UNIX, 1, "@x", 0, 0, 1},
	{"unix:/x", SOCKET_UNIX, 0, "/x", 0, 1, 1},
	{"unix", SOCKET_UNIX, 0, "/x", 0, 1, 0},
	{"unix", SOCKET_TCP, 0, "10.0.0.1", 80, 0, 0},
	{"file:/x", SOCKET_UNIX, 0, "/x", 0, 0, 0},
};

START_TEST(what_fits)
{
	struct fdpass_match *match = parse(fitting[_i].text);
	struct fdpass_socket socket = a_socket(fitting[_i].kind, fitting[_i].listening,
					       fitting[_i].host, fitting[_i].port);
	int named = 17;

	ck_assert_int_eq(fdpass_match_fits(match, &socket, &named), fitting[_i].fits);
	ck_assert_int_eq(named, fitting[_i].named);
	fdpass_match_free(match);
}
END_TEST

START_TEST(no_address_equals_nothing)
{
	struct fdpass_internet none = {.family = AF_UNSPEC}, zero = {.family = AF_INET};

	ck_assert(!fdpass_internet_equal(&none, &none));
	ck_assert(!fdpass_internet_equal(&none, &zero));
	ck_assert(!fdpass_internet_equal(&zero, &none));
	ck_assert(fdpass_internet_equal(&zero, &zero));
}
END_TEST

static const struct {
	enum socket_kind kind;
	int type, listening;
	const char *host;
	unsigned port;
	const char *remote, *text;
} texts[] = {
	{SOCKET_TCP, 0, 1, "0.0.0.0", 8080, NULL, "tcp-listen 0.0.0.0:8080"},
	{SOCKET_TCP, 0, 1, "::", 8080, NULL, "tcp-listen [::]:8080"},
	{SOCKET_TCP, 0, 0, "127.0.0.1", 5, "127.0.0.1", "tcp 127.0.0.1:5 -> 127.0.0.1:6"},
	{SOCKET_TCP, 0, 0, "::1", 5, "::1", "tcp [::1]:5 -> [::1]:6"},
	{SOCKET_TCP, 0, 0, "0.0.0.0", 0, NULL, "tcp"},
	{SOCKET_UDP, 0, 0, "0.0.0.0", 53, NULL, "udp 0.0.0.0:53"},
	{SOCKET_UDP, 0, 0, "10.0.0.1", 53, "10.0.0.2", "udp 10.0.0.1:53 -> 10.0.0.2:6"},
	{SOCKET_UNIX, SOCK_STREAM, 1, "/run/x", 0, NULL, "unix-listen /run/x"},
	{SOCKET_UNIX, SOCK_STREAM, 0, "\0name", 0, NULL, "unix @name"},
	{SOCKET_UNIX, SOCK_DGRAM, 0, "/dev/log", 0, NULL, "unix-dgram /dev/log"},
	{SOCKET_UNIX, SOCK_SEQPACKET, 1, "/q", 0, NULL, "unix-seqpacket-listen /q"},
	{SOCKET_UNKNOWN, 0, 0, "0.0.0.0", 0, NULL, "socket"},
};

START_TEST(how_it_is_said)
{
	struct fdpass_socket socket =
		a_socket(texts[_i].kind, texts[_i].listening, texts[_i].host, texts[_i].port);
	char text[SOCKET_TEXT_MAX];

	socket.type = texts[_i].type;
	if (texts[_i].remote != NULL)
		socket.remote = a_socket(SOCKET_TCP, 0, texts[_i].remote, 6).local;
	fdpass_socket_text(&socket, text);
	ck_assert_str_eq(text, texts[_i].text);
}
END_TEST

#define COUNT(ARRAY) ((int)(sizeof(ARRAY) / sizeof(*(ARRAY))))

int main(void)
{
	Suite *suite = suite_create("match");
	TCase *tcase = descriptors_tcase("match");

	tcase_add_loop_test(tcase, well_formed, 0, COUNT(good));
	tcase_add_loop_test(tcase, malformed, 0, COUNT(bad));
	tcase_add_test(tcase, names_have_bounds);
	tcase_add_loop_test(tcase, what_fits, 0, COUNT(fitting));
	tcase_add_test(tcase, no_address_equals_nothing);
	tcase_add_loop_test(tcase, how_it_is_said, 0, COUNT(texts));
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
