/* SPDX-License-Identifier: MIT */
/* fdfwd's options, as pure data: what the parser, --help and the completions are made from. */
#include "tools/fdfwd/program.h"

static const struct cli_option options[] = {
	{"abstract", 'a', OPT_ABSTRACT, NULL, CLI_NO_ARGUMENT, CLI_REQUIRED, NULL,
	 "the next SOCKSPEC is an abstract name", "Where from and to"},
	{"connected", 'c', OPT_CONNECTED, NULL, CLI_NO_ARGUMENT, CLI_REQUIRED, NULL,
	 "the next SOCKSPEC is the number of a connected Unix socket", NULL},
	{"from-user", 0, OPT_FROM_USER, "USER", CLI_USER, CLI_REQUIRED, NULL,
	 "admit only senders of USER, or 'any'; repeatable (default: own user and root)", "Who"},
	{"from-group", 0, OPT_FROM_GROUP, "GROUP", CLI_GROUP, CLI_REQUIRED, NULL,
	 "admit senders in GROUP, beside those of --from-user; repeatable", NULL},
	{"to-user", 0, OPT_TO_USER, "USER", CLI_USER, CLI_REQUIRED, NULL,
	 "give only to receivers of USER, or 'any'; repeatable (default: own user and root)", NULL},
	{"to-group", 0, OPT_TO_GROUP, "GROUP", CLI_GROUP, CLI_REQUIRED, NULL,
	 "give to receivers in GROUP, beside those of --to-user; repeatable", NULL},
	{"blocking", 'b', OPT_BLOCKING, NULL, CLI_NO_ARGUMENT, CLI_REQUIRED, NULL,
	 "wait until a receiver listens at each TO and takes what came", "How"},
	{"timeout", 't', OPT_TIMEOUT, "SECONDS", CLI_SECONDS, CLI_REQUIRED, NULL,
	 "give up after this long, with --keep for each handover (default: 0, never)", NULL},
	{"keep", 0, OPT_KEEP, NULL, CLI_NO_ARGUMENT, CLI_REQUIRED, NULL,
	 "go on after the first handover, and when one has failed", NULL},
	{"ready-fd", 0, OPT_READY_FD, "N", CLI_NUMBER, CLI_REQUIRED, NULL,
	 "write a newline to descriptor N when FROM listens, and close it", "Other"},
	CLI_USUAL_OPTIONS(NULL),
};

static const char *const synopsis[] = {"[options] [-a|-c] FROM {[-a|-c] TO}...", NULL};

static const char *const trailer[] = {
	"FROM and TO are SOCKSPECs: a path when it has a '/', else a name in the run",
	"directory. FROM is made here: 'fdsend -f 0 FROM' sends to it. At each TO there",
	"is a receiver, such as 'fdrecv -f 0 TO --run cat'; without --blocking it must be",
	"there before something is sent.",
	"",
	"Examples:",
	"  fdfwd ./outside.sock -a inside         a path here, an abstract name there",
	"  fdfwd --to-user www-data web /srv/app/web.sock",
	"  fdfwd --keep --blocking all ./one.sock ./two.sock ./three.sock",
	"",
	"Exit status: 0 relayed, 1 failed, 2 wrong usage, 124 the time ran out.",
	"For more see fdfwd(1).",
	NULL,
};

const struct cli_program fdfwd_program = {
	.name = "fdfwd",
	.synopsis = synopsis,
	.purpose = "Receive open file descriptors and pass them on, to one or to several.",
	.options = options,
	.option_count = sizeof(options) / sizeof(*options),
	.usage_status = 2,
	.failure_status = 1,
	.trailer = trailer,
};
