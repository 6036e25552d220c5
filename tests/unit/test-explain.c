/* SPDX-License-Identifier: MIT */
/* The error record in words: each failure and its exact message. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cli/explain.h"
#include "descriptors.h"
#include "suite.h"

#define PEER_NONE                                                                                  \
	{                                                                                          \
		0, (uid_t)-1, (gid_t)-1                                                            \
	}

struct failure {
	enum fdpass_step step;
	int code;
	const char *text;
	const char *message; /* with "<>" for what the C library calls the error */
	struct fdpass_peer peer;
};

static const struct failure sending[] = {
	{FDPASS_STEP_ADDRESS, EINVAL, "the name of the socket is empty",
	 "s: the name of the socket is empty", PEER_NONE},
	{FDPASS_STEP_CONNECT, ECONNREFUSED, "",
	 "s: nobody is listening (<>); start the receiver first or use --blocking", PEER_NONE},
	{FDPASS_STEP_CONNECT, ENOENT, "",
	 "s: no receiver is there (<>); start the receiver first or use "
	 "--blocking",
	 PEER_NONE},
	{FDPASS_STEP_CONNECT, EACCES, "",
	 "s: not allowed to connect (<>); the receiver has to admit this user with "
	 "--from-user, and its directory to be open to this user",
	 PEER_NONE},
	{FDPASS_STEP_CONNECT, EPROTOTYPE, "",
	 "s: this is a socket of another type (<>); a receiver listens on "
	 "a stream socket",
	 PEER_NONE},
	{FDPASS_STEP_CONNECT, ELOOP, "", "s: connecting failed: <>", PEER_NONE},
	{FDPASS_STEP_PEER,
	 EPERM,
	 "",
	 "s: the receiver is process 42 of user 1001, who may not have this; if it should, name it "
	 "with --to-user. Nothing was given",
	 {42, 1001, 1002}},
	{FDPASS_STEP_PEER, ENOTCONN, "", "s: checking the other end failed: <>", PEER_NONE},
	{FDPASS_STEP_SEND, EINVAL, "",
	 "s: the kernel does not pass one of these descriptors (<>); an io_uring, for "
	 "one, cannot be passed",
	 PEER_NONE},
	{FDPASS_STEP_SEND, EPERM, "",
	 "s: the receiver takes no descriptors (<>): its SO_PASSRIGHTS is off", PEER_NONE},
	{FDPASS_STEP_SEND, EBADF, "", "s: sending the descriptors failed: <>", PEER_NONE},
	{FDPASS_STEP_ANSWER, ECONNRESET, "",
	 "s: the receiver closed the connection without reading; nothing was given", PEER_NONE},
	{FDPASS_STEP_ANSWER, EBUSY, "another sender was first",
	 "s: not taken: another sender was first; nothing was given. With --blocking, fdsend waits "
	 "for the next receiver",
	 PEER_NONE},
	{FDPASS_STEP_ANSWER, EREMOTEIO, "no {where} for {text}",
	 "s: the receiver refused: no {where} for {text}", PEER_NONE},
	{FDPASS_STEP_ANSWER, ENOMSG, "until",
	 "s: the descriptors were read, but who has them does not answer, so that it cannot be "
	 "told what becomes of them",
	 PEER_NONE},
	{FDPASS_STEP_START, ENOEXEC, "cat: no such command",
	 "s: accepted, but it could not be started: cat: no such command", PEER_NONE},
	{FDPASS_STEP_START, EOWNERDEAD, "killed",
	 "s: accepted, and then the receiver was killed; it cannot be told whether it had started "
	 "its command",
	 PEER_NONE},
	{FDPASS_STEP_START, EOWNERDEAD, "hidden",
	 "s: accepted, but the receiver is not visible in /proc; it cannot be told whether it has "
	 "started its command",
	 PEER_NONE},
	{FDPASS_STEP_START,
	 EOWNERDEAD,
	 "relay",
	 "s: accepted, but process 12 passes them on, as fdfwd does; it cannot be told what "
	 "becomes of them there",
	 {12, 34, 56}},
	{FDPASS_STEP_START, EOWNERDEAD, "unknown",
	 "s: accepted, and then the receiver ended; it cannot be told whether it had started its "
	 "command",
	 PEER_NONE},
	{FDPASS_STEP_START, EOPNOTSUPP, "kernel",
	 "s: the kernel cannot tell who answers, which takes Linux 6.5 (<>); nothing was given",
	 PEER_NONE},
	{FDPASS_STEP_WAIT, ETIMEDOUT, "accepted",
	 "s: the time ran out; the receiver has the descriptors, and has not started its command",
	 PEER_NONE},
	{FDPASS_STEP_WAIT, ETIMEDOUT, "started",
	 "s: the time ran out; the command was started, and has not ended", PEER_NONE},
	{FDPASS_STEP_WAIT, ECANCELED, "accepted",
	 "s: interrupted; the receiver has the descriptors, and has not started its command",
	 PEER_NONE},
	{FDPASS_STEP_WAIT, ECANCELED, "started",
	 "s: interrupted; the command was started, and has not ended", PEER_NONE},
	{FDPASS_STEP_ADDRESS, E2BIG, "", "s: the names are too long; together they may have 6 MiB",
	 PEER_NONE},
	{FDPASS_STEP_ANSWER, EPROTONOSUPPORT, "",
	 "s: the receiver ended without asking for them; it is too old to take names or more than "
	 "253 descriptors, or was ended. Nothing was given",
	 PEER_NONE},
	{FDPASS_STEP_ANSWER, ECONNABORTED, "partly",
	 "s: the receiver ended in the middle of the handover; nothing was given", PEER_NONE},
	{FDPASS_STEP_ANSWER, EPROTO, "unasked",
	 "s: the receiver wrote something that is no word of fdrecv; nothing was given", PEER_NONE},
	{FDPASS_STEP_WAIT, ETIMEDOUT, "old",
	 "s: the time ran out, and the receiver has not asked for them; it may be too old to take "
	 "names or more than 253 descriptors. Nothing was given",
	 PEER_NONE},
	{FDPASS_STEP_WAIT, ETIMEDOUT, "partly",
	 "s: the time ran out in the middle of the handover; nothing was given", PEER_NONE},
	{FDPASS_STEP_ANSWER, ECONNABORTED, "",
	 "s: the receiver ended without an answer; it cannot be told whether it had the "
	 "descriptors",
	 PEER_NONE},
	{FDPASS_STEP_ANSWER, EPROTO, "",
	 "s: the receiver wrote something that is no answer of fdrecv; it cannot be told whether "
	 "it "
	 "has the descriptors. --no-confirm does not look at it",
	 PEER_NONE},
	{FDPASS_STEP_ANSWER, ENOMSG, "",
	 "s: the descriptors were read, but who has them does not answer, as --confirm=answer "
	 "demands",
	 PEER_NONE},
	{FDPASS_STEP_WAIT, ETIMEDOUT, "sent",
	 "s: the time ran out before the receiver took the descriptors; as they are on their way, "
	 "it "
	 "may still do so",
	 PEER_NONE},
	{FDPASS_STEP_WAIT, ETIMEDOUT, "",
	 "s: the time ran out before there was a receiver; nothing was given", PEER_NONE},
	{FDPASS_STEP_WAIT,
	 ETIMEDOUT,
	 "stranger",
	 "s: the time ran out; who listens there is process 42 of user 1001, who may not have this "
	 "(--to-user). Nothing was given",
	 {42, 1001, 1002}},
	{FDPASS_STEP_WAIT, ETIMEDOUT, "denied",
	 "s: the time ran out, and this user is not allowed to connect; nothing was given",
	 PEER_NONE},
	{FDPASS_STEP_WAIT, ETIMEDOUT, "backlog",
	 "s: the time ran out; a receiver listens there and accepts nobody. Nothing was given",
	 PEER_NONE},
	{FDPASS_STEP_WAIT, ETIMEDOUT, "unread",
	 "s: the time ran out; the last receiver closed without reading. Nothing was given",
	 PEER_NONE},
	{FDPASS_STEP_WAIT, ECANCELED, "sent",
	 "s: interrupted before the receiver took the descriptors; as they are on their way, it "
	 "may "
	 "still do so",
	 PEER_NONE},
	{FDPASS_STEP_WAIT, ECANCELED, "", "s: interrupted; nothing was given", PEER_NONE},
	{FDPASS_STEP_ANSWER, EIO, "",
	 "s: waiting for the answer failed: <>; it cannot be told whether the receiver has the "
	 "descriptors",
	 PEER_NONE},
	{FDPASS_STEP_RUNDIR, EPERM, "others may write to it",
	 "s: the run directory is not safe: others may write to it; mend it, set "
	 "FDPASS_RUNTIME_DIR, "
	 "or use a path",
	 PEER_NONE},
	{FDPASS_STEP_RUNDIR, EACCES, "",
	 "s: the run directory cannot be used (<>); set FDPASS_RUNTIME_DIR to a "
	 "directory of your own, or use a path",
	 PEER_NONE},
	{FDPASS_STEP_MEMORY, ENOMEM, "", "s: <>", PEER_NONE},
	{FDPASS_STEP_SOCKET, EMFILE, "",
	 "s: the table of open files is full (<>); raise the limit, ulimit -n", PEER_NONE},
};

