/* SPDX-License-Identifier: MIT */
/* NAMES: names of descriptors in their order. */
#include "cli/names.h"

#include <stdlib.h>
#include <string.h>

#include "fdpass.h"

static void append(struct cli_names *names, const struct cli_parser *parser, const char *name)
{
	const char **grown = realloc(names->list, (names->count + 1) * sizeof *names->list);

	if (!grown)
		cli_out_of_memory(parser->program);
	if (fdpass_name_check(name) < 0)
		cli_usage_error(parser->program,
				"%s: '%s' is not a name: 1 to %d printable ASCII characters, and "
				"':' between names",
				cli_spelling(parser), name, FDPASS_NAME_MAX);
	names->list = grown;
	grown[names->count++] = name;
}

void cli_names_parse(struct cli_names *names, const struct cli_parser *parser, const char *argument)
{
	char *rest, *name;

	cli_names_clear(names);
	names->text = rest = strdup(argument);
	if (!rest)
		cli_out_of_memory(parser->program);
	while ((name = strsep(&rest, ":")) != NULL)
		append(names, parser, name);
}

const char *cli_names_get(const struct cli_names *names, size_t index)
{
	return names->list[names->count == 1 ? 0 : index];
}

void cli_names_clear(struct cli_names *names)
{
	free(names->list);
	free(names->text);
	*names = (struct cli_names)CLI_NAMES_INIT;
}
