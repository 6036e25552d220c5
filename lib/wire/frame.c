/* SPDX-License-Identifier: MIT */
/* What a receiver writes to a sender, as bytes. Pure: no descriptor is touched here. */
#include "wire/frame.h"

#include <errno.h>
#include <string.h>

size_t fdpass_frame_encode(enum frame_type type, uint32_t count, const char *text,
			   unsigned char bytes[FRAME_RECORD_MAX])
{
	size_t length = strnlen(text, FDPASS_REASON_MAX);

	bytes[0] = (unsigned char)type;
	bytes[1] = 0;
	bytes[2] = (unsigned char)(length >> 8);
	bytes[3] = (unsigned char)length;
	bytes[4] = (unsigned char)(count >> 24);
	bytes[5] = (unsigned char)(count >> 16);
	bytes[6] = (unsigned char)(count >> 8);
	bytes[7] = (unsigned char)count;
	memcpy(bytes + FRAME_HEAD_SIZE, text, length);
	return FRAME_HEAD_SIZE + length;
}

static void consume(struct frame_reader *reader, size_t size)
{
	reader->used -= size;
	memmove(reader->bytes, reader->bytes + size, reader->used);
}

static int next_greeting(struct frame_reader *reader, struct frame *ret_frame)
{
	size_t known = reader->used < FRAME_GREETING_SIZE ? reader->used : FRAME_GREETING_SIZE;

	/* The first wrong byte is enough: a receiver that says something else is none of ours. */
	if (memcmp(reader->bytes, FRAME_GREETING, known) != 0)
		return -EPROTO;
	if (known < FRAME_GREETING_SIZE)
		return 0;
	consume(reader, FRAME_GREETING_SIZE);
	reader->greeted = 1;
	*ret_frame = (struct frame){.type = FRAME_HELLO};
	return 1;
}

static int is_record_type(unsigned char type)
{
	return type == FRAME_ACCEPTED || type == FRAME_REFUSED || type == FRAME_BUSY ||
	       type == FRAME_FAILED || type == FRAME_GO_ON || type == FRAME_PASSED_ON;
}

int fdpass_frame_next(struct frame_reader *reader, struct frame *ret_frame)
{
	const unsigned char *bytes = reader->bytes;
	size_t length;

	if (!reader->greeted)
		return next_greeting(reader, ret_frame);
	if (reader->used > 0 && !is_record_type(bytes[0]))
		return -EPROTO;
	if (reader->used < FRAME_HEAD_SIZE)
		return 0;
	length = (size_t)bytes[2] << 8 | bytes[3];
	if (bytes[1] != 0 || length > FDPASS_REASON_MAX)
		return -EPROTO;
	if (reader->used < FRAME_HEAD_SIZE + length)
		return 0;
	*ret_frame = (struct frame){
		.type = (enum frame_type)bytes[0],
		.count = (uint32_t)bytes[4] << 24 | (uint32_t)bytes[5] << 16 |
			 (uint32_t)bytes[6] << 8 | bytes[7],
	};
	memcpy(ret_frame->text, bytes + FRAME_HEAD_SIZE, length);
	consume(reader, FRAME_HEAD_SIZE + length);
	return 1;
}
