/* SPDX-License-Identifier: MIT */
#ifndef FDPASS_ACQUIRE_DEVICE_H
#define FDPASS_ACQUIRE_DEVICE_H

/* Character devices that are more than their number: Documentation/admin-guide/devices.txt. */

#include <sys/types.h>

/* 1 when opening it again gives another thing than what an open descriptor of it stands for. */
int fdpass_device_is_per_open(dev_t device);

/* 1 for both ends of pseudo-terminals. */
int fdpass_device_is_pty(dev_t device);

#endif
