/* SPDX-License-Identifier: Apache-2.0 */
/* Have and want as text and JSON. */
#include "dataplane/graph/export.h"

#include <errno.h>

#include "dataplane/graph/engine.h"

/* ---- Order ---- */

static int item_cmp(const struct item *a, const struct item *b)
{
	int r = strcmp(a->kind->type->name, b->kind->type->name);

	return r ? r : strcmp(a->key, b->key);
}

static int by_key(const void *a, const void *b)
{
	return item_cmp(*(const struct item *const *)a, *(const struct item *const *)b);
}

static int by_scope(const void *a, const void *b)
{
	const struct item *ia = *(const struct item *const *)a,
			  *ib = *(const struct item *const *)b;
	const char *sa = ia->claims ? ia->claims->scope->name : "\xff";
	const char *sb = ib->claims ? ib->claims->scope->name : "\xff";
	int r = strcmp(sa, sb);

	return r ? r : item_cmp(ia, ib);
}

static size_t items_count(const struct item **items)
{
	size_t n = 0;

	while (items[n])
		n++;
	return n;
}

const struct item **export_items(const struct dp *dp)
{
	const struct item **items = xcalloc(dp->counts.items + 1, sizeof(*items));
	const struct kind *kind;
	struct hmap_node *n;
	size_t count = 0;

	list_for_each (kind, &dp->kind_order, list) {
		hmap_for_each (n, &kind->items)
			items[count++] = container_of(n, struct item, node);
	}
	qsort(items, count, sizeof(*items), by_key);
	return items;
}

void export_sort_by_scope(const struct item **items)
{
	qsort(items, items_count(items), sizeof(*items), by_scope);
}

void export_spec(const struct item *it, const struct spec *spec, struct strbuf *out)
{
	if (spec && it->kind->type->print)
		it->kind->type->print(spec->data, out);
}

/* ---- Text ---- */

static void text_item(const struct item *it, FILE *out)
{
	_cleanup_(strbuf_fini) struct strbuf line = STRBUF_INIT;
	const char *why = item_why(it);
	const struct claim *c;

	strbuf_addf(&line, "%-9s %s %s ", dp_state_name(it->state), it->kind->type->name, it->key);
	export_spec(it, item_want(it) ?: it->have ?: it->maybe, &line);
	for (c = it->claims; c; c = c->next)
		strbuf_addf(&line, "%s%s", c == it->claims ? " scope=" : ",", c->scope->name);
	if (why)
		strbuf_addf(&line, " why=\"%s\"", why);
	fprintf(out, "%s\n", strbuf_str(&line));
}

int dp_text(const struct dp *dp, FILE *out)
{
	const struct item **items = export_items(dp), **at;

	for (at = items; *at; at++)
		if (item_present(*at) || (*at)->claims)
			text_item(*at, out);
	free(items);
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
	_cleanup_(strbuf_fini) struct strbuf text = STRBUF_INIT;

	if (!spec)
		return;
	export_spec(it, spec, &text);
	json_member(name, strbuf_str(&text), out);
}

static void json_scopes(const struct item *it, FILE *out)
{
	const struct claim *c;

	fputs(",\"scopes\":[", out);
	for (c = it->claims; c; c = c->next) {
		fputs(c == it->claims ? "" : ",", out);
		json_string(c->scope->name, out);
	}
	fputc(']', out);
}

static void json_needs(const struct item *it, FILE *out)
{
	const struct edge *e;

	fputs(",\"needs\":[", out);
	for (e = it->needs; e; e = e->next_need) {
		fprintf(out, "%s{\"type\":\"%s\"", e == it->needs ? "" : ",",
			e->to->kind->type->name);
		json_member("key", e->to->key, out);
		fprintf(out, ",\"met\":%s,\"fallsWith\":%s,\"follows\":%s}",
			e->met ? "true" : "false", e->flags & DP_FALLS_WITH ? "true" : "false",
			e->flags & DP_FOLLOW ? "true" : "false");
	}
	fputc(']', out);
}

static void json_item(const struct item *it, FILE *out)
{
	const char *why = item_why(it);

	fprintf(out, "{\"type\":\"%s\"", it->kind->type->name);
	json_member("key", it->key, out);
	json_scopes(it, out);
	json_member("state", dp_state_name(it->state), out);
	if (why)
		json_member("why", why, out);
	json_spec("have", it, it->have, out);
	json_spec("want", it, item_want(it), out);
	json_needs(it, out);
	fputc('}', out);
}

int dp_json(const struct dp *dp, FILE *out)
{
	const struct item **items = export_items(dp), **at;
	const char *comma = "\n";

	fputs("{\"items\":[", out);
	for (at = items; *at; at++) {
		if (!item_present(*at) && !(*at)->claims)
			continue;
		fputs(comma, out);
		json_item(*at, out);
		comma = ",\n";
	}
	fputs("\n]}\n", out);
	free(items);
	return ferror(out) ? -EIO : 0;
}
