/* SPDX-License-Identifier: MIT */
/* Text from outside, for a terminal. */
#include "cli/printable.h"

/* The length of the UTF-8 character at `text` that can be shown as it is, or 0: no control character
 * (C0, DEL, C1), not overlong, no surrogate, in Unicode's range. Unicode 15, table 3-7. */
static size_t printable(const unsigned char *text, size_t length)
{
	unsigned char low = 0x80, high = 0xbf;
	size_t size;

	if (text[0] >= 0x20 && text[0] < 0x7f)
		return 1;
	if (text[0] < 0xc2 || text[0] > 0xf4)
		return 0;
	size = text[0] < 0xe0 ? 2 : text[0] < 0xf0 ? 3 : 4;
	switch (text[0]) {
	case 0xc2: /* U+0080 to U+009F are controls */
	case 0xe0:
		low = 0xa0;
		break;
	case 0xed:
		high = 0x9f;
		break;
	case 0xf0:
		low = 0x90;
		break;
	case 0xf4:
		high = 0x8f;
		break;
	default:
		break;
	}
	if (size > length || text[1] < low || text[1] > high)
		return 0;
	for (size_t i = 2; i < size; i++)
		if (text[i] < 0x80 || text[i] > 0xbf)
			return 0;
	return size;
}

void cli_printable(char *text, size_t length)
{
	for (size_t i = 0; i < length;) {
		size_t size = printable((const unsigned char *)text + i, length - i);

		if (size == 0) {
			text[i] = '?';
			size = 1;
		}
		i += size;
	}
}
