/* SPDX-License-Identifier: MIT */
#ifndef FDPASS_CLI_SOCKSPEC_H
#define FDPASS_CLI_SOCKSPEC_H

/* A SOCKSPEC on a command line. */

#include "cli/options.h"
#include "fdpass.h"

/* What -a and -c say of the SOCKSPEC that follows. */
struct cli_kind {
	enum fdpass_address_kind value;
	char spelling[CLI_NAME_MAX + 3]; /* the option, as it was written; "": there was none */
};

#define CLI_KIND_INIT                                                                              \
	{                                                                                          \
		.value = FDPASS_ADDRESS_NAMED                                                      \
	}

/* By the option that the parser is at. A second one is wrong usage. */
void cli_kind_set(struct cli_kind *kind, const struct cli_parser *parser,
		  enum fdpass_address_kind value);

/* Wrong usage when a plain SOCKSPEC begins like an address or a match expression ("listen:80"), which it
 * is most likely meant as; "./listen:80" does not. `where` says where such a thing belongs. */
void cli_sockspec_check(const struct cli_program *program, enum fdpass_address_kind kind,
			const char *text, const char *where);

/* As an address, which the caller frees. A bad one is wrong usage. */
struct fdpass_address *cli_sockspec_address(const struct cli_program *program,
					    enum fdpass_address_kind kind, const char *text);

/* Whether two addresses of one kind are the same: by their texts, or as two ways to write one path. */
int cli_sockspec_is_same(enum fdpass_address_kind kind, const struct fdpass_address *one,
			 const struct fdpass_address *other);

#endif
