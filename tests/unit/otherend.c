/* SPDX-License-Identifier: MIT */
/* The other end of handovers, in a process of its own. */
#include "otherend.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/deadline.h"
#include "raw.h"

static pid_t process;
static int control; /* of either process, one end of the same connection */
static size_t count;
static enum given_names names;

enum { GO = 'g', SETTLE = 's' };

static const struct fdpass_wait at_once = {0, -1};

static int lowest_free(void)
{
	int fd = dup(0);

	raw_check(fd >= 0);
	close(fd);
	return fd;
}

static void accept_it(struct fdpass_handover *handover, struct otherend_report *report)
{
	if (given_is(fdpass_handover_set(handover), count, names))
		report->accepted++;
	else
		report->bad++;
	fdpass_handover_accept(handover, (uint32_t)count);
	fdpass_handover_free(handover);
}

/* Until it is told to settle, and then what has come by then; callers that have gone leave nothing behind. */
static void receive(struct fdpass_receiver *receiver, int free_before,
		    struct otherend_report *report)
{
	const struct fdpass_wait told = {FDPASS_NO_DEADLINE, control};
	struct fdpass_wait a_little = {0, -1};
	struct fdpass_handover *handover = NULL;

	while (fdpass_receiver_next(receiver, &told, &handover, NULL) == 0)
		accept_it(handover, report);
	for (int i = 0; i < 100; i++) {
		while (fdpass_receiver_next(receiver, i == 0 ? &at_once : &a_little, &handover,
					    NULL) == 0)
			accept_it(handover, report);
		report->kept = lowest_free() - free_before;
		if (report->kept == 0)
			break;
		a_little.deadline = fdpass_deadline_in(NSEC_PER_SEC / 10);
	}
}

static void be_receiver(void)
{
	struct fdpass_listener *listener = NULL;
	struct fdpass_receiver *receiver = NULL;
	struct fdpass_address *address = NULL;
	int free_before;
	char word = 0;

	raw_check(fdpass_address_parse(FDPASS_ADDRESS_NAMED, "./other", &address, NULL) == 0);
	raw_check(fdpass_listener_open(address, NULL, &listener, NULL) == 0);
	raw_check(fdpass_receiver_new(NULL, NULL, NULL, &receiver) == 0);
	raw_check(fdpass_receiver_add(receiver, listener) == 0);
	free_before = lowest_free();
	raw_check(send(control, &word, 1, 0) == 1); /* ready */
	for (;;) {
		struct otherend_report report = {.error = FDPASS_ERROR_INIT};

		receive(receiver, free_before, &report);
		if (recv(control, &word, 1, 0) != 1)
			break;
		raw_check(send(control, &report, sizeof(report), 0) == sizeof(report));
	}
	fdpass_receiver_free(receiver);
	fdpass_address_free(address);
}

static void be_sender(void)
{
	struct fdpass_send_options options = FDPASS_SEND_OPTIONS_INIT;
	const struct fdpass_wait told = {FDPASS_NO_DEADLINE, control};
	struct fdpass_set *set = given_set(count, names);
	struct fdpass_address *address = NULL;
	const int free_before = lowest_free();
	char word = 0;

	raw_check(fdpass_address_parse(FDPASS_ADDRESS_NAMED, "./here", &address, NULL) == 0);
	options.wait = &told;
	options.waiting = FDPASS_WAIT_LISTENER;
	raw_check(send(control, &word, 1, 0) == 1); /* ready */
	while (recv(control, &word, 1, 0) == 1) {
		struct otherend_report report = {.error = FDPASS_ERROR_INIT};

		if (word != GO)
			continue; /* it came when there was nothing to be ended any more */
		report.delivered = fdpass_send(address, set, &options, NULL, &report.error) == 0;
		report.kept = lowest_free() - free_before;
		raw_check(send(control, &report, sizeof(report), 0) == sizeof(report));
	}
	fdpass_set_free(set);
	fdpass_address_free(address);
}

static void start(void (*be)(void), size_t how_many, enum given_names which)
{
	int pair[2];
	char word;

	count = how_many;
	names = which;
	raw_check(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0);
	process = fork();
	raw_check(process >= 0);
	if (process == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(pair[0]);
		control = pair[1];
		be();
		raw_end(0);
	}
	close(pair[1]);
	control = pair[0];
	raw_check(recv(control, &word, 1, 0) == 1);
}

void otherend_receives(size_t how_many, enum given_names which)
{
	start(be_receiver, how_many, which);
}

void otherend_sends(size_t how_many, enum given_names which)
{
	start(be_sender, how_many, which);
}

void otherend_go(void)
{
	const char word = GO;

	raw_check(send(control, &word, 1, 0) == 1);
}

struct otherend_report otherend_settle(enum otherend_end end)
{
	const char word = SETTLE;
	struct otherend_report report;

	raw_check(end == OTHEREND_BY_ITSELF || send(control, &word, 1, 0) == 1);
	raw_check(recv(control, &report, sizeof(report), 0) == sizeof(report));
	return report;
}

int otherend_fd(void)
{
	return control;
}

void otherend_stop(void)
{
	close(control);
	raw_join(process);
}
