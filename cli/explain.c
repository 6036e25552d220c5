/* SPDX-License-Identifier: MIT */
/* The library's error record in words, for what happens on the way between two processes. */
#include "cli/explain.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/wording.h"

#define FULL_TABLE "{where}: the table of open files is full ({errno}); raise the limit, ulimit -n"

static const struct cli_wording sending[] = {
	{FDPASS_STEP_ADDRESS, E2BIG, NULL,
	 "{where}: the names are too long; together they may have 6 MiB"},
	{FDPASS_STEP_ADDRESS, 0, NULL, "{where}: {text}"},
	{FDPASS_STEP_CONNECT, ECONNREFUSED, NULL,
	 "{where}: nobody is listening ({errno}); start the receiver first or use --blocking"},
	{FDPASS_STEP_CONNECT, ENOENT, NULL,
	 "{where}: no receiver is there ({errno}); start the receiver first or use --blocking"},
	{FDPASS_STEP_CONNECT, EACCES, NULL,
	 "{where}: not allowed to connect ({errno}); the receiver has to admit this user with "
	 "--from-user, and its directory to be open to this user"},
	{FDPASS_STEP_CONNECT, EPROTOTYPE, NULL,
	 "{where}: this is a socket of another type ({errno}); a receiver listens on a stream "
	 "socket"},
	{FDPASS_STEP_CONNECT, EBADF, NULL,
	 "{where}: it is not open ({errno}); --connected needs an inherited Unix socket"},
	{FDPASS_STEP_CONNECT, ENOTSOCK, NULL,
	 "{where}: this is not a socket ({errno}); --connected needs an inherited Unix socket"},
	{FDPASS_STEP_CONNECT, ENOTCONN, NULL,
	 "{where}: this socket is not connected ({errno}); --connected needs a connected Unix "
	 "stream socket"},
	{FDPASS_STEP_PEER, EPERM, NULL,
	 "{where}: the receiver is process {process} of user {user}, who may not have this; if it "
	 "should, name it with --to-user. Nothing was given"},
	{FDPASS_STEP_SEND, EINVAL, NULL,
	 "{where}: the kernel does not pass one of these descriptors ({errno}); an io_uring, for "
	 "one, cannot be passed"},
	{FDPASS_STEP_SEND, EPERM, NULL,
	 "{where}: the receiver takes no descriptors ({errno}): its SO_PASSRIGHTS is off"},
	{FDPASS_STEP_ANSWER, ECONNRESET, NULL,
	 "{where}: the receiver closed the connection without reading; nothing was given"},
	{FDPASS_STEP_ANSWER, EBUSY, NULL,
	 "{where}: not taken: {text}; nothing was given. With --blocking, fdsend waits for the "
	 "next receiver"},
	{FDPASS_STEP_ANSWER, EREMOTEIO, NULL, "{where}: the receiver refused: {text}"},
	{FDPASS_STEP_ANSWER, EPROTONOSUPPORT, NULL,
	 "{where}: the receiver ended without asking for them; it is too old to take names or more "
	 "than 253 descriptors, or was ended. Nothing was given"},
	{FDPASS_STEP_ANSWER, ECONNABORTED, "partly",
	 "{where}: the receiver ended in the middle of the handover; nothing was given"},
	{FDPASS_STEP_ANSWER, ECONNABORTED, NULL,
	 "{where}: the receiver ended without an answer; it cannot be told whether it had the "
	 "descriptors"},
	{FDPASS_STEP_ANSWER, EPROTO, "unasked",
	 "{where}: the receiver wrote something that is no word of fdrecv; nothing was given"},
	{FDPASS_STEP_ANSWER, EPROTO, NULL,
	 "{where}: the receiver wrote something that is no answer of fdrecv; it cannot be told "
	 "whether it has the descriptors. --no-confirm does not look at it"},
	{FDPASS_STEP_ANSWER, ENOMSG, "until",
	 "{where}: the descriptors were read, but who has them does not answer, so that it cannot "
	 "be told what becomes of them"},
	{FDPASS_STEP_START, ENOEXEC, NULL,
	 "{where}: accepted, but it could not be started: {text}"},
	{FDPASS_STEP_START, EOWNERDEAD, "killed",
	 "{where}: accepted, and then the receiver was killed; it cannot be told whether it had "
	 "started its command"},
	{FDPASS_STEP_START, EOWNERDEAD, "hidden",
	 "{where}: accepted, but the receiver is not visible in /proc; it cannot be told whether "
	 "it has started its command"},
	{FDPASS_STEP_START, EOWNERDEAD, "relay",
	 "{where}: accepted, but process {process} passes them on, as fdfwd does; it cannot be "
	 "told "
	 "what becomes of them there"},
	{FDPASS_STEP_START, EOWNERDEAD, NULL,
	 "{where}: accepted, and then the receiver ended; it cannot be told whether it had started "
	 "its command"},
	{FDPASS_STEP_START, EOPNOTSUPP, NULL,
	 "{where}: the kernel cannot tell who answers, which takes Linux 6.5 ({errno}); nothing "
	 "was given"},
	{FDPASS_STEP_ANSWER, ENOMSG, NULL,
	 "{where}: the descriptors were read, but who has them does not answer, as "
	 "--confirm=answer demands"},
	{FDPASS_STEP_WAIT, ETIMEDOUT, "sent",
	 "{where}: the time ran out before the receiver took the descriptors; as they are on their "
	 "way, it may still do so"},
	{FDPASS_STEP_WAIT, ETIMEDOUT, "stranger",
	 "{where}: the time ran out; who listens there is process {process} of user {user}, who "
	 "may not have this (--to-user). Nothing was given"},
	{FDPASS_STEP_WAIT, ETIMEDOUT, "denied",
	 "{where}: the time ran out, and this user is not allowed to connect; nothing was given"},
	{FDPASS_STEP_WAIT, ETIMEDOUT, "backlog",
	 "{where}: the time ran out; a receiver listens there and accepts nobody. Nothing was "
	 "given"},
	{FDPASS_STEP_WAIT, ETIMEDOUT, "accepted",
	 "{where}: the time ran out; the receiver has the descriptors, and has not started its "
	 "command"},
	{FDPASS_STEP_WAIT, ETIMEDOUT, "started",
	 "{where}: the time ran out; the command was started, and has not ended"},
	{FDPASS_STEP_WAIT, ETIMEDOUT, "old",
	 "{where}: the time ran out, and the receiver has not asked for them; it may be too old to "
	 "take names or more than 253 descriptors. Nothing was given"},
	{FDPASS_STEP_WAIT, ETIMEDOUT, "partly",
	 "{where}: the time ran out in the middle of the handover; nothing was given"},
	{FDPASS_STEP_WAIT, ETIMEDOUT, "unread",
	 "{where}: the time ran out; the last receiver closed without reading. Nothing was given"},
	{FDPASS_STEP_WAIT, ETIMEDOUT, NULL,
	 "{where}: the time ran out before there was a receiver; nothing was given"},
	{FDPASS_STEP_WAIT, ECANCELED, "sent",
	 "{where}: interrupted before the receiver took the descriptors; as they are on their way, "
	 "it may still do so"},
	{FDPASS_STEP_WAIT, ECANCELED, "accepted",
	 "{where}: interrupted; the receiver has the descriptors, and has not started its command"},
	{FDPASS_STEP_WAIT, ECANCELED, "started",
	 "{where}: interrupted; the command was started, and has not ended"},
	{FDPASS_STEP_WAIT, ECANCELED, NULL, "{where}: interrupted; nothing was given"},
	{FDPASS_STEP_ANSWER, 0, NULL,
	 "{where}: waiting for the answer failed: {errno}; it cannot be told whether the receiver "
	 "has the descriptors"},
};

