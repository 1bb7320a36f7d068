/* SPDX-License-Identifier: Apache-2.0 */
/* edgeway ports: the table. */
#include <string.h>

#include "base/cleanup.h"
#include "base/rfc3339.h"
#include "base/strbuf.h"
#include "cmd/edgeway/columns.h"
#include "cmd/edgeway/defuse.h"
#include "cmd/edgeway/ports_view.h"
#include "cmd/edgeway/test_view.h"

#define NO_END "-" /* of an address without a lease, or without an end of it */
#define BELOW_INDENT 14
#define BELOW_COLUMNS 24 /* at least: on narrower terminals lines stay whole */

enum column {
	COL_PORT,
	COL_INTERFACE,
	COL_COST,
	COL_USE,
	COL_LINK,
	COL_BY,
	COL_DEFAULT,
	COL_TEST,
	COL_BELOW, /* from here on: below, where the terminal is too narrow */
	COL_ADDRESSES = COL_BELOW,
	COL_GATEWAY,
	COL_DNS,
	COL_LEASE,
	COL_ERROR,
	COLUMNS,
};

static const char *const titles[COLUMNS] = {
	[COL_PORT] = "PORT",	   [COL_INTERFACE] = "IF", [COL_COST] = "COST",
	[COL_USE] = "USE",	   [COL_LINK] = "LINK",	   [COL_BY] = "BY",
	[COL_DEFAULT] = "DEFAULT", [COL_TEST] = "TEST",	   [COL_ADDRESSES] = "ADDRESSES",
	[COL_GATEWAY] = "GATEWAY", [COL_DNS] = "DNS",	   [COL_LEASE] = "LEASE UNTIL",
	[COL_ERROR] = "ERROR",
};

struct cell { /* texts below one another */
	char **text;
	size_t n;
};

struct table {
	struct cell *cells; /* rows times COLUMNS */
	size_t rows;
	unsigned int wide[COLUMNS];
};

static struct cell *cell(const struct table *t, size_t row, enum column c)
{
	return &t->cells[row * COLUMNS + c];
}

/* Nothing where there is no text. */
static void add(struct table *t, size_t row, enum column column, const char *text)
{
	struct cell *c = cell(t, row, column);
	unsigned int wide;

	if (!*text)
		return;
	c->text = xrealloc(c->text, c->n + 1, sizeof(*c->text));
	c->text[c->n] = xstrdup(text);
	defuse(c->text[c->n]);
	wide = columns_of(c->text[c->n++]);
	t->wide[column] = wide > t->wide[column] ? wide : t->wide[column];
}

/* In the line of its address. */
static void add_end(struct table *t, size_t row, const struct ports *ports,
		    const struct port_facts *port, const char *address)
{
	struct strbuf text = STRBUF_INIT;
	const struct dp_lease *lease;
	int64_t end;

	port_address_source(port, address, &lease);
	end = lease ? ports_lease_end(ports, lease) : 0;
	if (!end || rfc3339_format(end, 0, &text) < 0)
		strbuf_add(&text, NO_END);
	if (port->p->dhcp == EW__DHCP_MODE__DHCP_CLIENT)
		add(t, row, COL_LEASE, strbuf_str(&text));
	strbuf_fini(&text);
}

static void add_lists(struct table *t, size_t row, const struct ports *ports,
		      const struct port_facts *port)
{
	const Ew__PortStatus *p = port->p;

	for (size_t i = 0; i < p->n_addresses; i++) {
		add(t, row, COL_ADDRESSES, p->addresses[i]);
		add_end(t, row, ports, port, p->addresses[i]);
	}
	add(t, row, COL_GATEWAY, p->gateway4);
	add(t, row, COL_GATEWAY, p->gateway6);
	for (size_t i = 0; i < p->n_dns_servers; i++)
		add(t, row, COL_DNS, p->dns_servers[i]);
}

static void add_test(struct table *t, size_t row, const Ew__PortTest *test)
{
	struct strbuf word = STRBUF_INIT;

	test_word(test, &word);
	add(t, row, COL_TEST, strbuf_str(&word));
	strbuf_fini(&word);
}

