/* SPDX-License-Identifier: MIT */
/* What the measuring programs share. */
#include "measure.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

int64_t measure_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int measure_must(int result, const char *what)
{
	if (result >= 0)
		return result;
	fprintf(stderr, "bench: %s: %s\n", what, strerror(errno));
	exit(1);
}

int measure_number(const char *text)
{
	char *end;
	long number = strtol(text, &end, 10);

	if (*text != '\0' && *end == '\0' && number >= 1 && number <= 1000000)
		return (int)number;
	fprintf(stderr, "bench: '%s' is no number from 1 to 1000000\n", text);
	exit(2);
}

static int compare(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

double measure_quartile(double *samples, size_t count)
{
	qsort(samples, count, sizeof(*samples), compare);
	return samples[(count - 1) / 4];
}

void measure_print(double product, double baseline)
{
	printf("%.1f %.1f\n", product, baseline);
	fflush(stdout);
}

/* By vfork(2), which costs the least: posix_spawn(3) asks for the action of every signal first, 25 us here, and
 * that would be added to both sides. */
pid_t measure_start(const char *const *argv)
{
	pid_t child = vfork();

	if (child == 0) {
		close(STDOUT_FILENO);
		/* execve(2) changes none of them; its type is older than const. */
		if (open("/dev/null", O_WRONLY) == STDOUT_FILENO)
			execve(argv[0], (char *const *)(uintptr_t)argv, environ);
		_exit(127);
	}
	return measure_must(child, argv[0]);
}

void measure_finish(pid_t child, const char *name)
{
	int status;

	measure_must(waitpid(child, &status, 0), "waitpid");
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return;
	fprintf(stderr, "bench: %s failed, with wait status 0x%x\n", name, (unsigned)status);
	exit(1);
}

void measure_open_many(int first, int count)
{
	for (int i = 0; i < count; i++) {
		int fd = measure_must(eventfd(0, 0), "eventfd");

		measure_must(dup2(fd, first + i), "dup2");
		close(fd);
	}
}