static const struct failure receiving[] = {
	{FDPASS_STEP_ADDRESS, ENAMETOOLONG, "a path has at most 4095 bytes",
	 "s: a path has at most 4095 bytes", PEER_NONE},
	{FDPASS_STEP_LOCK, EWOULDBLOCK, "lock",
	 "s: a stale socket has this name, and another process holds the lock of its directory; "
	 "end "
	 "that one, or remove the socket",
	 PEER_NONE},
	{FDPASS_STEP_LOCK, EBADF, "lock",
	 "s: a stale socket has this name, and its directory may not be read, which is needed to "
	 "lock it (<>); remove the socket",
	 PEER_NONE},
	{FDPASS_STEP_PUBLISH, EPERM, "",
	 "s: a stale socket has this name, and it is not ours to remove (<>); its owner or root "
	 "can, "
	 "or choose another name",
	 PEER_NONE},
	{FDPASS_STEP_WAIT, ETIMEDOUT, "lock",
	 "s: the time ran out; a stale socket has this name, and another process holds the lock of "
	 "its directory",
	 PEER_NONE},
	{FDPASS_STEP_DIRECTORY, ENOENT, "", "s: the directory is not there (<>); make it first",
	 PEER_NONE},
	{FDPASS_STEP_DIRECTORY, ENOTDIR, "", "s: opening the socket's directory failed: <>",
	 PEER_NONE},
	{FDPASS_STEP_BIND, EACCES, "",
	 "s: not allowed to make a socket in this directory (<>); choose one that this user may "
	 "write to",
	 PEER_NONE},
	{FDPASS_STEP_BIND, EROFS, "", "s: binding the socket failed: <>", PEER_NONE},
	{FDPASS_STEP_BIND, EMFILE, "",
	 "s: the table of open files is full (<>); raise the limit, ulimit -n", PEER_NONE},
	{FDPASS_STEP_DIRECTORY, EMFILE, "",
	 "s: the table of open files is full (<>); raise the limit, ulimit -n", PEER_NONE},
	{FDPASS_STEP_BIND,
	 EADDRINUSE,
	 "",
	 "s: already in use by process 42; choose another name or end that one first",
	 {42, (uid_t)-1, (gid_t)-1}},
	{FDPASS_STEP_PUBLISH,
	 EADDRINUSE,
	 "",
	 "s: already in use by process 42; choose another name or end that one first",
	 {42, (uid_t)-1, (gid_t)-1}},
	{FDPASS_STEP_PUBLISH, EADDRINUSE, "",
	 "s: already in use; choose another name or end the other receiver first", PEER_NONE},
	{FDPASS_STEP_PUBLISH, EEXIST, "",
	 "s: something that is not a socket is there; choose another name or remove it", PEER_NONE},
	{FDPASS_STEP_PUBLISH, ENOSPC, "", "s: publishing the socket failed: <>", PEER_NONE},
	{FDPASS_STEP_WAIT, ETIMEDOUT, "",
	 "s: the time ran out before somebody who is admitted had sent what is wanted; --verbose "
	 "shows who came",
	 PEER_NONE},
	{FDPASS_STEP_RUNDIR, EPERM, "it is a symbolic link",
	 "s: the run directory is not safe: it is a symbolic link; mend it, set "
	 "FDPASS_RUNTIME_DIR, "
	 "or use a path",
	 PEER_NONE},
	{FDPASS_STEP_RUNDIR, ENOENT, "",
	 "s: the run directory cannot be used (<>); set FDPASS_RUNTIME_DIR to "
	 "a directory of your own, or use a path",
	 PEER_NONE},
	{FDPASS_STEP_MEMORY, ENOMEM, "", "s: <>", PEER_NONE},
	{FDPASS_STEP_LISTEN, EINVAL, "", "s: listening on the socket failed: <>", PEER_NONE},
	{FDPASS_STEP_CONNECT, EBADF, "",
	 "s: it is not open (<>); --connected needs an inherited Unix socket", PEER_NONE},
	{FDPASS_STEP_CONNECT, ENOTSOCK, "",
	 "s: this is not a socket (<>); --connected needs an inherited Unix socket", PEER_NONE},
	{FDPASS_STEP_CONNECT, EPROTOTYPE, "",
	 "s: this is a socket of another type (<>); --connected needs a Unix stream socket",
	 PEER_NONE},
	{FDPASS_STEP_CONNECT, ENOTCONN, "",
	 "s: this socket is not connected (<>); --connected needs a connected Unix stream socket",
	 PEER_NONE},
	{FDPASS_STEP_PEER,
	 EPERM,
	 "",
	 "s: the connection was made by process 42 of user 1001, who is not admitted; if it should "
	 "be, name it with --from-user",
	 {42, 1001, 1002}},
	{FDPASS_STEP_RECEIVE, ECONNRESET, "nothing came",
	 "s: the other end closed it without sending a descriptor", PEER_NONE},
	{FDPASS_STEP_RECEIVE, EBADMSG, "no descriptor came with it",
	 "s: no descriptor came with it", PEER_NONE},
};

