/* SPDX-License-Identifier: MIT */
/* Bounded decimal numbers: digits and nothing else, no sign, no space, no other base. */
#include "cli/number.h"

enum cli_number_status cli_number_scan(const char **cursor, uint64_t max, uint64_t *ret_number)
{
	enum cli_number_status status = CLI_NUMBER_OK;
	const char *at = *cursor;
	uint64_t number = 0;

	if (*at < '0' || *at > '9')
		return CLI_NUMBER_MALFORMED;
	for (; *at >= '0' && *at <= '9'; at++) {
		uint64_t digit = (uint64_t)(*at - '0');

		if (digit > max || number > (max - digit) / 10)
			status = CLI_NUMBER_TOO_LARGE;
		if (status == CLI_NUMBER_OK)
			number = number * 10 + digit;
	}
	*cursor = at;
	if (status == CLI_NUMBER_OK)
		*ret_number = number;
	return status;
}

enum cli_number_status cli_number_parse(const char *text, uint64_t max, uint64_t *ret_number)
{
	enum cli_number_status status;
	uint64_t number = 0;

	status = cli_number_scan(&text, max, &number);
	if (*text != '\0')
		return CLI_NUMBER_MALFORMED;
	if (status == CLI_NUMBER_OK)
		*ret_number = number;
	return status;
}
