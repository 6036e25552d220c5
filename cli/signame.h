/* SPDX-License-Identifier: MIT */
#ifndef FDPASS_CLI_SIGNAME_H
#define FDPASS_CLI_SIGNAME_H

/*
 * SIG: "TERM", "SIGTERM", "term", "15", "RTMIN+1", as kill(1) takes it.
 */

/* Its number, or -EINVAL: no such signal, or 0, which is none. */
int cli_signame_parse(const char *text);

/* Its name without "SIG", or its number; written to `text` where there is no name. Returns the name. */
const char *cli_signame_text(int signal, char text[16]);

#endif
