/* SPDX-License-Identifier: MIT */
/*
 * The sender's end of one handover, and all of a plain one: send one message, then find out whether it arrived.
 *
 * A receiver of ours says so. Of any other, the kernel tells: SIOCOUTQ falls to 0 when our byte was
 * read, and a read after that tells a reader from one that closed with it unread (ECONNRESET).
 */
#include "wire/outgoing.h"

#include <errno.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>

#include "base/deadline.h"
#include "base/fd.h"
#include "wire/packet.h"
#include "wire/richsend.h"

/* unix(7); the same request as the terminals' in <sys/ioctl.h> (linux/sockios.h). */
#ifndef SIOCOUTQ
#define SIOCOUTQ TIOCOUTQ
#endif

static int watch_socket(struct outgoing *outgoing)
{
	/* Edge-triggered: EPOLLOUT is then reported each time that the kernel frees a message of
	 * ours, that is when it was read, though the socket was writable all the time. */
	struct epoll_event interest = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET};
	fd_owned int events = epoll_create1(EPOLL_CLOEXEC);

	if (events < 0 || epoll_ctl(events, EPOLL_CTL_ADD, outgoing->socket, &interest) < 0)
		return -errno;
	outgoing->events = fd_give(&events);
	/* That it is writable now is an event, too, and no news. */
	fdpass_outgoing_woken(outgoing);
	return 0;
}

int fdpass_outgoing_begin(struct outgoing *outgoing, int socket, enum fdpass_confirm confirm)
{
	*outgoing = (struct outgoing){
		.socket = socket,
		.events = FD_NONE,
		.answerer = FD_NONE,
		.confirm = confirm,
		.pause = {.first = NSEC_PER_MSEC / 2, .most = 100 * NSEC_PER_MSEC},
		.resume = FDPASS_NO_DEADLINE,
		.reader = FRAME_READER_INIT,
	};
	return watch_socket(outgoing);
}

void fdpass_outgoing_offer(struct outgoing *outgoing, const unsigned char *header, size_t size)
{
	outgoing->header = header;
	outgoing->header_size = size;
}

int fdpass_outgoing_unread(const struct outgoing *outgoing, int *ret_unread)
{
	if (ioctl(outgoing->socket, SIOCOUTQ, ret_unread) < 0)
		return -errno;
	/* The kernel wakes us while it still holds a last reference to a message that it frees, which counts
	 * as one byte, and does not wake us again when that is gone (net/core/sock.c, sock_wfree()): 3 of
	 * 400,000 receipts were lost to that. A message that was not read counts all of its buffer. */
	if (*ret_unread == 1)
		*ret_unread = 0;
	return 0;
}

int fdpass_outgoing_ask_process(struct outgoing *outgoing)
{
	return fdpass_set_new(&outgoing->strays);
}

/* The same as fdpass_packet_read(), and keeps who wrote it: of an answer, whoever wrote the end of it. The
 * kernel never glues together what different processes wrote (unix_stream_read_generic()). */
static ssize_t read_with_writer(struct outgoing *outgoing, void *bytes, size_t size)
{
	struct packet message;
	int r = fdpass_packet_receive(outgoing->socket, bytes, size, outgoing->strays, &message);

	if (r < 0)
		return r;
	/* None is expected, and where SO_PASSRIGHTS is unknown none can be kept out. */
	fdpass_set_discard(outgoing->strays, 0);
	if (outgoing->answer.type == FRAME_ACCEPTED) {
		fdpass_fd_close(message.pidfd);
	} else if (message.size > 0) {
		fdpass_fd_close(outgoing->answerer);
		outgoing->answerer = message.pidfd;
	}
	return message.size;
}

int fdpass_outgoing_hear(struct outgoing *outgoing)
{
	for (;;) {
		size_t size;
		unsigned char *space;
		ssize_t got;
		int r = fdpass_frame_next(&outgoing->reader, &outgoing->answer);

		if (r != 0)
			return r;
		space = frame_reader_space(&outgoing->reader, &size);
		got = outgoing->strays == NULL ? fdpass_packet_read(outgoing->socket, space, size)
					       : read_with_writer(outgoing, space, size);
		if (got == -EAGAIN)
			return 0;
		if (got < 0)
			return (int)got;
		if (got == 0)
			return -ENODATA;
		outgoing->spoke = 1;
		outgoing->reader.used += (size_t)got;
	}
}

/* What the receiver wrote. 1: answered; 0: nothing (more) yet. */
static int step_answer(struct outgoing *outgoing)
{
	int r;

	while ((r = fdpass_outgoing_hear(outgoing)) > 0) {
		switch (outgoing->answer.type) {
		case FRAME_HELLO:
			break;
		case FRAME_ACCEPTED:
		case FRAME_PASSED_ON:
			return 1;
		case FRAME_REFUSED:
			return -EREMOTEIO;
		case FRAME_BUSY:
			return -EBUSY;
		case FRAME_GO_ON:
		case FRAME_FAILED:
			return -EPROTO;
		}
	}
	return r;
}

