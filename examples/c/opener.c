/* SPDX-License-Identifier: MIT */
/*
 * Privilege separation: one process may open files and does nothing else; the other one does the work, with
 * what it is given, and may open nothing.
 *
 * usage: opener DIRECTORY NAME...
 *
 * Shows the first line of each file NAME in DIRECTORY. Started as root, the worker is user 65534, and reads
 * them all the same: it asks the opener, which gives it what the policy (regular files, directly in there,
 * read-only) allows, and an errno for everything else.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <fdpass.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define NAME_LENGTH_MAX 255

/* What the policy makes of a name: a descriptor, or a negative errno. */
static int open_allowed(int directory, const char *name)
{
	struct stat status;
	int fd;

	if (name[0] == '\0' || strchr(name, '/') != NULL || strcmp(name, "..") == 0)
		return -EPERM;
	/* O_NONBLOCK: whoever put a FIFO there must not hold us up. */
	fd = openat(directory, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode))
		return fd;
	close(fd);
	return -EPERM;
}

/* The privileged half: a name comes, an answer goes, with a descriptor if it is yes. Until the worker ends. */
static int serve(int socket, int directory)
{
	struct fdpass_set *none, *set;
	int r;

	if (fdpass_set_new(&none) < 0)
		return 1;
	for (;;) {
		char name[NAME_LENGTH_MAX + 1];
		struct fdpass_message message;
		int32_t answer = 0;
		int fd;

		/* A longer name is an error, -EMSGSIZE, and not another name. */
		r = fdpass_message_receive(socket, name, NAME_LENGTH_MAX, none, NULL, &message);
		if (r == 0 || (r < 0 && r != -EMSGSIZE))
			break;
		/* Nobody should send us any; if the worker was taken over, it may. */
		fdpass_set_discard(none, 0);
		fd = -ENAMETOOLONG;
		if (r > 0) {
			name[message.size] = '\0';
			fd = open_allowed(directory, name);
		}
		if (fdpass_set_new(&set) < 0)
			break;
		if (fd < 0)
			answer = fd;
		else if (fdpass_set_take(set, fd) < 0)
			break;
		/* A copy goes; ours is closed with the set. */
		r = (int)fdpass_message_send(socket, &answer, sizeof(answer), set, NULL);
		fdpass_set_free(set);
		if (r < 0)
			break;
	}
	fdpass_set_free(none);
	return r < 0;
}

/* The other half's call: a descriptor, or a negative errno. */
static int ask(int socket, const char *name)
{
	struct fdpass_message message;
	struct fdpass_set *set;
	int32_t answer;
	int fd = -EPROTO;
	int r = fdpass_set_new(&set);

	if (r == 0)
		r = (int)fdpass_message_send(socket, name, strlen(name), NULL, NULL);
	if (r >= 0)
		r = fdpass_message_receive(socket, &answer, sizeof(answer), set, NULL, &message);
	if (r < 0)
		fd = r;
	else if (r == 1 && message.size == sizeof(answer) && answer < 0)
		fd = answer;
	else if (r == 1 && message.size == sizeof(answer) && message.count == 1)
		fd = fdpass_set_steal(set, 0);
	fdpass_set_free(set);
	return fd;
}

static int work(int socket, char **names)
{
	int failed = 0;

	for (; *names != NULL; names++) {
		char line[256];
		int fd = ask(socket, *names);
		FILE *file = fd >= 0 ? fdopen(fd, "r") : NULL;

		if (file != NULL && fgets(line, sizeof(line), file) != NULL) {
			printf("%s: %s", *names, line);
		} else {
			printf("%s: %s\n", *names, strerror(fd < 0 ? -fd : ENODATA));
			failed = 1;
		}
		if (file != NULL)
			fclose(file);
	}
	return failed;
}

/* For good. As an ordinary user there is nothing to give up, and the example goes on as that. */
static void give_up_privileges(void)
{
	if (geteuid() != 0)
		return;
	if (setgroups(0, NULL) < 0 || setresgid(65534, 65534, 65534) < 0 ||
	    setresuid(65534, 65534, 65534) < 0) {
		perror("opener: giving up privileges");
		exit(1);
	}
}

int main(int argc, char **argv)
{
	int pair[2], directory, status, failed;
	pid_t worker;

	if (argc < 3) {
		fprintf(stderr, "usage: opener DIRECTORY NAME...\n");
		return 2;
	}
	directory = open(argv[1], O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (directory < 0) {
		perror(argv[1]);
		return 1;
	}
	/* Seqpacket: a question is a question, whatever its length, and an end is seen. */
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0) {
		perror("opener: socketpair");
		return 1;
	}
	worker = fork();
	if (worker == 0) {
		close(directory);
		close(pair[0]);
		give_up_privileges();
		exit(work(pair[1], argv + 2));
	}
	close(pair[1]);
	failed = worker < 0 || serve(pair[0], directory);
	/* If that failed, the worker must not wait for an answer. */
	close(pair[0]);
	if (worker < 0 || waitpid(worker, &status, 0) != worker || status != 0)
		failed = 1;
	return failed;
}
