/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The graph as a picture for graphviz: boxes are items coloured by state, clusters are scopes,
 * arrows point to what is needed (red: unmet; bold: falls with it; dotted: follows it).
 */
#include "dataplane/graph/engine.h"

#include <errno.h>

#include "dataplane/graph/export.h"

static const char *const state_colors[] = {
	[DP_ABSENT] = "white",	    [DP_WAITING] = "khaki",	     [DP_CREATING] = "lightskyblue",
	[DP_CREATED] = "palegreen", [DP_MODIFYING] = "lightskyblue", [DP_REMOVING] = "plum",
	[DP_FAILED] = "salmon",	    [DP_FOREIGN] = "lightgray",	     [DP_LEFTOVER] = "orange",
};

/* Quotes and backslashes are escaped as in JSON; a line break is "\l" or "\n", not one itself. */
static void dot_string(const char *s, FILE *out)
{
	fputc('"', out);
	for (; *s; s++) {
		if (*s == '\n')
			fputs("\\n", out);
		else if (*s == '"' || *s == '\\')
			fprintf(out, "\\%c", *s);
		else if ((unsigned char)*s >= 0x20)
			fputc(*s, out);
	}
	fputc('"', out);
}

static void dot_id(const struct item *it, FILE *out)
{
	_cleanup_(strbuf_fini) struct strbuf id = STRBUF_INIT;

	strbuf_addf(&id, "%s %s", it->kind->type->name, it->key);
	dot_string(strbuf_str(&id), out);
}

static void dot_node(const struct item *it, FILE *out)
{
	_cleanup_(strbuf_fini) struct strbuf label = STRBUF_INIT, tip = STRBUF_INIT;
	const struct spec *want = item_want(it);
	const char *why = item_why(it);

	strbuf_addf(&label, "%s\n%s", it->kind->type->name, it->key);
	if (why)
		strbuf_addf(&label, "\n%s", why);
	if (want) {
		strbuf_add(&tip, "want ");
		export_spec(it, want, &tip);
	}
	if (it->have && it->have != want) {
		strbuf_add(&tip, want ? "\nhave " : "have ");
		export_spec(it, it->have, &tip);
	}
	dot_id(it, out);
	fprintf(out, " [fillcolor=%s,%slabel=", state_colors[it->state],
		it->have ? "" : "style=\"filled,dashed\",");
	dot_string(strbuf_str(&label), out);
	fputs(",tooltip=", out);
	dot_string(strbuf_str(&tip), out);
	fputs("];\n", out);
}

static void dot_edges(const struct item *it, FILE *out)
{
	const struct edge *e;

	for (e = it->needs; e; e = e->next_need) {
		dot_id(it, out);
		fputs(" -> ", out);
		dot_id(e->to, out);
		fprintf(out, " [color=%s%s];\n", e->met ? "gray40" : "red",
			e->flags & DP_FALLS_WITH ? ",style=bold"
			: e->flags & DP_FOLLOW	 ? ",style=dotted"
						 : "");
	}
}

/* In no scope: foreign ones are drawn only if something hangs on them, or they fill the page. */
static bool is_drawn(const struct item *it)
{
	return it->claims || it->users || (item_present(it) && it->state != DP_FOREIGN);
}

int dp_dot(const struct dp *dp, FILE *out)
{
	const struct item **items = export_items(dp), **at;
	const char *scope = NULL;
	unsigned int clusters = 0;

	fputs("digraph edgeway {\nrankdir=RL;\nnode [shape=box,style=filled,fontname=sans,"
	      "fontsize=10];\n",
	      out);
	export_sort_by_scope(items);
	for (at = items; *at; at++) {
		const char *now = (*at)->claims ? (*at)->claims->scope->name : NULL;

		if (scope && now != scope)
			fputs("}\n", out);
		if (now && now != scope) {
			fprintf(out, "subgraph cluster_%u {\nlabel=", clusters++);
			dot_string(now, out);
			fputs(";\n", out);
		}
		scope = now;
		if (is_drawn(*at))
			dot_node(*at, out);
	}
	if (scope)
		fputs("}\n", out);
	for (at = items; *at; at++)
		if (is_drawn(*at))
			dot_edges(*at, out);
	fputs("}\n", out);
	free(items);
	return ferror(out) ? -EIO : 0;
}
