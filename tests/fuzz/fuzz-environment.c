/* SPDX-License-Identifier: MIT */
/* What LISTEN_FDS and the others announce, one variable in a line; "LISTEN_PID=@" is this process. */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "fdpass.h"
#include "fuzz.h"

#define FIRST 3 /* SD_LISTEN_FDS_START, sd_listen_fds(3) */
#define THERE 3 /* so many are open */

static const char *const names[] = {"LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES", "LISTEN_PIDFDID"};

static void set(char *line)
{
	char *value = strchr(line, '=');
	char own[16];

	if (value == NULL)
		return;
	*value++ = '\0';
	snprintf(own, sizeof(own), "%d", (int)getpid());
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (strcmp(line, names[i]) == 0)
			setenv(line, strcmp(value, "@") == 0 ? own : value, 1);
}

/* Numbers of our own from 3 on; the fuzzer's are moved away once. */
static void place(void)
{
	static int spare = -1;

	if (spare < 0)
		spare = fcntl(open("/dev/null", O_RDONLY), F_DUPFD_CLOEXEC, 100);
	MUST(spare >= 0);
	for (int i = 0; i < THERE; i++)
		MUST(dup2(spare, FIRST + i) == FIRST + i);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_text(data, size);
	char *rest = text, *line;

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		unsetenv(names[i]);
	while ((line = strsep(&rest, "\n")) != NULL)
		set(line);
	for (int check = FDPASS_ACTIVATION_OURS; check <= FDPASS_ACTIVATION_ANY; check++) {
		struct fdpass_error error = FDPASS_ERROR_INIT;
		struct fdpass_set *fds = NULL;
		int r;

		place();
		r = fdpass_activation_import((enum fdpass_activation_check)check, &fds, &error);
		MUST((r < 0) == (fds == NULL));
		MUST(r >= 0 || (error.code == -r && error.text[0] != '\0'));
		MUST(r <= THERE && (r < 0 || fdpass_set_count(fds) == (size_t)r));
		/* On failure nothing is taken. */
		for (int i = 0; r < 0 && i < THERE; i++)
			MUST(fcntl(FIRST + i, F_GETFD) == 0);
		fdpass_set_free(fds);
	}
	for (int i = 0; i < THERE; i++)
		close(FIRST + i);
	fuzz_text_end(text);
	return 0;
}
