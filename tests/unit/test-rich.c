/* SPDX-License-Identifier: MIT */
/* Rich handovers from end to end: what arrives, what is judged beforehand, and how many at once. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/deadline.h"
#include "base/fd.h"
#include "descriptors.h"
#include "raw.h"
#include "rawrich.h"
#include "receiving.h"
#include "scratch.h"
#include "sending.h"
#include "suite.h"

static struct receiving receiving;

/* Room for `size` numbers, or as many as this user may have; returns how many. */
static int set_table(int size)
{
	struct rlimit limit;

	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = (rlim_t)size;
	if (limit.rlim_max < limit.rlim_cur) {
		struct rlimit raised = {limit.rlim_cur, limit.rlim_cur};

		if (setrlimit(RLIMIT_NOFILE, &raised) == 0)
			return size;
		limit.rlim_cur = limit.rlim_max;
	}
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	return (int)limit.rlim_cur;
}

/* What a sender in a process of its own sends, and what is to become of it. */
struct job {
	int count;         /* event counters that begin with 0, 1, 2, ...; or, if negative, ... */
	int copies;        /* ... so many duplicates of one file */
	const char *names; /* a pattern for all of them, with a number; or NULL */
	int result;
	const char *text;
	int64_t patience; /* milliseconds */
};

static struct fdpass_set *make_set(const struct job *job)
{
	int count = job->count > 0 ? job->count : job->copies;
	int fd = job->count > 0 ? -1 : open("/dev/null", O_RDONLY | O_CLOEXEC);
	struct fdpass_set *set;
	char name[64];

	raw_check(fdpass_set_new(&set) == 0);
	for (int i = 0; i < count; i++) {
		if (job->count > 0)
			fd = eventfd((unsigned)i, EFD_CLOEXEC | EFD_NONBLOCK);
		raw_check(fd >= 0);
		raw_check((job->count > 0 ? fdpass_set_take : fdpass_set_borrow)(set, fd) == 0);
		if (job->names != NULL) {
			snprintf(name, sizeof(name), "%s%d", job->names, i / 2);
			raw_check(fdpass_set_rename(set, (size_t)i, name) == 0);
		}
	}
	return set;
}

static void send_job(void *context)
{
	const struct job *job = context;
	struct fdpass_set *set = make_set(job);
	struct sending sending;

	sending_init(&sending);
	sending.wait.deadline =
		fdpass_deadline_in((job->patience > 0 ? job->patience : 60000) * NSEC_PER_MSEC);
	raw_check(sending_run(&sending, "./s0", set) == job->result);
	raw_check(strcmp(sending.error.text, job->text != NULL ? job->text : "") == 0);
	if (job->result == 0) {
		raw_check(sending.delivery.proof == FDPASS_PROOF_ANSWER);
		raw_check(sending.delivery.installed == fdpass_set_count(set));
		raw_check(sending.events[FDPASS_EVENT_SENT] == 1);
		/* Plain ones make none. */
		raw_check((sending.events[FDPASS_EVENT_PROGRESS] >= 1) ==
			  (fdpass_set_count(set) > FDPASS_MESSAGE_MAX || job->names != NULL));
	}
	fdpass_set_free(set);
}

/* Takes the next handover, which has to have this count and these names, and answers it. */
static void take(const struct job *job)
{
	struct fdpass_handover *handover = receiving_next(&receiving, 60000);
	size_t count = (size_t)(job->count > 0 ? job->count : job->copies);
	struct fdpass_set *set;

	ck_assert_ptr_nonnull(handover);
	set = fdpass_handover_set(handover);
	ck_assert_uint_eq(fdpass_set_count(set), count);
	ck_assert_uint_eq(fdpass_handover_peer(handover).uid, geteuid());
	for (size_t i = 0; i < count; i++) {
		int fd = fdpass_set_get(set, i);
		char name[64];
		uint64_t value;

		if (job->count > 0 && i > 0) {
			ck_assert_int_eq(read(fd, &value, sizeof(value)), sizeof(value));
			ck_assert_uint_eq(value, i);
		}
		if (job->names == NULL) {
			ck_assert_ptr_null(fdpass_set_name(set, i));
			continue;
		}
		snprintf(name, sizeof(name), "%s%zu", job->names, i / 2);
		ck_assert_str_eq(fdpass_set_name(set, i), name);
	}
	fdpass_handover_accept(handover, (uint32_t)count);
	fdpass_handover_free(handover);
}

