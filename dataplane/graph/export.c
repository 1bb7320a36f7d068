/* SPDX-License-Identifier: Apache-2.0 */
/* Have and want in one picture: text, JSON, DOT; and the daemon's control door to them. */
#include "dataplane/graph/engine.h"

#include <errno.h>

#include "base/control.h"

typedef void item_fn(const struct item *it, FILE *out);

static bool is_shown(const struct item *it)
{
	return item_present(it) || it->claims;
}

static void each_item(const struct dp *dp, FILE *out, item_fn *fn)
{
	const struct kind *kind;
	struct hmap_node *n;

	list_for_each (kind, &dp->kind_order, list) {
		hmap_for_each (n, &kind->items) {
			const struct item *it = container_of(n, struct item, node);

			if (is_shown(it))
				fn(it, out);
		}
	}
}

static const char *scope_name(const struct item *it)
{
	return it->claims ? it->claims->scope->name : "";
}

static void spec_text(const struct item *it, const struct spec *spec, struct strbuf *out)
{
	if (spec && it->kind->type->print)
		it->kind->type->print(spec->data, out);
}

/* ---- Text ---- */

static void text_item(const struct item *it, FILE *out)
{
	struct strbuf spec = STRBUF_INIT;
	const char *why = item_why(it);

	spec_text(it, item_want(it) ?: it->have ?: it->maybe, &spec);
	fprintf(out, "%-9s %s %s scope=\"%s\" %s", dp_state_name((enum dp_state)it->state),
		it->kind->type->name, it->key, scope_name(it), strbuf_str(&spec));
	if (why)
		fprintf(out, " why=\"%s\"", why);
	fputc('\n', out);
	strbuf_fini(&spec);
}

int dp_text(const struct dp *dp, FILE *out)
{
	each_item(dp, out, text_item);
	return ferror(out) ? -EIO : 0;
}

/* ---- JSON ---- */

static void json_string(const char *s, FILE *out)
{
	fputc('"', out);
	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;

		if (c == '"' || c == '\\')
			fprintf(out, "\\%c", c);
		else if (c < 0x20)
			fprintf(out, "\\u%04x", c);
		else
			fputc(c, out);
	}
	fputc('"', out);
}

static void json_member(const char *name, const char *value, FILE *out)
{
	fprintf(out, ",\"%s\":", name);
	json_string(value, out);
}

static void json_spec(const char *name, const struct item *it, const struct spec *spec, FILE *out)
{
	struct strbuf text = STRBUF_INIT;

	if (!spec)
		return;
	spec_text(it, spec, &text);
	json_member(name, strbuf_str(&text), out);
	strbuf_fini(&text);
}

static void json_needs(const struct item *it, FILE *out)
{
	const struct edge *e;
	const char *comma = "";

	fputs(",\"needs\":[", out);
	for (e = it->needs; e; e = e->next_need) {
		fprintf(out, "%s{\"type\":\"%s\"", comma, e->to->kind->type->name);
		json_member("key", e->to->key, out);
		fprintf(out, ",\"met\":%s}", e->met ? "true" : "false");
		comma = ",";
	}
	fputc(']', out);
}

static void json_item(const struct item *it, FILE *out)
{
	const char *why = item_why(it);

	fprintf(out, "{\"type\":\"%s\"", it->kind->type->name);
	json_member("key", it->key, out);
	json_member("scope", scope_name(it), out);
	json_member("state", dp_state_name((enum dp_state)it->state), out);
	if (why)
		json_member("why", why, out);
	json_spec("have", it, it->have, out);
	json_spec("want", it, item_want(it), out);
	json_needs(it, out);
	fputs("},\n", out);
}

int dp_json(const struct dp *dp, FILE *out)
{
	fputs("{\"items\":[\n", out);
	each_item(dp, out, json_item);
	fprintf(out, "{}],\n\"count\":%u}\n", dp->counts.items);
	return ferror(out) ? -EIO : 0;
}

/* ---- DOT ---- */

static const char *const state_colors[] = {
	[DP_ABSENT] = "white",	    [DP_WAITING] = "khaki",	     [DP_CREATING] = "lightskyblue",
	[DP_CREATED] = "palegreen", [DP_MODIFYING] = "lightskyblue", [DP_REMOVING] = "plum",
	[DP_FAILED] = "salmon",	    [DP_FOREIGN] = "lightgray",	     [DP_LEFTOVER] = "orange",
};

