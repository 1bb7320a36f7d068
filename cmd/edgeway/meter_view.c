/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/edgeway/meter_view.h"

#include "base/cleanup.h"
#include "base/pbjson.h"
#include "base/rfc3339.h"
#include "base/strbuf.h"
#include "cmd/edgeway/defuse.h"

const char *meter_bytes(uint64_t bytes, char ret[METER_BYTES])
{
	static const char *const units[] = { "kB", "MB", "GB", "TB", "PB", "EB" };
	uint64_t unit = 1000;
	size_t i = 0;

	if (bytes < 1000) {
		snprintf(ret, METER_BYTES, "%u B", (unsigned int)bytes);
		return ret;
	}
	while (i + 1 < ARRAY_SIZE(units) && bytes / unit >= 1000) {
		unit *= 1000;
		i++;
	}
	snprintf(ret, METER_BYTES, "%u.%u %s", (unsigned int)(bytes / unit),
		 (unsigned int)(bytes % unit / (unit / 10)), units[i]);
	return ret;
}

static void add_date(int64_t seconds, struct strbuf *out)
{
	struct strbuf time = STRBUF_INIT;

	if (!seconds || rfc3339_format(seconds, 0, &time) < 0)
		strbuf_addc(out, '-');
	else
		strbuf_addmem(out, time.str, strlen("2026-03-04"));
	strbuf_fini(&time);
}

bool meter_warn(const Ew__PortMeterStatus *m, struct strbuf *out)
{
	bool over = m->state == EW__METER_STATE__METER_STATE_OVER;

	if (!over && m->state != EW__METER_STATE__METER_STATE_NEAR)
		return false;
	strbuf_addf(out,
		    over ? " over its quota (%u %%), not for apps until "
			 : " %u %% of its quota used, the next from ",
		    m->percent);
	add_date(m->month ? m->month->end_s : 0, out);
	return true;
}

static const char *sum(const Ew__MeterCount *c, char ret[METER_BYTES])
{
	return c && c->start_s ? meter_bytes(c->rx_bytes + c->tx_bytes, ret) : "-";
}

static void print_port(const Ew__PortMeterStatus *m, FILE *out)
{
	_cleanup_(freep) char *name = xstrdup(m->logicallabel);
	char today[METER_BYTES], month[METER_BYTES], last[METER_BYTES];
	char quota[METER_BYTES] = "-", percent[METER_BYTES] = "-";
	struct strbuf until = STRBUF_INIT;

	defuse(name);
	add_date(m->month ? m->month->end_s : 0, &until);
	if (m->quota_bytes) {
		meter_bytes(m->quota_bytes, quota);
		snprintf(percent, sizeof(percent), "%u %%", m->percent);
	}
	fprintf(out, "%-16s %10s %10s %10s %10s %8s  %s\n", name, sum(m->today, today),
		sum(m->month, month), sum(m->last_month, last), quota, percent, strbuf_str(&until));
	strbuf_fini(&until);
}

void meter_print(Ew__PortMeterStatus *const list[], size_t n, FILE *out)
{
	if (n)
		fprintf(out, "%-16s %10s %10s %10s %10s %8s  %s\n", "PORT", "TODAY", "THIS MONTH",
			"LAST MONTH", "QUOTA", "USED", "UNTIL");
	for (size_t i = 0; i < n; i++)
		print_port(list[i], out);
}

void meter_print_json(Ew__PortMeterStatus *const list[], size_t n, FILE *out)
{
	struct strbuf text = STRBUF_INIT;

	strbuf_addc(&text, '[');
	for (size_t i = 0; i < n; i++) {
		strbuf_add(&text, i ? ",\n" : "\n");
		pbjson_format(&list[i]->base, PBJSON_DEFAULTS, &text);
	}
	strbuf_add(&text, "\n]\n");
	fputs(strbuf_str(&text), out);
	strbuf_fini(&text);
}
