/* SPDX-License-Identifier: MIT */
/* Announcing descriptors in an environment: what is to be set, and what is to go. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/options.h"
#include "fdpass.h"

enum variable {
	LISTEN_FDS,
	LISTEN_PID,
	LISTEN_PIDFDID,
	LISTEN_FDNAMES,
	NGINX,
	SERVER_STARTER_PORT,
	SERVER_STARTER_GENERATION,
	FPM_SOCKETS,
	VARIABLE_COUNT,
};

/* Every variable of every dialect, since what is left of an older announcement would be believed, too. */
static const struct {
	enum fdpass_dialect dialect;
	const char *name;
} variables[VARIABLE_COUNT] = {
	[LISTEN_FDS] = {FDPASS_DIALECT_SYSTEMD, "LISTEN_FDS"},
	[LISTEN_PID] = {FDPASS_DIALECT_SYSTEMD, "LISTEN_PID"},
	[LISTEN_PIDFDID] = {FDPASS_DIALECT_SYSTEMD, "LISTEN_PIDFDID"},
	[LISTEN_FDNAMES] = {FDPASS_DIALECT_SYSTEMD, "LISTEN_FDNAMES"},
	[NGINX] = {FDPASS_DIALECT_NGINX, "NGINX"},
	[SERVER_STARTER_PORT] = {FDPASS_DIALECT_SERVER_STARTER, "SERVER_STARTER_PORT"},
	[SERVER_STARTER_GENERATION] = {FDPASS_DIALECT_SERVER_STARTER, "SERVER_STARTER_GENERATION"},
	[FPM_SOCKETS] = {FDPASS_DIALECT_PHP_FPM, "FPM_SOCKETS"},
};

/* Text that is only measured while `at` is NULL. */
struct writer {
	char *at;
	size_t length;
};

static void put(struct writer *writer, const char *text, size_t length)
{
	if (writer->at != NULL) {
		memcpy(writer->at, text, length);
		writer->at += length;
	}
	writer->length += length;
}

static void put_text(struct writer *writer, const char *text)
{
	put(writer, text, strlen(text));
}

static void put_number(struct writer *writer, uint64_t number)
{
	char digits[24];

	snprintf(digits, sizeof(digits), "%ju", (uintmax_t)number);
	put_text(writer, digits);
}

static const char *name_at(const struct fdpass_announcement *announcement, size_t i)
{
	return announcement->names != NULL ? announcement->names[i] : NULL;
}

static int has_names(const struct fdpass_announcement *announcement)
{
	for (size_t i = 0; i < announcement->count; i++)
		if (name_at(announcement, i) != NULL)
			return 1;
	return 0;
}

/* "ADDR=3;ADDR=4" */
static void put_sockets(struct writer *writer, const struct fdpass_announcement *announcement,
			const char *separator)
{
	for (size_t i = 0; i < announcement->count; i++) {
		put_text(writer, i > 0 ? separator : "");
		put_text(writer, announcement->addresses[i]);
		put_text(writer, "=");
		put_number(writer, (uint64_t)announcement->numbers[i]);
	}
}

static void put_value(struct writer *writer, const struct fdpass_announcement *announcement,
		      enum variable variable)
{
	switch (variable) {
	case LISTEN_FDS:
		put_number(writer, announcement->count);
		break;
	case LISTEN_PID:
		put_number(writer, (uint64_t)announcement->pid);
		break;
	case LISTEN_PIDFDID:
		put_number(writer, announcement->pid_id);
		break;
	case LISTEN_FDNAMES:
		for (size_t i = 0; i < announcement->count; i++) {
			const char *name = name_at(announcement, i);

			put_text(writer, i > 0 ? ":" : "");
			put_text(writer, name != NULL ? name : "unknown");
		}
		break;
	case NGINX:
		for (size_t i = 0; i < announcement->count; i++) {
			put_number(writer, (uint64_t)announcement->numbers[i]);
			put_text(writer, ";");
		}
		break;
	case SERVER_STARTER_PORT:
		put_sockets(writer, announcement, ";");
		break;
	case SERVER_STARTER_GENERATION:
		put_number(writer, 1);
		break;
	case FPM_SOCKETS:
		put_sockets(writer, announcement, ",");
		break;
	case VARIABLE_COUNT:
		break;
	}
}

static int is_said(const struct fdpass_announcement *announcement, enum variable variable)
{
	if (announcement->count == 0 || variables[variable].dialect != announcement->dialect)
		return 0;
	if (variable == LISTEN_PIDFDID)
		return announcement->pid_id != 0;
	return variable != LISTEN_FDNAMES || has_names(announcement);
}

