/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/edgeway/dump.h"

static const char *end_name(enum dump_end end)
{
	switch (end) {
	case DUMP_LEFT_OUT:
		return "left-out";
	case DUMP_WHOLE:
		return "whole";
	case DUMP_FAILED:
		return "failed";
	case DUMP_LATE:
		return "late";
	case DUMP_LARGE:
		return "cut-off";
	}
	return "";
}

void dump_manifest(const struct dump *dump, const char *title, struct strbuf *out)
{
	strbuf_addf(out, "%s\n", title);
	for (size_t i = 0; i < dump->n; i++) {
		const struct dump_part *p = &dump->parts[i];

		strbuf_addf(out, "%-8s %9zu %s%s%s\n", end_name(p->end), p->text.len, p->name,
			    p->why && *p->why ? ": " : "", p->why ? p->why : "");
	}
}