static void add_row(struct table *t, size_t row, const struct ports *ports,
		    const struct port_facts *port)
{
	static const char *const by[] = { "none", "static", "dhcp" };
	const Ew__PortStatus *p = port->p;
	char cost[16];

	snprintf(cost, sizeof(cost), "%u", p->cost);
	add(t, row, COL_PORT, p->logicallabel);
	add(t, row, COL_INTERFACE, p->ifname);
	add(t, row, COL_COST, cost);
	add(t, row, COL_USE, !p->is_l3 ? "layer 2" : p->is_mgmt ? "mgmt" : "apps");
	add(t, row, COL_LINK, !p->ifindex ? "missing" : p->carrier ? "carrier" : "none");
	add(t, row, COL_BY, (size_t)p->dhcp < ARRAY_SIZE(by) ? by[p->dhcp] : "?");
	add(t, row, COL_DEFAULT,
	    port->default4 && port->default6 ? "v4 v6"
	    : port->default4		     ? "v4"
	    : port->default6		     ? "v6"
					     : "");
	add_test(t, row, p->test);
	add_lists(t, row, ports, port);
	add(t, row, COL_ERROR, p->error);
}

/* ---- Printing ---- */

static unsigned int table_width(const struct table *t, enum column columns)
{
	unsigned int sum = 0;

	for (enum column c = 0; c < columns; c++)
		sum += t->wide[c] ? t->wide[c] + 1 : 0;
	return sum ? sum - 1 : 0;
}

static size_t row_lines(const struct table *t, size_t row, enum column columns)
{
	size_t max = 1;

	for (enum column c = 0; c < columns; c++)
		max = cell(t, row, c)->n > max ? cell(t, row, c)->n : max;
	return max;
}

static void print_row(const struct table *t, size_t row, enum column columns, FILE *out)
{
	for (size_t line = 0; line < row_lines(t, row, columns); line++) {
		int blanks = 0; /* owed: none at the end of a line */

		for (enum column c = 0; c < columns; c++) {
			const struct cell *it = cell(t, row, c);
			const char *text = line < it->n ? it->text[line] : "";

			if (!t->wide[c])
				continue;
			if (*text) {
				fprintf(out, "%*s%s", blanks, "", text);
				blanks = 0;
			}
			blanks += (int)(t->wide[c] - columns_of(text)) + 1;
		}
		fputc('\n', out);
	}
}

static void print_below(const struct table *t, size_t row, unsigned int width, FILE *out)
{
	static const char *const names[COLUMNS] = {
		[COL_ADDRESSES] = "addresses", [COL_GATEWAY] = "gateway", [COL_DNS] = "DNS",
		[COL_LEASE] = "until",	       [COL_ERROR] = "error",
	};
	unsigned int room = width < BELOW_INDENT + BELOW_COLUMNS ? ~0u : width - BELOW_INDENT;

	for (enum column c = COL_BELOW; c < COLUMNS; c++) {
		const struct cell *it = cell(t, row, c);
		struct strbuf text = STRBUF_INIT;

		for (size_t i = 0; i < it->n; i++)
			if (strcmp(it->text[i], NO_END) != 0)
				strbuf_addf(&text, "%s%s", text.len ? ", " : "", it->text[i]);
		if (text.len) {
			fprintf(out, "    %-9s ", names[c]);
			columns_wrap(strbuf_str(&text), BELOW_INDENT, room, out);
		}
		strbuf_fini(&text);
	}
}

static void table_fini(struct table *t)
{
	for (size_t i = 0; i < t->rows * COLUMNS; i++) {
		for (size_t j = 0; j < t->cells[i].n; j++)
			free(t->cells[i].text[j]);
		free(t->cells[i].text);
	}
	free(t->cells);
}

unsigned int ports_print(const struct ports *ports, const struct status_look *look, FILE *out)
{
	struct table t = { .rows = ports->n + 1 };
	unsigned int bad = 0;
	bool whole;

	t.cells = xcalloc(t.rows * COLUMNS, sizeof(*t.cells));
	for (size_t i = 0; i < ports->n; i++) {
		add_row(&t, i + 1, ports, &ports->list[i]);
		bad += ports->list[i].p->error[0] != '\0';
	}
	for (enum column c = 0; c < COLUMNS; c++)
		if (t.wide[c])
			add(&t, 0, c, titles[c]);
	whole = !look->width || table_width(&t, COLUMNS) <= look->width;
	for (size_t row = 0; row < t.rows && ports->n; row++) {
		print_row(&t, row, whole ? COLUMNS : COL_BELOW, out);
		if (row && !whole)
			print_below(&t, row, look->width, out);
	}
	table_fini(&t);
	return bad;
}
