/* SPDX-License-Identifier: MIT */
/* A file of FUSE whose daemon answers everything but that it is closed: Documentation/filesystems/fuse. */
#include "fusing.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define FILE_NODE 2
#define ROOM (FUSE_MIN_READ_BUFFER + 4096)
#define FOR_EVER 100000 /* seconds */

static void answer(int device, uint64_t unique, int code, const void *data, size_t size)
{
	char bytes[512];
	struct fuse_out_header header = {
		.len = (uint32_t)(sizeof(header) + size), .error = code, .unique = unique};

	memcpy(bytes, &header, sizeof(header));
	if (size > 0)
		memcpy(bytes + sizeof(header), data, size);
	/* It says ENOENT when who asked has gone. */
	if (write(device, bytes, header.len) < 0 && errno != ENOENT)
		_exit(1);
}

static struct fuse_attr attributes(uint64_t node)
{
	return (struct fuse_attr){.ino = node,
				  .mode = node == FUSE_ROOT_ID ? S_IFDIR | 0755 : S_IFREG | 0644,
				  .nlink = 1};
}

static void answer_one(int device, const struct fuse_in_header *request)
{
	struct fuse_init_out init = {.major = FUSE_KERNEL_VERSION, .minor = 31, .max_write = 4096};
	struct fuse_entry_out entry = {.nodeid = FILE_NODE,
				       .entry_valid = FOR_EVER,
				       .attr_valid = FOR_EVER,
				       .attr = attributes(FILE_NODE)};
	struct fuse_attr_out status = {.attr_valid = FOR_EVER, .attr = attributes(request->nodeid)};
	struct fuse_open_out opened = {.fh = 1};
	struct fuse_statfs_out system = {.st = {.namelen = 255}};

	switch (request->opcode) {
	case FUSE_INIT:
		answer(device, request->unique, 0, &init, sizeof(init));
		break;
	case FUSE_LOOKUP:
		answer(device, request->unique, 0, &entry, sizeof(entry));
		break;
	case FUSE_GETATTR:
		answer(device, request->unique, 0, &status, sizeof(status));
		break;
	case FUSE_OPEN:
		answer(device, request->unique, 0, &opened, sizeof(opened));
		break;
	case FUSE_STATFS:
		answer(device, request->unique, 0, &system, sizeof(system));
		break;
	case FUSE_RELEASE:
		answer(device, request->unique, 0, NULL, 0);
		break;
	case FUSE_FLUSH:
	case FUSE_FORGET:
	case FUSE_BATCH_FORGET:
	case FUSE_INTERRUPT:
		break;
	default:
		answer(device, request->unique, -ENOSYS, NULL, 0);
	}
}

static _Noreturn void serve(int device)
{
	static union {
		char bytes[ROOM];
		struct fuse_in_header header;
	} request;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;) {
		if (read(device, &request, sizeof(request)) > 0)
			answer_one(device, &request.header);
		else if (errno != EINTR && errno != ENOENT)
			_exit(0);
	}
}

int fusing_start(struct fusing *fusing)
{
	char options[128], folder[64], path[80];
	int device = open("/dev/fuse", O_RDWR | O_CLOEXEC), fd;

	if (device < 0 || unshare(CLONE_NEWNS) < 0)
		return -errno;
	ck_assert_int_eq(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
	snprintf(folder, sizeof(folder), "fuse-%d", (int)getpid());
	snprintf(path, sizeof(path), "%s/file", folder);
	snprintf(options, sizeof(options), "fd=%d,rootmode=40000,user_id=%d,group_id=%d", device,
		 (int)geteuid(), (int)getegid());
	ck_assert_int_eq(mkdir(folder, 0700), 0);
	if (mount("fdpass", folder, "fuse", MS_NOSUID | MS_NODEV, options) < 0) {
		int code = errno;

		close(device);
		rmdir(folder);
		return -code;
	}
	fusing->daemon = fork();
	ck_assert_int_ge(fusing->daemon, 0);
	if (fusing->daemon == 0)
		serve(device);
	close(device);
	fd = open(path, O_RDWR | O_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(umount2(folder, MNT_DETACH), 0);
	ck_assert_int_eq(rmdir(folder), 0);
	return fd;
}

void fusing_end(struct fusing *fusing)
{
	ck_assert_int_eq(kill(fusing->daemon, SIGKILL), 0);
	ck_assert_int_eq(waitpid(fusing->daemon, NULL, 0), fusing->daemon);
}
