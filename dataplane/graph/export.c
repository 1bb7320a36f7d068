/* SPDX-License-Identifier: Apache-2.0 */
/* Have and want as text and JSON. */
#include "dataplane/graph/export.h"

#include <errno.h>

#include "base/pbjson.h"
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

static void json_member(const char *name, const char *value, struct strbuf *out)
{
	strbuf_addf(out, ",\"%s\":", name);
	pbjson_format_string(value, out);
}

static void json_spec(const char *name, const struct item *it, const struct spec *spec,
		      struct strbuf *out)
{
	_cleanup_(strbuf_fini) struct strbuf text = STRBUF_INIT;

	if (!spec)
		return;
	export_spec(it, spec, &text);
	json_member(name, strbuf_str(&text), out);
}

static void json_scopes(const struct item *it, struct strbuf *out)
{
	const struct claim *c;

	strbuf_add(out, ",\"scopes\":[");
	for (c = it->claims; c; c = c->next) {
		strbuf_add(out, c == it->claims ? "" : ",");
		pbjson_format_string(c->scope->name, out);
	}
	strbuf_addc(out, ']');
}

static void json_needs(const struct item *it, struct strbuf *out)
{
	const struct edge *e;

	strbuf_add(out, ",\"needs\":[");
	for (e = it->needs; e; e = e->next_need) {
		strbuf_addf(out, "%s{\"type\":\"%s\"", e == it->needs ? "" : ",",
			    e->to->kind->type->name);
		json_member("key", e->to->key, out);
		strbuf_addf(out, ",\"met\":%s,\"fallsWith\":%s,\"follows\":%s}",
			    e->met ? "true" : "false", e->flags & DP_FALLS_WITH ? "true" : "false",
			    e->flags & DP_FOLLOW ? "true" : "false");
	}
	strbuf_addc(out, ']');
}

static void json_item(const struct item *it, FILE *out)
{
	_cleanup_(strbuf_fini) struct strbuf line = STRBUF_INIT;
	const char *why = item_why(it);

	strbuf_addf(&line, "{\"type\":\"%s\"", it->kind->type->name);
	json_member("key", it->key, &line);
	json_scopes(it, &line);
	json_member("state", dp_state_name(it->state), &line);
	if (why)
		json_member("why", why, &line);
	json_spec("have", it, it->have, &line);
	json_spec("want", it, item_want(it), &line);
	json_needs(it, &line);
	strbuf_addc(&line, '}');
	fputs(strbuf_str(&line), out);
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