static const struct failure opening[] = {
	{FDPASS_STEP_RESOLVE, ENOENT, "Name or service not known",
	 "s: there is no such host or service: Name or service not known", PEER_NONE},
	{FDPASS_STEP_RESOLVE, EIO, "Temporary failure",
	 "s: looking up the host failed: Temporary failure", PEER_NONE},
	{FDPASS_STEP_BIND, EACCES, "",
	 "s: not allowed to bind this address (<>); ports below 1024 need root or "
	 "CAP_NET_BIND_SERVICE, and a path write permission on its directory",
	 PEER_NONE},
	{FDPASS_STEP_BIND, EADDRNOTAVAIL, "",
	 "s: this machine has no such address (<>); 'ip address' shows which it has", PEER_NONE},
	{FDPASS_STEP_BIND, EPERM, "",
	 "s: not allowed to give the socket this owner (<>); that needs root", PEER_NONE},
	{FDPASS_STEP_BIND, EADDRINUSE, "",
	 "s: already in use (<>); choose another address or end the program that has it",
	 PEER_NONE},
	{FDPASS_STEP_DIRECTORY, ENOENT, "", "s: the directory is not there (<>); make it first",
	 PEER_NONE},
	{FDPASS_STEP_CONNECT, ECONNREFUSED, "",
	 "s: nobody listens there (<>); start the server first", PEER_NONE},
	{FDPASS_STEP_OPEN, ENXIO, "", "s: nobody reads this FIFO, or the device is not there (<>)",
	 PEER_NONE},
	{FDPASS_STEP_OPEN, EACCES, "",
	 "s: this user may not open it so (<>); its owner or root may, or --mode may ask for less",
	 PEER_NONE},
	{FDPASS_STEP_OPEN, EROFS, "", "s: <>", PEER_NONE},
	{FDPASS_STEP_WAIT, ETIMEDOUT, "lock",
	 "s: the time ran out; a stale socket has this name, and another process holds the lock of "
	 "its directory",
	 PEER_NONE},
	{FDPASS_STEP_WAIT, ETIMEDOUT, "",
	 "s: the time ran out before it was open; nothing was given", PEER_NONE},
};

