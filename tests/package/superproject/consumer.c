/* SPDX-License-Identifier: MIT */
/* A program outside of the tree, in C99 and C++17: it moves its standard input through itself, in each way. */
#include <fdpass.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int complain(const char *what)
{
	fprintf(stderr, "consumer: %s\n", what);
	return 1;
}

static int one_message(int from, int to)
{
	struct fdpass_message message;
	struct fdpass_set *set;
	char bytes[8];
	int good;

	if (fdpass_set_new(&set) < 0)
		return 0;
	good = fdpass_set_dup(set, 0) == 0 &&
	       fdpass_message_send(from, "hello", 5, set, NULL) == 5 &&
	       fdpass_message_receive(to, bytes, sizeof(bytes), set, NULL, &message) == 1 &&
	       message.size == 5 && message.count == 1 && memcmp(bytes, "hello", 5) == 0 &&
	       fdpass_set_count(set) == 2;
	fdpass_set_free(set);
	return good;
}

static int stevens(int from, int to)
{
	char byte = 'x';
	int fd;

	if (fdpass_write_fd(from, &byte, 1, 0) != 1 || fdpass_read_fd(to, &byte, 1, &fd) != 1)
		return 0;
	return fd >= 0 && close(fd) == 0;
}

static int nobody_there(void)
{
	struct fdpass_send_options options = FDPASS_SEND_OPTIONS_INIT;
	struct fdpass_error error = FDPASS_ERROR_INIT;
	struct fdpass_address *address;
	char line[FDPASS_ERROR_LINE_MAX];
	struct fdpass_set *set;
	int good;

	if (fdpass_address_parse(FDPASS_ADDRESS_NAMED, "./nobody", &address, NULL) < 0)
		return 0;
	if (fdpass_set_new(&set) < 0)
		return 0;
	options.confirm = FDPASS_CONFIRM_ANSWER;
	good = fdpass_set_borrow(set, 0) == 0 &&
	       fdpass_send(address, set, &options, NULL, &error) < 0 &&
	       error.step == FDPASS_STEP_CONNECT &&
	       strncmp(fdpass_error_format(&error, line, sizeof(line)), "connecting: ", 12) == 0;
	fdpass_set_free(set);
	fdpass_address_free(address);
	return good;
}

int main(void)
{
	int pair[2];

	if (strcmp(fdpass_version(), FDPASS_VERSION) != 0)
		return complain("the library is not the header's");
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0)
		return complain("no sockets");
	if (!one_message(pair[0], pair[1]))
		return complain("one message");
	if (!stevens(pair[0], pair[1]))
		return complain("Stevens' pair");
	if (!nobody_there())
		return complain("nobody there");
	return 0;
}