START_TEST(what_was_sent_arrives)
{
	static const struct job jobs[] = {
		{.count = 1, .names = "only"},   {.count = 2, .names = "both"},
		{.count = 253, .names = "full"}, {.count = 254},
		{.count = 506, .names = "two"},  {.count = 507},
		{.count = 5000, .names = "n"},   {.count = 1000},
	};
	struct job job = jobs[_i];
	pid_t child;

	set_table(20000);
	receiving_begin(&receiving, NULL, 1);
	child = raw_fork(send_job, &job);
	take(&job);
	raw_join(child);
	ck_assert_int_ge(receiving.events[FDPASS_EVENT_PROGRESS], 1);
	fdpass_receiver_free(receiving.receiver);
}
END_TEST

START_TEST(ten_thousand_of_them)
{
	struct job job = {.count = set_table(20000) - 200, .names = "event-counter-"};
	pid_t child;

	if (job.count > 10000)
		job.count = 10000;
	receiving_begin(&receiving, NULL, 1);
	child = raw_fork(send_job, &job);
	take(&job);
	raw_join(child);
	fdpass_receiver_free(receiving.receiver);
}
END_TEST

/* As many as the table may have, up to a hundred thousand, all of one file. */
START_TEST(as_many_as_may_be_open)
{
	struct job job = {.copies = set_table(100200) - 200, .names = _i == 1 ? "copy" : NULL};
	pid_t child;

	receiving_begin(&receiving, NULL, 1);
	child = raw_fork(send_job, &job);
	take(&job);
	raw_join(child);
	fdpass_receiver_free(receiving.receiver);
}
END_TEST

/* The other end written from the page: as sender, and as receiver. */
struct independent {
	int count, socket;
};

static void send_raw(void *context)
{
	const struct independent *end = context;
	int socket = raw_connect("s0");
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

	rawrich_offer(socket, (uint32_t)end->count, NULL, 0);
	raw_check(rawrich_may_go_on(socket));
	rawrich_pass_all(socket, null, (size_t)end->count);
	raw_check(raw_has_record(socket, 'A', (uint32_t)end->count, ""));
}

START_TEST(an_independent_sender)
{
	struct independent end = {.count = _i};
	struct job job = {.copies = _i};
	pid_t child;

	receiving_begin(&receiving, NULL, 1);
	child = raw_fork(send_raw, &end);
	take(&job);
	raw_join(child);
	fdpass_receiver_free(receiving.receiver);
}
END_TEST

static void see_counter(void *context, uint32_t index, int fd)
{
	uint64_t value;

	(void)context;
	if (index > 0)
		raw_check(read(fd, &value, sizeof(value)) == sizeof(value) && value == index);
}

static void receive_raw(void *context)
{
	const struct independent *end = context;
	int socket = accept(end->socket, NULL, NULL);
	static char names[65536];
	uint32_t size;

	raw_check(raw_send(socket, "fdpass/1", 8, NULL, 0) == 8);
	raw_check(rawrich_read_offer(socket, names, sizeof(names), &size) == (uint32_t)end->count);
	raw_check(size > (uint32_t)end->count && memcmp(names, "i0\0i0\0i1\0", 9) == 0);
	rawrich_say(socket, 'G', 0);
	rawrich_take(socket, (uint32_t)end->count, see_counter, NULL);
	rawrich_say(socket, 'A', (uint32_t)end->count);
}

