/* SPDX-License-Identifier: MIT */
/*
 * What fits by its file. A path names a file here and now; the process may have opened it by another name, or
 * live in another mount namespace, or the file may be gone: so it fits by inode, and by the name as well. A
 * socket has its name from whoever bound it, and anybody may do that in a mount namespace of his own: its name
 * does not count where there is a file to compare it with.
 */
#include "acquire/sought.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DELETED " (deleted)" /* fs/d_path.c */

/* Absolute and without symbolic links, also when the file itself is gone; NULL when even its folder is. */
static char *canonical(const char *path)
{
	char *whole = realpath(path, NULL), *folder, *place, *slash;
	size_t size;

	if (whole != NULL)
		return whole;
	folder = strdup(path);
	if (folder == NULL)
		return NULL;
	slash = strrchr(folder, '/');
	if (slash != NULL)
		slash[slash == folder] = '\0';
	place = realpath(slash != NULL ? folder : ".", NULL);
	free(folder);
	if (place == NULL)
		return NULL;
	slash = strrchr(path, '/');
	size = strlen(place) + strlen(path) + 2;
	whole = malloc(size);
	if (whole != NULL)
		snprintf(whole, size, "%s/%s", strcmp(place, "/") == 0 ? "" : place,
			 slash != NULL ? slash + 1 : path);
	free(place);
	return whole;
}

int fdpass_sought_init(struct fdpass_sought *sought, const struct fdpass_match *match)
{
	int r;

	*sought = (struct fdpass_sought){.match = match};
	/* Connections have the name of the socket that accepted them, whatever is there by now. */
	if (match->where != MATCH_NAME || match->name[0] == '\0' || match->kind == MATCH_ACCEPTED)
		return 0;
	if (match->kind == MATCH_FILE) {
		sought->exists = stat(match->name, &sought->file) == 0;
	} else {
		r = fdpass_bound_look(AT_FDCWD, match->name, &sought->bound);
		if (r < 0)
			return r;
	}
	errno = 0;
	sought->path = canonical(match->name);
	return sought->path == NULL && errno == ENOMEM ? -ENOMEM : 0;
}

void fdpass_sought_free(struct fdpass_sought *sought)
{
	free(sought->path);
	*sought = (struct fdpass_sought)SOUGHT_INIT;
}

static int is_name(const struct fdpass_sought *sought, const char *name, size_t length)
{
	const char *given = sought->match->name;

	return (strlen(given) == length && memcmp(given, name, length) == 0) ||
	       (sought->path != NULL && strlen(sought->path) == length &&
		memcmp(sought->path, name, length) == 0);
}

int fdpass_sought_fits_socket(const struct fdpass_sought *sought,
			      const struct fdpass_socket *socket)
{
	int named, fits = fdpass_match_fits(sought->match, socket, &named);

	if (!named || sought->match->name[0] == '\0')
		return fits;
	if (sought->bound.inode != 0 && socket->bound.inode != 0)
		return fdpass_bound_equal(&sought->bound, &socket->bound);
	return fits || is_name(sought, socket->name, socket->name_length);
}

/* 1 when `path` is the name of that very file. */
static int is_there(const char *path, const struct stat *file)
{
	struct stat status;

	return stat(path, &status) == 0 && status.st_dev == file->st_dev &&
	       status.st_ino == file->st_ino;
}

int fdpass_sought_fits_file(const struct fdpass_sought *sought, const struct fdpass_links *links,
			    int number, struct stat *ret_status)
{
	char name[16], text[LINK_TEXT_MAX];
	int length = fdpass_links_text(links, number, text, sizeof(text));
	struct stat status;
	size_t shown;

	/* Sockets and the like have no path. */
	if (length <= 0 || text[0] != '/')
		return 0;
	snprintf(name, sizeof(name), "%d", number);
	if (fstatat(dirfd(links->directory), name, &status, 0) < 0)
		return 0;
	shown = (size_t)length;
	if (shown > strlen(DELETED) && strcmp(text + shown - strlen(DELETED), DELETED) == 0 &&
	    !is_there(text, &status))
		shown -= strlen(DELETED);
	if (!is_name(sought, text, shown) &&
	    !(sought->exists && status.st_dev == sought->file.st_dev &&
	      status.st_ino == sought->file.st_ino))
		return 0;
	*ret_status = status;
	return 1;
}
