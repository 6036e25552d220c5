/* SPDX-License-Identifier: MIT */
/* Greeting and records as bytes: encoded, cut up, glued together and spoilt at every place. */
#include <errno.h>
#include <string.h>

#include "descriptors.h"
#include "suite.h"
#include "wire/frame.h"

static const struct frame_reader reader_init = FRAME_READER_INIT;
static const enum frame_type types[] = {FRAME_ACCEPTED, FRAME_REFUSED, FRAME_BUSY,
					FRAME_FAILED,   FRAME_GO_ON,   FRAME_PASSED_ON};

/* As much as there is room for; returns how much that was. */
static size_t feed(struct frame_reader *reader, const void *bytes, size_t size)
{
	size_t room;
	unsigned char *space = frame_reader_space(reader, &room);

	if (size > room)
		size = room;
	memcpy(space, bytes, size);
	reader->used += size;
	return size;
}

static struct frame_reader greeted(void)
{
	struct frame_reader reader = reader_init;
	struct frame frame;

	feed(&reader, FRAME_GREETING, FRAME_GREETING_SIZE);
	ck_assert_int_eq(fdpass_frame_next(&reader, &frame), 1);
	ck_assert_int_eq(frame.type, FRAME_HELLO);
	ck_assert_uint_eq(reader.used, 0);
	return reader;
}

START_TEST(every_type_comes_back)
{
	static const uint32_t counts[] = {0, 1, 253, 0x01020304, 0xdeadbeef, UINT32_MAX};

	for (size_t i = 0; i < sizeof(counts) / sizeof(*counts); i++) {
		struct frame_reader reader = greeted();
		unsigned char bytes[FRAME_RECORD_MAX];
		struct frame frame;

		ck_assert_uint_eq(fdpass_frame_encode(types[_i], counts[i], "why", bytes), 11);
		feed(&reader, bytes, 11);
		ck_assert_int_eq(fdpass_frame_next(&reader, &frame), 1);
		ck_assert_int_eq(frame.type, types[_i]);
		ck_assert_uint_eq(frame.count, counts[i]);
		ck_assert_str_eq(frame.text, "why");
		ck_assert_int_eq(fdpass_frame_next(&reader, &frame), 0);
	}
}
END_TEST

START_TEST(the_bytes_are_the_documented_ones)
{
	static const unsigned char expected[] = {'R', 0, 0, 2, 0, 0, 1, 0xfd, 'n', 'o'};
	unsigned char bytes[FRAME_RECORD_MAX];

	ck_assert_uint_eq(fdpass_frame_encode(FRAME_REFUSED, 0x1fd, "no", bytes), sizeof(expected));
	ck_assert_mem_eq(bytes, expected, sizeof(expected));
	ck_assert_uint_eq(strlen(FRAME_GREETING), FRAME_GREETING_SIZE);
}
END_TEST

START_TEST(a_text_is_cut_to_what_a_record_holds)
{
	static const size_t lengths[] = {0, 1, 254, 255, 256, 300};
	char text[301];

	for (size_t i = 0; i < sizeof(lengths) / sizeof(*lengths); i++) {
		size_t kept = lengths[i] < FDPASS_REASON_MAX ? lengths[i] : FDPASS_REASON_MAX;
		struct frame_reader reader = greeted();
		unsigned char bytes[FRAME_RECORD_MAX];
		struct frame frame;

		memset(text, 'x', lengths[i]);
		text[lengths[i]] = '\0';
		ck_assert_uint_eq(fdpass_frame_encode(FRAME_REFUSED, 0, text, bytes),
				  FRAME_HEAD_SIZE + kept);
		ck_assert_uint_eq(feed(&reader, bytes, FRAME_HEAD_SIZE + kept),
				  FRAME_HEAD_SIZE + kept);
		ck_assert_int_eq(fdpass_frame_next(&reader, &frame), 1);
		ck_assert_uint_eq(strlen(frame.text), kept);
	}
}
END_TEST

