/* SPDX-License-Identifier: MIT */
/* Saying what a descriptor is, from its link and its inode, and without taking it. */
#include "acquire/describe.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include "acquire/device.h"

#define ANONYMOUS "anon_inode:"
#define MEMFD "/memfd:"

void fdpass_describe_protocol(const struct fdpass_links *links, int number, char *name, size_t size)
{
	char path[64];
	ssize_t length;

	/* Every socket has it as an attribute: net/socket.c, sockfs_xattr_get(). */
	snprintf(path, sizeof(path), "/proc/thread-self/fd/%d/%d", dirfd(links->directory), number);
	length = getxattr(path, "system.sockprotoname", name, size - 1);
	name[length > 0 ? length : 0] = '\0';
}

/* One line, whatever somebody named a file: no control character, of ASCII or, in UTF-8, U+0080 to U+009F. */
static void make_harmless(char *text)
{
	for (; *text != '\0'; text++) {
		unsigned char c = (unsigned char)text[0], next = (unsigned char)text[1];

		if (c < 0x20 || c == 0x7f || (c == 0xc2 && next >= 0x80 && next < 0xa0))
			*text = '?';
		if (c == 0xc2 && *text == '?')
			*++text = '?';
	}
}

void fdpass_describe_socket(const struct fdpass_links *links, int number,
			    const struct fdpass_socket *socket, char text[DESCRIBE_MAX])
{
	static const char *const known[][2] = {
		{"tcpv6", "tcp"}, {"mptcp", "tcp"}, {"mptcpv6", "tcp"},
		{"udpv6", "udp"}, {"unix", "unix"}, {"unix-stream", "unix"},
	};

	if (socket->kind != SOCKET_UNKNOWN) {
		fdpass_socket_text(socket, text);
		make_harmless(text);
		return;
	}
	fdpass_describe_protocol(links, number, text, 64);
	for (char *c = text; *c != '\0'; c++)
		*c = (char)tolower((unsigned char)*c);
	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
		if (strcmp(text, known[i][0]) == 0)
			strcpy(text, known[i][1]);
	}
	if (text[0] == '\0')
		strcpy(text, "socket");
	make_harmless(text);
}

static const char *word_for(const struct stat *status)
{
	switch (status->st_mode & S_IFMT) {
	case S_IFREG:
		return "file";
	case S_IFDIR:
		return "dir";
	case S_IFCHR:
		return fdpass_device_is_pty(status->st_rdev) ? "pty" : "char";
	case S_IFBLK:
		return "block";
	case S_IFIFO:
		return "fifo";
	case S_IFLNK:
		return "link";
	default:
		return "socket-file";
	}
}

/* "anon_inode:[eventfd]", "anon_inode:inotify", "pipe:[5]", "pidfd:[5]", "net:[5]", ... */
static void describe_anonymous(const char *link, char text[DESCRIBE_MAX])
{
	size_t length;

	if (strncmp(link, ANONYMOUS, strlen(ANONYMOUS)) == 0) {
		link += strlen(ANONYMOUS);
		link += *link == '[';
		length = strcspn(link, "]");
	} else {
		length = strcspn(link, ":");
		if (strncmp(link, "pipe:", 5) != 0 && strncmp(link, "pidfd:", 6) != 0) {
			snprintf(text, DESCRIBE_MAX, "namespace %s", link);
			return;
		}
	}
	snprintf(text, DESCRIBE_MAX, "%.*s", (int)length, link);
}

int fdpass_describe(const struct fdpass_links *links, int number, char text[DESCRIBE_MAX])
{
	char link[LINK_TEXT_MAX], name[16];
	int r = fdpass_links_text(links, number, link, sizeof(link));
	struct stat status;
	size_t length;

	if (r < 0)
		return r;
	length = (size_t)r;
	snprintf(name, sizeof(name), "%d", number);
	if (strncmp(link, MEMFD, strlen(MEMFD)) == 0) {
		if (length > 10 && strcmp(link + length - 10, " (deleted)") == 0)
			link[length - 10] = '\0';
		snprintf(text, DESCRIBE_MAX, "memfd %s", link + strlen(MEMFD));
	} else if (link[0] != '/') {
		describe_anonymous(link, text);
	} else if (fstatat(dirfd(links->directory), name, &status, 0) < 0) {
		return -errno;
	} else {
		snprintf(text, DESCRIBE_MAX, "%s %s", word_for(&status), link);
	}
	make_harmless(text);
	return 0;
}
