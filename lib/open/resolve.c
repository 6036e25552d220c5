/* SPDX-License-Identifier: MIT */
/*
 * Host and service names to addresses, within a deadline.
 *
 * getaddrinfo(3) can neither be cancelled nor given a deadline, and may take half a minute. So when a
 * name has to be looked up, a thread does that and tells through a pipe; whoever does not want to wait
 * any longer leaves it alone, and the thread cleans up behind itself.
 */
#include "open/resolve.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"
#include "base/wait.h"

/* One look-up. It belongs to the thread and to the one who waits, and goes with the last of them. */
struct lookup {
	atomic_int owners;
	char *host, *service;
	struct addrinfo hints;
	struct addrinfo *list;
	int result; /* of getaddrinfo */
	int done;   /* owned: the end of a pipe that the thread closes */
};

static void lookup_release(struct lookup *lookup)
{
	if (atomic_fetch_sub(&lookup->owners, 1) > 1)
		return;
	if (lookup->list != NULL)
		freeaddrinfo(lookup->list);
	fdpass_fd_close(lookup->done);
	free(lookup->host);
	free(lookup->service);
	free(lookup);
}

static void *look_up(void *argument)
{
	struct lookup *lookup = argument;

	lookup->result = getaddrinfo(lookup->host, lookup->service, &lookup->hints, &lookup->list);
	/* The other end becomes readable, and sees everything that was written before. */
	lookup->done = fdpass_fd_close(lookup->done);
	lookup_release(lookup);
	return NULL;
}

static int start(struct lookup *lookup)
{
	sigset_t all, before;
	pthread_attr_t attributes;
	pthread_t thread;
	int r;

	r = pthread_attr_init(&attributes);
	if (r != 0)
		return -r;
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	/* The program's signals are none of the thread's business. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	atomic_store(&lookup->owners, 2);
	r = pthread_create(&thread, &attributes, look_up, lookup);
	if (r != 0)
		atomic_store(&lookup->owners, 1);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attributes);
	return -r;
}

/* What getaddrinfo said, as one of our errors. */
static int explain(int result, struct fdpass_error *error)
{
	int code = result == EAI_SYSTEM ? -EIO : result == EAI_MEMORY ? -ENOMEM : -ENOENT;

	if (result == EAI_AGAIN || result == EAI_FAIL)
		code = -EIO;
	/* Its words are about a number of its interface. */
	return fdpass_error_text(error, FDPASS_STEP_RESOLVE, code,
				 result == EAI_SERVICE
					 ? "no such port; an address is written [HOST:]PORT"
					 : gai_strerror(result));
}

static int look_up_within(const struct fdpass_endpoint *endpoint, const struct addrinfo *hints,
			  const struct fdpass_wait *wait, struct addrinfo **ret_list,
			  struct fdpass_error *error)
{
	struct lookup *lookup = calloc(1, sizeof(*lookup));
	fd_owned int done = FD_NONE;
	int ends[2];
	int r;

	if (lookup == NULL)
		return fdpass_error_set(error, FDPASS_STEP_MEMORY, -ENOMEM);
	atomic_store(&lookup->owners, 1);
	lookup->hints = *hints;
	lookup->done = FD_NONE;
	lookup->host = endpoint->host != NULL ? strdup(endpoint->host) : NULL;
	lookup->service = strdup(endpoint->name);
	r = pipe2(ends, O_CLOEXEC) < 0 ? -errno : 0;
	if (r == 0) {
		done = ends[0];
		lookup->done = ends[1];
		r = lookup->service == NULL || (endpoint->host != NULL && lookup->host == NULL)
			    ? -ENOMEM
			    : start(lookup);
	}
	if (r < 0) {
		lookup_release(lookup);
		return fdpass_error_set(error, FDPASS_STEP_RESOLVE, r);
	}
	r = fdpass_wait_for(wait, done, POLLIN, FDPASS_NO_DEADLINE);
	if (r < 0) {
		fdpass_error_set(error, FDPASS_STEP_WAIT, r);
	} else if (lookup->result != 0) {
		r = explain(lookup->result, error);
	} else {
		*ret_list = lookup->list;
		lookup->list = NULL;
		r = 0;
	}
	lookup_release(lookup);
	return r;
}

int fdpass_resolve(const struct fdpass_endpoint *endpoint, enum resolve_purpose purpose,
		   const struct fdpass_wait *wait, struct addrinfo **ret_list,
		   struct fdpass_error *error)
{
	struct addrinfo hints = {
		.ai_family = endpoint->family,
		.ai_socktype = endpoint->type,
		.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV |
			    (purpose == RESOLVE_LISTEN ? AI_PASSIVE : 0),
	};
	int result = getaddrinfo(endpoint->host, endpoint->name, &hints, ret_list);

	if (result == 0)
		return 0;
	if (result != EAI_NONAME)
		return explain(result, error);
	hints.ai_flags &= ~(AI_NUMERICHOST | AI_NUMERICSERV);
	return look_up_within(endpoint, &hints, wait, ret_list, error);
}
