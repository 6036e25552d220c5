/* SPDX-License-Identifier: MIT */
/* Where a receiver receives from: sockets that listen, and connections. */
#include "cli/attach.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "cli/diagnostic.h"
#include "cli/explain.h"
#include "cli/standard.h"

void cli_attach_check(const struct cli_program *program, const struct fdpass_address *address,
		      int ready_fd)
{
	int connection = fdpass_address_fd(address);

	if (connection >= 0 && connection == ready_fd)
		cli_usage_error(program, "--ready-fd: descriptor %d is a connection", connection);
	if (connection == STDERR_FILENO)
		cli_diagnostic_level(CLI_SILENT);
}

static int failed(const char *where, const struct fdpass_error *error)
{
	char text[CLI_DIAGNOSTIC_MAX];

	if (error->code != ECANCELED)
		cli_error("%s", cli_explain_receiving(where, error, text, sizeof(text)));
	return -error->code;
}

static int attach_connection(struct fdpass_receiver *receiver, const char *where, int connection)
{
	struct fdpass_error error = FDPASS_ERROR_INIT;
	int fd = cli_standard_was_closed(connection) ? -EBADF : connection;

	if (fdpass_receiver_add_connection(receiver, fd, &error) < 0)
		return failed(where, &error);
	fcntl(connection, F_SETFD, FD_CLOEXEC);
	return 0;
}

int cli_attach(struct fdpass_receiver *receiver, const struct fdpass_address *address,
	       const struct fdpass_listen_options *options)
{
	const char *where = fdpass_address_text(address);
	struct fdpass_error error = FDPASS_ERROR_INIT;
	struct fdpass_listener *listener;
	int r;

	if (fdpass_address_fd(address) >= 0)
		return attach_connection(receiver, where, fdpass_address_fd(address));
	if (fdpass_listener_open(address, options, &listener, &error) < 0)
		return failed(where, &error);
	r = fdpass_receiver_add(receiver, listener);
	if (r < 0) {
		fdpass_listener_close(listener);
		cli_error("%s: preparing to wait for a sender failed: %s", where, strerror(-r));
		return r;
	}
	cli_verbose("%s: listening", where);
	return 0;
}
