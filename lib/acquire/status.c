/* SPDX-License-Identifier: MIT */
/*
 * Why another process cannot be looked into. The kernel says EPERM or EACCES for half a dozen reasons; they
 * are found out by asking, afterwards and for the message only, what it asked: kernel/ptrace.c,
 * security/commoncap.c and security/yama/.
 */
#include "acquire/status.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"

#define STATUS_TEXT_MAX 8192
#define YAMA "/proc/sys/kernel/yama/ptrace_scope"

/* Reads all of a small file of /proc. */
static int read_text(int directory, const char *name, char *text, size_t size)
{
	fd_owned int fd = openat(directory, name, O_RDONLY | O_CLOEXEC);
	ssize_t length;

	if (fd < 0)
		return -errno;
	length = read(fd, text, size - 1);
	if (length < 0)
		return -errno;
	text[length] = '\0';
	return 0;
}

/* What follows "\nNAME:"; the first line is "Name:", whose value the kernel escapes. */
static const char *field(const char *text, const char *name)
{
	const char *found = strstr(text, name);

	return found != NULL ? found + strlen(name) : NULL;
}

static int parse_ids(const char *text, unsigned ids[STATUS_IDS])
{
	return text != NULL &&
	       sscanf(text, "%u %u %u %u", &ids[STATUS_REAL], &ids[STATUS_EFFECTIVE],
		      &ids[STATUS_SAVED], &ids[STATUS_FS]) == STATUS_IDS;
}

int fdpass_status_parse(const char *text, struct fdpass_status *ret_status)
{
	const char *state = field(text, "\nState:\t"), *permitted = field(text, "\nCapPrm:\t");
	const char *effective = field(text, "\nCapEff:\t");

	if (state == NULL || permitted == NULL || effective == NULL ||
	    !parse_ids(field(text, "\nUid:\t"), ret_status->uids) ||
	    !parse_ids(field(text, "\nGid:\t"), ret_status->gids))
		return -EPROTO;
	ret_status->state = *state;
	ret_status->permitted = strtoull(permitted, NULL, 16);
	ret_status->effective = strtoull(effective, NULL, 16);
	return 0;
}

int fdpass_status_read(int proc, struct fdpass_status *ret_status)
{
	char text[STATUS_TEXT_MAX];
	int r = read_text(proc, "status", text, sizeof(text));

	return r == 0 ? fdpass_status_parse(text, ret_status) : r;
}

int fdpass_status_is_dumping(int proc)
{
	char text[STATUS_TEXT_MAX];

	return read_text(proc, "status", text, sizeof(text)) == 0 &&
	       field(text, "\nCoreDumping:\t1") != NULL;
}

/* One caller's id against the real, effective and saved one of the other. */
static int all_equal(unsigned id, const unsigned ids[STATUS_IDS])
{
	return ids[STATUS_REAL] == id && ids[STATUS_EFFECTIVE] == id && ids[STATUS_SAVED] == id;
}

const char *fdpass_status_denial(enum denied denied, const struct fdpass_status *ours,
				 const struct fdpass_status *theirs, enum dumpable dumpable,
				 int yama)
{
	enum status_id id = denied == DENIED_DUPLICATE ? STATUS_REAL : STATUS_FS;
	uint64_t capabilities = denied == DENIED_DUPLICATE ? ours->permitted : ours->effective;
	int privileged = (ours->effective >> CAP_SYS_PTRACE & 1) != 0;

	if (!privileged && !all_equal(ours->uids[id], theirs->uids))
		return "user";
	if (!privileged && !all_equal(ours->gids[id], theirs->gids))
		return "group";
	if (!privileged && (theirs->permitted & ~capabilities) != 0)
		return "capabilities";
	if (!privileged && dumpable == DUMPABLE_NO)
		return "dumpable";
	/* Documentation/admin-guide/LSM/Yama.rst: 3 is for everybody. */
	if (denied == DENIED_DUPLICATE && yama > (privileged ? 2 : 0))
		return "yama";
	return "policy";
}

/* What belongs to a process that is not dumpable belongs to root in /proc, but for its directory:
 * proc(5), /proc/PID. */
static enum dumpable look_dumpable(int proc, const struct fdpass_status *theirs)
{
	struct stat status;

	if (fstatat(proc, "fd", &status, AT_SYMLINK_NOFOLLOW) < 0)
		return DUMPABLE_YES;
	return status.st_uid == theirs->uids[STATUS_EFFECTIVE] &&
			       status.st_gid == theirs->gids[STATUS_EFFECTIVE]
		       ? DUMPABLE_YES
		       : DUMPABLE_NO;
}

static const char *find_word(int proc, enum denied denied)
{
	fd_owned int self = open("/proc/thread-self", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct fdpass_status ours, theirs;
	char yama[16];

	if (proc < 0 || self < 0 || fdpass_status_read(self, &ours) < 0 ||
	    fdpass_status_read(proc, &theirs) < 0)
		return "policy";
	if (read_text(AT_FDCWD, YAMA, yama, sizeof(yama)) < 0)
		yama[0] = '\0';
	return fdpass_status_denial(denied, &ours, &theirs, look_dumpable(proc, &theirs),
				    atoi(yama));
}

int fdpass_pidref_deny(const struct fdpass_pidref *ref, struct fdpass_error *error,
		       enum denied denied, int code, int number)
{
	/* What is left of a process that has ended, or is about to, belongs to root. */
	if (fdpass_pidref_is_ending(ref) > 0)
		return fdpass_pidref_call_failed(ref, error, -ESRCH, number, "");
	if (error == NULL)
		return code;
	return fdpass_pidref_fail(ref, error, FDPASS_STEP_ACQUIRE, code, number,
				  find_word(ref->proc, denied));
}