static void assert_message(const struct failure *failure,
			   const char *(*explain)(const char *, const struct fdpass_error *, char *,
						  size_t))
{
	struct fdpass_error error = FDPASS_ERROR_INIT;
	const char *gap = strstr(failure->message, "<>");
	char text[1024], expected[1024];

	if (gap == NULL)
		snprintf(expected, sizeof(expected), "%s", failure->message);
	else
		snprintf(expected, sizeof(expected), "%.*s%s%s", (int)(gap - failure->message),
			 failure->message, strerror(failure->code), gap + 2);
	error.step = failure->step;
	error.code = failure->code;
	error.peer = failure->peer;
	strcpy(error.text, failure->text);
	ck_assert_ptr_eq(explain("s", &error, text, sizeof(text)), text);
	ck_assert_str_eq(text, expected);
}

START_TEST(a_sender_says)
{
	assert_message(&sending[_i], cli_explain_sending);
}
END_TEST

START_TEST(a_receiver_says)
{
	assert_message(&receiving[_i], cli_explain_receiving);
}
END_TEST

START_TEST(who_opens_says)
{
	assert_message(&opening[_i], cli_explain_opening);
}
END_TEST

/* Cut to any size, it is the beginning of the message and ends properly. */
START_TEST(it_fits_where_it_has_to)
{
	struct fdpass_error error = FDPASS_ERROR_INIT;
	char text[512], whole[512];

	error.step = FDPASS_STEP_CONNECT;
	error.code = ECONNREFUSED;
	cli_explain_sending("/run/fdsend/name", &error, whole, sizeof(whole));
	for (size_t size = 1; size <= strlen(whole) + 1; size++) {
		memset(text, '#', sizeof(text));
		cli_explain_sending("/run/fdsend/name", &error, text, size);
		ck_assert_uint_eq(strlen(text), size - 1);
		ck_assert_int_eq(strncmp(text, whole, size - 1), 0);
		ck_assert_int_eq(text[size], '#');
	}
}
END_TEST

