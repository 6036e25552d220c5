/* SPDX-License-Identifier: MIT */
#ifndef FDPASS_CLI_SECONDS_H
#define FDPASS_CLI_SECONDS_H

/*
 * Decimal seconds: "5", "0.25", ".5".
 */

#include <stdint.h>

/* Nanoseconds, at most INT64_MAX; what is finer is rounded up, so that only a zero is 0. 0, or -EINVAL
 * for anything else: signs, spaces, exponents, "5.", "inf". */
int cli_seconds_parse(const char *text, int64_t *ret_nanoseconds);

#endif
