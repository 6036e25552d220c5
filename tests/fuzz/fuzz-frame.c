/* SPDX-License-Identifier: MIT */
/* What a receiver writes: the same frames come out, however the stream is cut up. */
#include <string.h>

#include "fuzz.h"
#include "wire/frame.h"

#define FRAMES_MAX 4096

struct reading {
	size_t count;
	int failed;
	struct frame frames[FRAMES_MAX];
};

static void read_in_pieces(const uint8_t *data, size_t size, size_t piece, struct reading *reading)
{
	struct frame_reader reader = FRAME_READER_INIT;

	reading->count = 0;
	reading->failed = 0;
	while (size > 0) {
		size_t room;
		unsigned char *space = frame_reader_space(&reader, &room);
		size_t taken = piece < size ? piece : size;
		int r;

		MUST(room > 0);
		if (taken > room)
			taken = room;
		memcpy(space, data, taken);
		reader.used += taken;
		data += taken;
		size -= taken;
		while (reading->count < FRAMES_MAX &&
		       (r = fdpass_frame_next(&reader, &reading->frames[reading->count])) != 0) {
			if (r < 0) {
				reading->failed = 1;
				return;
			}
			reading->count++;
		}
		if (reading->count == FRAMES_MAX)
			return;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct reading whole, cut;

	if (size > 8 * FRAMES_MAX)
		return 0;
	read_in_pieces(data, size, SIZE_MAX, &whole);
	for (size_t piece = 1; piece <= 9; piece += 4) {
		read_in_pieces(data, size, piece, &cut);
		MUST(cut.count == whole.count && cut.failed == whole.failed);
		for (size_t i = 0; i < cut.count; i++) {
			MUST(cut.frames[i].type == whole.frames[i].type);
			MUST(cut.frames[i].count == whole.frames[i].count);
			MUST(strcmp(cut.frames[i].text, whole.frames[i].text) == 0);
		}
	}
	return 0;
}
