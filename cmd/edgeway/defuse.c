/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/edgeway/defuse.h"

#include <stdbool.h>
#include <string.h>

#include "base/utf8.h"

/* Terminals of old take single bytes from 0x80 on for control characters. */
void defuse(char *text)
{
	unsigned int n;

	for (unsigned char *p = (unsigned char *)text; *p; p += n) {
		bool c0 = *p < 0x20 || *p == 0x7f, c1 = *p == 0xc2 && p[1] < 0xa0;

		n = utf8_length((const char *)p);
		if (n == 0 || c0 || c1) {
			n = n ? n : 1;
			memset(p, '?', n);
		}
	}
}
