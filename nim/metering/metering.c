/* SPDX-License-Identifier: Apache-2.0 */
#include "nim/metering/metering.h"

#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <string.h>

#include "api/topics.h"
#include "base/arena.h"
#include "base/cleanup.h"
#include "base/control.h"
#include "base/file.h"
#include "base/keep.h"
#include "base/log.h"
#include "base/mono.h"
#include "base/strbuf.h"
#include "base/wall.h"
#include "dataplane/nl/link_counters.h"
#include "nim/gateway/one_way.h"
#include "nim/metering/meter_msg.h"

#define BOOT_ID "/proc/sys/kernel/random/boot_id"
#define STORE_MS (METER_SAMPLE_MS - 1000) /* between writes that are not urgent; timers are late */
#define RATE_MIN_MS 50 /* a rate over less says nothing */
#define FORGET_S (62 * 86400)

struct meter_port {
	struct meter_record record;
	bool told; /* by the bus, since we run */
	enum meter_state state;
	uint64_t bytes_per_s; /* between the last samples */
	struct mono rated; /* time of the older of them … */
	uint64_t rated_bytes; /* … and its counters */
	struct one_way one_way;
};

struct metering {
	struct metering_conf conf;
	struct ps_pub *pub;
	struct event *timer;
	struct keep *keep;
	char *path, *boot_id;
	struct mono stored;
	bool dirty; /* what is kept is older than this */
	bool urgent; /* … and must not be */
	struct meter_port *ports[METER_RECORDS]; /* those only remembered included */
	size_t n;
};

/* ---- Storing ---- */

static void store(struct metering *m)
{
	const struct meter_record *records[METER_RECORDS];
	struct strbuf text = STRBUF_INIT;
	struct mono now = mono_now();
	size_t len;

	if (!m->dirty || (!m->urgent && m->stored.ns && mono_diff_ms(now, m->stored) < STORE_MS))
		return;
	for (size_t i = 0; i < m->n; i++)
		records[i] = &m->ports[i]->record;
	meter_format(records, m->n, m->boot_id, &text);
	len = text.len;
	m->dirty = m->urgent = false;
	m->stored = now;
	keep_store(m->keep, strbuf_take(&text), len); /* may fail at once: not_kept() */
}

static void not_kept(int err, void *arg)
{
	struct metering *m = arg;

	m->dirty = true; /* again with the next sample */
	log_error("metering_not_kept", "file=%s err=%d", m->path, -err);
}

/* ---- Sampling ---- */

static int64_t wall_s(void)
{
	return wall_ms() / 1000;
}

static void note_change(struct metering *m, const struct meter *was, const struct meter *now)
{
	struct meter a = *was;

	a.last_s = now->last_s; /* goes on in idle times, too, when there is nothing to keep */
	if (memcmp(&a, now, sizeof(a)) == 0)
		return;
	m->dirty = true;
	m->urgent = m->urgent || was->ifindex != now->ifindex ||
		    !ifname_equal(&was->ifname, &now->ifname);
}

static void rate(struct meter_port *p)
{
	uint64_t bytes = p->record.meter.seen_rx + p->record.meter.seen_tx;
	struct mono now = mono_now();
	int64_t ms = mono_diff_ms(now, p->rated);

	if (p->rated.ns && ms < RATE_MIN_MS)
		return;
	p->bytes_per_s = p->rated.ns && bytes >= p->rated_bytes
				 ? (bytes - p->rated_bytes) * 1000 / (uint64_t)ms
				 : 0;
	p->rated = now;
	p->rated_bytes = bytes;
}

/* Index of the port; -1: it is not configured. */
static int find_port(const struct metering *m, const char *label)
{
	for (unsigned int i = 0; i < m->conf.config->nports; i++)
		if (strcmp(m->conf.config->ports[i].label, label) == 0)
			return (int)i;
	return -1;
}

