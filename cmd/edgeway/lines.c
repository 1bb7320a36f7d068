/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/edgeway/lines.h"

#include "base/cleanup.h"
#include "base/strbuf.h"
#include "cmd/edgeway/columns.h"
#include "cmd/edgeway/defuse.h"

#define INDENT 13
#define TEXT_COLUMNS 24 /* at least: on narrower terminals lines stay whole */

void lines_add(const char *name, struct strbuf *text, unsigned int width, FILE *out)
{
	_cleanup_(freep) char *taken = strbuf_take(text);

	if (!*taken)
		return;
	defuse(taken);
	fprintf(out, "%-*s", INDENT, name);
	columns_wrap(taken, INDENT, width < INDENT + TEXT_COLUMNS ? ~0u : width - INDENT, out);
}
