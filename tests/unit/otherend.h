/* SPDX-License-Identifier: MIT */
#ifndef TESTS_UNIT_OTHEREND_H
#define TESTS_UNIT_OTHEREND_H

/* The other end of handovers: a process of its own, in which nothing fails. */

#include "fdpass.h"
#include "given.h"

struct otherend_report {
	int accepted;              /* handovers that came whole */
	int delivered;             /* that it was told of as sent */
	int bad;                   /* that came otherwise than they were given */
	int kept;                  /* descriptors that it has more than at its beginning */
	struct fdpass_error error; /* of what it could not send */
};

/* It receives at ./other, or sends to ./here, so many descriptors. */
void otherend_receives(size_t count, enum given_names names);
void otherend_sends(size_t count, enum given_names names);

/* A sender waits for a receiver from here on. */
void otherend_go(void);

enum otherend_end {
	OTHEREND_NOW,       /* what it waits for is ended */
	OTHEREND_BY_ITSELF, /* a sender's: it has an end of its own */
};

/* What has happened since the last time. */
struct otherend_report otherend_settle(enum otherend_end end);

/* Readable when a sender has come to an end. */
int otherend_fd(void);

void otherend_stop(void);

#endif
