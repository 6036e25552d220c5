/* SPDX-License-Identifier: MIT */
/* Both ends of a rich handover as somebody would write them who has read the page. */
#include "rawrich.h"

#include <string.h>
#include <unistd.h>

static void put(unsigned char *bytes, uint32_t value)
{
	for (int i = 0; i < 4; i++)
		bytes[i] = (unsigned char)(value >> (24 - 8 * i));
}

static uint32_t get(const unsigned char *bytes)
{
	uint32_t value = 0;

	for (int i = 0; i < 4; i++)
		value = value << 8 | bytes[i];
	return value;
}

void rawrich_head(unsigned char bytes[RAWRICH_HEAD], uint32_t count, uint32_t names)
{
	static const unsigned char magic[] = {0x89, 0x66, 0x64, 0x70, 0x61, 0x73, 0x73, 0x01};

	memcpy(bytes, magic, sizeof(magic));
	put(bytes + 8, count);
	put(bytes + 12, names);
}

void rawrich_offer(int socket, uint32_t count, const char *names, uint32_t size)
{
	unsigned char head[RAWRICH_HEAD];

	rawrich_head(head, count, size);
	raw_check(raw_send(socket, head, sizeof(head), NULL, 0) == RAWRICH_HEAD);
	if (size > 0)
		raw_check(raw_send(socket, names, size, NULL, 0) == (ssize_t)size);
}

int rawrich_may_go_on(int socket)
{
	return raw_has_greeting(socket) && raw_has_record(socket, 'G', 0, "");
}

ssize_t rawrich_pass(int socket, int fd, size_t count)
{
	unsigned char said = (unsigned char)count;
	int fds[253];

	for (size_t i = 0; i < count; i++)
		fds[i] = fd;
	return raw_send(socket, &said, 1, fds, count);
}

void rawrich_pass_all(int socket, int fd, size_t count)
{
	while (count > 0) {
		size_t part = count < 253 ? count : 253;

		raw_check(rawrich_pass(socket, fd, part) == 1);
		count -= part;
	}
}

uint32_t rawrich_read_offer(int socket, char *names, size_t room, uint32_t *ret_size)
{
	static const char magic[] = "\x89"
				    "fdpass\x01";
	static struct raw_message message;
	const unsigned char *head = (const unsigned char *)message.bytes;
	uint32_t count, size;

	raw_receive(socket, RAWRICH_HEAD, 0, &message);
	raw_check(message.size == RAWRICH_HEAD && message.count == 0);
	raw_check(memcmp(head, magic, 8) == 0);
	count = get(head + 8);
	size = get(head + 12);
	raw_check(size <= room);
	if (size > 0)
		raw_check(raw_read(socket, names, size) == (ssize_t)size);
	*ret_size = size;
	return count;
}

void rawrich_take(int socket, uint32_t count, void (*see)(void *context, uint32_t index, int fd),
		  void *context)
{
	static struct raw_message message;
	uint32_t taken = 0;

	while (taken < count) {
		raw_receive(socket, 1, 0, &message);
		raw_check(message.size == 1 && (message.flags & MSG_CTRUNC) == 0);
		raw_check(message.count >= 1 && message.count <= 253);
		raw_check((unsigned char)message.bytes[0] == message.count);
		for (size_t i = 0; see != NULL && i < message.count; i++)
			see(context, taken + (uint32_t)i, message.fds[i]);
		taken += (uint32_t)message.count;
		raw_close_all(&message);
	}
	raw_check(taken == count);
}

void rawrich_say(int socket, char type, uint32_t count)
{
	unsigned char record[8] = {(unsigned char)type};

	put(record + 4, count);
	raw_check(raw_send(socket, record, sizeof(record), NULL, 0) == 8);
}