/* A greeting, one record of each type and one of the greatest size. */
static size_t make_stream(unsigned char stream[1024])
{
	char longest[FDPASS_REASON_MAX + 1];
	size_t size = FRAME_GREETING_SIZE;

	memset(longest, 'l', FDPASS_REASON_MAX);
	longest[FDPASS_REASON_MAX] = '\0';
	memcpy(stream, FRAME_GREETING, size);
	size += fdpass_frame_encode(FRAME_ACCEPTED, 7, "", stream + size);
	size += fdpass_frame_encode(FRAME_REFUSED, 0, "no", stream + size);
	size += fdpass_frame_encode(FRAME_BUSY, 0, longest, stream + size);
	size += fdpass_frame_encode(FRAME_FAILED, 9, "exec", stream + size);
	return size;
}

/* Takes frames until none is left and checks that they are those of the stream; counts on. */
static void take(struct frame_reader *reader, int *count)
{
	static const enum frame_type order[] = {FRAME_HELLO, FRAME_ACCEPTED, FRAME_REFUSED,
						FRAME_BUSY, FRAME_FAILED};
	static const size_t lengths[] = {0, 0, 2, FDPASS_REASON_MAX, 4};
	struct frame frame;
	size_t room;
	int r;

	while ((r = fdpass_frame_next(reader, &frame)) == 1) {
		ck_assert_int_lt(*count, 5);
		ck_assert_int_eq(frame.type, order[*count]);
		ck_assert_uint_eq(strlen(frame.text), lengths[*count]);
		++*count;
	}
	ck_assert_int_eq(r, 0);
	frame_reader_space(reader, &room);
	ck_assert_uint_gt(room, 0);
}

static void feed_in_pieces(const unsigned char *stream, size_t size, size_t piece, size_t first)
{
	struct frame_reader reader = reader_init;
	size_t at = 0;
	int count = 0;

	while (at < size) {
		size_t part = at < first ? first - at : piece;

		at += feed(&reader, stream + at, part < size - at ? part : size - at);
		take(&reader, &count);
	}
	ck_assert_int_eq(count, 5);
}

START_TEST(a_stream_may_be_cut_anywhere)
{
	unsigned char stream[1024];
	size_t size = make_stream(stream);

	for (size_t cut = 0; cut <= size; cut++)
		feed_in_pieces(stream, size, size, cut);
	for (size_t piece = 1; piece <= size; piece++)
		feed_in_pieces(stream, size, piece, 0);
}
END_TEST

START_TEST(the_first_wrong_byte_of_a_greeting_is_enough)
{
	for (size_t at = 0; at < FRAME_GREETING_SIZE; at++) {
		for (int value = 0; value < 256; value++) {
			struct frame_reader reader = reader_init;
			unsigned char byte = (unsigned char)value;
			struct frame frame;

			feed(&reader, FRAME_GREETING, at);
			ck_assert_int_eq(fdpass_frame_next(&reader, &frame), 0);
			feed(&reader, &byte, 1);
			ck_assert_int_eq(fdpass_frame_next(&reader, &frame),
					 value != FRAME_GREETING[at]     ? -EPROTO
					 : at + 1 == FRAME_GREETING_SIZE ? 1
									 : 0);
		}
	}
}
END_TEST

START_TEST(an_unknown_type_is_found_by_its_first_byte)
{
	for (int value = 0; value < 256; value++) {
		struct frame_reader reader = greeted();
		unsigned char byte = (unsigned char)value;
		int known = value != 0 && strchr("ARBFGP", value) != NULL;
		struct frame frame;

		feed(&reader, &byte, 1);
		ck_assert_int_eq(fdpass_frame_next(&reader, &frame), known ? 0 : -EPROTO);
	}
}
END_TEST

