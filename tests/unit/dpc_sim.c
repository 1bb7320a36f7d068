/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/dpc_sim.h"

#include <stdio.h>

#include "base/cleanup.h"

/* ---- Configurations ---- */

Ew__DpcEntry *entry_on(const char *key, Ew__DpcSource source, int64_t time_ms, const char *ifname,
		       int octet)
{
	Ew__DevicePortConfig config = EW__DEVICE_PORT_CONFIG__INIT;
	Ew__PortConfig port = EW__PORT_CONFIG__INIT;
	_cleanup_(freep) char *address = xasprintf("192.0.2.%d/24", octet);

	port.logicallabel = port.ifname = (char *)ifname;
	port.is_mgmt = port.is_l3 = true;
	port.dhcp = octet < 0 ? EW__DHCP_MODE__DHCP_NONE : EW__DHCP_MODE__DHCP_STATIC;
	if (octet == 0)
		port.dhcp = EW__DHCP_MODE__DHCP_CLIENT;
	port.addresses = &address;
	port.n_addresses = octet > 0;
	config.ports = (Ew__PortConfig *[]){ &port };
	config.n_ports = 1;
	return dpc_entry_new(key, source, time_ms, "", &config);
}

Ew__DpcEntry *entry(const char *key, Ew__DpcSource source, int64_t time_ms, int octet)
{
	return entry_on(key, source, time_ms, "eth0", octet);
}

/* ---- The world ---- */

static void noted(const Ew__DpcEntry *e, Ew__DpcState from, const char *why, void *arg)
{
	struct sim *s = arg;

	(void)from;
	assert_true(why[0]);
	strbuf_addf(&s->log, "%s%s:%s", s->log.len ? " " : "", e->key, dpc_state_name(e->state));
}

static bool fits(const Ew__DpcEntry *working, const Ew__DpcEntry *candidate, char why[DPCV_WHY],
		 void *arg)
{
	const struct sim *s = arg;

	assert_true(working != candidate);
	snprintf(why, DPCV_WHY, "%s", s->beside ? "" : "eth0: another MTU");
	return s->beside;
}

static struct truth *truth_of(struct sim *s, const Ew__DpcEntry *e)
{
	for (size_t i = 0; i < ARRAY_SIZE(s->truth); i++)
		if (s->truth[i].key && strcmp(s->truth[i].key, e->key) == 0)
			return &s->truth[i];
	return &s->truth[0];
}

static const Ew__DpcEntry *target(struct sim *s)
{
	return s->list.tested ?: s->list.current;
}

static void one_round(struct sim *s)
{
	const struct truth *t = truth_of(s, target(s));
	struct dpc_port_result port = { .label = target(s)->config->ports[0]->logicallabel,
					.is_mgmt = true,
					.result = { .outcome = t->outcome, .stage = t->stage } };

	s->rounds++;
	if (t->outcome != CONN_OK)
		snprintf(port.result.why, sizeof(port.result.why), "stage %d", t->stage);
	dpcv_begun(&s->v);
	if (t->failure)
		dpcv_void(&s->v, s->now, t->failure);
	else
		dpcv_round(&s->v, s->now, &t->facts, &port, 1);
}

void drive(struct sim *s, bool event)
{
	for (int turns = 0; target(s); turns++) {
		bool moved = s->applied != s->list.current;

		assert_true(turns < 50);
		s->applied = s->list.current;
		dpcv_step(&s->v, s->now, &truth_of(s, target(s))->facts, event || moved);
		if (s->v.test)
			one_round(s);
		else if (s->applied == s->list.current)
			break;
		event = false;
	}
	snprintf(s->applied_key, sizeof(s->applied_key), "%s",
		 s->list.current ? s->list.current->key : "");
}

void pass_time(struct sim *s, int64_t ms)
{
	int64_t end = s->now.mono_ms + ms;

	for (int64_t wake; (wake = dpcv_wake_ms(&s->v)) && wake <= end;) {
		s->now.wall_ms += wake > s->now.mono_ms ? wake - s->now.mono_ms : 0;
		s->now.mono_ms = wake > s->now.mono_ms ? wake : s->now.mono_ms + 1;
		drive(s, false);
	}
	s->now.wall_ms += end - s->now.mono_ms;
	s->now.mono_ms = end;
}

void begin(struct sim *s)
{
	*s = (struct sim){ .now = { 1000, START } };
	s->v = (struct dpc_verify){ .list = &s->list,
				    .timers = DPCV_TIMERS_DEFAULT,
				    .remote = true,
				    .fits = fits,
				    .transition = noted,
				    .arg = s };
}

void set_truth(struct sim *s, struct truth t)
{
	size_t i = 0;

	while (s->truth[i].key && strcmp(s->truth[i].key, t.key) != 0)
		i++;
	s->truth[i] = t;
}

void put(struct sim *s, Ew__DpcEntry *e)
{
	assert_int_equal(dpc_list_put(&s->list, e), 1);
	dpcv_list_changed(&s->v, s->now, "new");
	drive(s, false);
}

void drop(struct sim *s, const char *key)
{
	dpc_list_remove(&s->list, key);
	dpcv_list_changed(&s->v, s->now, "removed");
	drive(s, false);
}

void end(struct sim *s)
{
	dpc_list_fini(&s->list);
	strbuf_fini(&s->log);
}

void expect_log(struct sim *s, const char *log)
{
	assert_string_equal(strbuf_str(&s->log), log);
	strbuf_reset(&s->log);
}

void expect(struct sim *s, const char *current, Ew__DpcState state)
{
	assert_string_equal(s->applied_key, current);
	assert_string_equal(dpc_state_name(s->list.current->state), dpc_state_name(state));
}

const Ew__DpcEntry *find(struct sim *s, const char *key)
{
	const Ew__DpcEntry *e = dpc_list_find(&s->list, key);

	assert_non_null(e);
	return e;
}

void expect_order(const struct dpc_list *list, const char *order)
{
	struct strbuf got = STRBUF_INIT;

	for (size_t i = 0; i < list->n; i++)
		strbuf_addf(&got, "%s%s", i ? " " : "", list->entries[i]->key);
	assert_string_equal(strbuf_str(&got), order);
	strbuf_fini(&got);
}

void two(struct sim *s)
{
	begin(s);
	TRUTH(s, OK("override"));
	put(s, entry("override", OVERRIDE, 10, 20));
	EXPECT(s, "override", SUCCESS);
	strbuf_reset(&s->log);
}

int sim_setup(void **state)
{
	*state = xcalloc(1, sizeof(struct sim));
	begin(*state);
	return 0;
}

int sim_teardown(void **state)
{
	end(*state);
	free(*state);
	return 0;
}