static void put_change(struct writer *writer, const struct fdpass_announcement *announcement,
		       enum variable variable)
{
	put_text(writer, variables[variable].name);
	if (is_said(announcement, variable)) {
		put_text(writer, "=");
		put_value(writer, announcement, variable);
	}
	put(writer, "", 1);
}

static int refuse(struct fdpass_error *error, int fd, const char *reason)
{
	fdpass_error_text(error, FDPASS_STEP_ACTIVATION, -EINVAL, reason);
	if (error != NULL)
		error->fd = fd;
	return -EINVAL;
}

static int check_systemd(const struct fdpass_announcement *announcement, size_t i,
			 struct fdpass_error *error)
{
	const char *name = name_at(announcement, i);
	int fd = announcement->numbers[i];

	if (fd != FDPASS_ACTIVATION_FIRST + (int)i)
		return refuse(error, fd, "LISTEN_FDS can only say 3 and what follows");
	if (name != NULL && fdpass_name_check(name) < 0)
		return refuse(error, fd, "a name is 1 to 255 bytes of printable ASCII without ':'");
	return 0;
}

static int check_address(const struct fdpass_announcement *announcement, size_t i,
			 const char *separators, struct fdpass_error *error)
{
	const char *address = announcement->addresses != NULL ? announcement->addresses[i] : NULL;
	int fd = announcement->numbers[i];

	if (address == NULL || address[0] == '\0')
		return refuse(error, fd, "this dialect needs the address of every socket");
	if (strpbrk(address, separators) != NULL)
		return refuse(error, fd,
			      "the address has a character that this dialect needs to separate");
	return 0;
}

static int check_one(const struct fdpass_announcement *announcement, size_t i,
		     struct fdpass_error *error)
{
	if (announcement->numbers[i] < 0)
		return refuse(error, -1, "a negative number is no descriptor");
	switch (announcement->dialect) {
	case FDPASS_DIALECT_SYSTEMD:
		return check_systemd(announcement, i, error);
	case FDPASS_DIALECT_NGINX:
		return 0;
	case FDPASS_DIALECT_SERVER_STARTER:
		return check_address(announcement, i, "=;", error);
	case FDPASS_DIALECT_PHP_FPM:
		return check_address(announcement, i, "=,", error);
	}
	return refuse(error, -1, "there is no such dialect");
}

static int check(const struct fdpass_announcement *announcement, struct fdpass_error *error)
{
	int r = 0;

	if (announcement->count == 0)
		return 0;
	if (announcement->count > FDPASS_HANDOVER_MAX || announcement->numbers == NULL)
		return refuse(error, -1, "the numbers are missing or too many");
	if (announcement->dialect == FDPASS_DIALECT_SYSTEMD && announcement->pid <= 0)
		return refuse(error, -1, "LISTEN_PID needs a process");
	for (size_t i = 0; r == 0 && i < announcement->count; i++)
		r = check_one(announcement, i, error);
	return r;
}

int fdpass_activation_export(const struct fdpass_announcement *announcement, char ***ret_changes,
			     struct fdpass_error *error)
{
	struct fdpass_announcement read = FDPASS_ANNOUNCEMENT_INIT;
	struct writer writer = {NULL, 0};
	char **changes;
	int r = fdpass_options_read(&read, sizeof(read),
				    OPTIONS_LEAST(struct fdpass_announcement, pid_id),
				    announcement);

	if (r < 0)
		return fdpass_error_text(error, FDPASS_STEP_ACTIVATION, r,
					 "the announcement is of another version");
	announcement = &read;
	r = check(announcement, error);
	if (r < 0)
		return r;
	for (int i = 0; i < VARIABLE_COUNT; i++)
		put_change(&writer, announcement, (enum variable)i);
	changes = malloc((VARIABLE_COUNT + 1) * sizeof(*changes) + writer.length);
	if (changes == NULL)
		return fdpass_error_set(error, FDPASS_STEP_MEMORY, -ENOMEM);
	writer.at = (char *)(changes + VARIABLE_COUNT + 1);
	for (int i = 0; i < VARIABLE_COUNT; i++) {
		changes[i] = writer.at;
		put_change(&writer, announcement, (enum variable)i);
	}
	changes[VARIABLE_COUNT] = NULL;
	*ret_changes = changes;
	return 0;
}