static const struct cli_wording receiving[] = {
	{FDPASS_STEP_CONNECT, EBADF, NULL,
	 "{where}: it is not open ({errno}); --connected needs an inherited Unix socket"},
	{FDPASS_STEP_CONNECT, ENOTSOCK, NULL,
	 "{where}: this is not a socket ({errno}); --connected needs an inherited Unix socket"},
	{FDPASS_STEP_CONNECT, EPROTOTYPE, NULL,
	 "{where}: this is a socket of another type ({errno}); --connected needs a Unix stream "
	 "socket"},
	{FDPASS_STEP_CONNECT, ENOTCONN, NULL,
	 "{where}: this socket is not connected ({errno}); --connected needs a connected Unix "
	 "stream socket"},
	{FDPASS_STEP_PEER, EPERM, NULL,
	 "{where}: the connection was made by process {process} of user {user}, who is not "
	 "admitted; if it should be, name it with --from-user"},
	{FDPASS_STEP_RECEIVE, ECONNRESET, NULL,
	 "{where}: the other end closed it without sending a descriptor"},
	{FDPASS_STEP_RECEIVE, 0, "", "{where}: waiting for a sender failed: {errno}"},
	{FDPASS_STEP_RECEIVE, 0, NULL, "{where}: {text}"},
	{FDPASS_STEP_ADDRESS, 0, NULL, "{where}: {text}"},
	{FDPASS_STEP_LOCK, EWOULDBLOCK, NULL,
	 "{where}: a stale socket has this name, and another process holds the lock of its "
	 "directory; end that one, or remove the socket"},
	{FDPASS_STEP_LOCK, 0, NULL,
	 "{where}: a stale socket has this name, and its directory may not be read, which is "
	 "needed to lock it ({errno}); remove the socket"},
	{FDPASS_STEP_PUBLISH, EPERM, NULL,
	 "{where}: a stale socket has this name, and it is not ours to remove ({errno}); its owner "
	 "or root can, or choose another name"},
	{FDPASS_STEP_DIRECTORY, ENOENT, NULL,
	 "{where}: the directory is not there ({errno}); make it first"},
	{FDPASS_STEP_DIRECTORY, EACCES, NULL,
	 "{where}: not allowed to get to this directory ({errno}); choose one that this user may "
	 "write to"},
	{FDPASS_STEP_BIND, EACCES, NULL,
	 "{where}: not allowed to make a socket in this directory ({errno}); choose one that this "
	 "user may write to"},
	{FDPASS_STEP_WAIT, ETIMEDOUT, "lock",
	 "{where}: the time ran out; a stale socket has this name, and another process holds the "
	 "lock of its directory"},
	{FDPASS_STEP_WAIT, ETIMEDOUT, NULL,
	 "{where}: the time ran out before somebody who is admitted had sent what is wanted; "
	 "--verbose shows who came"},
};

