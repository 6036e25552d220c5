/* SPDX-License-Identifier: MIT */
#ifndef TESTS_UNIT_RAWRICH_H
#define TESTS_UNIT_RAWRICH_H

/*
 * Both ends of a rich handover, written from fdpass-protocol(7) alone: plain system calls, and nothing of
 * the library's. They check as raw.h does in a child, and may be used in a test as well.
 */

#include "raw.h"

#define RAWRICH_HEAD 16

/* Writes a head: these are the only numbers in it, right or wrong. */
void rawrich_head(unsigned char bytes[RAWRICH_HEAD], uint32_t count, uint32_t names);

/* Sends a head and names, and nothing else. */
void rawrich_offer(int socket, uint32_t count, const char *names, uint32_t size);

/* Waits for greeting and "go on"; 1 when that is what came. */
int rawrich_may_go_on(int socket);

/* Sends one message with `count` duplicates of `fd`, 1 to 253. What sendmsg(2) says. */
ssize_t rawrich_pass(int socket, int fd, size_t count);

/* What a whole sender does, after its header: `count` duplicates of `fd`. */
void rawrich_pass_all(int socket, int fd, size_t count);

/* Reads a head and its names, a byte more than which is not there yet; returns the count. */
uint32_t rawrich_read_offer(int socket, char *names, size_t room, uint32_t *ret_size);

/* Takes `count` descriptors, in messages of at most 253 that say how many they have; each is closed, after
 * `see` (which may be NULL) was told of it. */
void rawrich_take(int socket, uint32_t count, void (*see)(void *context, uint32_t index, int fd),
		  void *context);

/* Writes a record without a text. */
void rawrich_say(int socket, char type, uint32_t count);

#endif
