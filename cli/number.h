/* SPDX-License-Identifier: MIT */
#ifndef FDPASS_CLI_NUMBER_H
#define FDPASS_CLI_NUMBER_H

/*
 * Bounded decimal numbers: digits and nothing else, no sign, no space, no other base.
 */

#include <stdint.h>

enum cli_number_status {
	CLI_NUMBER_OK,
	CLI_NUMBER_MALFORMED, /* no digit, or something else besides digits */
	CLI_NUMBER_TOO_LARGE, /* digits, but more than `max` */
};

/* Reads the digits at `*cursor` and moves it behind all of them, also if they are too large. */
enum cli_number_status cli_number_scan(const char **cursor, uint64_t max, uint64_t *ret_number);

/* The whole of `text`. */
enum cli_number_status cli_number_parse(const char *text, uint64_t max, uint64_t *ret_number);

#endif
