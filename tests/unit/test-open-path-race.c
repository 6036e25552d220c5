/* SPDX-License-Identifier: MIT */
/* Sockets at a path that are opened to be given away, while others want the name or try the door. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "descriptors.h"
#include "opening.h"
#include "raw.h"
#include "scratch.h"
#include "suite.h"

#define ROUNDS 300

static const struct {
	const char *text;
	int type;
} kinds[] = {
	{"unix:made", SOCK_STREAM},
	{"unix-dgram:made", SOCK_DGRAM},
	{"unix-seqpacket:made", SOCK_SEQPACKET},
};

/* One of the children, and what it does at each byte. */
struct player {
	int pair[2];
	int kind;
};

static void begin(struct player *player, void (*run)(void *), int kind, pid_t *ret_pid)
{
	raw_pair(player->pair);
	player->kind = kind;
	*ret_pid = raw_fork(run, player);
	close(player->pair[1]);
}

static void end(struct player *player, pid_t pid)
{
	/* Another child may have inherited this end. */
	ck_assert_int_eq(shutdown(player->pair[0], SHUT_WR), 0);
	raw_join(pid);
	close(player->pair[0]);
}

static void tell(const struct player *player)
{
	ck_assert_int_eq(write(player->pair[0], "!", 1), 1);
}

static char hear(const struct player *player)
{
	char byte;

	ck_assert_int_eq(raw_read(player->pair[0], &byte, 1), 1);
	return byte;
}

/* At each byte: opens it, says what came of it, and keeps it until the next byte. */
static void open_on_demand(void *context)
{
	const struct player *player = context;
	char byte;

	close(player->pair[0]);
	umask(0);
	while (read(player->pair[1], &byte, 1) == 1) {
		struct fdpass_error error = FDPASS_ERROR_INIT;
		struct fdpass_listener *listener = NULL;
		int r = opening_try(kinds[player->kind].text, NULL, &listener, &error);

		raw_check(r == 0 || (r == -EADDRINUSE && error.step == FDPASS_STEP_PUBLISH));
		raw_check(write(player->pair[1], r == 0 ? "1" : "0", 1) == 1);
		raw_check(read(player->pair[1], &byte, 1) == 1);
		fdpass_listener_close(listener);
		raw_check(write(player->pair[1], ".", 1) == 1);
	}
}

/* Two who want the name at once, free or with something stale: one has it, the other is told. */
START_TEST(one_of_two_wins)
{
	int kind = _i % 3, is_stale = _i / 3;
	struct player players[2];
	pid_t children[2];

	for (int i = 0; i < 2; i++)
		begin(&players[i], open_on_demand, kind, &children[i]);
	for (int round = 0; round < ROUNDS; round++) {
		int winners = 0;

		if (is_stale)
			close(raw_listen("made", 1));
		for (int i = 0; i < 2; i++)
			tell(&players[i]);
		for (int i = 0; i < 2; i++)
			winners += hear(&players[i]) == '1';
		ck_assert_int_eq(winners, 1);
		ck_assert_int_eq(opening_connects_to("made", kinds[kind].type), 0);
		for (int i = 0; i < 2; i++)
			tell(&players[i]);
		for (int i = 0; i < 2; i++)
			ck_assert_int_eq(hear(&players[i]), '.');
		ck_assert_int_eq(access("made", F_OK), -1);
	}
	for (int i = 0; i < 2; i++)
		end(&players[i], children[i]);
}
END_TEST

/* At each byte: tries the door until it finds one, and once more; it is never open. */
static void knock(void *context)
{
	const struct player *player = context;
	char byte;

	close(player->pair[0]);
	raw_become_nobody();
	while (read(player->pair[1], &byte, 1) == 1) {
		int found;

		do {
			found = opening_connects_to("made", kinds[player->kind].type);
			raw_check(found == -EACCES || found == -ENOENT);
		} while (found != -EACCES);
		raw_check(write(player->pair[1], "1", 1) == 1);
		raw_check(read(player->pair[1], &byte, 1) == 1);
		raw_check(opening_connects_to("made", kinds[player->kind].type) == -EACCES);
		raw_check(write(player->pair[1], ".", 1) == 1);
	}
}

START_TEST(who_may_not_connect_never_gets_through)
{
	struct fdpass_open_options options = FDPASS_OPEN_OPTIONS_INIT;
	struct player player;
	pid_t child;

	umask(0);
	scratch_open_to_others();
	/* Root may always, and becomes another user; others are kept out of what is theirs by its mode. */
	options.mode = geteuid() == 0 ? 0600 : 0400;
	begin(&player, knock, _i, &child);
	for (int round = 0; round < ROUNDS; round++) {
		struct fdpass_listener *listener;

		tell(&player);
		listener = opening_listen(kinds[_i].text, &options);
		ck_assert_int_eq(hear(&player), '1');
		tell(&player);
		ck_assert_int_eq(hear(&player), '.');
		fdpass_listener_close(listener);
	}
	end(&player, child);
}
END_TEST

/* Who may connect finds nothing, or is refused for a moment, and then is let in. */
START_TEST(who_may_gets_through_once_it_listens)
{
	struct player player;
	pid_t child;

	begin(&player, open_on_demand, _i, &child);
	for (int round = 0; round < ROUNDS; round++) {
		int found;

		tell(&player);
		do {
			found = opening_connects_to("made", kinds[_i].type);
			ck_assert(found == 0 || found == -ENOENT || found == -ECONNREFUSED ||
				  (kinds[_i].type == SOCK_DGRAM && found == -EACCES));
		} while (found != 0);
		ck_assert_int_eq(hear(&player), '1');
		tell(&player);
		ck_assert_int_eq(hear(&player), '.');
	}
	end(&player, child);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("open-path-race");
	TCase *tcase = descriptors_tcase("open-path-race");
	TCase *exhaustive = descriptors_tcase_tagged("exhaustive");

	scratch_add(tcase);
	scratch_add(exhaustive);
	tcase_set_timeout(tcase, 30);
	tcase_set_timeout(exhaustive, 30);
	tcase_add_loop_test(exhaustive, one_of_two_wins, 0, 6);
	tcase_add_loop_test(tcase, who_may_not_connect_never_gets_through, 0, 3);
	tcase_add_loop_test(tcase, who_may_gets_through_once_it_listens, 0, 3);
	suite_add_tcase(suite, tcase);
	suite_add_tcase(suite, exhaustive);
	return suite_run(suite);
}
