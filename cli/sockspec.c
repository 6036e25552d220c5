/* SPDX-License-Identifier: MIT */
/* A SOCKSPEC on a command line. */
#include "cli/sockspec.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

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
			const char *text, const char *where)
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
			cli_usage_error(program,
					"'%s' looks like an address and not like a SOCKSPEC; %s, "
					"and a socket of that name is written './%s'",
					text, where, text);
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

/* Where the name of a socket is: its folder, as the kernel knows it, and what it is called in there. */
struct place {
	struct stat folder;
	const char *name;
};

static int find_place(const char *path, struct place *place)
{
	const char *slash = strrchr(path, '/');
	char *folder;
	int r;

	if (slash == NULL)
		return -1;
	/* With the slash, so that it is "/" at the top. */
	folder = strndup(path, (size_t)(slash - path) + 1);
	r = folder != NULL ? stat(folder, &place->folder) : -1;
	free(folder);
	place->name = slash + 1;
	return r;
}

int cli_sockspec_is_same(enum fdpass_address_kind kind, const struct fdpass_address *one,
			 const struct fdpass_address *other)
{
	const char *text = fdpass_address_text(one);
	const char *other_text = fdpass_address_text(other);
	struct place here, there;

	if (strcmp(text, other_text) == 0)
		return 1;
	return kind == FDPASS_ADDRESS_NAMED && find_place(text, &here) == 0 &&
	       find_place(other_text, &there) == 0 && strcmp(here.name, there.name) == 0 &&
	       here.folder.st_dev == there.folder.st_dev &&
	       here.folder.st_ino == there.folder.st_ino;
}
