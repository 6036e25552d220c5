/* SPDX-License-Identifier: MIT */
/* The receipt of a receiver that says nothing and keeps the connection is never missed: very often, since the
 * kernel's wake-up and what SIOCOUTQ says race with each other on two processors. */
#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

#include "base/deadline.h"
#include "base/fd.h"
#include "descriptors.h"
#include "driving.h"
#include "raw.h"
#include "suite.h"
#include "wire/outgoing.h"

#define ROUNDS 40000

/* Reads one message of each connection that it is told of, and leaves it open. */
static void *read_all(void *context)
{
	const int *orders = context;
	int connection;

	while (read(*orders, &connection, sizeof(connection)) == sizeof(connection)) {
		struct raw_message message;

		raw_receive(connection, 1, 0, &message);
		raw_close_all(&message);
	}
	return NULL;
}

static void hand_over(const struct fdpass_set *set, int orders)
{
	struct fdpass_wait wait = {fdpass_deadline_in(10 * NSEC_PER_SEC), -1};
	struct outgoing outgoing;
	enum fdpass_proof proof;
	int pair[2], r;

	raw_pair(pair);
	ck_assert_int_eq(fdpass_outgoing_begin(&outgoing, pair[0], FDPASS_CONFIRM_BEST), 0);
	ck_assert_int_eq(write(orders, &pair[1], sizeof(pair[1])), sizeof(pair[1]));
	while ((r = fdpass_outgoing_step(&outgoing, set, &proof)) == 0)
		ck_assert_int_eq(driving_outgoing(&outgoing, &wait), 0);
	ck_assert_int_eq(r, 1);
	ck_assert_int_eq(proof, FDPASS_PROOF_READ);
	fdpass_outgoing_end(&outgoing);
	close(pair[1]);
}

START_TEST(no_receipt_is_missed)
{
	struct fdpass_set *set = NULL;
	pthread_t reader;
	int orders[2];

	ck_assert_int_eq(pipe2(orders, O_CLOEXEC), 0);
	ck_assert_int_eq(fdpass_set_new(&set), 0);
	ck_assert_int_eq(fdpass_set_borrow(set, 0), 0);
	ck_assert_int_eq(pthread_create(&reader, NULL, read_all, &orders[0]), 0);
	for (int i = 0; i < ROUNDS; i++)
		hand_over(set, orders[1]);
	close(orders[1]);
	ck_assert_int_eq(pthread_join(reader, NULL), 0);
	close(orders[0]);
	fdpass_set_free(set);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("outgoing-wakeup");
	TCase *tcase = descriptors_tcase("outgoing-wakeup");

	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, no_receipt_is_missed);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
