/* SPDX-License-Identifier: Apache-2.0 */
#include "nim/metering/meter.h"

#include <stddef.h>

#include "base/civil.h"

/* ---- Periods ---- */

int64_t meter_day_start(int64_t now_s, int shift)
{
	return (civil_day_of(now_s) + shift) * CIVIL_DAY_S;
}

int64_t meter_month_start(int64_t now_s, unsigned int billing_day, int shift)
{
	unsigned int month, day;
	int64_t year, months;

	civil_date(civil_day_of(now_s), &year, &month, &day);
	months = year * 12 + month - 1 - (day < billing_day) + shift;
	return civil_days(months / 12, (unsigned int)(months % 12) + 1, billing_day) * CIVIL_DAY_S;
}

static bool clock_known(int64_t now_s)
{
	return now_s >= METER_CLOCK_KNOWN_S;
}

/* The time that chooses the current periods; 0: not known. */
static int64_t period_time(const struct meter *m, int64_t now_s)
{
	return clock_known(now_s) ? now_s : m->last_s;
}

static const struct meter_count *find_period(const struct meter_count *list, int64_t start_s)
{
	for (unsigned int i = 0; i < METER_PERIODS; i++)
		if (start_s && list[i].start_s == start_s)
			return &list[i];
	return NULL;
}

static uint64_t distance(int64_t a, int64_t b)
{
	return a > b ? (uint64_t)a - (uint64_t)b : (uint64_t)b - (uint64_t)a;
}

/* The entry of a period; a new one takes the place of the farthest away in time. */
static struct meter_count *take_period(struct meter_count *list, int64_t start_s)
{
	struct meter_count *best = (struct meter_count *)find_period(list, start_s);

	if (best)
		return best;
	best = &list[0];
	for (unsigned int i = 1; i < METER_PERIODS; i++)
		if (best->start_s && (!list[i].start_s || distance(list[i].start_s, start_s) >
								  distance(best->start_s, start_s)))
			best = &list[i];
	*best = (struct meter_count){ .start_s = start_s };
	return best;
}

static struct meter_count shown(const struct meter_count *list, int64_t start_s)
{
	const struct meter_count *found = find_period(list, start_s);

	return found ? *found : (struct meter_count){ .start_s = start_s };
}

struct meter_count meter_day(const struct meter *m, int64_t now_s, int shift)
{
	int64_t t = period_time(m, now_s);

	return shown(m->days, t ? meter_day_start(t, shift) : 0);
}

struct meter_count meter_month(const struct meter *m, int64_t now_s, int shift)
{
	int64_t t = period_time(m, now_s);

	return shown(m->months, t ? meter_month_start(t, m->billing_day, shift) : 0);
}

/* ---- Counting ---- */

static void add(struct meter_count *c, uint64_t rx_bytes, uint64_t tx_bytes)
{
	c->rx_bytes += rx_bytes;
	c->tx_bytes += tx_bytes;
}

bool meter_roll(struct meter *m, int64_t now_s)
{
	const struct meter_count waiting = m->waiting;

	if (!clock_known(now_s))
		return false;
	m->last_s = now_s;
	if (!waiting.rx_bytes && !waiting.tx_bytes)
		return false;
	m->waiting = (struct meter_count){ 0 };
	add(take_period(m->days, meter_day_start(now_s, 0)), waiting.rx_bytes, waiting.tx_bytes);
	add(take_period(m->months, meter_month_start(now_s, m->billing_day, 0)), waiting.rx_bytes,
	    waiting.tx_bytes);
	return true;
}

static bool count(struct meter *m, uint64_t rx_bytes, uint64_t tx_bytes, int64_t now_s)
{
	add(&m->waiting, rx_bytes, tx_bytes);
	return meter_roll(m, now_s) || rx_bytes || tx_bytes;
}

bool meter_add_sample(struct meter *m, const struct meter_sample *s, int64_t now_s)
{
	uint64_t rx = s->rx_bytes, tx = s->tx_bytes;
	bool same = m->ifindex == s->ifindex && rx >= m->seen_rx && tx >= m->seen_tx;

	if (!ifname_equal(&m->ifname, &s->ifname)) {
		rx = tx = 0;
	} else if (same) {
		rx -= m->seen_rx;
		tx -= m->seen_tx;
	}
	m->ifname = s->ifname;
	m->ifindex = s->ifindex;
	m->seen_rx = s->rx_bytes;
	m->seen_tx = s->tx_bytes;
	return count(m, rx, tx, now_s);
}

