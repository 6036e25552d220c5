/* SPDX-License-Identifier: MIT */
/* Whose turn it is to fail, and what failed. */
#include "turns.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "failing.h"

/* Volatile: link-time optimisation knows that calloc() changes no variable, and does not know of the wrapper. */
static volatile struct failing *now;
static volatile int running;

void failing_use(struct failing *failing)
{
	now = failing;
}

void failing_begin(void)
{
	running = 1;
}

void failing_end(void)
{
	running = 0;
}

unsigned failing_count(void)
{
	return now->failed;
}

int failing_says_again(int code)
{
	return code == EINTR || code == EAGAIN || code == ECONNABORTED;
}

int failing_was(const char *call, int code)
{
	return now->call != NULL && strcmp(now->call, call) == 0 && now->code == code;
}

static int note(const char *name, int code)
{
	now->call = name;
	now->no_matter = code == TURNS_EINTR || code == 0;
	now->code = code == TURNS_EINTR ? EINTR : code;
	now->failed++;
	return now->code;
}

static unsigned length(const int *errors)
{
	unsigned count = 0;

	while (errors[count] != 0)
		count++;
	return count;
}

/* Of each name every second one, so that a loop which makes two calls comes to its end. */
static int interrupts(const char *name, const int *errors)
{
	unsigned sum = 0;

	while (*errors != 0 && *errors != TURNS_EINTR)
		errors++;
	for (; *name != '\0'; name++)
		sum += (unsigned char)*name;
	if (*errors != 0)
		now->odd ^= UINT64_C(1) << sum % 64;
	return *errors != 0 && (now->odd >> sum % 64 & 1) != 0;
}

/* Whether this call fails as the one before that failed for ever. */
static int is_again(const char *name)
{
	return now->how == FAILING_FOR_EVER && now->failed > 0 && strcmp(name, now->call) == 0 &&
	       !failing_says_again(now->code);
}

int turns_take(const char *name, const int *errors)
{
	if (!running || now->how == FAILING_SHORT || now->how == FAILING_SHORT_ALWAYS)
		return 0;
	if (now->how == FAILING_INTERRUPTED)
		return now->turn > 0 && interrupts(name, errors) ? note(name, TURNS_EINTR) : 0;
	if (is_again(name))
		return note(name, now->code);
	if (++now->seen != now->turn)
		return 0;
	now->errors = length(errors);
	/* Which call that is may depend on which end is quicker. */
	return note(name, errors[now->error % now->errors]);
}

/* A datagram that is read in part is cut; what the kernel writes itself, such as /proc, comes whole. */
static int is_stream(int fd)
{
	socklen_t size = sizeof(int);
	int type;

	return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_STREAM;
}

size_t turns_size(const char *name, int fd, size_t size, enum turns_least least)
{
	if (!running || size <= (size_t)least)
		return size;
	if (now->how != FAILING_SHORT && now->how != FAILING_SHORT_ALWAYS)
		return size;
	running = 0; /* what is asked here does not fail */
	if (now->turn > 0 && is_stream(fd) &&
	    (now->how == FAILING_SHORT_ALWAYS || ++now->seen == now->turn)) {
		note(name, 0);
		size = least;
	}
	running = 1;
	return size;
}