static void sample(struct metering *m, struct meter_port *p, int64_t now_s)
{
	int port = find_port(m, p->record.label);
	const struct nim_iface *iface = port < 0 ? NULL : &m->conf.facts->ifaces[port];
	struct meter *meter = &p->record.meter, was = *meter;
	struct link_counters counters;

	if (iface && iface->ifindex &&
	    link_counters_read(m->conf.dp, iface->ifindex, &counters) == 0) {
		meter_add_sample(meter,
				 &(struct meter_sample){ .ifname = iface->ifname,
							 .ifindex = iface->ifindex,
							 .rx_bytes = counters.rx_bytes,
							 .tx_bytes = counters.tx_bytes },
				 now_s);
		if (one_way_look(&p->one_way, counters.rx_bytes, counters.tx_bytes, mono_now()))
			m->conf.one_way(p->record.label, m->conf.arg);
	} else {
		meter_roll(meter, now_s);
	}
	if (iface && !iface->ifindex && !meter->ifname.str[0])
		meter->ifname = iface->ifname; /* it is yet to come: all it counts is ours */
	rate(p);
	note_change(m, &was, meter);
}

static void log_state(const struct meter_port *p, enum meter_state was, uint64_t used)
{
	char text[128];

	snprintf(text, sizeof(text), "from=%s to=%s used=%llu quota=%llu", meter_state_name(was),
		 meter_state_name(p->state), (unsigned long long)used,
		 (unsigned long long)p->record.quota_bytes);
	if (p->state == METER_NEAR || p->state == METER_OVER)
		log_warning("port_quota", "port=%s %s", p->record.label, text);
	else
		log_info("port_quota", "port=%s %s", p->record.label, text);
}

/* The one place where the state changes; true when apps gain or lose the port. */
static bool set_state(struct metering *m, struct meter_port *p, uint64_t used)
{
	enum meter_state was = p->state;

	p->state = meter_judge(used, p->record.quota_bytes);
	if (was != p->state)
		log_state(p, was, used);
	if ((was == METER_OVER) == (p->state == METER_OVER))
		return false;
	m->urgent = true;
	return true;
}

static void publish(struct metering *m, const struct meter_port *p, int64_t now_s)
{
	struct arena arena = { 0 };
	int r = ps_publish_port_meter_status(m->pub, p->record.label,
					     meter_status(&p->record, now_s, &arena));

	if (r < 0)
		log_error("publish_failed", "topic=PortMeterStatus key=%s err=%d", p->record.label,
			  -r);
	arena_fini(&arena);
}

static void arm(struct metering *m, unsigned int ms)
{
	const struct timeval tv = { .tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000 };

	if (ms)
		event_add(m->timer, &tv);
	else
		event_del(m->timer);
}

/* What was not urgent enough to be written now is written a minute after the last time. */
static unsigned int until_stored_ms(const struct metering *m, unsigned int next_ms)
{
	int64_t left = STORE_MS - mono_diff_ms(mono_now(), m->stored);

	if (!m->dirty || left <= 0 || left >= (int64_t)next_ms)
		return next_ms;
	return (unsigned int)left + 1;
}

static void tick(struct metering *m)
{
	int64_t now_s = wall_s();
	unsigned int next_ms = 0;
	bool changed = false;

	for (size_t i = 0; i < m->n; i++) {
		struct meter_port *p = m->ports[i];
		unsigned int ms;
		uint64_t used;

		if (!p->record.metered)
			continue;
		sample(m, p, now_s);
		used = meter_used(&p->record.meter, now_s);
		changed = set_state(m, p, used) || changed;
		publish(m, p, now_s);
		ms = meter_next_ms(used, p->record.quota_bytes, p->bytes_per_s, now_s);
		next_ms = next_ms && next_ms < ms ? next_ms : ms;
	}
	store(m);
	arm(m, until_stored_ms(m, next_ms));
	if (changed)
		m->conf.changed(m->conf.arg);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	(void)fd, (void)what;
	tick(arg);
}

static void on_farewell(uint32_t ifindex, const struct link_counters *last, void *arg)
{
	struct metering *m = arg;

	for (size_t i = 0; i < m->n; i++) {
		struct meter_port *p = m->ports[i];
		struct meter was = p->record.meter;

		if (!p->record.metered || !ifindex || was.ifindex != ifindex)
			continue;
		meter_add_farewell(&p->record.meter, last->rx_bytes, last->tx_bytes, wall_s());
		note_change(m, &was, &p->record.meter);
		m->urgent = true; /* nobody can tell it again */
		event_active(m->timer, EV_TIMEOUT, 0);
	}
}

