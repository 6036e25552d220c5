/* SPDX-License-Identifier: MIT */
/* SOCKSPECs of every kind. */
#include <string.h>

#include "fuzz.h"
#include "rendezvous/address.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_text(data, size);
	const struct address_environment environments[] = {
		{0, NULL, NULL}, {1000, NULL, "/run/user/1000"}, {1000, text, text}};

	for (size_t i = 0; i < sizeof(environments) / sizeof(*environments); i++) {
		for (int kind = FDPASS_ADDRESS_NAMED; kind <= FDPASS_ADDRESS_CONNECTED; kind++) {
			struct fdpass_error error = FDPASS_ERROR_INIT;
			struct fdpass_address *address = NULL;
			int r = fdpass_address_build((enum fdpass_address_kind)kind, text,
						     &environments[i], &address, &error);

			MUST((r < 0) == (address == NULL));
			MUST(r == 0 || (error.code == -r && error.step != FDPASS_STEP_NONE));
			if (r == 0) {
				MUST(fdpass_address_text(address)[0] != '\0');
				MUST((fdpass_address_fd(address) >= 0) ==
				     (kind == FDPASS_ADDRESS_CONNECTED));
			}
			fdpass_address_free(address);
		}
	}
	fuzz_text_end(text);
	return 0;
}
