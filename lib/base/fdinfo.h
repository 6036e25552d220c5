/* SPDX-License-Identifier: MIT */
#ifndef FDPASS_BASE_FDINFO_H
#define FDPASS_BASE_FDINFO_H

/* What the kernel says of one descriptor in /proc/PID/fdinfo, proc(5). */

struct fdpass_fdinfo {
	int flags;  /* open(2) */
	long mount; /* mnt_id, Linux 3.15; -1: not told */
	unsigned long long
		inode; /* ino, Linux 5.14; 0: not told. As the kernel numbers it: stat(2) may say another */
};

/* Reads that file, in a directory that is open or AT_FDCWD: 0, or a negative errno. */
int fdpass_fdinfo_read(int directory, const char *name, struct fdpass_fdinfo *ret_info);

/* Of a descriptor of this process. */
int fdpass_fdinfo_own(int fd, struct fdpass_fdinfo *ret_info);

#endif