void metering_look(struct metering *m)
{
	for (size_t i = 0; i < m->n; i++)
		if (m->ports[i]->record.metered)
			event_active(m->timer, EV_TIMEOUT, 0);
}

void metering_tell(const struct metering *m, struct nim_facts *facts)
{
	for (unsigned int i = 0; i < m->conf.config->nports; i++)
		facts->ifaces[i].over_quota = facts->ifaces[i].metered = false;
	for (size_t i = 0; i < m->n; i++) {
		int port = find_port(m, m->ports[i]->record.label);

		if (port < 0)
			continue;
		facts->ifaces[port].over_quota = m->ports[i]->state == METER_OVER;
		facts->ifaces[port].metered = m->ports[i]->record.metered;
	}
}

/* ---- Configuration ---- */

static struct meter_port *find(const struct metering *m, const char *label)
{
	for (size_t i = 0; i < m->n; i++)
		if (strcmp(m->ports[i]->record.label, label) == 0)
			return m->ports[i];
	return NULL;
}

static void forget(struct metering *m, size_t i)
{
	free(m->ports[i]);
	m->ports[i] = m->ports[--m->n];
	m->dirty = m->urgent = true;
}

/* Of what is only remembered: what is too old, and when there is no room, the oldest. */
static void forget_old(struct metering *m, int64_t now_s, size_t room)
{
	for (size_t i = m->n; i-- > 0;)
		if (!m->ports[i]->record.metered &&
		    m->ports[i]->record.meter.last_s < now_s - FORGET_S)
			forget(m, i);
	while (m->n + room > METER_RECORDS) {
		size_t oldest = 0; /* in doubt the first: there is no room for more metered ones */

		for (size_t i = 0; i < m->n; i++)
			if (!m->ports[i]->record.metered &&
			    (m->ports[oldest]->record.metered ||
			     m->ports[i]->record.meter.last_s <
				     m->ports[oldest]->record.meter.last_s))
				oldest = i;
		forget(m, oldest);
	}
}

static struct meter_port *take(struct metering *m, const char *label, uint8_t billing_day)
{
	struct meter_port *p = find(m, label);

	if (p)
		return p;
	forget_old(m, wall_s(), 1);
	p = xcalloc(1, sizeof(*p));
	snprintf(p->record.label, sizeof(p->record.label), "%s", label);
	p->record.meter.billing_day = billing_day;
	m->ports[m->n++] = p;
	return p;
}

static void stop_port(struct metering *m, struct meter_port *p)
{
	bool was_over = p->state == METER_OVER;

	sample(m, p, wall_s());
	meter_pause(&p->record.meter);
	p->record.metered = false;
	p->state = METER_FREE;
	m->dirty = m->urgent = true;
	ps_unpublish(m->pub, p->record.label);
	event_active(m->timer, EV_TIMEOUT, 0); /* writes, and rests when this was the last one */
	if (was_over)
		m->conf.changed(m->conf.arg);
}

static void want_port(struct metering *m, const Ew__PortMeterConfig *config)
{
	uint8_t day =
		config->billing_day <= METER_BILLING_DAY_MAX ? (uint8_t)config->billing_day : 1;
	struct meter_port *p = take(m, config->logicallabel, day ? day : 1);

	p->told = true;
	p->record.metered = true;
	p->record.quota_bytes =
		config->quota_bytes > METER_QUOTA_MAX ? METER_QUOTA_MAX : config->quota_bytes;
	meter_set_billing_day(&p->record.meter, day ? day : 1, wall_s());
	m->dirty = m->urgent = true;
	event_active(m->timer, EV_TIMEOUT, 0);
}