/* Every byte of a record's head with every value: it is a frame, it wants more, or it is refused. */
START_TEST(garbage_in_a_head)
{
	for (size_t at = 0; at < FRAME_HEAD_SIZE; at++) {
		for (int value = 0; value < 256; value++) {
			struct frame_reader reader = greeted();
			unsigned char bytes[FRAME_RECORD_MAX];
			size_t size = fdpass_frame_encode(FRAME_REFUSED, 0, "abc", bytes);
			struct frame frame = {.count = 12345};
			int expected = 1;

			bytes[at] = (unsigned char)value;
			if (at == 0)
				expected =
					strchr("ARBFGP", value) != NULL && value != 0 ? 1 : -EPROTO;
			if (at == 1 || at == 2)
				expected = value == 0 ? 1 : -EPROTO;
			if (at == 3)
				expected = value <= 3 ? 1 : 0;
			feed(&reader, bytes, size);
			ck_assert_int_eq(fdpass_frame_next(&reader, &frame), expected);
			if (expected != 1)
				ck_assert_uint_eq(frame.count, 12345);
		}
	}
}
END_TEST

START_TEST(a_text_with_nul_bytes_does_not_shift_what_follows)
{
	struct frame_reader reader = greeted();
	unsigned char bytes[FRAME_RECORD_MAX];
	size_t size = fdpass_frame_encode(FRAME_REFUSED, 0, "abcd", bytes);
	struct frame frame;

	bytes[FRAME_HEAD_SIZE + 1] = '\0';
	feed(&reader, bytes, size);
	feed(&reader, bytes, fdpass_frame_encode(FRAME_ACCEPTED, 4, "", bytes));
	ck_assert_int_eq(fdpass_frame_next(&reader, &frame), 1);
	ck_assert_str_eq(frame.text, "a");
	ck_assert_int_eq(fdpass_frame_next(&reader, &frame), 1);
	ck_assert_int_eq(frame.type, FRAME_ACCEPTED);
	ck_assert_uint_eq(frame.count, 4);
	ck_assert_str_eq(frame.text, "");
	ck_assert_uint_eq(reader.used, 0);
}
END_TEST

/* Whatever comes, the reader has room for more whenever it asks for more, and ends its texts. */
START_TEST(noise)
{
	uint32_t state = 2463534242;

	for (int round = 0; round < 4000; round++) {
		struct frame_reader reader = greeted();
		struct frame frame;
		int r = 0;

		for (int i = 0; i < 64 && r >= 0; i++) {
			unsigned char bytes[16];
			size_t room;

			for (size_t j = 0; j < sizeof(bytes); j++) {
				state ^= state << 13;
				state ^= state >> 17;
				state ^= state << 5;
				/* Mostly zeros and types, so that it goes on for a while. */
				bytes[j] = state % 3 == 0 ? (unsigned char)(state >> 8)
							  : (unsigned char)"A\0R\0"[state >> 30];
			}
			feed(&reader, bytes, sizeof(bytes));
			while ((r = fdpass_frame_next(&reader, &frame)) == 1)
				ck_assert_uint_le(strnlen(frame.text, sizeof(frame.text)),
						  FDPASS_REASON_MAX);
			ck_assert(r == 0 || r == -EPROTO);
			frame_reader_space(&reader, &room);
			ck_assert(r < 0 || room > 0);
		}
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("frame");
	TCase *tcase = descriptors_tcase("frame");

	tcase_add_loop_test(tcase, every_type_comes_back, 0, 6);
	tcase_add_test(tcase, the_bytes_are_the_documented_ones);
	tcase_add_test(tcase, a_text_is_cut_to_what_a_record_holds);
	tcase_add_test(tcase, a_stream_may_be_cut_anywhere);
	tcase_add_test(tcase, the_first_wrong_byte_of_a_greeting_is_enough);
	tcase_add_test(tcase, an_unknown_type_is_found_by_its_first_byte);
	tcase_add_test(tcase, garbage_in_a_head);
	tcase_add_test(tcase, a_text_with_nul_bytes_does_not_shift_what_follows);
	tcase_add_test(tcase, noise);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
