/* SPDX-License-Identifier: MIT */
/* How a sender that waits for an abstract name is woken. */
#include "rendezvous/companion.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/fd.h"

/* FNV-1a, 64 bits. It need not resist anybody: a companion's name is guessable anyway. */
static uint64_t hash(const char *text)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);

	for (; *text != '\0'; text++) {
		h ^= (unsigned char)*text;
		h *= UINT64_C(0x100000001b3);
	}
	return h;
}

/* The address of slot 0; the others differ in the last byte. */
static socklen_t first_slot(const char *name, struct sockaddr_un *un)
{
	int length;

	memset(un, 0, sizeof(*un));
	un->sun_family = AF_UNIX;
	length = snprintf(un->sun_path + 1, sizeof(un->sun_path) - 1, "fdpass-wait/%016jx/0",
			  (uintmax_t)hash(name));
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)length);
}

/* Turns an address of first_slot() into that of another slot, which has one digit. */
static void choose_slot(struct sockaddr_un *un, socklen_t length, unsigned slot)
{
	((char *)un)[length - 1] = (char)('0' + slot);
}

int fdpass_companion_open(const char *name)
{
	fd_owned int companion = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct sockaddr_un un;
	socklen_t length = first_slot(name, &un);

	if (companion < 0)
		return -errno;
	for (unsigned slot = 0; slot < COMPANION_SLOTS; slot++) {
		choose_slot(&un, length, slot);
		if (bind(companion, (struct sockaddr *)&un, length) == 0)
			return fd_give(&companion);
		if (errno != EADDRINUSE)
			return -errno;
	}
	return -EADDRINUSE;
}

int fdpass_companion_drain(int companion)
{
	int poked = 0;

	/* The kernel holds 11 datagrams (net.unix.max_dgram_qlen); more come from a flood, and then
	 * the next wait ends at once again. No control buffer: nothing can be installed. */
	for (int i = 0; i < 16; i++) {
		char byte;

		if (recv(companion, &byte, sizeof(byte), MSG_DONTWAIT) < 0)
			break;
		poked = 1;
	}
	return poked;
}

/* Connecting to a slot where nobody is costs a third of a datagram for nobody (0.4 and 1.2 µs on Linux 6.18),
 * which is made before its address is looked up. The slots that are taken first come last: who is woken connects
 * while the receiver begins to wait, not while it pokes. */
void fdpass_companion_poke(const char *name)
{
	fd_owned int poker = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct sockaddr_un un;
	socklen_t length = first_slot(name, &un);

	if (poker < 0)
		return;
	for (unsigned slot = COMPANION_SLOTS; slot-- > 0;) {
		choose_slot(&un, length, slot);
		if (connect(poker, (struct sockaddr *)&un, length) == 0)
			send(poker, "", 0, MSG_NOSIGNAL);
	}
}