/* What stands in for something else is taken as it is. */
START_TEST(braces_in_a_path_are_nothing_special)
{
	struct fdpass_error error = FDPASS_ERROR_INIT;
	char text[512];

	error.step = FDPASS_STEP_ANSWER;
	error.code = EREMOTEIO;
	strcpy(error.text, "{text} {");
	cli_explain_sending("{errno}{", &error, text, sizeof(text));
	ck_assert_str_eq(text, "{errno}{: the receiver refused: {text} {");
}
END_TEST

/* A step that was added later still says something. */
START_TEST(every_step_has_words)
{
	struct fdpass_error error = FDPASS_ERROR_INIT;
	char text[512];

	for (int step = 0; step < 100; step++) {
		error.step = (enum fdpass_step)step;
		error.code = EIO;
		cli_explain_sending("s", &error, text, sizeof(text));
		ck_assert_int_eq(strncmp(text, "s: ", 3), 0);
		cli_explain_receiving("s", &error, text, sizeof(text));
		ck_assert_int_eq(strncmp(text, "s: ", 3), 0);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("explain");
	TCase *tcase = descriptors_tcase("explain");

	tcase_add_loop_test(tcase, a_sender_says, 0, sizeof(sending) / sizeof(*sending));
	tcase_add_loop_test(tcase, a_receiver_says, 0, sizeof(receiving) / sizeof(*receiving));
	tcase_add_loop_test(tcase, who_opens_says, 0, sizeof(opening) / sizeof(*opening));
	tcase_add_test(tcase, it_fits_where_it_has_to);
	tcase_add_test(tcase, braces_in_a_path_are_nothing_special);
	tcase_add_test(tcase, every_step_has_words);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