START_TEST(an_independent_receiver)
{
	struct independent end = {.count = 600};
	struct job job = {.count = 600, .names = "i"};
	pid_t child;

	set_table(4000);
	end.socket = raw_listen("s0", 4);
	child = raw_fork(receive_raw, &end);
	raw_join(raw_fork(send_job, &job));
	raw_join(child);
	close(end.socket);
}
END_TEST

/* Takes whatever is offered, and closes each as it comes. */
static void receive_and_close(void *context)
{
	const struct independent *end = context;
	int socket = accept(end->socket, NULL, NULL);
	static char names[65536];
	uint32_t size;

	raw_check(raw_send(socket, "fdpass/1", 8, NULL, 0) == 8);
	raw_check(rawrich_read_offer(socket, names, sizeof(names), &size) == (uint32_t)end->count);
	rawrich_say(socket, 'G', 0);
	rawrich_take(socket, (uint32_t)end->count, NULL, NULL);
	rawrich_say(socket, 'A', (uint32_t)end->count);
}

/* Whatever this user may have open: they are one file, and nobody keeps them. */
START_TEST(a_hundred_thousand_of_them)
{
	struct independent end = {.count = 100000};
	struct job job = {.copies = 100000};
	pid_t child;

	end.socket = raw_listen("s0", 4);
	child = raw_fork(receive_and_close, &end);
	raw_join(raw_fork(send_job, &job));
	raw_join(child);
	close(end.socket);
}
END_TEST

/* What the receiver's program is asked, and how it answers. */
struct question {
	struct job job;
	int asked, answer;
	const char *reason;
};

static int consider(void *context, const struct fdpass_offer *offer,
		    char reason[FDPASS_REASON_MAX + 1])
{
	struct question *question = context;

	ck_assert_int_eq(offer->index, 0);
	ck_assert_uint_eq(offer->peer.uid, geteuid());
	ck_assert_int_gt(offer->peer.pid, 0);
	ck_assert_str_eq(reason, "");
	ck_assert_int_eq((int)offer->count, question->job.count);
	if (question->job.names == NULL)
		ck_assert_ptr_null(offer->names);
	else
		ck_assert_str_eq(offer->names[offer->count - 1], "last0");
	question->asked++;
	if (question->reason != NULL)
		snprintf(reason, FDPASS_REASON_MAX + 1, "%s", question->reason);
	return question->answer;
}

START_TEST(what_is_not_wanted_is_refused_before_it_is_sent)
{
	static const struct question questions[] = {
		{{.count = 2, .names = "last", .result = -EREMOTEIO, .text = "not these names"},
		 0,
		 -1,
		 "not these names"},
		{{.count = 300, .result = -EREMOTEIO, .text = "the receiver does not want it"},
		 0,
		 -EINVAL,
		 NULL},
		{{.count = 300, .result = 0}, 0, 0, "not looked at"},
	};
	struct question question = questions[_i];
	pid_t child;

	receiving_begin(&receiving, NULL, 1);
	fdpass_receiver_consider(receiving.receiver, consider, &question);
	child = raw_fork(send_job, &question.job);
	if (question.answer == 0) {
		take(&question.job);
	} else {
		while (receiving.events[FDPASS_EVENT_TURNED_AWAY] == 0)
			ck_assert_ptr_null(receiving_next(&receiving, 1));
		ck_assert_int_eq(receiving.events[FDPASS_EVENT_PROGRESS], 0);
	}
	ck_assert_int_eq(question.asked, 1);
	raw_join(child);
	fdpass_receiver_free(receiving.receiver);
}
END_TEST

/* A plain handover is complete before it can be judged: nobody is asked. */
START_TEST(a_plain_one_is_no_offer)
{
	struct question question = {.answer = -1};
	int caller;

	receiving_begin(&receiving, NULL, 1);
	fdpass_receiver_consider(receiving.receiver, consider, &question);
	caller = raw_connect("s0");
	ck_assert_int_eq(raw_send_one(caller), 1);
	fdpass_handover_free(receiving_next(&receiving, 1000));
	ck_assert_int_eq(question.asked, 0);
	close(caller);
	fdpass_receiver_free(receiving.receiver);
}
END_TEST