static const struct cli_wording opening[] = {
	{FDPASS_STEP_RESOLVE, ENOENT, NULL, "{where}: there is no such host or service: {text}"},
	{FDPASS_STEP_RESOLVE, 0, NULL, "{where}: looking up the host failed: {text}"},
	{FDPASS_STEP_BIND, EACCES, NULL,
	 "{where}: not allowed to bind this address ({errno}); ports below 1024 need root or "
	 "CAP_NET_BIND_SERVICE, and a path write permission on its directory"},
	{FDPASS_STEP_BIND, EADDRINUSE, NULL,
	 "{where}: already in use ({errno}); choose another address or end the program that has "
	 "it"},
	{FDPASS_STEP_DIRECTORY, ENOENT, NULL,
	 "{where}: the directory is not there ({errno}); make it first"},
	{FDPASS_STEP_BIND, EADDRNOTAVAIL, NULL,
	 "{where}: this machine has no such address ({errno}); 'ip address' shows which it has"},
	{FDPASS_STEP_BIND, EPERM, NULL,
	 "{where}: not allowed to give the socket this owner ({errno}); that needs root"},
	{FDPASS_STEP_CONNECT, ECONNREFUSED, NULL,
	 "{where}: nobody listens there ({errno}); start the server first"},
	{FDPASS_STEP_CONNECT, ENOENT, NULL,
	 "{where}: there is no such socket ({errno}); start its server first"},
	{FDPASS_STEP_CONNECT, EACCES, NULL,
	 "{where}: not allowed to connect ({errno}); that takes write permission on the socket, "
	 "and the way to it has to be open to this user"},
	{FDPASS_STEP_OPEN, ENXIO, NULL,
	 "{where}: nobody reads this FIFO, or the device is not there ({errno})"},
	{FDPASS_STEP_OPEN, ENOENT, NULL,
	 "{where}: there is no such file ({errno}); it is not created here, but a shell does that, "
	 "as with --fd 3 3>FILE"},
	{FDPASS_STEP_OPEN, EACCES, NULL,
	 "{where}: this user may not open it so ({errno}); its owner or root may, or --mode may "
	 "ask for less"},
	{FDPASS_STEP_OPEN, EISDIR, NULL,
	 "{where}: a directory can only be opened with --mode r ({errno})"},
	{FDPASS_STEP_OPEN, ETXTBSY, NULL,
	 "{where}: a program that is running cannot be opened to write ({errno})"},
	{FDPASS_STEP_OPEN, EMFILE, NULL, FULL_TABLE},
	{FDPASS_STEP_OPEN, 0, NULL, "{where}: {errno}"},
	{FDPASS_STEP_WAIT, ETIMEDOUT, "lock",
	 "{where}: the time ran out; a stale socket has this name, and another process holds the "
	 "lock of its directory"},
	{FDPASS_STEP_WAIT, ETIMEDOUT, NULL,
	 "{where}: the time ran out before it was open; nothing was given"},
};