int fdpass_outgoing_put(struct outgoing *outgoing, const void *bytes, size_t size, const int *fds,
			size_t count)
{
	ssize_t sent = fdpass_packet_send(outgoing->socket, bytes, size, fds, count);

	outgoing->resume = FDPASS_NO_DEADLINE;
	if (sent > 0)
		pause_restart(&outgoing->pause);
	if (sent == -EAGAIN)
		return 0;
	/* Too many descriptors of this user are on their way (unix(7)). The kernel does not say when
	 * that ends, so look again after a while. */
	if (sent == -ETOOMANYREFS) {
		outgoing->resume = fdpass_pause_next(&outgoing->pause);
		return 0;
	}
	return (int)sent;
}

static int step_send(struct outgoing *outgoing, const struct fdpass_set *set)
{
	int sent = fdpass_outgoing_put(outgoing, FRAME_PLAIN_BYTE, 1, fdpass_set_numbers(set),
				       fdpass_set_count(set));

	if (sent == -EPIPE || sent == -ECONNRESET) {
		/* The receiver closed before the message was there, perhaps with a word about it. */
		int r = step_answer(outgoing);

		return r == -EREMOTEIO || r == -EBUSY ? r : -ECONNRESET;
	}
	if (sent <= 0)
		return sent;
	outgoing->sent = 1;
	return 1;
}

/* The message was read, and nobody says more. */
static int only_read(const struct outgoing *outgoing, enum fdpass_proof *ret_proof)
{
	if (outgoing->confirm == FDPASS_CONFIRM_ANSWER)
		return -ENOMSG;
	*ret_proof = FDPASS_PROOF_READ;
	return 1;
}

static int step_confirm(struct outgoing *outgoing, enum fdpass_proof *ret_proof)
{
	int unread = 1;
	int r;

	/* First whether it was read, then what was written: a receiver that answers greets before it
	 * reads, so its greeting cannot be missed in between. */
	r = outgoing->spoke ? 0 : fdpass_outgoing_unread(outgoing, &unread);
	if (r < 0)
		return r;
	r = step_answer(outgoing);
	/* End of file with something unread: it closed in between, after reading or not (ECONNRESET),
	 * or it has only shut its sending side down and may read yet. */
	if (r == -ENODATA && !outgoing->spoke && unread != 0) {
		r = fdpass_outgoing_unread(outgoing, &unread);
		if (r == 0 && unread == 0)
			r = step_answer(outgoing);
	}
	if (r > 0 && outgoing->answer.type == FRAME_PASSED_ON)
		return only_read(outgoing, ret_proof);
	if (r > 0) {
		*ret_proof = FDPASS_PROOF_ANSWER;
		return 1;
	}
	if (r == -ENODATA && outgoing->spoke)
		return -ECONNABORTED;
	/* End of file without a word: every byte was read before the other end closed. */
	if (r < 0 && r != -ENODATA)
		return r;
	if (outgoing->spoke || unread != 0)
		return 0;
	return only_read(outgoing, ret_proof);
}

int fdpass_outgoing_step(struct outgoing *outgoing, const struct fdpass_set *set,
			 enum fdpass_proof *ret_proof)
{
	if (outgoing->header != NULL)
		return fdpass_richsend_step(outgoing, set, ret_proof);
	if (!outgoing->sent) {
		int r = step_send(outgoing, set);

		if (r <= 0)
			return r;
		if (outgoing->confirm == FDPASS_CONFIRM_NONE) {
			*ret_proof = FDPASS_PROOF_NONE;
			return 1;
		}
	}
	return step_confirm(outgoing, ret_proof);
}

struct interest fdpass_outgoing_interest(const struct outgoing *outgoing)
{
	/* ETOOMANYREFS comes when the message was made already, and freeing it is reported as EPOLLOUT
	 * (net/unix/af_unix.c, unix_stream_sendmsg(); sock_wfree()): whoever waits for that, too, wakes
	 * himself up, and spins. */
	if (outgoing->resume != FDPASS_NO_DEADLINE)
		return (struct interest){FD_NONE, 0, outgoing->resume};
	return (struct interest){outgoing->events, POLLIN, FDPASS_NO_DEADLINE};
}

int fdpass_outgoing_woken(const struct outgoing *outgoing)
{
	struct epoll_event event;

	/* There is one descriptor in it, so that there is one event at most. */
	while (epoll_wait(outgoing->events, &event, 1, 0) < 0) {
		if (errno != EINTR)
			return -errno;
	}
	return 0;
}

void fdpass_outgoing_end(struct outgoing *outgoing)
{
	outgoing->strays = fdpass_set_free(outgoing->strays);
	outgoing->answerer = fdpass_fd_close(outgoing->answerer);
	outgoing->events = fdpass_fd_close(outgoing->events);
	outgoing->socket = fdpass_fd_close(outgoing->socket);
}
