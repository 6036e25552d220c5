/* SPDX-License-Identifier: MIT */
/*
 * What the sweeps run on both sides of a handover.
 *
 *	witness report FILE          writes "NUMBER DEVICE INODE" of every open descriptor to FILE, at once
 *	witness serve NUMBER         listens on 127.0.0.1, writes the port to that descriptor, closes it, and is
 *	                             idle until killed
 */
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define NUMBERS 1024 /* the sweeps use no higher ones */

/* Complete, or not there: whoever reads it may come at any moment. */
static int publish(const char *file, const char *text)
{
	char making[4096];
	FILE *stream;

	if ((size_t)snprintf(making, sizeof(making), "%s.new", file) >= sizeof(making))
		return 1;
	stream = fopen(making, "w");
	if (stream == NULL || fputs(text, stream) == EOF || fclose(stream) != 0)
		return 1;
	return rename(making, file) == 0 ? 0 : 1;
}

static int report(const char *file)
{
	static char text[NUMBERS * 48];
	size_t used = 0;

	for (int number = 0; number < NUMBERS; number++) {
		struct stat status;

		if (fstat(number, &status) == 0)
			used += (size_t)snprintf(text + used, sizeof(text) - used, "%d %llu %llu\n",
						 number, (unsigned long long)status.st_dev,
						 (unsigned long long)status.st_ino);
	}
	return publish(file, text);
}

static int serve(int ready)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof(address);
	char text[16];
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&address, size) < 0 || listen(fd, 16) < 0 ||
	    getsockname(fd, (struct sockaddr *)&address, &size) < 0)
		return 1;
	snprintf(text, sizeof(text), "%d\n", ntohs(address.sin_port));
	if (write(ready, text, strlen(text)) < 0)
		return 1;
	close(ready);
	for (;;)
		pause();
}

int main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "report") == 0)
		return report(argv[2]);
	if (argc == 3 && strcmp(argv[1], "serve") == 0)
		return serve(atoi(argv[2]));
	fprintf(stderr, "usage: witness report FILE | serve NUMBER\n");
	return 2;
}
