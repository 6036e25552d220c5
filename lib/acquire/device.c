/* SPDX-License-Identifier: MIT */
/* Which devices are made anew, or are chosen by who asks, when they are opened. */
#include "acquire/device.h"

#include <sys/sysmacros.h>

#define PTY_MASTER_MAJOR 5 /* with PTY_MASTER_MINOR: /dev/ptmx */
#define PTY_MASTER_MINOR 2
#define PTY_SLAVE_FIRST 136 /* /dev/pts/ */
#define PTY_SLAVE_LAST 143

int fdpass_device_is_per_open(dev_t device)
{
	static const struct {
		unsigned major, minor;
	} devices[] = {
		{5, 0},    /* /dev/tty: the terminal of whoever opens it */
		{5, 2},    /* /dev/ptmx: a new pseudo-terminal */
		{10, 200}, /* /dev/net/tun: attached to an interface after it is opened */
		{10, 223}, /* /dev/uinput: an input device of its own */
		{10, 229}, /* /dev/fuse: a mount of its own */
		{108, 0},  /* /dev/ppp: a unit of its own */
	};

	for (size_t i = 0; i < sizeof(devices) / sizeof(*devices); i++) {
		if (major(device) == devices[i].major && minor(device) == devices[i].minor)
			return 1;
	}
	return 0;
}

int fdpass_device_is_pty(dev_t device)
{
	return (major(device) == PTY_MASTER_MAJOR && minor(device) == PTY_MASTER_MINOR) ||
	       (major(device) >= PTY_SLAVE_FIRST && major(device) <= PTY_SLAVE_LAST);
}
