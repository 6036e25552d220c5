/* SPDX-License-Identifier: MIT */
/* Taking what an environment announces: nothing is believed before it was checked. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"
#include "base/set.h"
#include "fdpass.h"

#define REASON_SIZE (FDPASS_REASON_MAX + 1)

/* Digits and nothing else, up to `max`. */
static int parse_number(const char *text, uint64_t max, uint64_t *ret_number)
{
	uint64_t number = 0;
	const char *at = text;

	for (; *at >= '0' && *at <= '9'; at++) {
		unsigned digit = (unsigned)(*at - '0');

		if (digit > max || number > (max - digit) / 10)
			return -ERANGE;
		number = 10 * number + digit;
	}
	if (at == text || *at != '\0')
		return -EINVAL;
	*ret_number = number;
	return 0;
}

static int refuse(struct fdpass_error *error, int code, const char *reason)
{
	return fdpass_error_text(error, FDPASS_STEP_ACTIVATION, code, reason);
}

static int check_pid(struct fdpass_error *error)
{
	const char *text = getenv("LISTEN_PID");
	char reason[REASON_SIZE];
	uint64_t pid;

	if (text == NULL)
		return refuse(error, -ESRCH,
			      "LISTEN_FDS is set, and LISTEN_PID does not say for whom");
	if (parse_number(text, INT32_MAX, &pid) < 0 || pid == 0) {
		snprintf(reason, sizeof(reason), "LISTEN_PID: '%.64s' is not a process", text);
		return refuse(error, -EINVAL, reason);
	}
	if (pid == (uint64_t)getpid())
		return 0;
	snprintf(reason, sizeof(reason), "it is meant for process %ju (LISTEN_PID), this is %jd",
		 (uintmax_t)pid, (intmax_t)getpid());
	return refuse(error, -ESRCH, reason);
}

static int check_pid_id(struct fdpass_error *error)
{
	const char *text = getenv("LISTEN_PIDFDID");
	char reason[REASON_SIZE];
	uint64_t wanted, own = 0;

	if (text == NULL)
		return 0;
	if (parse_number(text, UINT64_MAX, &wanted) < 0) {
		snprintf(reason, sizeof(reason), "LISTEN_PIDFDID: '%.64s' is not a number", text);
		return refuse(error, -EINVAL, reason);
	}
	if (fdpass_activation_pid_id(&own) < 0 || own == wanted)
		return 0;
	return refuse(error, -ESRCH,
		      "it is meant for an earlier process of the same number (LISTEN_PIDFDID)");
}

static int check_open(int count, struct fdpass_error *error)
{
	for (int i = 0; i < count; i++) {
		int fd = FDPASS_ACTIVATION_FIRST + i;
		char reason[REASON_SIZE];

		if (fdpass_fd_is_open(fd))
			continue;
		snprintf(reason, sizeof(reason),
			 "LISTEN_FDS announces %d to %d, and %d is not open",
			 FDPASS_ACTIVATION_FIRST, FDPASS_ACTIVATION_FIRST + count - 1, fd);
		refuse(error, -EBADF, reason);
		if (error != NULL)
			error->fd = fd;
		return -EBADF;
	}
	return 0;
}

/* One name, `length` bytes of LISTEN_FDNAMES, for what is at `index`. */
static int name_one(struct fdpass_set *set, size_t index, const char *text, size_t length,
		    struct fdpass_error *error)
{
	char name[FDPASS_NAME_MAX + 1];
	char reason[REASON_SIZE];
	int r = -EINVAL;

	if (length < sizeof(name)) {
		memcpy(name, text, length);
		name[length] = '\0';
		if (name[0] == '\0' || strcmp(name, "unknown") == 0)
			return 0;
		r = fdpass_set_rename(set, index, name);
	}
	if (r == -ENOMEM)
		return fdpass_error_set(error, FDPASS_STEP_MEMORY, r);
	if (r < 0) {
		snprintf(
			reason, sizeof(reason),
			"LISTEN_FDNAMES: '%.*s' is not a name of printable ASCII, at most %d bytes",
			length < 64 ? (int)length : 64, text, FDPASS_NAME_MAX);
		return refuse(error, r, reason);
	}
	return 0;
}

static int name_all(struct fdpass_set *set, struct fdpass_error *error)
{
	const char *names = getenv("LISTEN_FDNAMES");
	size_t count = fdpass_set_count(set), named = 1;
	char reason[REASON_SIZE];
	int r = 0;

	/* Of nothing they are a leftover, and "" would be one name. */
	if (names == NULL || count == 0)
		return 0;
	for (const char *at = names; (at = strchr(at, ':')) != NULL; at++)
		named++;
	if (named != count) {
		snprintf(reason, sizeof(reason),
			 "LISTEN_FDNAMES has %zu names, and LISTEN_FDS is %zu", named, count);
		return refuse(error, -EINVAL, reason);
	}
	for (size_t i = 0; r == 0 && i < count; i++) {
		size_t length = strcspn(names, ":");

		r = name_one(set, i, names, length, error);
		names += length + 1;
	}
	return r;
}

/* They are open. On failure they are still the caller's, and as they were. */
static int take(struct fdpass_set *set, int count, struct fdpass_error *error)
{
	int r = fdpass_set_reserve(set, (size_t)count);

	if (r < 0)
		return fdpass_error_set(error, FDPASS_STEP_MEMORY, r);
	for (int i = 0; i < count; i++)
		fdpass_set_take(set, FDPASS_ACTIVATION_FIRST + i);
	r = name_all(set, error);
	for (int i = 0; i < count; i++) {
		if (r < 0)
			fdpass_set_steal(set, (size_t)i);
		else
			fcntl(FDPASS_ACTIVATION_FIRST + i, F_SETFD, FD_CLOEXEC);
	}
	return r;
}

int fdpass_activation_import(enum fdpass_activation_check check, struct fdpass_set **ret_set,
			     struct fdpass_error *error)
{
	const char *text = getenv("LISTEN_FDS");
	uint64_t count = 0;
	struct fdpass_set *set;
	char reason[REASON_SIZE];
	int r = 0;

	if (text != NULL && check == FDPASS_ACTIVATION_OURS) {
		r = check_pid(error);
		if (r == 0)
			r = check_pid_id(error);
		if (r < 0)
			return r;
	}
	if (text != NULL)
		r = parse_number(text, FDPASS_HANDOVER_MAX, &count);
	if (r < 0) {
		snprintf(reason, sizeof(reason), "LISTEN_FDS: '%.64s' is %s", text,
			 r == -ERANGE ? "too many" : "not a number of descriptors");
		return refuse(error, r == -ERANGE ? -EMFILE : -EINVAL, reason);
	}
	r = check_open((int)count, error);
	if (r < 0)
		return r;
	r = fdpass_set_new(&set);
	if (r < 0)
		return fdpass_error_set(error, FDPASS_STEP_MEMORY, r);
	r = take(set, (int)count, error);
	if (r < 0) {
		fdpass_set_free(set);
		return r;
	}
	*ret_set = set;
	return (int)count;
}
