/* SPDX-License-Identifier: MIT */
/* ADDRs. */
#include <string.h>

#include "fdpass.h"
#include "fuzz.h"
#include "open/endpoint.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_text(data, size);
	struct fdpass_error error = FDPASS_ERROR_INIT;
	struct fdpass_endpoint *endpoint = NULL;
	int r = fdpass_endpoint_parse(text, &endpoint, &error);

	MUST((r < 0) == (endpoint == NULL));
	MUST(r == 0 || (error.code == -r && error.text[0] != '\0'));
	MUST(r < 0 || (strcmp(endpoint->text, text) == 0 && endpoint->name != NULL));
	fdpass_endpoint_free(endpoint);
	fuzz_text_end(text);
	return 0;
}
