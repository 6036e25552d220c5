/* SPDX-License-Identifier: MIT */
/* Filling the caller's error record, and the words for its steps. */
#include "base/error.h"

#include <string.h>

int fdpass_error_set(struct fdpass_error *error, enum fdpass_step step, int code)
{
	if (error != NULL) {
		*error = (struct fdpass_error)FDPASS_ERROR_INIT;
		error->step = step;
		error->code = -code;
	}
	return code;
}

int fdpass_error_text(struct fdpass_error *error, enum fdpass_step step, int code, const char *text)
{
	fdpass_error_set(error, step, code);
	if (error != NULL) {
		size_t i;

		for (i = 0; i < FDPASS_REASON_MAX && text[i] != '\0'; i++) {
			unsigned char c = (unsigned char)text[i];

			error->text[i] = c < 0x20 || c == 0x7f ? '?' : text[i];
		}
		error->text[i] = '\0';
	}
	return code;
}

int fdpass_error_fd(struct fdpass_error *error, enum fdpass_step step, int code, int fd)
{
	fdpass_error_set(error, step, code);
	if (error != NULL)
		error->fd = fd;
	return code;
}

int fdpass_error_peer(struct fdpass_error *error, enum fdpass_step step, int code,
		      const struct fdpass_peer *peer)
{
	fdpass_error_set(error, step, code);
	if (error != NULL)
		error->peer = *peer;
	return code;
}

const char *fdpass_step_text(enum fdpass_step step)
{
	switch (step) {
	case FDPASS_STEP_NONE:
		return "nothing";
	case FDPASS_STEP_MEMORY:
		return "allocating memory";
	case FDPASS_STEP_ADDRESS:
		return "reading the address";
	case FDPASS_STEP_RUNDIR:
		return "checking the run directory";
	case FDPASS_STEP_DIRECTORY:
		return "opening the socket's directory";
	case FDPASS_STEP_LOCK:
		return "locking the socket's directory";
	case FDPASS_STEP_SOCKET:
		return "making the socket";
	case FDPASS_STEP_BIND:
		return "binding the socket";
	case FDPASS_STEP_LISTEN:
		return "listening on the socket";
	case FDPASS_STEP_PUBLISH:
		return "publishing the socket";
	case FDPASS_STEP_CONNECT:
		return "connecting";
	case FDPASS_STEP_PEER:
		return "checking the other end";
	case FDPASS_STEP_SEND:
		return "sending the descriptors";
	case FDPASS_STEP_ANSWER:
		return "waiting for the answer";
	case FDPASS_STEP_RECEIVE:
		return "receiving";
	case FDPASS_STEP_DESCRIPTOR:
		return "looking at the descriptor";
	case FDPASS_STEP_PLACE:
		return "placing the descriptors";
	case FDPASS_STEP_OPEN:
		return "opening the file";
	case FDPASS_STEP_RESOLVE:
		return "looking up the address";
	case FDPASS_STEP_ACTIVATION:
		return "announcing the descriptors";
	case FDPASS_STEP_START:
		return "waiting for the start";
	case FDPASS_STEP_WAIT:
		return "waiting";
	case FDPASS_STEP_PROCESS:
		return "finding the process";
	case FDPASS_STEP_ACQUIRE:
		return "taking the descriptor";
	}
	return "an unknown step";
}
