/* SPDX-License-Identifier: MIT */
/* The header of a rich handover: written, cut at every byte, spoilt at every byte, and random. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/set.h"
#include "descriptors.h"
#include "rawrich.h"
#include "suite.h"
#include "wire/offer.h"

/* A set of so many borrowed descriptors; `names` may be NULL, and so may each of them. */
static struct fdpass_set *make_set(size_t count, const char *const *names)
{
	struct fdpass_set *set;

	ck_assert_int_eq(fdpass_set_new(&set), 0);
	for (size_t i = 0; i < count; i++) {
		ck_assert_int_eq(fdpass_set_borrow(set, 0), 0);
		if (names != NULL && names[i] != NULL)
			ck_assert_int_eq(fdpass_set_rename(set, i, names[i]), 0);
	}
	return set;
}

/* Reads a header that comes in pieces: the head and `first` more at once, and then so many at a time. */
static int read_header(struct offer *offer, const unsigned char *bytes, size_t size, size_t first,
		       size_t piece, const char **ret_reason)
{
	size_t at = OFFER_HEAD_SIZE + first;
	int r;

	ck_assert(fdpass_offer_is_one(bytes, at));
	r = fdpass_offer_begin(offer, bytes, ret_reason);
	if (r == 0)
		r = fdpass_offer_add(offer, bytes + OFFER_HEAD_SIZE, first, ret_reason);
	while (r == 0 && !offer_is_whole(offer)) {
		size_t room;
		char *space = fdpass_offer_space(offer, &room);

		ck_assert_ptr_nonnull(space);
		ck_assert_uint_gt(room, 0);
		/* Never beyond the end of the names, nor memory for what did not come. */
		ck_assert_uint_le(offer->came + room, offer->size);
		ck_assert_uint_le(offer->room, 4096 + 2 * (size_t)offer->came);
		if (at == size)
			return -EAGAIN;
		if (room > piece)
			room = piece;
		if (room > size - at)
			room = size - at;
		memcpy(space, bytes + at, room);
		offer->came += (uint32_t)room;
		at += room;
	}
	return r == 0 ? fdpass_offer_judge(offer, ret_reason) : r;
}

static int read_at_once(struct offer *offer, const unsigned char *bytes, size_t size)
{
	const char *reason = NULL;
	int r = read_header(offer, bytes, size, size - OFFER_HEAD_SIZE, 1, &reason);

	ck_assert((r < 0) == (reason != NULL) || r == -EAGAIN);
	return r;
}

START_TEST(the_bytes_are_the_documented_ones)
{
	static const char *const names[] = {"http", NULL, "x"};
	static const unsigned char expected[] = {0x89, 'f', 'd', 'p', 'a', 's', 's', 1,
						 0,    0,   0,   3,   0,   0,   0,   8,
						 'h',  't', 't', 'p', 0,   0,   'x', 0};
	unsigned char bytes[sizeof(expected)];
	struct fdpass_set *set = make_set(3, names);

	ck_assert_int_eq(fdpass_offer_is_needed(set), 1);
	ck_assert_uint_eq(fdpass_offer_size(set), sizeof(expected));
	fdpass_offer_encode(set, bytes);
	ck_assert_mem_eq(bytes, expected, sizeof(expected));
	fdpass_set_free(set);
}
END_TEST

START_TEST(without_names_there_is_nothing_behind_the_head)
{
	static const size_t counts[] = {1, 253, 254, 70000};
	unsigned char bytes[OFFER_HEAD_SIZE], expected[RAWRICH_HEAD];
	struct fdpass_set *set = make_set(counts[_i], NULL);
	struct offer offer = OFFER_INIT;

	ck_assert_int_eq(fdpass_offer_is_needed(set), counts[_i] > 253);
	ck_assert_uint_eq(fdpass_offer_size(set), OFFER_HEAD_SIZE);
	fdpass_offer_encode(set, bytes);
	rawrich_head(expected, (uint32_t)counts[_i], 0);
	ck_assert_mem_eq(bytes, expected, sizeof(expected));
	ck_assert_int_eq(read_at_once(&offer, bytes, sizeof(bytes)), 0);
	ck_assert_uint_eq(offer.count, counts[_i]);
	ck_assert_ptr_null(offer.list);
	fdpass_offer_end(&offer);
	fdpass_set_free(set);
}
END_TEST

START_TEST(a_name_that_was_taken_back_is_none)
{
	static const char *const names[] = {"a", NULL};
	struct fdpass_set *set = make_set(2, names);

	ck_assert_int_eq(fdpass_set_rename(set, 0, NULL), 0);
	ck_assert_int_eq(fdpass_offer_is_needed(set), 0);
	ck_assert_uint_eq(fdpass_offer_size(set), OFFER_HEAD_SIZE);
	fdpass_set_free(set);
}
END_TEST

