/* SPDX-License-Identifier: MIT */
/* LISTs: failures change nothing, and can be said in words. */
#include <string.h>

#include "cli/list.h"
#include "fdpass.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_text(data, size);
	struct cli_list list = CLI_LIST_INIT;
	struct cli_list_part part;
	char words[512];

	for (int i = 0; i < 2; i++) {
		size_t before = list.count;
		enum cli_list_status status = cli_list_parse(&list, text, &part);

		if (status == CLI_LIST_OK) {
			MUST(list.count > before && list.count <= FDPASS_HANDOVER_MAX);
		} else {
			MUST(list.count == before);
			MUST(cli_list_explain(status, &part, words, sizeof(words))[0] != '\0');
		}
		for (size_t at = before; at < list.count; at++)
			MUST(list.numbers[at] >= 0);
	}
	cli_list_clear(&list);
	fuzz_text_end(text);
	return 0;
}
