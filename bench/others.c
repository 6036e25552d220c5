/* SPDX-License-Identifier: MIT */
/*
 * The same work done by others: one descriptor changes hands, and a program that does nothing has it.
 *
 * Their command lines are in OTHER_FIRST and OTHER_SECOND, a word a line. OTHER_ORDER says when the second follows: at
 * the "end" of the first, when the first writes to descriptor READY that it is "ready", or when it "says" so on
 * stderr. In place of a second that is empty, this program connects to the socket "other".
 */
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "measure.h"
#include "programs.h"
#include "raw.h"

#define READY 50
#define WORDS_MAX 32

struct line {
	char text[1024];
	const char *words[WORDS_MAX + 1];
};

static void read_line(struct line *line, const char *name)
{
	const char *value = getenv(name);
	char *rest = line->text;
	size_t count = 0;

	snprintf(line->text, sizeof(line->text), "%s", value != NULL ? value : "");
	for (char *word;
	     count < WORDS_MAX && (word = strsep(&rest, "\n")) != NULL && *word != '\0';)
		line->words[count++] = word;
	line->words[count] = NULL;
}

/* Starts the first: what is handed over is its stdin, too. */
static pid_t start_first(const struct line *line, const char *order, int ready)
{
	posix_spawn_file_actions_t actions;
	pid_t child;
	int r;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, SOURCES, STDIN_FILENO);
	posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, ready,
					 strcmp(order, "says") == 0 ? STDERR_FILENO : READY);
	/* It changes none of them; its type is older than const. */
	r = posix_spawn(&child, line->words[0], &actions, NULL,
			(char *const *)(uintptr_t)line->words, environ);
	posix_spawn_file_actions_destroy(&actions);
	measure_must(r == 0 ? 0 : -1, line->words[0]);
	return child;
}

double handover_other(const struct subject *subject, enum side side)
{
	const char *order = getenv("OTHER_ORDER");
	struct line first, second;
	char path[128], byte;
	int64_t start, end;
	pid_t receiving;
	int ready[2];

	if (side == SIDE_PRODUCT)
		return handover(subject, side);
	read_line(&first, "OTHER_FIRST");
	read_line(&second, "OTHER_SECOND");
	snprintf(path, sizeof(path), "%s/other", subject->directory);
	measure_must(pipe2(ready, O_CLOEXEC), "pipe2");
	start = measure_now();
	receiving = start_first(&first, order, ready[1]);
	close(ready[1]);
	if (strcmp(order, "end") == 0)
		measure_finish(receiving, first.words[0]);
	else if (read(ready[0], &byte, 1) != 1)
		measure_must(-1, first.words[0]);
	if (second.words[0] != NULL)
		measure_finish(measure_start(second.words), second.words[0]);
	else
		close(raw_connect(path));
	if (strcmp(order, "end") != 0)
		measure_finish(receiving, first.words[0]);
	end = measure_now();
	close(ready[0]);
	unlink(path);
	return (double)(end - start);
}
