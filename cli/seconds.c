/* SPDX-License-Identifier: MIT */
/* Decimal seconds: "5", "0.25", ".5". By hand, because strtod(3) takes hex, "inf", exponents and the
 * locale's decimal point. */
#include "cli/seconds.h"

#include <errno.h>

#include "cli/number.h"

#define NANOSECONDS 1000000000

int cli_seconds_parse(const char *text, int64_t *ret_nanoseconds)
{
	int64_t whole = 0, fraction = 0;
	int64_t unit = NANOSECONDS;

	if (*text != '.') {
		uint64_t seconds = INT64_MAX;

		if (cli_number_scan(&text, INT64_MAX, &seconds) == CLI_NUMBER_MALFORMED)
			return -EINVAL;
		whole = (int64_t)seconds;
	}
	if (*text == '.') {
		int rounded = 0;

		text++;
		if (*text < '0' || *text > '9')
			return -EINVAL;
		for (; *text >= '0' && *text <= '9'; text++) {
			unit /= 10;
			fraction += (*text - '0') * unit;
			if (unit == 0 && *text != '0')
				rounded = 1;
		}
		/* 0 means "no deadline" to the programs; the shortest of times must not become it. */
		fraction += rounded;
	}
	if (*text != '\0')
		return -EINVAL;
	if (whole > (INT64_MAX - fraction) / NANOSECONDS)
		*ret_nanoseconds = INT64_MAX;
	else
		*ret_nanoseconds = whole * NANOSECONDS + fraction;
	return 0;
}
