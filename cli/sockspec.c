/* SPDX-License-Identifier: MIT */
/* A SOCKSPEC on a command line. */
#include "cli/sockspec.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/diagnostic.h"

void cli_kind_set(struct cli_kind *kind, const struct cli_parser *parser,
		  enum fdpass_address_kind value)
{
	if (kind->spelling[0] != '\0')
		cli_usage_error(parser->program, "%s: %s was given for this SOCKSPEC already",
				cli_spelling(parser), kind->spelling);
	kind->value = value;
	strcpy(kind->spelling, cli_spelling(parser));
}

void cli_sockspec_check(const struct cli_program *program, enum fdpass_address_kind kind,
			const char *text)
{
	static const char *const schemes[] = {
		"listen:",        "tcp:",        "tcp4:",           "tcp6:",
		"udp:",           "udp4:",       "udp6:",           "unix:",
		"unix-abstract:", "unix-dgram:", "unix-seqpacket:", "file:",
	};

	if (kind != FDPASS_ADDRESS_NAMED)
		return;
	for (size_t i = 0; i < sizeof(schemes) / sizeof(*schemes); i++) {
		if (strncmp(text, schemes[i], strlen(schemes[i])) == 0 ||
		    strcmp(text, "listen") == 0)
			cli_usage_error(
				program,
				"'%s' looks like an address and not like a SOCKSPEC; what a "
				"process holds needs --pid before it, and a socket of that "
				"name is written './%s'",
				text, text);
	}
}

struct fdpass_address *cli_sockspec_address(const struct cli_program *program,
					    enum fdpass_address_kind kind, const char *text)
{
	struct fdpass_error error = FDPASS_ERROR_INIT;
	struct fdpass_address *address;
	int r = fdpass_address_parse(kind, text, &address, &error);

	if (r == 0)
		return address;
	if (r == -ENOMEM) {
		cli_error("%s: %s", text, strerror(ENOMEM));
		exit(program->failure_status);
	}
	cli_usage_error(program, "'%s': %s", text, error.text);
}
