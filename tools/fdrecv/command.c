/* SPDX-License-Identifier: MIT */
/* The command that is run with what was received: found early, run last. */
#include "tools/fdrecv/command.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* What execvp(3) takes when PATH is not set (confstr(3), _CS_PATH). */
#define DEFAULT_PATH "/bin:/usr/bin"

static int is_executable(const char *path)
{
	struct stat status;

	if (stat(path, &status) < 0)
		return 0;
	if (S_ISDIR(status.st_mode)) {
		errno = EISDIR;
		return 0;
	}
	return faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) == 0;
}

static int status_of(int code)
{
	return code == ENOENT ? COMMAND_NOT_FOUND : COMMAND_NOT_EXECUTABLE;
}

/* The same rules as execvp: an empty element is the current directory, and a file that may not be
 * executed is remembered while the search goes on. */
static char *search(const char *name, int *ret_status)
{
	const char *element = getenv("PATH");
	int code = ENOENT;

	if (element == NULL)
		element = DEFAULT_PATH;
	for (;;) {
		size_t length = strcspn(element, ":");
		char *path;

		if (asprintf(&path, "%.*s%s%s", (int)length, element, length > 0 ? "/" : "./",
			     name) < 0) {
			errno = ENOMEM;
			*ret_status = COMMAND_NOT_EXECUTABLE;
			return NULL;
		}
		if (is_executable(path))
			return path;
		if (errno != ENOENT && errno != ENOTDIR)
			code = errno;
		free(path);
		if (element[length] == '\0')
			break;
		element += length + 1;
	}
	errno = code;
	*ret_status = status_of(code);
	return NULL;
}

char *fdrecv_command_find(const char *name, int *ret_status)
{
	char *path;

	if (name[0] == '\0') {
		errno = ENOENT;
		*ret_status = COMMAND_NOT_FOUND;
		return NULL;
	}
	if (strchr(name, '/') == NULL)
		return search(name, ret_status);
	path = is_executable(name) ? strdup(name) : NULL;
	if (path == NULL)
		*ret_status = status_of(errno);
	return path;
}

int fdrecv_command_is_no_program(const char *name)
{
	struct stat status;

	return strchr(name, '/') != NULL && stat(name, &status) == 0 && S_ISREG(status.st_mode) &&
	       (status.st_mode & 0111) == 0;
}

/* What the kernel does not take for a program may be one of another machine, or cut off; a shell would
 * only stumble over it. */
static int is_text(const char *path)
{
	char bytes[128];
	ssize_t size = 0;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd >= 0) {
		size = read(fd, bytes, sizeof(bytes));
		close(fd);
	}
	return size <= 0 || (bytes[0] != '\x7f' && memchr(bytes, '\0', (size_t)size) == NULL);
}

static void exec_by_shell(const char *path, char **arguments)
{
	size_t count = 0;
	char **words;

	while (arguments[count] != NULL)
		count++;
	words = calloc(count + 2, sizeof(*words));
	if (words == NULL)
		return;
	words[0] = arguments[0];
	words[1] = strdup(path);
	if (words[1] != NULL) {
		memcpy(words + 2, arguments + 1, count * sizeof(*words));
		execv("/bin/sh", words);
		free(words[1]);
	}
	free(words);
}

int fdrecv_command_exec(const char *path, char **arguments)
{
	execv(path, arguments);
	if (errno == ENOEXEC && !is_text(path))
		errno = ENOEXEC;
	else if (errno == ENOEXEC)
		exec_by_shell(path, arguments);
	return status_of(errno);
}
