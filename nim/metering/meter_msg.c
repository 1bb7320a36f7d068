/* SPDX-License-Identifier: Apache-2.0 */
#include "nim/metering/meter_msg.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/pbjson.h"
#include "base/strbuf.h"
#include "meter.pb-c.h"

#define TIME_MAX_S 253402300799LL /* 9999-12-31T23:59:59Z */

/* ---- To messages ---- */

static Ew__MeterCount *count_message(const struct meter_count *count, int64_t end_s,
				     struct arena *a)
{
	Ew__MeterCount *msg = arena_alloc(a, sizeof(*msg));

	ew__meter_count__init(msg);
	msg->start_s = count->start_s;
	msg->end_s = end_s;
	msg->rx_bytes = count->rx_bytes;
	msg->tx_bytes = count->tx_bytes;
	return msg;
}

static size_t period_messages(const struct meter_count *list, Ew__MeterCount ***ret,
			      struct arena *a)
{
	size_t n = 0;

	*ret = arena_alloc(a, METER_PERIODS * sizeof(**ret));
	for (unsigned int i = 0; i < METER_PERIODS; i++)
		if (list[i].start_s)
			(*ret)[n++] = count_message(&list[i], 0, a);
	return n;
}

static Ew__MeterRecord *record_message(const struct meter_record *record, struct arena *a)
{
	const struct meter *m = &record->meter;
	Ew__MeterRecord *msg = arena_alloc(a, sizeof(*msg));

	ew__meter_record__init(msg);
	msg->logicallabel = arena_strdup(a, record->label);
	msg->metered = record->metered;
	msg->quota_bytes = record->quota_bytes;
	msg->ifname = arena_strdup(a, m->ifname.str);
	msg->ifindex = m->ifindex;
	msg->seen_rx = m->seen_rx;
	msg->seen_tx = m->seen_tx;
	msg->billing_day = m->billing_day;
	msg->last_s = m->last_s;
	msg->waiting = count_message(&m->waiting, 0, a);
	msg->n_days = period_messages(m->days, &msg->days, a);
	msg->n_months = period_messages(m->months, &msg->months, a);
	return msg;
}

void meter_format(const struct meter_record *const records[], size_t n, const char *boot_id,
		  struct strbuf *out)
{
	Ew__MeterFile file = EW__METER_FILE__INIT;
	struct arena arena = { 0 };

	file.boot_id = arena_strdup(&arena, boot_id);
	file.n_meters = n;
	file.meters = arena_alloc(&arena, (n + 1) * sizeof(*file.meters));
	for (size_t i = 0; i < n; i++)
		file.meters[i] = record_message(records[i], &arena);
	pbjson_format(&file.base, PBJSON_PRETTY, out);
	strbuf_addc(out, '\n');
	arena_fini(&arena);
}

struct Ew__PortMeterStatus *meter_status(const struct meter_record *record, int64_t now_s,
					 struct arena *a)
{
	const struct meter *m = &record->meter;
	Ew__PortMeterStatus *s = arena_alloc(a, sizeof(*s));
	struct meter_count today = meter_day(m, now_s, 0), yesterday = meter_day(m, now_s, -1);
	struct meter_count month = meter_month(m, now_s, 0), last = meter_month(m, now_s, -1);

	ew__port_meter_status__init(s);
	s->logicallabel = arena_strdup(a, record->label);
	s->today = count_message(&today, meter_day(m, now_s, 1).start_s, a);
	s->yesterday = count_message(&yesterday, today.start_s, a);
	s->month = count_message(&month, meter_month(m, now_s, 1).start_s, a);
	s->last_month = count_message(&last, month.start_s, a);
	s->waiting = count_message(&m->waiting, 0, a);
	s->quota_bytes = record->quota_bytes;
	s->used_bytes = meter_used(m, now_s);
	s->percent = meter_percent(s->used_bytes, s->quota_bytes);
	s->state = (Ew__MeterState)meter_judge(s->used_bytes, s->quota_bytes);
	s->billing_day = m->billing_day;
	return s;
}

/* ---- From messages ---- */

static bool is_time(int64_t s)
{
	return s >= METER_CLOCK_KNOWN_S - 32 * 86400 && s <= TIME_MAX_S;
}

static bool load_periods(struct meter_count *list, Ew__MeterCount *const msgs[], size_t n)
{
	if (n > METER_PERIODS)
		return false;
	for (size_t i = 0; i < n; i++) {
		if (!is_time(msgs[i]->start_s))
			return false;
		list[i] = (struct meter_count){ .start_s = msgs[i]->start_s,
						.rx_bytes = msgs[i]->rx_bytes,
						.tx_bytes = msgs[i]->tx_bytes };
	}
	return true;
}

static bool load_record(struct meter_record *record, const Ew__MeterRecord *msg)
{
	struct meter *m = &record->meter;

	if (msg->quota_bytes > METER_QUOTA_MAX || !msg->logicallabel[0] ||
	    strlen(msg->logicallabel) >= sizeof(record->label) ||
	    (msg->ifname[0] && ifname_parse(msg->ifname, &m->ifname) < 0) || msg->billing_day < 1 ||
	    msg->billing_day > METER_BILLING_DAY_MAX || (msg->last_s && !is_time(msg->last_s)))
		return false;
	strcpy(record->label, msg->logicallabel);
	record->metered = msg->metered;
	record->quota_bytes = msg->quota_bytes;
	m->ifindex = msg->ifindex;
	m->seen_rx = msg->seen_rx;
	m->seen_tx = msg->seen_tx;
	m->billing_day = (uint8_t)msg->billing_day;
	m->last_s = msg->last_s;
	if (msg->waiting) {
		m->waiting.rx_bytes = msg->waiting->rx_bytes;
		m->waiting.tx_bytes = msg->waiting->tx_bytes;
	}
	return load_periods(m->days, msg->days, msg->n_days) &&
	       load_periods(m->months, msg->months, msg->n_months);
}

static bool load_records(struct meter_record *records, const Ew__MeterFile *file,
			 const char *boot_id)
{
	for (size_t i = 0; i < file->n_meters; i++) {
		if (!load_record(&records[i], file->meters[i]))
			return false;
		for (size_t j = 0; j < i; j++)
			if (strcmp(records[i].label, records[j].label) == 0)
				return false;
		if (strcmp(file->boot_id, boot_id) != 0)
			meter_rebooted(&records[i].meter);
	}
	return true;
}

int meter_parse(const char *text, size_t len, const char *boot_id, struct meter_record **ret,
		size_t *ret_n)
{
	_cleanup_(freep) struct meter_record *records = NULL;
	struct pbjson_error err;
	ProtobufCMessage *msg;
	Ew__MeterFile *file;
	bool good = false;
	size_t n = 0;

	if (pbjson_parse(&ew__meter_file__descriptor, text, len, &msg, &err) < 0)
		return -EINVAL;
	file = (Ew__MeterFile *)msg;
	if (file->n_meters <= METER_RECORDS) {
		records = xcalloc(file->n_meters + 1, sizeof(*records));
		good = load_records(records, file, boot_id);
		n = file->n_meters;
	}
	protobuf_c_message_free_unpacked(msg, NULL);
	if (!good)
		return -EINVAL;
	*ret = take_ptr(records);
	*ret_n = n;
	return 0;
}