static void dot_node(const struct item *it, FILE *out)
{
	struct strbuf label = STRBUF_INIT, tip = STRBUF_INIT;
	const char *why = item_why(it);

	strbuf_addf(&label, "%s\n%s", it->kind->type->name, it->key);
	spec_text(it, item_want(it) ?: it->have ?: it->maybe, &tip);
	if (why)
		strbuf_addf(&tip, " (%s)", why);
	fprintf(out, "\"%p\" [fillcolor=%s,label=", (const void *)it, state_colors[it->state]);
	/* DOT strings escape as JSON's do, but for the line break of a label. */
	fputc('"', out);
	for (const char *c = strbuf_str(&label); *c; c++)
		fprintf(out, *c == '\n' ? "\\n" : *c == '"' || *c == '\\' ? "\\%c" : "%c", *c);
	fputs("\",tooltip=", out);
	json_string(strbuf_str(&tip), out);
	fputs("];\n", out);
	strbuf_fini(&label);
	strbuf_fini(&tip);
}

static void dot_foreign(const struct item *it, FILE *out)
{
	const struct edge *e;
	bool used = false;

	for (e = it->users; e && !used; e = e->next_user)
		used = is_shown(e->from);
	if (!it->claims && (used || it->state != DP_FOREIGN))
		dot_node(it, out);
}

static void dot_edges(const struct item *it, FILE *out)
{
	const struct edge *e;

	for (e = it->needs; e; e = e->next_need) {
		if (!is_shown(e->to))
			fprintf(out, "\"%p\" [style=dashed,label=\"%s %s\"];\n",
				(const void *)e->to, e->to->kind->type->name, e->to->key);
		fprintf(out, "\"%p\" -> \"%p\"%s;\n", (const void *)it, (const void *)e->to,
			e->met ? "" : " [color=red]");
	}
}

int dp_dot(const struct dp *dp, FILE *out)
{
	const struct claim *c;
	struct hmap_node *n;
	unsigned int cluster = 0;

	fputs("digraph edgeway {\nrankdir=RL;\nnode [shape=box,style=filled,fontname=sans,"
	      "fontsize=10];\n",
	      out);
	hmap_for_each (n, &dp->scopes) {
		const struct scope *s = container_of(n, struct scope, node);

		fprintf(out, "subgraph cluster_%u {\nlabel=", cluster++);
		json_string(s->name, out);
		fputs(";\n", out);
		list_for_each (c, &s->claims, list) {
			if (c == c->item->claims)
				dot_node(c->item, out);
		}
		fputs("}\n", out);
	}
	each_item(dp, out, dot_foreign);
	each_item(dp, out, dot_edges);
	fputs("}\n", out);
	return ferror(out) ? -EIO : 0;
}

/* ---- Control ---- */

static int control_plan(const char *args, FILE *out, void *arg)
{
	(void)args;
	return dp_plan(arg, out);
}

static int control_graph(const char *args, FILE *out, void *arg)
{
	if (strcmp(args, "dot") == 0)
		return dp_dot(arg, out);
	if (strcmp(args, "json") == 0)
		return dp_json(arg, out);
	return strcmp(args, "text") == 0 || !*args ? dp_text(arg, out) : -EINVAL;
}

static int control_counts(const char *args, FILE *out, void *arg)
{
	struct dp_counts c;

	(void)args;
	dp_counts(arg, &c);
	fprintf(out,
		"items=%u created=%u waiting=%u failed=%u leftover=%u foreign=%u scopes=%u "
		"operations=%llu retries=%llu repaired=%llu resyncs=%llu\n",
		c.items, c.created, c.waiting, c.failed, c.leftover, c.foreign, c.scopes,
		(unsigned long long)c.operations, (unsigned long long)c.retries,
		(unsigned long long)c.repaired, (unsigned long long)c.resyncs);
	return 0;
}

void dp_control(struct dp *dp, struct control *control)
{
	control_add(control, "plan", "what is still to do; nothing: all is as wanted", control_plan,
		    dp);
	control_add(control, "graph", "text | json | dot: have and want in one picture",
		    control_graph, dp);
	control_add(control, "counts", "items by state, operations so far", control_counts, dp);
}
