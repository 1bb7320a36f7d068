/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/edgeway/columns.h"

#include <string.h>
#include <sys/ioctl.h>

#include "base/cleanup.h"

unsigned int columns_of(const char *text)
{
	unsigned int n = 0;

	for (; *text; text++)
		n += (*text & 0xc0) != 0x80;
	return n;
}

unsigned int columns_terminal(void)
{
	struct winsize size;

	return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

void columns_wrap(const char *text, unsigned int indent, unsigned int room, FILE *out)
{
	unsigned int used = 0;

	while (*text) {
		int blanks = (int)strspn(text, " ");
		int word = (int)strcspn(text + blanks, " ,");
		_cleanup_(freep) char *next = NULL;
		unsigned int wide;

		word += text[blanks + word] == ',';
		next = xasprintf("%.*s", blanks + word, text);
		wide = columns_of(next);

		if (used && used + wide > room) {
			fprintf(out, "\n%*s%s", (int)indent, "", next + blanks);
			used = wide - (unsigned int)blanks;
		} else {
			fputs(next, out);
			used += wide;
		}
		text += blanks + word;
	}
	fputc('\n', out);
}