static void send_and_be_told(void *context)
{
	int socket = raw_connect("s0");

	(void)context;
	rawrich_offer(socket, 400, NULL, 0);
	raw_check(raw_has_greeting(socket));
	raw_check(raw_has_record(socket, 'R', 0,
				 "the receiver may have 400 descriptors open, and 400 are "
				 "offered"));
}

static int raise_limit(void *context, const struct fdpass_offer *offer,
		       char reason[FDPASS_REASON_MAX + 1])
{
	(void)context;
	(void)reason;
	raw_set_table((int)offer->count + 100);
	return 0;
}

START_TEST(more_than_the_table_has)
{
	struct job job = {.copies = 400};
	pid_t child;

	receiving_begin(&receiving, NULL, 1);
	raw_set_table(400);
	child = raw_fork(send_and_be_told, NULL);
	while (receiving.events[FDPASS_EVENT_TURNED_AWAY] == 0)
		ck_assert_ptr_null(receiving_next(&receiving, 1));
	raw_join(child);
	/* Whoever judges it may raise the limit. */
	fdpass_receiver_consider(receiving.receiver, raise_limit, NULL);
	child = raw_fork(send_job, &job);
	take(&job);
	raw_join(child);
	fdpass_receiver_free(receiving.receiver);
}
END_TEST

START_TEST(names_that_are_too_long_together)
{
	char name[FDPASS_NAME_MAX + 1];
	struct sending sending;
	struct fdpass_set *set;

	memset(name, 'n', FDPASS_NAME_MAX);
	name[FDPASS_NAME_MAX] = '\0';
	ck_assert_int_eq(fdpass_set_new(&set), 0);
	for (int i = 0; i <= FDPASS_NAMES_MAX / (FDPASS_NAME_MAX + 1); i++) {
		ck_assert_int_eq(fdpass_set_borrow(set, 0), 0);
		ck_assert_int_eq(fdpass_set_rename(set, (size_t)i, name), 0);
	}
	sending_init(&sending);
	ck_assert_int_eq(sending_run(&sending, "./s0", set), -E2BIG);
	ck_assert_int_eq(sending.error.step, FDPASS_STEP_ADDRESS);
	/* One less is just as much as may be. */
	fdpass_set_truncate(set, FDPASS_NAMES_MAX / (FDPASS_NAME_MAX + 1));
	ck_assert_int_eq(sending_run(&sending, "./s0", set), -ENOENT);
	fdpass_set_free(set);
}
END_TEST

/* An ordinary user with a small limit on open files, which is the one on descriptors on their way too. */
static void two_at_once(void *context)
{
	struct job job = {.copies = 200, .names = *(int *)context ? "n" : NULL};
	pid_t children[2];

	raw_become_somebody();
	raw_set_table(300);
	receiving_begin(&receiving, NULL, 1);
	for (int i = 0; i < 2; i++)
		children[i] = raw_fork(send_job, &job);
	for (int i = 0; i < 2; i++) {
		struct fdpass_handover *handover = receiving_next(&receiving, 10000);

		raw_check(handover != NULL);
		raw_check(fdpass_set_count(fdpass_handover_set(handover)) == 200);
		fdpass_handover_accept(handover, 200);
		fdpass_handover_free(handover);
	}
	for (int i = 0; i < 2; i++)
		raw_join(children[i]);
	fdpass_receiver_free(receiving.receiver);
}

START_TEST(two_of_two_hundred_with_a_limit_of_three_hundred)
{
	int named = _i;

	scratch_open_to_others();
	ck_assert_int_eq(chmod(".", 0777), 0);
	raw_join(raw_fork(two_at_once, &named));
}
END_TEST

/* Far more than the sender may have on its way: it waits, and does not spin. */
static void send_many(void *context)
{
	struct job job = {.copies = *(int *)context};
	int64_t used;

	raw_become_somebody();
	raw_set_table(300);
	used = raw_cpu_ms();
	send_job(&job);
	raw_check(raw_cpu_ms() - used < 1000);
}

