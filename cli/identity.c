/* SPDX-License-Identifier: MIT */
/* USER and GROUP: a number as it is, or a name that the system's databases know. */
#include "cli/identity.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdint.h>

#include "cli/number.h"

/* (uid_t)-1 and (gid_t)-1 mean "no id" in the kernel's interfaces: setreuid(2). */
#define ID_MAX (UINT32_MAX - 1)

/* 1 with the number in `ret_id` when `text` is one, 0 when it is a name. */
static int parse_number(const char *text, uint32_t *ret_id)
{
	uint64_t number = 0;

	switch (cli_number_parse(text, ID_MAX, &number)) {
	case CLI_NUMBER_OK:
		*ret_id = (uint32_t)number;
		return 1;
	case CLI_NUMBER_TOO_LARGE:
		return -ERANGE;
	case CLI_NUMBER_MALFORMED:
		break;
	}
	return 0;
}

/* What a lookup that found nothing means: errno is 0, ENOENT or ESRCH when the database was asked
 * and has no such name: getpwnam(3), ERRORS. */
static int not_found(int error)
{
	return error == 0 || error == ESRCH ? -ENOENT : -error;
}

int cli_identity_user(const char *text, uid_t *ret_uid)
{
	const struct passwd *entry;
	uint32_t number;
	int result;

	result = parse_number(text, &number);
	if (result < 0)
		return result;
	if (result) {
		*ret_uid = number;
		return 0;
	}
	errno = 0;
	entry = getpwnam(text);
	if (!entry)
		return not_found(errno);
	*ret_uid = entry->pw_uid;
	return 0;
}

int cli_identity_group(const char *text, gid_t *ret_gid)
{
	const struct group *entry;
	uint32_t number;
	int result;

	result = parse_number(text, &number);
	if (result < 0)
		return result;
	if (result) {
		*ret_gid = number;
		return 0;
	}
	errno = 0;
	entry = getgrnam(text);
	if (!entry)
		return not_found(errno);
	*ret_gid = entry->gr_gid;
	return 0;
}
