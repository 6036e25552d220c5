/* SPDX-License-Identifier: MIT */
/* EXPRs. */
#include "acquire/match.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_text(data, size);
	struct fdpass_error error = FDPASS_ERROR_INIT;
	struct fdpass_match *match = NULL;
	int r = fdpass_match_parse(text, &match, &error);

	MUST((r < 0) == (match == NULL));
	MUST(r == 0 || (error.code == -r && error.text[0] != '\0'));
	fdpass_match_free(match);
	fuzz_text_end(text);
	return 0;
}