/* Names of every kind, and a stream that is cut after every byte. */
START_TEST(a_stream_may_be_cut_anywhere)
{
	static char longest[FDPASS_NAME_MAX + 1];
	const char *names[] = {NULL, "same", "same", longest, NULL, "~ !", "z"};
	struct fdpass_set *set;
	unsigned char bytes[512];
	const char *reason;
	size_t size;

	memset(longest, 'n', FDPASS_NAME_MAX);
	set = make_set(7, names);
	size = fdpass_offer_size(set);
	ck_assert_uint_lt(size, sizeof(bytes));
	fdpass_offer_encode(set, bytes);
	for (size_t first = 0; first + OFFER_HEAD_SIZE <= size; first++) {
		for (size_t piece = 1; piece < 8; piece++) {
			struct offer offer = OFFER_INIT;

			ck_assert_int_eq(read_header(&offer, bytes, size, first, piece, &reason),
					 0);
			ck_assert_uint_eq(offer.count, 7);
			for (int i = 0; i < 7; i++) {
				if (names[i] == NULL)
					ck_assert_ptr_null(offer.list[i]);
				else
					ck_assert_str_eq(offer.list[i], names[i]);
			}
			fdpass_offer_end(&offer);
		}
	}
	/* What is missing is waited for. */
	for (size_t end = OFFER_HEAD_SIZE; end < size; end++) {
		struct offer offer = OFFER_INIT;

		ck_assert_int_eq(read_header(&offer, bytes, end, 0, 3, &reason), -EAGAIN);
		fdpass_offer_end(&offer);
	}
	fdpass_set_free(set);
}
END_TEST

START_TEST(only_a_whole_head_is_one)
{
	unsigned char bytes[RAWRICH_HEAD + 1] = {0};

	rawrich_head(bytes, 1, 0);
	for (size_t size = 0; size <= sizeof(bytes); size++)
		ck_assert_int_eq(fdpass_offer_is_one(bytes, size), size >= RAWRICH_HEAD);
	for (size_t at = 0; at < RAWRICH_HEAD; at++) {
		bytes[at] ^= 0x40;
		/* Whatever the version, which is judged later, and the numbers. */
		ck_assert_int_eq(fdpass_offer_is_one(bytes, RAWRICH_HEAD), at >= 7);
		bytes[at] ^= 0x40;
	}
}
END_TEST

static const struct {
	uint32_t count, announced;
	const char *names;
	size_t size;
	int result;
} wrong[] = {
	{0, 0, "", 0, -EBADMSG},
	{0, 1, "", 1, -EBADMSG},
	{FDPASS_HANDOVER_MAX + 1, 0, "", 0, -E2BIG},
	{UINT32_MAX, 0, "", 0, -E2BIG},
	{UINT32_MAX, UINT32_MAX, "", 0, -E2BIG},
	{1, FDPASS_NAMES_MAX + 1, "", 0, -E2BIG},
	{1, UINT32_MAX, "", 0, -E2BIG},
	{2, 1, "", 1, -EBADMSG},
	{FDPASS_HANDOVER_MAX, FDPASS_HANDOVER_MAX - 1, "", 0, -EBADMSG},
	/* More than the names with the head. */
	{1, 0, "x", 1, -EBADMSG},
	{1, 2, "x\0y", 3, -EBADMSG},
	/* The wrong number of names. */
	{1, 2, "\0", 2, -EBADMSG},
	{2, 3, "ab", 3, -EBADMSG},
	{2, 6, "a\0b\0c", 6, -EBADMSG},
	{3, 4, "a\0b", 4, -EBADMSG},
	/* Without an end. */
	{1, 1, "x", 1, -EBADMSG},
	{2, 3, "a\0b", 3, -EBADMSG},
	/* What is no name. */
	{1, 4, "a:b", 4, -EBADMSG},
	{1, 3, "\x7f.", 3, -EBADMSG},
	{1, 3, "\n.", 3, -EBADMSG},
	{1, 3, "\xc3\xa4", 3, -EBADMSG},
	{2, 5, "ok\0\t", 5, -EBADMSG},
	/* And what is right. */
	{1, 0, "", 0, 0},
	{1, 1, "", 1, 0},
	{2, 2, "\0", 2, 0},
	{2, 5, "ab\0c", 5, 0},
	{FDPASS_HANDOVER_MAX, 0, "", 0, 0},
};

START_TEST(every_refusal)
{
	unsigned char bytes[RAWRICH_HEAD + 16] = {0};
	struct offer offer = OFFER_INIT;

	rawrich_head(bytes, wrong[_i].count, wrong[_i].announced);
	memcpy(bytes + RAWRICH_HEAD, wrong[_i].names, wrong[_i].size);
	ck_assert_int_eq(read_at_once(&offer, bytes, RAWRICH_HEAD + wrong[_i].size),
			 wrong[_i].result);
	fdpass_offer_end(&offer);
}
END_TEST

