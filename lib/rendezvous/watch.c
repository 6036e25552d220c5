/* SPDX-License-Identifier: MIT */
/* Watching a path for a socket to appear there, also before its directories exist. */
#include "rendezvous/watch.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/fd.h"

/* A directory on the way: that it goes away, or that its permissions change. */
#define SELF_EVENTS (IN_DELETE_SELF | IN_MOVE_SELF | IN_ATTRIB)
/* The deepest one that exists: also what happens to the names in it. */
#define NAME_EVENTS (IN_CREATE | IN_MOVED_TO | IN_ATTRIB)

/* How often to follow a path that grows while it is looked at, before the caller does that. */
#define ARM_TRIES 8

/* How much to read of the events at once. */
#define READS_MAX 16

/* File systems where others change names without our kernel knowing (linux/magic.h). */
static int is_remote(const char *path)
{
	struct statfs status;

	if (statfs(path, &status) < 0)
		return 1;
	switch ((unsigned long)status.f_type & 0xffffffff) {
	case 0x6969:     /* NFS */
	case 0x517b:     /* SMB */
	case 0xff534d42: /* CIFS */
	case 0xfe534d42: /* SMB2 */
	case 0x65735546: /* FUSE */
	case 0x01021997: /* 9P */
	case 0x00c36400: /* Ceph */
	case 0x5346414f: /* AFS */
		return 1;
	default:
		return 0;
	}
}

/* The path of the directory that `component`, a place in `path`, is looked up in. */
static const char *directory_of(const char *path, const char *component, char way[PATH_MAX])
{
	size_t length = (size_t)(component - path);

	/* Without a '/' at the end, which would make a symbolic link be followed. */
	while (length > 0 && path[length - 1] == '/')
		length--;
	if (length == 0)
		return path[0] == '/' ? "/" : ".";
	memcpy(way, path, length);
	way[length] = '\0';
	return way;
}

/* The component behind `component`, or NULL when that is the last. */
static const char *component_after(const char *component)
{
	const char *next = component + strcspn(component, "/");

	next += strspn(next, "/");
	return *next == '\0' ? NULL : next;
}

/* Whether the directory that the component behind `component` is looked up in is there. */
static int has_directory(const char *path, const char *next)
{
	char way[PATH_MAX];
	struct stat status;

	return stat(directory_of(path, next, way), &status) == 0 && S_ISDIR(status.st_mode);
}

static int is_link(const char *path)
{
	struct stat status;

	return lstat(path, &status) == 0 && S_ISLNK(status.st_mode);
}

/* A directory on the way: 1 when it will be noticed that this name leads elsewhere. */
static int watch_way(struct watch *watch, const char *path)
{
	/* Not followed: the name itself is watched. A symbolic link may have more of them behind it,
	 * which nobody watches. */
	return inotify_add_watch(watch->inotify, path, SELF_EVENTS | IN_DONT_FOLLOW) >= 0 &&
	       !is_link(path);
}

/* The deepest directory that exists, in which `component` is awaited. */
static int watch_end(struct watch *watch, const char *path, const char *component)
{
	watch->missing = component;
	watch->missing_length = strcspn(component, "/");
	watch->end =
		inotify_add_watch(watch->inotify, path, SELF_EVENTS | NAME_EVENTS | IN_ONLYDIR);
	return watch->end >= 0 && !is_remote(path) && !is_link(path);
}

/* Watches the whole way once. 1 when nothing can be missed, else 0; -1 when a directory came meanwhile,
 * so that the way is longer now. */
static int watch_once(struct watch *watch, const char *path)
{
	const char *component = path + strspn(path, "/");
	const char *next;
	char way[PATH_MAX];
	int complete = 1;

	while ((next = component_after(component)) != NULL && has_directory(path, next)) {
		complete &= watch_way(watch, directory_of(path, component, way));
		component = next;
	}
	complete &= watch_end(watch, directory_of(path, component, way), component);
	/* A symbolic link in the place of the socket: what it leads to is not watched. */
	if (next == NULL)
		return complete && !is_link(path);
	return has_directory(path, next) ? -1 : complete;
}

int fdpass_watch_arm(struct watch *watch, const char *path)
{
	const char *missing = watch->missing;
	int end = watch->end;
	int complete = -1;

	if (watch->inotify < 0)
		watch->inotify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (watch->inotify < 0)
		return 0;
	for (int i = 0; complete < 0 && i < ARM_TRIES; i++)
		complete = watch_once(watch, path);
	return (complete > 0 ? WATCH_COMPLETE : 0) |
	       (watch->missing != missing || watch->end != end ? WATCH_CHANGED : 0);
}

int fdpass_watch_drain(struct watch *watch)
{
	union {
		char bytes[4096];
		struct inotify_event align;
	} buffer;
	int concerns = 0;

	/* Bounded: in a directory that others write to, events may come as fast as they are read. */
	for (int i = 0; i < READS_MAX; i++) {
		ssize_t got = read(watch->inotify, &buffer, sizeof(buffer));

		if (got < 0 && errno != EAGAIN && errno != EINTR)
			return -errno;
		if (got <= 0)
			break;
		for (ssize_t at = 0; at < got;) {
			const struct inotify_event *event =
				(const struct inotify_event *)(const void *)(buffer.bytes + at);

			/* An event without a name is about a watched directory itself. */
			if (event->len == 0 ||
			    (strncmp(event->name, watch->missing, watch->missing_length) == 0 &&
			     event->name[watch->missing_length] == '\0'))
				concerns = 1;
			at += (ssize_t)(sizeof(*event) + event->len);
		}
		/* The kernel stops at the first event that does not fit: none is left. */
		if (sizeof(buffer) - (size_t)got >= sizeof(struct inotify_event) + NAME_MAX + 1)
			break;
	}
	return concerns;
}

void fdpass_watch_end(struct watch *watch)
{
	watch->inotify = fdpass_fd_close(watch->inotify);
}