bool meter_add_farewell(struct meter *m, uint64_t rx_bytes, uint64_t tx_bytes, int64_t now_s)
{
	uint64_t rx = rx_bytes > m->seen_rx ? rx_bytes - m->seen_rx : 0;
	uint64_t tx = tx_bytes > m->seen_tx ? tx_bytes - m->seen_tx : 0;

	m->seen_rx += rx;
	m->seen_tx += tx;
	return count(m, rx, tx, now_s);
}

void meter_rebooted(struct meter *m)
{
	m->ifindex = 0;
	m->seen_rx = m->seen_tx = 0;
}

void meter_pause(struct meter *m)
{
	meter_rebooted(m);
	m->ifname = (struct ifname){ 0 };
}

void meter_set_billing_day(struct meter *m, unsigned int day, int64_t now_s)
{
	int64_t t = period_time(m, now_s);
	struct meter_count current = meter_month(m, now_s, 0);

	if (m->billing_day == day)
		return;
	m->billing_day = (uint8_t)day;
	for (unsigned int i = 0; t && i < METER_PERIODS; i++)
		m->months[i] = (struct meter_count){ 0 };
	if (!t || (!current.rx_bytes && !current.tx_bytes))
		return;
	add(take_period(m->months, meter_month_start(t, day, 0)), current.rx_bytes,
	    current.tx_bytes);
}

/* ---- Quota ---- */

uint64_t meter_used(const struct meter *m, int64_t now_s)
{
	struct meter_count month = meter_month(m, now_s, 0);

	add(&month, m->waiting.rx_bytes, m->waiting.tx_bytes);
	return month.rx_bytes + month.tx_bytes;
}

uint32_t meter_percent(uint64_t used_bytes, uint64_t quota_bytes)
{
	uint64_t percent;

	if (!quota_bytes)
		return 0;
	if (used_bytes / quota_bytes > UINT32_MAX / 100 - 1)
		return UINT32_MAX;
	percent = used_bytes / quota_bytes * 100 + used_bytes % quota_bytes * 100 / quota_bytes;
	return (uint32_t)percent;
}

enum meter_state meter_judge(uint64_t used_bytes, uint64_t quota_bytes)
{
	if (!quota_bytes)
		return METER_FREE;
	if (used_bytes >= quota_bytes)
		return METER_OVER;
	return meter_percent(used_bytes, quota_bytes) >= METER_NEAR_PERCENT ? METER_NEAR
									    : METER_BELOW;
}

bool meter_over_quota(const struct meter *m, uint64_t quota_bytes, int64_t now_s)
{
	return meter_judge(meter_used(m, now_s), quota_bytes) == METER_OVER;
}

const char *meter_state_name(enum meter_state state)
{
	static const char *const names[] = {
		[METER_FREE] = "free",
		[METER_BELOW] = "below",
		[METER_NEAR] = "near",
		[METER_OVER] = "over",
	};

	return names[state];
}

/* ---- When ---- */

#define SUDDEN_BYTES_PER_MS 125000 /* 1 Gbit/s */
#define SUDDEN_MIN_MS 1000
#define STEADY_MIN_MS 100

static uint64_t clamp(uint64_t ms, uint64_t min)
{
	return ms < min ? min : ms > METER_SAMPLE_MS ? METER_SAMPLE_MS : ms;
}

unsigned int meter_next_ms(uint64_t used_bytes, uint64_t quota_bytes, uint64_t bytes_per_s,
			   int64_t now_s)
{
	uint64_t ms = METER_SAMPLE_MS, to_midnight_s, at_midnight;

	if (used_bytes < quota_bytes) {
		uint64_t left = quota_bytes - used_bytes;
		uint64_t sudden = clamp(left / SUDDEN_BYTES_PER_MS, SUDDEN_MIN_MS);
		uint64_t steady = clamp(left / (bytes_per_s / 500 + 1), STEADY_MIN_MS);

		ms = steady < sudden ? steady : sudden;
	}
	if (!clock_known(now_s))
		return (unsigned int)ms;
	/* A second before, so that the day's last bytes are the old day's, and just after. */
	to_midnight_s = (uint64_t)(meter_day_start(now_s, 1) - now_s);
	at_midnight = (to_midnight_s > 1 ? to_midnight_s - 1 : to_midnight_s) * 1000;
	return (unsigned int)(ms < at_midnight ? ms : at_midnight);
}