START_TEST(versions_that_are_not_ours)
{
	for (int version = 0; version < 256; version++) {
		unsigned char bytes[RAWRICH_HEAD];
		struct offer offer = OFFER_INIT;

		rawrich_head(bytes, 1, 0);
		bytes[7] = (unsigned char)version;
		ck_assert_int_eq(read_at_once(&offer, bytes, RAWRICH_HEAD),
				 version == 1 ? 0 : -EPROTONOSUPPORT);
		fdpass_offer_end(&offer);
	}
}
END_TEST

START_TEST(a_name_of_every_length)
{
	static unsigned char bytes[RAWRICH_HEAD + 300];

	for (uint32_t length = 0; length < 280; length++) {
		struct offer offer = OFFER_INIT;

		rawrich_head(bytes, 1, length + 1);
		memset(bytes + RAWRICH_HEAD, 'x', length);
		bytes[RAWRICH_HEAD + length] = '\0';
		ck_assert_int_eq(read_at_once(&offer, bytes, RAWRICH_HEAD + length + 1),
				 length <= FDPASS_NAME_MAX ? 0 : -EBADMSG);
		fdpass_offer_end(&offer);
	}
}
END_TEST

static uint32_t next_random(uint32_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state;
}

/* Changes a good header in a few places, or cuts it, and feeds it in pieces of every size. Whatever comes
 * of it: what is taken to be good is good, and no memory is used for what did not come. */
START_TEST(mutations)
{
	static const char *const names[] = {"alpha", NULL, "beta", "beta", "gamma-5", NULL};
	struct fdpass_set *set = make_set(6, names);
	size_t size = fdpass_offer_size(set);
	unsigned char good[128], bytes[128];
	uint32_t state = 2463534242u + (uint32_t)_i;
	int taken = 0;

	ck_assert_uint_lt(size, sizeof(good));
	fdpass_offer_encode(set, good);
	for (int round = 0; round < 40000; round++) {
		struct offer offer = OFFER_INIT;
		const char *reason = NULL;
		size_t end = size, first;
		int r;

		memcpy(bytes, good, size);
		for (uint32_t changes = next_random(&state) % 4; changes > 0; changes--) {
			size_t at = next_random(&state) % size;
			uint32_t what = next_random(&state);

			/* Single bits, ends of names, and anything. */
			bytes[at] = what % 3 == 0   ? bytes[at] ^ (unsigned char)(1u << what % 8)
				    : what % 3 == 1 ? 0
						    : (unsigned char)(what >> 8);
		}
		if (next_random(&state) % 4 == 0)
			end = OFFER_HEAD_SIZE + next_random(&state) % (size - OFFER_HEAD_SIZE + 1);
		if (!fdpass_offer_is_one(bytes, end))
			continue;
		first = next_random(&state) % (end - OFFER_HEAD_SIZE + 1);
		r = read_header(&offer, bytes, end, first, 1 + next_random(&state) % 9, &reason);
		ck_assert(r == 0 || r == -EAGAIN || r == -EBADMSG || r == -E2BIG ||
			  r == -EPROTONOSUPPORT);
		for (uint32_t i = 0; r == 0 && offer.list != NULL && i < offer.count; i++)
			ck_assert(offer.list[i] == NULL || fdpass_name_check(offer.list[i]) == 0);
		taken += r == 0;
		fdpass_offer_end(&offer);
	}
	ck_assert_int_gt(taken, 1000);
	fdpass_set_free(set);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("offer");
	TCase *tcase = descriptors_tcase("offer");
	TCase *exhaustive = descriptors_tcase_tagged("exhaustive");

	tcase_set_timeout(tcase, 20);
	tcase_set_timeout(exhaustive, 20);
	tcase_add_test(tcase, the_bytes_are_the_documented_ones);
	tcase_add_loop_test(tcase, without_names_there_is_nothing_behind_the_head, 0, 4);
	tcase_add_test(tcase, a_name_that_was_taken_back_is_none);
	tcase_add_test(exhaustive, a_stream_may_be_cut_anywhere);
	tcase_add_test(tcase, only_a_whole_head_is_one);
	tcase_add_loop_test(tcase, every_refusal, 0, sizeof(wrong) / sizeof(*wrong));
	tcase_add_test(tcase, versions_that_are_not_ours);
	tcase_add_test(tcase, a_name_of_every_length);
	tcase_add_loop_test(exhaustive, mutations, 0, 4);
	suite_add_tcase(suite, tcase);
	suite_add_tcase(suite, exhaustive);
	return suite_run(suite);
}
