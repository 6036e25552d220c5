/* SPDX-License-Identifier: MIT */
#ifndef FDPASS_WIRE_FRAME_H
#define FDPASS_WIRE_FRAME_H

/*
 * What a receiver writes to a sender, as bytes: a greeting and then records. Pure; the format is
 * described in fdpass-protocol(7).
 *
 *	greeting  "fdpass/1"
 *	record    type (1), zero (1), length of the text (2, big endian), count (4, big endian), text
 */

#include <stddef.h>
#include <stdint.h>

#include "fdpass.h"

#define FRAME_GREETING "fdpass/1"
#define FRAME_GREETING_SIZE 8
#define FRAME_HEAD_SIZE 8
#define FRAME_RECORD_MAX (FRAME_HEAD_SIZE + FDPASS_REASON_MAX)

/* The byte of a plain handover. Any byte would do. */
#define FRAME_PLAIN_BYTE "F"

enum frame_type {
	FRAME_HELLO,          /* the greeting; not a record on the wire */
	FRAME_GO_ON = 'G',    /* a rich handover's header was judged: now the descriptors */
	FRAME_ACCEPTED = 'A', /* `count` descriptors are installed */
	FRAME_REFUSED = 'R',  /* read, judged and closed; the text says why */
	FRAME_BUSY = 'B',     /* not read: another sender was first */
	FRAME_FAILED = 'F',   /* after ACCEPTED: what was to be run could not be started */
	/* The receiver runs nothing, and others have them: after ACCEPTED; or instead of it, when one of those
	 * has read them and does not answer. */
	FRAME_PASSED_ON = 'P',
};

struct frame {
	enum frame_type type;
	uint32_t count;
	char text[FDPASS_REASON_MAX + 1];
};

/* Writes a record; a longer text is cut. Returns its size. */
size_t fdpass_frame_encode(enum frame_type type, uint32_t count, const char *text,
			   unsigned char bytes[FRAME_RECORD_MAX]);

/* Takes frames out of a byte stream, however it is cut up. Begin with FRAME_READER_INIT. */
struct frame_reader {
	unsigned char bytes[FRAME_RECORD_MAX];
	size_t used;
	int greeted; /* 1 once the greeting was taken */
};

#define FRAME_READER_INIT                                                                          \
	{                                                                                          \
		{0}, 0, 0                                                                          \
	}

/* Where to read the next bytes to, and how many at most (never 0 after frame_reader_next() said 0). */
static inline unsigned char *frame_reader_space(struct frame_reader *reader, size_t *ret_size)
{
	*ret_size = sizeof(reader->bytes) - reader->used;
	return reader->bytes + reader->used;
}

/* Returns 1 and a frame, 0 when more bytes are needed, or -EPROTO when they are no frame. The first
 * frame is the greeting. */
int fdpass_frame_next(struct frame_reader *reader, struct frame *ret_frame);

#endif
