/* SPDX-License-Identifier: MIT */
/* fdrecv's options, as pure data: what the parser, --help and the completions are made from. */
#include "tools/fdrecv/program.h"

static const struct cli_option options[] = {
	{"fd", 'f', OPT_FD, "LIST", CLI_FDS, CLI_REQUIRED, NULL,
	 "put what comes on these numbers, in order: '3', '0,1,2' or '4-9', or by name: "
	 "'in=0,out=1'",
	 "Targets"},
	{"stdin", 'i', OPT_STDIN, NULL, CLI_NO_ARGUMENT, CLI_REQUIRED, NULL, "the same as --fd 0",
	 NULL},
	{"stdout", 'o', OPT_STDOUT, NULL, CLI_NO_ARGUMENT, CLI_REQUIRED, NULL, "the same as --fd 1",
	 NULL},
	{"stderr", 'e', OPT_STDERR, NULL, CLI_NO_ARGUMENT, CLI_REQUIRED, NULL, "the same as --fd 2",
	 NULL},
	{"inetd", 0, OPT_INETD, NULL, CLI_NO_ARGUMENT, CLI_REQUIRED, NULL,
	 "put one descriptor on both 0 and 1, as inetd gives a connection", NULL},
	{"listen-fds", 'l', OPT_LISTEN_FDS, NULL, CLI_NO_ARGUMENT, CLI_REQUIRED, NULL,
	 "put all that comes on 3 and up, announced as LISTEN_FDS; repeatable", NULL},
	{"env", 'E', OPT_ENV, "VAR", CLI_VARIABLE, CLI_REQUIRED, NULL,
	 "put all that comes on free numbers, which VAR tells, such as 4,5", NULL},
	{"abstract", 'a', OPT_ABSTRACT, NULL, CLI_NO_ARGUMENT, CLI_REQUIRED, NULL,
	 "this target's SOCKSPEC is an abstract name", "Where from"},
	{"connected", 'c', OPT_CONNECTED, NULL, CLI_NO_ARGUMENT, CLI_REQUIRED, NULL,
	 "this target's SOCKSPEC is the number of a connected Unix socket", NULL},
	{"pid", 'p', OPT_PID, "PROCESS", CLI_PROCESS, CLI_REQUIRED, NULL,
	 "take the next targets' descriptors, a LIST or an EXPR, out of this process", NULL},
	{"dup", 'd', OPT_DUP, NULL, CLI_NO_ARGUMENT, CLI_REQUIRED, NULL,
	 "share its descriptors instead of opening the files again; sockets of an EXPR always are",
	 NULL},
	{"pidfd-getfd", 'g', OPT_DUP, NULL, CLI_NO_ARGUMENT, CLI_REQUIRED, NULL,
	 "the same as --dup", NULL},
	{"mode", 'm', OPT_MODE, "MODE", CLI_CHOICE, CLI_REQUIRED, "r|w|r+",
	 "open its files to read (r), to write (w) or for both (r+), not as it has them", NULL},
	{"from-user", 0, OPT_FROM_USER, "USER", CLI_USER, CLI_REQUIRED, NULL,
	 "admit only senders of USER, or 'any'; repeatable (default: own user and root)", NULL},
	{"from-group", 0, OPT_FROM_GROUP, "GROUP", CLI_GROUP, CLI_REQUIRED, NULL,
	 "admit senders in GROUP, beside those of --from-user; repeatable", NULL},
	{"timeout", 't', OPT_TIMEOUT, "SECONDS", CLI_SECONDS, CLI_REQUIRED, NULL,
	 "give up after this long (default: 0, never)", NULL},
	{"run", 'r', OPT_RUN, "COMMAND", CLI_COMMAND, CLI_REQUIRED, NULL,
	 "run this with everything in place; '--' means the same", "What then"},
	{"close-others", 0, OPT_CLOSE_OTHERS, NULL, CLI_NO_ARGUMENT, CLI_REQUIRED, NULL,
	 "give COMMAND nothing but 0 to 2 and what was received", NULL},
	{"retire", 0, OPT_RETIRE, "SIG", CLI_SIGNAL, CLI_OPTIONAL, NULL,
	 "once COMMAND runs, end the process of --pid: with this signal, or when it has no "
	 "connections left",
	 NULL},
	{"retire-after", 0, OPT_RETIRE_AFTER, "SECONDS", CLI_SECONDS, CLI_REQUIRED, NULL,
	 "with --retire: not before COMMAND has run for this long, and not if it ends sooner "
	 "(default: 1)",
	 NULL},
	{"dialect", 0, OPT_DIALECT, "NAME", CLI_CHOICE, CLI_REQUIRED,
	 "systemd|nginx|server-starter|php-fpm",
	 "announce those of --listen-fds as systemd (the default), nginx, server-starter or "
	 "php-fpm does",
	 NULL},
	{"fdname", 0, OPT_FDNAME, "NAMES", CLI_TEXT, CLI_REQUIRED, NULL,
	 "name those of --listen-fds: one name for all, or one for each, as A:B:C", NULL},
	{"ready-fd", 0, OPT_READY_FD, "N", CLI_NUMBER, CLI_REQUIRED, NULL,
	 "write a newline to descriptor N when every socket listens, and close it", "Other"},
	CLI_USUAL_OPTIONS(NULL),
};

static const char *const synopsis[] = {
	"[options] {[-a|-c] TARGET SOCKSPEC}... --run COMMAND [ARG]...",
	"[options] -p PROCESS [-d] {TARGET LIST|EXPR}... --run COMMAND [ARG]...", NULL};

static const char *const trailer[] = {
	"SOCKSPEC is a path when it has a '/', else a name in the run directory. It is",
	"made, serves one sender, and is removed again before COMMAND runs.",
	"PROCESS is PID[:INODE], or an EXPR: the one that holds what this describes.",
	"EXPR is listen[:[HOST:]PORT], listen:PATH, tcp:[HOST:]PORT, udp:[HOST:]PORT,",
	"unix:PATH or file:PATH; @NAME is an abstract name.",
	"",
	"Examples:",
	"  fdrecv -f 0 greeting --run cat         with: echo hello | fdsend -f 0 greeting",
	"  fdrecv -i ./in.sock -f 3-5 ./rest.sock --run ./server",
	"  fdrecv -l web --run gunicorn app       with: fdsend --listen tcp:8080 web",
	"  fdrecv -p listen:8080 -l listen:8080 --retire=TERM --run gunicorn app",
	"",
	"Exit status: that of COMMAND; 124 the time ran out, 125 fdrecv failed or wrong",
	"usage, 126 COMMAND cannot be executed, 127 COMMAND is not there.",
	"For more see fdrecv(1).",
	NULL,
};

const struct cli_program fdrecv_program = {
	.name = "fdrecv",
	.synopsis = synopsis,
	.purpose = "Receive open file descriptors and run a command with them.",
	.options = options,
	.option_count = sizeof(options) / sizeof(*options),
	.usage_status = 125,
	.failure_status = 125,
	.trailer = trailer,
};