/* Somebody else of this user has too much on its way, for as long as it likes. */
static void be_held_up(void *context)
{
	struct job job = {.copies = 300,
			  .result = -ETIMEDOUT,
			  .text = *(int *)context ? "partly" : "",
			  .patience = 500};
	int stuffed[2], many[100];
	int64_t used;

	if (*(int *)context == 0)
		job.copies = 200;
	raw_become_somebody();
	raw_set_table(300);
	raw_pair(stuffed);
	for (int i = 0; i < 100; i++)
		many[i] = stuffed[0];
	while (raw_send(stuffed[0], "x", 1, many, 100) == 1)
		;
	used = raw_cpu_ms();
	send_job(&job);
	raw_check(raw_cpu_ms() - used < 100);
}

/* It waits, which is not to wake itself up. */
START_TEST(too_many_on_their_way_by_others)
{
	struct fdpass_rule *rule;
	int rich = _i;
	pid_t child;
	int status;

	scratch_open_to_others();
	ck_assert_int_eq(fdpass_rule_new(&rule), 0);
	ck_assert_int_eq(fdpass_rule_admit_anyone(rule), 0);
	receiving_begin(&receiving, rule, 1);
	child = raw_fork(be_held_up, &rich);
	while (waitpid(child, &status, WNOHANG) == 0)
		ck_assert_ptr_null(receiving_next(&receiving, 10));
	ck_assert_int_eq(status, 0);
	fdpass_receiver_free(receiving.receiver);
	fdpass_rule_free(rule);
}
END_TEST

START_TEST(far_more_than_may_be_on_its_way)
{
	struct fdpass_handover *handover;
	struct fdpass_rule *rule;
	int count = set_table(20000) - 200;
	pid_t child;

	if (count > 10000)
		count = 10000;
	scratch_open_to_others();
	ck_assert_int_eq(fdpass_rule_new(&rule), 0);
	ck_assert_int_eq(fdpass_rule_admit_anyone(rule), 0);
	receiving_begin(&receiving, rule, 1);
	child = raw_fork(send_many, &count);
	handover = receiving_next(&receiving, 30000);
	ck_assert_ptr_nonnull(handover);
	ck_assert_int_eq((int)fdpass_set_count(fdpass_handover_set(handover)), count);
	fdpass_handover_accept(handover, (uint32_t)count);
	raw_join(child);
	fdpass_handover_free(handover);
	fdpass_receiver_free(receiving.receiver);
	fdpass_rule_free(rule);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("rich");
	TCase *tcase = descriptors_tcase("rich");
	TCase *limited = descriptors_tcase_tagged("limits");

	scratch_add(tcase);
	scratch_add(limited);
	tcase_set_timeout(tcase, 60);
	tcase_set_timeout(limited, 60);
	tcase_add_loop_test(tcase, what_was_sent_arrives, 0, 8);
	tcase_add_test(tcase, ten_thousand_of_them);
	tcase_add_loop_test(tcase, as_many_as_may_be_open, 0, 2);
	tcase_add_test(tcase, a_hundred_thousand_of_them);
	tcase_add_loop_test(tcase, an_independent_sender, 1, 4);
	tcase_add_loop_test(tcase, an_independent_sender, 506, 508);
	tcase_add_test(tcase, an_independent_receiver);
	tcase_add_loop_test(tcase, what_is_not_wanted_is_refused_before_it_is_sent, 0, 3);
	tcase_add_test(tcase, a_plain_one_is_no_offer);
	tcase_add_test(tcase, more_than_the_table_has);
	tcase_add_test(tcase, names_that_are_too_long_together);
	tcase_add_loop_test(tcase, two_of_two_hundred_with_a_limit_of_three_hundred, 0, 2);
	tcase_add_test(tcase, far_more_than_may_be_on_its_way);
	tcase_add_loop_test(limited, too_many_on_their_way_by_others, 0, 2);
	suite_add_tcase(suite, tcase);
	suite_add_tcase(suite, limited);
	return suite_run(suite);
}