static void meter_changed(const char *key, const Ew__PortMeterConfig *was,
			  const Ew__PortMeterConfig *now, void *arg)
{
	struct metering *m = arg;
	struct meter_port *p = find(m, key);

	(void)was;
	if (now && strlen(now->logicallabel) < NIM_LABEL) /* ports of longer ones have an error */
		want_port(m, now);
	else if (p && p->record.metered)
		stop_port(m, p);
}

static void meters_synced(void *arg)
{
	struct metering *m = arg;

	for (size_t i = 0; i < m->n; i++)
		if (m->ports[i]->record.metered && !m->ports[i]->told)
			stop_port(m, m->ports[i]); /* of an earlier run, and wanted no more */
	forget_old(m, wall_s(), 0);
	tick(m);
	ps_publish_synced(m->pub);
}

/* ---- Life ---- */

static int control_sample(const char *args, FILE *out, void *arg)
{
	(void)args, (void)out;
	tick(arg);
	return 0;
}

void metering_control(struct metering *m, struct control *control)
{
	control_add(control, "sample", "reads the counters of metered ports now", control_sample,
		    m);
}

static void set_aside(const struct metering *m, const char *why)
{
	_cleanup_(freep) char *bad = xasprintf("%s.bad", m->path);

	log_warning("metering_lost", "file=%s why=\"%s\"", bad, why);
	(void)rename(m->path, bad); /* or it is replaced */
}

/* Counting anew is better than no network: whatever is wrong with the file stops nobody. */
static void load(struct metering *m)
{
	_cleanup_(freep) struct meter_record *records = NULL;
	_cleanup_(freep) char *text = NULL;
	size_t len, n = 0;
	int r = file_read(m->path, METER_FILE_MAX, &text, &len);

	if (r == -ENOENT)
		return;
	if (r == 0)
		r = meter_parse(text, len, m->boot_id, &records, &n);
	if (r < 0) {
		set_aside(m, strerror(-r));
		return;
	}
	for (; m->n < n; m->n++) {
		struct meter_port *p = m->ports[m->n] = xcalloc(1, sizeof(*p));

		p->record = records[m->n];
		if (p->record.metered)
			p->state = meter_judge(meter_used(&p->record.meter, wall_s()),
					       p->record.quota_bytes);
	}
}

static int read_boot_id(struct metering *m)
{
	size_t len;
	int r = file_read(BOOT_ID, 64, &m->boot_id, &len);

	if (r == 0)
		m->boot_id[strcspn(m->boot_id, "\n")] = '\0';
	return r;
}

static int open_bus(struct metering *m, struct ps *ps)
{
	static const struct ps_port_meter_config_ops ops = {
		.changed = meter_changed,
		.synced = meters_synced,
	};
	struct ps_sub *sub; /* ps frees it */
	int r;

	r = ps_advertise_port_meter_status(ps, NULL, &m->pub);
	if (r == 0)
		r = ps_subscribe_port_meter_config(ps, &ops, m, &sub);
	return r;
}

int metering_new(const struct metering_conf *conf, struct metering **ret)
{
	struct metering *m = xcalloc(1, sizeof(*m));
	int r;

	m->conf = *conf;
	m->path = xasprintf("%s/nim/meters.json", conf->state_dir);
	m->timer = evtimer_new(conf->base, on_timer, m);
	m->keep = keep_new(conf->base, m->path, not_kept, m);
	r = m->timer && m->keep ? read_boot_id(m) : -ENOMEM;
	if (r == 0)
		r = open_bus(m, conf->ps);
	if (r < 0) {
		metering_free(m);
		return r;
	}
	load(m);
	link_on_farewell(m->conf.dp, on_farewell, m);
	*ret = m;
	return 0;
}

struct metering *metering_free(struct metering *m)
{
	if (!m)
		return NULL;
	for (size_t i = 0; i < m->n; i++)
		if (m->ports[i]->record.metered)
			sample(m, m->ports[i], wall_s());
	m->urgent = true;
	if (m->keep)
		store(m);
	keep_free(m->keep);
	if (m->timer)
		event_free(m->timer);
	for (size_t i = 0; i < m->n; i++)
		free(m->ports[i]);
	free(m->path);
	free(m->boot_id);
	free(m);
	return NULL;
}