/* What both sides have in common; also the last resort. */
static const struct cli_wording either[] = {
	{FDPASS_STEP_RUNDIR, EPERM, NULL,
	 "{where}: the run directory is not safe: {text}; mend it, set FDPASS_RUNTIME_DIR, or use "
	 "a path"},
	{FDPASS_STEP_RUNDIR, 0, NULL,
	 "{where}: the run directory cannot be used ({errno}); set FDPASS_RUNTIME_DIR to a "
	 "directory of your own, or use a path"},
	{FDPASS_STEP_MEMORY, 0, NULL, "{where}: {errno}"},
};

/* A socket that is in use, whoever listens there. */
static const char *in_use(const struct fdpass_error *error)
{
	if (error->code == EADDRINUSE && error->peer.pid > 0)
		return "{where}: already in use by process {process}; choose another name or end "
		       "that one first";
	if (error->code == EADDRINUSE)
		return "{where}: already in use; choose another name or end the other receiver "
		       "first";
	if (error->code == EEXIST)
		return "{where}: something that is not a socket is there; choose another name or "
		       "remove it";
	return NULL;
}

/* Where nobody has logged in there is no /run/user/UID, and nobody will make it. */
static int lacks_run_directory(const char *where)
{
	struct stat status;
	char directory[32];
	unsigned user;
	int used = 0;

	if (sscanf(where, "/run/user/%u/%n", &user, &used) != 1 || used == 0)
		return 0;
	snprintf(directory, sizeof(directory), "/run/user/%u", user);
	return stat(directory, &status) < 0;
}

/* What a look at the path itself adds to the errno. */
static const char *look(const char *where, const struct fdpass_error *error)
{
	struct stat status;

	if (error->step == FDPASS_STEP_CONNECT && error->code == ECONNREFUSED &&
	    stat(where, &status) == 0 && !S_ISSOCK(status.st_mode))
		return "{where}: this is not a socket ({errno}); a SOCKSPEC is the path or the "
		       "name that the receiver was given";
	if (error->step == FDPASS_STEP_CONNECT && error->code == ENOENT &&
	    lacks_run_directory(where))
		return "{where}: no receiver is there ({errno}), and not even the user's run "
		       "directory; set FDPASS_RUNTIME_DIR on both sides, or use a path";
	if (error->step == FDPASS_STEP_WAIT && error->code == ETIMEDOUT && error->text[0] == '\0' &&
	    lacks_run_directory(where))
		return "{where}: the time ran out before there was a receiver, or even the user's "
		       "run directory; set FDPASS_RUNTIME_DIR on both sides, or use a path. "
		       "Nothing was given";
	return NULL;
}

static const char *explain(const struct cli_wording *table, size_t count, const char *where,
			   const struct fdpass_error *error, char *text, size_t size)
{
	const char *special = look(where, error);
	const char *pattern = special != NULL ? special : cli_wording_find(table, count, error);

	if (pattern == NULL &&
	    (error->step == FDPASS_STEP_BIND || error->step == FDPASS_STEP_PUBLISH))
		pattern = in_use(error);
	/* Whatever was to be opened. */
	if (pattern == NULL && error->code == EMFILE)
		pattern = FULL_TABLE;
	if (pattern == NULL)
		pattern = cli_wording_find(either, sizeof(either) / sizeof(*either), error);
	return cli_wording_fill(pattern, where, error, text, size);
}

const char *cli_explain_sending(const char *where, const struct fdpass_error *error, char *text,
				size_t size)
{
	return explain(sending, sizeof(sending) / sizeof(*sending), where, error, text, size);
}

const char *cli_explain_opening(const char *where, const struct fdpass_error *error, char *text,
				size_t size)
{
	return explain(opening, sizeof(opening) / sizeof(*opening), where, error, text, size);
}

const char *cli_explain_receiving(const char *where, const struct fdpass_error *error, char *text,
				  size_t size)
{
	return explain(receiving, sizeof(receiving) / sizeof(*receiving), where, error, text, size);
}
