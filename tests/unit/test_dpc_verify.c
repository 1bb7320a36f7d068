/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which port configuration comes into force, by what the tests of each would say. The world is a
 * table from keys to results; time passes in steps that the machine asks for. Tests named after
 * EVE's have its scenarios.
 */
#include "tests/unit/golden.h"

#include <stdio.h>

#include "base/cleanup.h"
#include "nim/dpc/dpc_layers.h"
#include "nim/dpc/dpc_verify.h"

#define MANUAL EW__DPC_SOURCE__DPC_MANUAL
#define CONTROLLER EW__DPC_SOURCE__DPC_CONTROLLER
#define OVERRIDE EW__DPC_SOURCE__DPC_OVERRIDE
#define BOOTSTRAP EW__DPC_SOURCE__DPC_BOOTSTRAP
#define LAST_RESORT EW__DPC_SOURCE__DPC_LAST_RESORT

#define D 30000 /* test duration */
#define DAY (24 * 3600 * 1000LL)
#define START 1772600767000LL /* Unix time of the beginning */

/* What a test of a configuration finds. */
struct truth {
	const char *key;
	enum conn_outcome outcome;
	enum conn_stage stage;
	struct dpcv_facts facts;
};
#define HAS_ADDRESS .facts = { .present = 1, .ip_and_dns = true }
#define NO_ADDRESS .facts = { .present = 1 }
#define NO_INTERFACE .facts = { .missing = 1 }
#define OK(k)                                                                                      \
	{                                                                                          \
		.key = k, .outcome = CONN_OK, .stage = CONN_STAGE_DONE, HAS_ADDRESS                \
	}
#define BLACK_HOLE(k)                                                                              \
	{                                                                                          \
		.key = k, .outcome = CONN_FAILED, .stage = CONN_STAGE_TCP, HAS_ADDRESS             \
	}
#define NO_DHCP(k)                                                                                 \
	{                                                                                          \
		.key = k, .outcome = CONN_NOT_READY, .stage = CONN_STAGE_ADDRESS, NO_ADDRESS       \
	}

struct sim {
	struct dpc_list list;
	struct dpc_verify v;
	struct dpcv_time now;
	struct truth truth[8];
	struct strbuf log;
	bool beside;
	const Ew__DpcEntry *applied; /* never dereferenced */
	char applied_key[80];
	unsigned int rounds;
};

/* ---- Configurations ---- */

/* One management port; octet makes them differ in their address. */
static Ew__DpcEntry *entry_on(const char *key, Ew__DpcSource source, int64_t time_ms,
			      const char *ifname, int octet)
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

static Ew__DpcEntry *entry(const char *key, Ew__DpcSource source, int64_t time_ms, int octet)
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

static bool fits(const Ew__DpcEntry *working, const Ew__DpcEntry *candidate, void *arg)
{
	const struct sim *s = arg;

	assert_true(working != candidate);
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
	struct dpcv_port port = { .label = target(s)->config->ports[0]->logicallabel,
				  .is_mgmt = true,
				  .result = { .outcome = t->outcome, .stage = t->stage } };

	s->rounds++;
	if (t->outcome != CONN_OK)
		snprintf(port.result.why, sizeof(port.result.why), "stage %d", t->stage);
	dpcv_begun(&s->v);
	dpcv_round(&s->v, s->now, &t->facts, &port, 1);
}

/* What the driver does after each event. */
static void drive(struct sim *s, bool event)
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

static void pass_time(struct sim *s, int64_t ms)
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

static void begin(struct sim *s)
{
	*s = (struct sim){ .now = { 1000, START } };
	s->v = (struct dpc_verify){ .list = &s->list,
				    .timers = DPCV_TIMERS_DEFAULT,
				    .remote = true,
				    .fits = fits,
				    .transition = noted,
				    .arg = s };
}

static void set_truth(struct sim *s, struct truth t)
{
	size_t i = 0;

	while (s->truth[i].key && strcmp(s->truth[i].key, t.key) != 0)
		i++;
	s->truth[i] = t;
}
#define TRUTH(s, ...) set_truth(s, (struct truth)__VA_ARGS__)

static void put(struct sim *s, Ew__DpcEntry *e)
{
	assert_int_equal(dpc_list_put(&s->list, e), 1);
	dpcv_list_changed(&s->v, s->now, "new");
	drive(s, false);
}

static void drop(struct sim *s, const char *key)
{
	dpc_list_remove(&s->list, key);
	dpcv_list_changed(&s->v, s->now, "removed");
	drive(s, false);
}

static void end(struct sim *s)
{
	dpc_list_fini(&s->list);
	strbuf_fini(&s->log);
}

static void expect_log(struct sim *s, const char *log)
{
	assert_string_equal(strbuf_str(&s->log), log);
	strbuf_reset(&s->log);
}

static void expect(struct sim *s, const char *current, Ew__DpcState state)
{
	assert_string_equal(s->applied_key, current);
	assert_string_equal(dpc_state_name(s->list.current->state), dpc_state_name(state));
}
#define EXPECT(s, key, state) expect(s, key, EW__DPC_STATE__DPC_STATE_##state)

static const Ew__DpcEntry *find(struct sim *s, const char *key)
{
	const Ew__DpcEntry *e = dpc_list_find(&s->list, key);

	assert_non_null(e);
	return e;
}

static void expect_order(const struct dpc_list *list, const char *order)
{
	struct strbuf got = STRBUF_INIT;

	for (size_t i = 0; i < list->n; i++)
		strbuf_addf(&got, "%s%s", i ? " " : "", list->entries[i]->key);
	assert_string_equal(strbuf_str(&got), order);
	strbuf_fini(&got);
}

/* ---- EVE's scenarios ---- */

static void SingleDPC(void **state)
{
	struct sim s;

	(void)state;
	begin(&s);
	TRUTH(&s, NO_DHCP("zedagent"));
	put(&s, entry("zedagent", CONTROLLER, 10, 0));
	expect_log(&s, "zedagent:ASYNC_WAIT zedagent:IPDNS_WAIT");
	pass_time(&s, 4 * D);
	EXPECT(&s, "zedagent", IPDNS_WAIT);
	pass_time(&s, D + 1);
	EXPECT(&s, "zedagent", FAIL);
	assert_string_equal(s.list.current->last_error, "stage 1");
	assert_true(s.list.current->last_failed_ms > START);
	TRUTH(&s, OK("zedagent")); /* the address comes: nobody waits for five minutes */
	drive(&s, true);
	EXPECT(&s, "zedagent", SUCCESS);
	assert_string_equal(s.list.current->last_error, "");
	end(&s);
}

static void DPCWithMultipleEths(void **state)
{
	const struct dpcv_port ports[] = {
		{ "a", true, { CONN_FAILED, CONN_STAGE_TCP, 0, "a: time-out" } },
		{ "apps", false, { CONN_OK, CONN_STAGE_DONE, 3, "" } },
		{ "b", true, { CONN_FAILED, CONN_STAGE_TLS, 0, "b: unknown CA" } },
		{ "c", true, { CONN_REMOTE, CONN_STAGE_HTTP, 0, "c: 503" } },
		{ "d", true, { CONN_OK, CONN_STAGE_DONE, 9, "" } },
	};
	struct conn_result r;

	(void)state; /* one management port is enough; what failed furthest is told */
	dpcv_outcome(ports, 5, &r);
	assert_int_equal(r.outcome, CONN_OK);
	dpcv_outcome(ports, 4, &r);
	assert_int_equal(r.outcome, CONN_REMOTE);
	dpcv_outcome(ports, 3, &r);
	assert_int_equal(r.outcome, CONN_FAILED);
	assert_string_equal(r.why, "b: unknown CA");
	dpcv_outcome(ports + 1, 1, &r);
	assert_int_equal(r.outcome, CONN_UNTESTED);
}

static void DNS(void **state)
{
	struct sim s;

	(void)state;
	begin(&s);
	TRUTH(&s, { .key = "zedagent",
		    .outcome = CONN_NOT_READY,
		    .stage = CONN_STAGE_DNS,
		    .facts = { .present = 1 } });
	put(&s, entry("zedagent", CONTROLLER, 10, 0));
	EXPECT(&s, "zedagent", IPDNS_WAIT); /* an address, and no server yet */
	TRUTH(&s, OK("zedagent"));
	drive(&s, true);
	EXPECT(&s, "zedagent", SUCCESS);
	end(&s);
}

static void two(struct sim *s)
{
	begin(s);
	TRUTH(s, OK("override"));
	put(s, entry("override", OVERRIDE, 10, 20));
	EXPECT(s, "override", SUCCESS);
	strbuf_reset(&s->log);
}

static void DPCFallback(void **state)
{
	struct sim s;

	(void)state;
	two(&s);
	TRUTH(&s, BLACK_HOLE("zedagent"));
	put(&s, entry("zedagent", CONTROLLER, 20, 0));
	EXPECT(&s, "override", SUCCESS);
	assert_int_equal(dpc_list_index(&s.list, s.list.current), 1);
	expect_log(&s, "zedagent:ASYNC_WAIT zedagent:FAIL_WITH_IPANDDNS override:ASYNC_WAIT "
		       "override:SUCCESS");
	TRUTH(&s, OK("zedagent")); /* repaired: back to the first, ten minutes later */
	pass_time(&s, 599000);
	EXPECT(&s, "override", SUCCESS);
	pass_time(&s, 1001);
	EXPECT(&s, "zedagent", SUCCESS);
	end(&s);
}

static void DPCFallback_without_dhcp_is_back_within_two_test_durations(void **state)
{
	struct sim s;

	(void)state;
	two(&s);
	TRUTH(&s, NO_DHCP("zedagent"));
	put(&s, entry("zedagent", CONTROLLER, 20, 0));
	EXPECT(&s, "zedagent", IPDNS_WAIT);
	pass_time(&s, 2 * D - 10000); /* ten seconds are left to apply it */
	EXPECT(&s, "override", SUCCESS);
	end(&s);
}

static void AllDPCsFailParkAtLatest(void **state)
{
	struct sim s;

	(void)state;
	begin(&s);
	TRUTH(&s, BLACK_HOLE("zedagent"));
	put(&s, entry("b", BOOTSTRAP, 5, 1));
	put(&s, entry("a", OVERRIDE, 10, 2));
	put(&s, entry("zedagent", CONTROLLER, 20, 3));
	EXPECT(&s, "zedagent", FAIL_WITH_IPANDDNS);
	assert_null(s.list.tested);
	end(&s);
}

static void RestartVerifyParksWhenNothingCurrentlyTestable(void **state)
{
	struct sim s;

	(void)state;
	begin(&s);
	TRUTH(&s, BLACK_HOLE("zedagent"));
	put(&s, entry("a", OVERRIDE, 10, 2));
	put(&s, entry("zedagent", CONTROLLER, 20, 3));
	pass_time(&s, 100000);
	drop(&s, "a"); /* a restart, and all that is left failed a short while ago */
	EXPECT(&s, "zedagent", FAIL_WITH_IPANDDNS);
	assert_null(s.list.tested);
	TRUTH(&s, OK("zedagent"));
	pass_time(&s, 300000);
	EXPECT(&s, "zedagent", SUCCESS);
	end(&s);
}

static void ZedagentAlwaysOutranksManual(void **state)
{
	struct sim s;

	(void)state;
	begin(&s);
	TRUTH(&s, OK("any"));
	put(&s, entry("manual", MANUAL, 100, 1));
	put(&s, entry("zedagent", CONTROLLER, 10, 2));
	expect_order(&s.list, "zedagent manual");
	EXPECT(&s, "zedagent", SUCCESS);
	end(&s);
}

static void ZedagentAlwaysOutranksOverrideWithFutureTimestamp(void **state)
{
	struct sim s;

	(void)state;
	begin(&s);
	TRUTH(&s, OK("any"));
	put(&s, entry("override", OVERRIDE, START + 1000 * DAY, 1));
	put(&s, entry("zedagent", CONTROLLER, START, 2));
	expect_order(&s.list, "zedagent override");
	EXPECT(&s, "zedagent", SUCCESS);
	end(&s);
}

static void ManualCanStillOvertakeExistingZedagent(void **state)
{
	struct sim s;

	(void)state;
	begin(&s);
	TRUTH(&s, OK("any"));
	put(&s, entry("zedagent", CONTROLLER, 100, 2));
	put(&s, entry("manual", MANUAL, 10, 1));
	expect_order(&s.list, "manual zedagent");
	EXPECT(&s, "manual", SUCCESS);
	end(&s);
}

static void HigherPriority(void **state)
{
	struct sim s;

	(void)state;
	begin(&s);
	TRUTH(&s, OK("any"));
	put(&s, entry("lastresort", LAST_RESORT, 0, 0));
	put(&s, entry("bootstrap", BOOTSTRAP, 5, 1));
	EXPECT(&s, "bootstrap", SUCCESS);
	put(&s, entry("older", OVERRIDE, 4, 2)); /* not more wanted: nothing is touched */
	EXPECT(&s, "bootstrap", SUCCESS);
	put(&s, entry("newer", OVERRIDE, 6, 3));
	EXPECT(&s, "newer", SUCCESS);
	expect_order(&s.list, "newer bootstrap older lastresort");
	end(&s);
}

static void ManualNeverFallsBackPastItself(void **state)
{
	struct sim s;

	(void)state;
	begin(&s);
	TRUTH(&s, OK("zedagent"));
	TRUTH(&s, BLACK_HOLE("manual"));
	put(&s, entry("zedagent", CONTROLLER, 10, 2));
	put(&s, entry("manual", MANUAL, 20, 1));
	EXPECT(&s, "manual", FAIL_WITH_IPANDDNS);
	pass_time(&s, DAY);
	EXPECT(&s, "manual", FAIL_WITH_IPANDDNS);
	end(&s);
}

static void NewControllerConfigTestedWhileManualActive(void **state)
{
	struct sim s;

	(void)state;
	begin(&s);
	TRUTH(&s, OK("manual"));
	put(&s, entry("manual", MANUAL, 20, 1));
	TRUTH(&s, OK("zedagent"));
	put(&s, entry("zedagent", CONTROLLER, 10, 2));
	EXPECT(&s, "zedagent", SUCCESS);
	end(&s);
}

static void FallsBackToWorkingManual(void **state)
{
	struct sim s;

	(void)state;
	begin(&s);
	TRUTH(&s, OK("manual"));
	put(&s, entry("old", OVERRIDE, 5, 9));
	put(&s, entry("manual", MANUAL, 20, 1));
	TRUTH(&s, BLACK_HOLE("zedagent"));
	put(&s, entry("zedagent", CONTROLLER, 10, 2));
	EXPECT(&s, "manual", SUCCESS);
	expect_order(&s.list, "zedagent manual old");
	end(&s);
}

static void ParksAtManualWhenEverythingFails(void **state)
{
	struct sim s;

	(void)state;
	begin(&s);
	TRUTH(&s, BLACK_HOLE("any"));
	put(&s, entry("old", OVERRIDE, 5, 9));
	put(&s, entry("manual", MANUAL, 20, 1));
	put(&s, entry("zedagent", CONTROLLER, 10, 2));
	EXPECT(&s, "manual", FAIL_WITH_IPANDDNS);
	end(&s);
}

static void RevertManualDPC(void **state)
{
	struct sim s;

	(void)state;
	begin(&s);
	TRUTH(&s, OK("zedagent"));
	TRUTH(&s, BLACK_HOLE("manual"));
	put(&s, entry("zedagent", CONTROLLER, 10, 2));
	put(&s, entry("manual", MANUAL, 20, 1));
	EXPECT(&s, "manual", FAIL_WITH_IPANDDNS);
	drop(&s, "manual");
	EXPECT(&s, "zedagent", SUCCESS);
	end(&s);
}

static void ManualDPCDroppedAfterNewerDPCWorks(void **state)
{
	struct sim s;

	(void)state;
	begin(&s);
	TRUTH(&s, BLACK_HOLE("zedagent"));
	TRUTH(&s, OK("manual"));
	put(&s, entry("manual", MANUAL, 20, 1));
	put(&s, entry("zedagent", CONTROLLER, 10, 2));
	dpcv_compress(&s.v, true);
	expect_order(&s.list, "zedagent manual");
	TRUTH(&s, OK("zedagent"));
	pass_time(&s, 700000);
	EXPECT(&s, "zedagent", SUCCESS);
	assert_true(dpcv_compress(&s.v, true));
	expect_order(&s.list, "zedagent");
	end(&s);
}

static void GetNextTestableDPCIndexCapsAtManual(void **state)
{
	struct sim s;

	(void)state;
	begin(&s);
	TRUTH(&s, BLACK_HOLE("any"));
	put(&s, entry("untested", OVERRIDE, 5, 9));
	put(&s, entry("manual", MANUAL, 20, 1));
	TRUTH(&s, OK("untested"));
	s.rounds = 0;
	pass_time(&s, 10 * DAY);
	EXPECT(&s, "manual", FAIL_WITH_IPANDDNS);
	assert_true(s.rounds > 1000); /* it was looked at, the one below never */
	end(&s);
}

static void AddDPCDuringVerify(void **state)
{
	struct sim s;

	(void)state;
	begin(&s);
	TRUTH(&s, OK("any"));
	TRUTH(&s, NO_DHCP("override"));
	put(&s, entry("override", OVERRIDE, 10, 0));
	pass_time(&s, D + 1);
	EXPECT(&s, "override", IPDNS_WAIT);
	put(&s, entry("lower", OVERRIDE, 5, 3)); /* does not disturb */
	EXPECT(&s, "override", IPDNS_WAIT);
	put(&s, entry("zedagent", CONTROLLER, 20, 2));
	EXPECT(&s, "zedagent", SUCCESS);
	end(&s);
}

static void AddDPCDuringVerify_while_a_round_is_under_way(void **state)
{
	struct sim s;

	(void)state;
	begin(&s);
	TRUTH(&s, OK("any"));
	TRUTH(&s, NO_DHCP("override"));
	put(&s, entry("override", OVERRIDE, 10, 0));
	drive(&s, true);
	dpcv_begun(&s.v);
	assert_int_equal(dpc_list_put(&s.list, entry("zedagent", CONTROLLER, 20, 2)), 1);
	assert_true(dpcv_list_changed(&s.v, s.now, "new")); /* the round is void */
	drive(&s, false);
	EXPECT(&s, "zedagent", SUCCESS);
	end(&s);
}

static void DeleteDPC(void **state)
{
	struct sim s;

	(void)state;
	two(&s);
	TRUTH(&s, OK("zedagent"));
	put(&s, entry("zedagent", CONTROLLER, 20, 0));
	EXPECT(&s, "zedagent", SUCCESS);
	drop(&s, "zedagent");
	EXPECT(&s, "override", SUCCESS);
	drop(&s, "override");
	assert_null(s.list.current);
	assert_int_equal(dpcv_wake_ms(&s.v), 0);
	put(&s, entry("zedagent", CONTROLLER, 20, 0)); /* and it goes on */
	EXPECT(&s, "zedagent", SUCCESS);
	end(&s);
}

static void DeleteDPCMidVerification(void **state)
{
	struct sim s;

	(void)state;
	two(&s);
	TRUTH(&s, NO_DHCP("zedagent"));
	put(&s, entry("zedagent", CONTROLLER, 20, 0));
	EXPECT(&s, "zedagent", IPDNS_WAIT);
	drop(&s, "zedagent");
	EXPECT(&s, "override", SUCCESS);
	s.beside = true; /* and while it is tried beside */
	put(&s, entry("zedagent", CONTROLLER, 20, 0));
	EXPECT(&s, "override", SUCCESS);
	assert_true(dpcv_beside(&s.v));
	drive(&s, true);
	dpcv_begun(&s.v);
	dpc_list_remove(&s.list, "zedagent");
	assert_true(dpcv_list_changed(&s.v, s.now, "removed"));
	drive(&s, false);
	EXPECT(&s, "override", SUCCESS);
	assert_null(s.list.tested);
	end(&s);
}

static void DPCWithAssignedInterface(void **state)
{
	struct sim s;

	(void)state;
	two(&s);
	TRUTH(&s, { .key = "zedagent", .facts = { .card_taken = "port eth0 is used by an app" } });
	put(&s, entry("zedagent", CONTROLLER, 20, 0));
	EXPECT(&s, "override", SUCCESS);
	assert_string_equal(find(&s, "zedagent")->last_error, "port eth0 is used by an app");
	assert_int_equal(find(&s, "zedagent")->state, EW__DPC_STATE__DPC_STATE_FAIL);
	end(&s);
}

static void DPCWithReleasedAndRenamedInterface(void **state)
{
	struct sim s;

	(void)state;
	begin(&s);
	TRUTH(&s, { .key = "zedagent",
		    .outcome = CONN_FAILED,
		    .stage = CONN_STAGE_LINK,
		    .facts = { .card_pending = true, .missing = 1 } });
	put(&s, entry("zedagent", CONTROLLER, 20, 0));
	EXPECT(&s, "zedagent", PCI_WAIT);
	TRUTH(&s, { .key = "zedagent",
		    .outcome = CONN_FAILED,
		    .stage = CONN_STAGE_LINK,
		    NO_INTERFACE });
	drive(&s, true); /* released; the driver is loading */
	EXPECT(&s, "zedagent", INTF_WAIT);
	TRUTH(&s, NO_DHCP("zedagent"));
	drive(&s, true);
	EXPECT(&s, "zedagent", IPDNS_WAIT);
	TRUTH(&s, OK("zedagent"));
	drive(&s, true);
	expect_log(&s, "zedagent:ASYNC_WAIT zedagent:PCI_WAIT zedagent:INTF_WAIT "
		       "zedagent:IPDNS_WAIT zedagent:SUCCESS");
	end(&s);
}

static void a_missing_interface_is_waited_for_two_test_durations(void **state)
{
	struct sim s;

	(void)state;
	begin(&s);
	TRUTH(&s, { .key = "zedagent",
		    .outcome = CONN_FAILED,
		    .stage = CONN_STAGE_LINK,
		    NO_INTERFACE });
	put(&s, entry("zedagent", CONTROLLER, 20, 0));
	pass_time(&s, 2 * D - 1);
	EXPECT(&s, "zedagent", INTF_WAIT);
	pass_time(&s, 2);
	EXPECT(&s, "zedagent", FAIL);
	end(&s);
}

static void Wireless(void **state)
{
	struct sim s;

	(void)state;
	begin(&s);
	TRUTH(&s, { .key = "zedagent",
		    .outcome = CONN_NOT_READY,
		    .stage = CONN_STAGE_ADDRESS,
		    .facts = { .modem_pending = true, .present = 1 } });
	put(&s, entry("zedagent", CONTROLLER, 20, 0));
	pass_time(&s, 3 * D - 1);
	EXPECT(&s, "zedagent", WWAN_WAIT); /* with a fallback as well: a modem takes its time */
	pass_time(&s, 2);
	EXPECT(&s, "zedagent", IPDNS_WAIT);
	TRUTH(&s, OK("zedagent"));
	drive(&s, true);
	EXPECT(&s, "zedagent", SUCCESS);
	end(&s);
}

static void RadioSilence(void **state)
{
	struct sim s;

	(void)state;
	two(&s);
	dpcv_hold(&s.v, s.now, true);
	TRUTH(&s, BLACK_HOLE("override"));
	TRUTH(&s, OK("zedagent"));
	put(&s, entry("zedagent", CONTROLLER, 20, 0));
	pass_time(&s, DAY);
	assert_string_equal(s.applied_key, "override"); /* silence is no fault of it */
	dpcv_hold(&s.v, s.now, false);
	drive(&s, false);
	EXPECT(&s, "zedagent", SUCCESS);
	end(&s);
}

static void radio_silence_that_ends_during_a_round_has_a_round_of_its_own(void **state)
{
	struct sim s;

	(void)state;
	two(&s);
	dpcv_hold(&s.v, s.now, true);
	dpcv_test_now(&s.v, s.now, s.list.current, "asked");
	assert_true(s.v.test);
	dpcv_begun(&s.v);
	dpcv_hold(&s.v, s.now, false); /* a pass: what is under way belongs to none */
	drive(&s, true);
	EXPECT(&s, "override", SUCCESS);
	assert_null(s.list.tested);
	end(&s);
}

static void TransientDNSError(void **state)
{
	struct sim s;

	(void)state;
	two(&s);
	TRUTH(&s, { .key = "zedagent",
		    .outcome = CONN_NOT_READY,
		    .stage = CONN_STAGE_DNS,
		    HAS_ADDRESS });
	put(&s, entry("zedagent", CONTROLLER, 20, 0));
	EXPECT(&s, "zedagent", IPDNS_WAIT);
	TRUTH(&s, OK("zedagent"));
	pass_time(&s, D + 1); /* no event tells: looked for each test duration */
	EXPECT(&s, "zedagent", SUCCESS);
	end(&s);
}

static void RemoteTemporaryFailure(void **state)
{
	struct sim s;

	(void)state;
	two(&s);
	TRUTH(&s,
	      { .key = "zedagent", .outcome = CONN_REMOTE, .stage = CONN_STAGE_HTTP, HAS_ADDRESS });
	put(&s, entry("zedagent", CONTROLLER, 20, 0));
	EXPECT(&s, "zedagent", REMOTE_WAIT);
	assert_string_equal(s.list.current->last_error, "");
	assert_string_equal(s.list.current->last_warning, "stage 6");
	pass_time(&s, DAY);
	EXPECT(&s, "zedagent", REMOTE_WAIT);
	TRUTH(&s, OK("zedagent"));
	pass_time(&s, 300001);
	EXPECT(&s, "zedagent", SUCCESS);
	assert_string_equal(s.list.current->last_warning, "");
	end(&s);
}

static void RemovalOfOldNonWorkingDPCs(void **state)
{
	struct sim s;

	(void)state;
	begin(&s);
	TRUTH(&s, BLACK_HOLE("any"));
	for (int i = 1; i <= 6; i++)
		put(&s, entry("zedagent", CONTROLLER, i, i)); /* none of them ever worked */
	TRUTH(&s, OK("any"));
	put(&s, entry("zedagent", CONTROLLER, 7, 7));
	put(&s, entry("zedagent", CONTROLLER, 8, 8)); /* the former has: it is kept */
	assert_int_equal(s.list.n, 2);
	dpcv_compress(&s.v, true);
	expect_order(&s.list, "zedagent");
	EXPECT(&s, "zedagent", SUCCESS);
	end(&s);
}

/* ---- CompressDPCL ---- */

enum result { NEVER, WORKS, FAILED, FAILED_AFTER };

static const struct compress_row {
	const char *name;
	struct {
		const char *key;
		Ew__DpcSource source;
		enum result result;
	} entries[6];
	int current;
	bool testing, no_last_resort;
	const char *kept;
} compress_rows[] = {
	{ "Testing in progress",
	  { { "zedagent", CONTROLLER, WORKS },
	    { "zedagent@2", CONTROLLER, WORKS },
	    { "lastresort", LAST_RESORT, FAILED } },
	  0,
	  true,
	  false,
	  "zedagent zedagent@2 lastresort" },
	{ "Current Index Not Zero",
	  { { "zedagent", CONTROLLER, FAILED },
	    { "zedagent@2", CONTROLLER, FAILED },
	    { "override", OVERRIDE, WORKS } },
	  2,
	  false,
	  false,
	  "zedagent override" },
	{ "Empty DPCL", { { NULL, 0, 0 } }, -1, false, false, "" },
	{ "First Key Not Zedagent",
	  { { "manual", MANUAL, WORKS },
	    { "zedagent", CONTROLLER, FAILED_AFTER },
	    { "override", OVERRIDE, WORKS } },
	  0,
	  false,
	  false,
	  "manual zedagent" },
	{ "First Entry Not working",
	  { { "zedagent", CONTROLLER, FAILED }, { "zedagent@2", CONTROLLER, WORKS } },
	  1,
	  false,
	  false,
	  "zedagent zedagent@2" },
	{ "ValidZedEntry with last resort - Last resort is retained",
	  { { "zedagent", CONTROLLER, WORKS },
	    { "zedagent@2", CONTROLLER, WORKS },
	    { "override", OVERRIDE, FAILED },
	    { "lastresort", LAST_RESORT, WORKS } },
	  0,
	  false,
	  false,
	  "zedagent lastresort" },
	{ "ValidZedEntry with last resort but disabled - Last resort is removed",
	  { { "zedagent", CONTROLLER, WORKS },
	    { "zedagent@2", CONTROLLER, WORKS },
	    { "override", OVERRIDE, FAILED },
	    { "lastresort", LAST_RESORT, WORKS } },
	  0,
	  false,
	  true,
	  "zedagent" },
	{ "Current, latest, and newest successful DPCs are preserved",
	  { { "zedagent", CONTROLLER, FAILED },
	    { "zedagent@4", CONTROLLER, FAILED },
	    { "zedagent@3", CONTROLLER, WORKS },
	    { "manual", MANUAL, WORKS },
	    { "override", OVERRIDE, WORKS } },
	  2,
	  false,
	  true,
	  "zedagent zedagent@3" },
	{ "Keep DPC from every source",
	  { { "manual", MANUAL, WORKS },
	    { "zedagent", CONTROLLER, FAILED },
	    { "zedagent@3", CONTROLLER, FAILED },
	    { "override", OVERRIDE, FAILED },
	    { "override@1", OVERRIDE, FAILED },
	    { "bootstrap", BOOTSTRAP, NEVER } },
	  0,
	  false,
	  true,
	  "manual zedagent override bootstrap" },
};

static void CompressDPCL(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(compress_rows); i++) {
		const struct compress_row *row = &compress_rows[i];
		struct dpc_list list = { 0 };
		struct dpc_verify v = { .list = &list };

		for (; list.n < 6 && row->entries[list.n].key; list.n++) {
			enum result r = row->entries[list.n].result;
			Ew__DpcEntry *e = entry(row->entries[list.n].key,
						row->entries[list.n].source, 10 - (int)list.n, 0);

			e->last_succeeded_ms = r == WORKS || r == FAILED_AFTER ? START : 0;
			e->last_failed_ms = r == FAILED || r == FAILED_AFTER ? START + 1 : 0;
			list.entries[list.n] = e;
		}
		list.current = row->current < 0 ? NULL : list.entries[row->current];
		list.tested = row->testing ? list.current : NULL;
		dpcv_compress(&v, !row->no_last_resort);
		expect_order(&list, row->kept);
		dpc_list_fini(&list);
	}
}

static void what_a_file_asks_for_stays_as_long_as_the_file(void **state)
{
	struct dpc_list list = { 0 };
	Ew__DevicePortConfig config = EW__DEVICE_PORT_CONFIG__INIT;

	(void)state;
	list.entries[list.n++] = entry("zedagent", CONTROLLER, 20, 1);
	list.entries[0]->last_succeeded_ms = START;
	list.entries[list.n++] = dpc_entry_new("f", OVERRIDE, 5, "f.json", &config);
	list.entries[list.n++] = dpc_entry_new("f@1", OVERRIDE, 4, "f.json", &config);
	assert_true(dpc_list_compress(&list, true));
	expect_order(&list, "zedagent f");
	dpc_list_fini(&list);
}

/* ---- Former ones ---- */

static void the_former_configuration_of_the_controller_is_what_it_falls_back_on(void **state)
{
	struct sim s;

	(void)state;
	begin(&s);
	TRUTH(&s, OK("any"));
	put(&s, entry("zedagent", CONTROLLER, START, 1));
	TRUTH(&s, NO_DHCP("zedagent"));
	put(&s, entry("zedagent", CONTROLLER, START + 1000, 0));
	expect_order(&s.list, "zedagent zedagent@2026-03-04T05:06:07Z");
	pass_time(&s, 2 * D - 1);
	EXPECT(&s, "zedagent@2026-03-04T05:06:07Z", SUCCESS);
	TRUTH(&s, OK("zedagent")); /* the controller takes it back: the same ports as before */
	put(&s, entry("zedagent", CONTROLLER, START + 2000, 1));
	expect_order(&s.list, "zedagent");
	EXPECT(&s, "zedagent", SUCCESS);
	end(&s);
}

static void a_former_one_of_the_same_time_gets_a_number(void **state)
{
	struct sim s;

	(void)state;
	begin(&s);
	TRUTH(&s, OK("any"));
	put(&s, entry("zedagent", CONTROLLER, START, 1));
	put(&s, entry("zedagent", CONTROLLER, START, 2));
	put(&s, entry("zedagent", CONTROLLER, START, 3));
	expect_order(&s.list, "zedagent zedagent@2026-03-04T05:06:07Z#2 "
			      "zedagent@2026-03-04T05:06:07Z");
	end(&s);
}

/* ---- Falling back only where it helps ---- */

static void no_fallback_when_it_does_not_change_the_failing_layer(void **state)
{
	struct sim s;

	(void)state;
	begin(&s);
	TRUTH(&s, OK("any"));
	put(&s, entry_on("override", OVERRIDE, 10, "eth0", 20));
	TRUTH(&s,
	      { .key = "zedagent", .outcome = CONN_FAILED, .stage = CONN_STAGE_LINK, HAS_ADDRESS });
	put(&s, entry_on("zedagent", CONTROLLER, 20, "eth0", 30)); /* the same card, no cable */
	pass_time(&s, 5 * D + 1);
	EXPECT(&s, "zedagent", FAIL);
	end(&s);
}

static void fallback_when_another_interface_is_used(void **state)
{
	struct sim s;

	(void)state;
	begin(&s);
	TRUTH(&s, OK("any"));
	put(&s, entry_on("override", OVERRIDE, 10, "eth1", 20));
	TRUTH(&s,
	      { .key = "zedagent", .outcome = CONN_FAILED, .stage = CONN_STAGE_LINK, HAS_ADDRESS });
	put(&s, entry_on("zedagent", CONTROLLER, 20, "eth0", 20));
	EXPECT(&s, "zedagent", IPDNS_WAIT);
	pass_time(&s, 5 * D + 1);
	EXPECT(&s, "override", SUCCESS);
	end(&s);
}

static Ew__DpcEntry *with_result(Ew__DpcEntry *e, enum conn_stage stage)
{
	Ew__DpcPortResult *r = xcalloc(1, sizeof(*r));

	ew__dpc_port_result__init(r);
	r->logicallabel = xstrdup(e->config->ports[0]->logicallabel);
	r->stage = stage;
	r->why = xstrdup("");
	e->results = xcalloc(1, sizeof(Ew__DpcPortResult *));
	e->results[0] = r;
	e->n_results = 1;
	return e;
}

static void each_layer_counts_up_to_the_one_that_failed(void **state)
{
	(void)state;
	for (int stage = CONN_STAGE_LINK; stage <= CONN_STAGE_HTTP; stage++) {
		Ew__DpcEntry *failed =
			with_result(entry("a", CONTROLLER, 1, 1), (enum conn_stage)stage);
		Ew__DpcEntry *other = entry("b", CONTROLLER, 1, 1);
		Ew__PortConfig *port = other->config->ports[0];
		char *text = (char *)"192.0.2.1";

		port->cost = 9;
		assert_false(dpc_changes_failure(failed, other->config));
		assert_true(dpc_same_connectivity(failed->config, other->config));
		port->n_dns_servers = 1;
		port->dns_servers = &text;
		assert_int_equal(dpc_changes_failure(failed, other->config),
				 stage >= CONN_STAGE_DNS);
		assert_false(dpc_same_connectivity(failed->config, other->config));
		port->dns_servers = NULL;
		port->n_dns_servers = 0;
		port->no_default_route = true;
		assert_int_equal(dpc_changes_failure(failed, other->config),
				 stage >= CONN_STAGE_GATEWAY);
		port->dhcp = EW__DHCP_MODE__DHCP_CLIENT;
		assert_int_equal(dpc_changes_failure(failed, other->config),
				 stage >= CONN_STAGE_ADDRESS);
		free(port->ifname);
		port->ifname = xstrdup("eth7");
		assert_true(dpc_changes_failure(failed, other->config));
		ew__dpc_entry__free_unpacked(failed, NULL);
		ew__dpc_entry__free_unpacked(other, NULL);
	}
}

/* A VLAN port of label "v" on parent "p", which is a card or, with a mode, a bond. */
static Ew__DpcEntry *vlan_entry(uint32_t vid, uint32_t bond_mode)
{
	Ew__DevicePortConfig config = EW__DEVICE_PORT_CONFIG__INIT;
	Ew__PortConfig ports[3] = { EW__PORT_CONFIG__INIT, EW__PORT_CONFIG__INIT,
				    EW__PORT_CONFIG__INIT };
	char *members[] = { (char *)"m" };
	Ew__VlanConfig vlan = EW__VLAN_CONFIG__INIT;
	Ew__BondConfig bond = EW__BOND_CONFIG__INIT;

	vlan.parent = (char *)"p";
	vlan.vid = vid;
	bond.mode = bond_mode;
	ports[0].logicallabel = ports[0].ifname = (char *)"v";
	ports[0].is_mgmt = true;
	ports[0].dhcp = EW__DHCP_MODE__DHCP_CLIENT;
	ports[0].lower_case = EW__PORT_CONFIG__LOWER_VLAN;
	ports[0].vlan = &vlan;
	ports[1].logicallabel = ports[1].ifname = (char *)"p";
	if (bond_mode) {
		ports[1].lower_case = EW__PORT_CONFIG__LOWER_BOND;
		ports[1].bond = &bond;
		bond.members = members;
		bond.n_members = 1;
	}
	ports[2].logicallabel = ports[2].ifname = members[0];
	config.ports = (Ew__PortConfig *[]){ &ports[0], &ports[1], &ports[2] };
	config.n_ports = 3;
	return dpc_entry_new("v", CONTROLLER, 1, "", &config);
}

static void VlansAndBonds(void **state)
{
	static const struct {
		uint32_t vid, mode;
		bool changes;
	} rows[] = { { 30, 0, false }, { 31, 0, true }, { 30, 1, true } };
	Ew__DpcEntry *failed = with_result(vlan_entry(30, 0), CONN_STAGE_ADDRESS);

	(void)state; /* what a port stands on is part of its link */
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		Ew__DpcEntry *other = vlan_entry(rows[i].vid, rows[i].mode);

		assert_int_equal(dpc_changes_failure(failed, other->config), rows[i].changes);
		ew__dpc_entry__free_unpacked(other, NULL);
	}
	ew__dpc_entry__free_unpacked(failed, NULL);
}

/* ---- Periodic tests, events, timers ---- */

static void one_failed_test_is_no_reason_to_change(void **state)
{
	struct sim s;

	(void)state;
	two(&s);
	TRUTH(&s, OK("old"));
	put(&s, entry("old", OVERRIDE, 5, 5));
	TRUTH(&s, BLACK_HOLE("override"));
	pass_time(&s, 300001);
	EXPECT(&s, "override", SUCCESS);
	assert_string_equal(s.list.current->last_error, "stage 4");
	TRUTH(&s, OK("override"));
	pass_time(&s, D + 1);
	EXPECT(&s, "override", SUCCESS);
	assert_string_equal(s.list.current->last_error, "");
	assert_int_equal(s.list.current->last_failed_ms, 0);
	end(&s);
}

static void the_second_failed_test_starts_verification(void **state)
{
	struct sim s;

	(void)state;
	two(&s);
	TRUTH(&s, OK("old"));
	put(&s, entry("old", OVERRIDE, 5, 5));
	TRUTH(&s, BLACK_HOLE("override"));
	pass_time(&s, 300001);
	pass_time(&s, D + 1); /* not another five minutes */
	EXPECT(&s, "old", SUCCESS);
	assert_int_equal(find(&s, "override")->state, EW__DPC_STATE__DPC_STATE_FAIL_WITH_IPANDDNS);
	end(&s);
}

/* Every fifth test fails, for half a day; then there is nothing at all for a minute and a half. */
static void IntermittentConnectivity(void **state)
{
	struct sim s;

	(void)state;
	two(&s);
	TRUTH(&s, OK("old"));
	put(&s, entry("old", OVERRIDE, 5, 5));
	strbuf_reset(&s.log);
	for (int i = 0; i < 144; i++) {
		if (i % 5 == 0)
			TRUTH(&s, BLACK_HOLE("override"));
		for (unsigned int was = s.rounds; s.rounds == was;)
			pass_time(&s, 1000);
		TRUTH(&s, OK("override"));
		EXPECT(&s, "override", SUCCESS);
	}
	expect_log(&s, "");
	TRUTH(&s, BLACK_HOLE("override"));
	TRUTH(&s, BLACK_HOLE("old"));
	for (unsigned int was = s.rounds; s.rounds == was;)
		pass_time(&s, 1000);
	pass_time(&s, 90000);
	TRUTH(&s, OK("override"));
	TRUTH(&s, OK("old"));
	pass_time(&s, 300001);
	EXPECT(&s, "override", SUCCESS);
	end(&s);
}

/* EVE compares a link's new attributes with themselves, so no link event ever starts a test. */
static void a_link_event_has_the_configuration_tested_at_once(void **state)
{
	struct sim s;
	unsigned int rounds;

	(void)state;
	two(&s);
	TRUTH(&s, OK("old"));
	put(&s, entry("old", OVERRIDE, 5, 5));
	rounds = s.rounds;
	TRUTH(&s, BLACK_HOLE("override"));
	drive(&s, true);
	assert_int_equal(s.rounds, rounds + 1);
	assert_string_equal(s.list.current->last_error, "stage 4");
	drive(&s, true); /* a flapping link is one failure, not many */
	drive(&s, true);
	EXPECT(&s, "override", SUCCESS);
	pass_time(&s, D + 1);
	EXPECT(&s, "old", SUCCESS);
	end(&s);
}

static void results_are_told_as_soon_as_they_are_others(void **state)
{
	struct sim s;

	(void)state; /* EVE's port errors stay stale: PR 2885 */
	two(&s);
	s.v.changed = false;
	TRUTH(&s, BLACK_HOLE("override"));
	drive(&s, true);
	assert_true(s.v.changed);
	assert_string_equal(s.list.current->results[0]->why, "stage 4");
	s.v.changed = false;
	drive(&s, true);
	assert_false(s.v.changed); /* the same again is no news */
	end(&s);
}

static void an_event_during_a_round_has_another_one_follow(void **state)
{
	struct sim s;
	unsigned int rounds;

	(void)state;
	two(&s);
	rounds = s.rounds;
	drive(&s, true);
	assert_int_equal(s.rounds, rounds + 1);
	s.v.test = true;
	dpcv_begun(&s.v);
	drive(&s, true);
	assert_int_equal(s.rounds, rounds + 1);
	dpcv_round(&s.v, s.now, &(struct dpcv_facts){ .present = 1 },
		   &(struct dpcv_port){ .label = "eth0", .is_mgmt = true }, 1);
	assert_true(s.v.test);
	end(&s);
}

static void without_a_remote_target_nothing_wakes_an_idle_node(void **state)
{
	struct sim s;

	(void)state;
	begin(&s);
	s.v.remote = false;
	TRUTH(&s, OK("zedagent"));
	put(&s, entry("zedagent", CONTROLLER, 10, 0));
	EXPECT(&s, "zedagent", SUCCESS);
	assert_int_equal(dpcv_wake_ms(&s.v), 0);
	TRUTH(&s, BLACK_HOLE("zedagent")); /* nor one whose only configuration fails */
	drive(&s, true);
	pass_time(&s, DAY);
	assert_int_equal(dpcv_wake_ms(&s.v), 0);
	end(&s);
}

static void a_target_that_goes_away_during_a_periodic_test_leaves_no_timer(void **state)
{
	const struct dpcv_port port = { .label = "eth0",
					.is_mgmt = true,
					.result = { .outcome = CONN_OK } };
	struct dpcv_facts facts = { .present = 1, .ip_and_dns = true };
	struct sim s;

	(void)state;
	begin(&s);
	TRUTH(&s, OK("zedagent"));
	put(&s, entry("zedagent", CONTROLLER, 10, 0));
	s.now.mono_ms = dpcv_wake_ms(&s.v);
	dpcv_step(&s.v, s.now, &facts, false);
	assert_true(s.v.test);
	dpcv_begun(&s.v);
	dpcv_set_timers(&s.v, s.now, &DPCV_TIMERS_DEFAULT, false);
	dpcv_round(&s.v, s.now, &facts, &port, 1);
	assert_int_equal(dpcv_wake_ms(&s.v), 0);
	end(&s);
}

static void intervals_below_300_s_shorten_the_time_since_failure_too(void **state)
{
	struct sim s;

	(void)state;
	begin(&s);
	dpcv_set_timers(&s.v, s.now,
			&(struct dpcv_timers){ .duration_ms = 1000,
					       .interval_ms = 5000,
					       .better_ms = 6000,
					       .since_failure_ms = 300000 },
			true);
	TRUTH(&s, OK("override"));
	put(&s, entry("override", OVERRIDE, 10, 20));
	TRUTH(&s, BLACK_HOLE("zedagent"));
	put(&s, entry("zedagent", CONTROLLER, 20, 0));
	EXPECT(&s, "override", SUCCESS);
	TRUTH(&s, OK("zedagent"));
	pass_time(&s, 6001);
	EXPECT(&s, "zedagent", SUCCESS);
	end(&s);
}

static void better_interval_0_never_goes_back_by_itself(void **state)
{
	struct sim s;

	(void)state;
	begin(&s);
	s.v.timers.better_ms = 0;
	TRUTH(&s, OK("override"));
	put(&s, entry("override", OVERRIDE, 10, 20));
	TRUTH(&s, BLACK_HOLE("zedagent"));
	put(&s, entry("zedagent", CONTROLLER, 20, 0));
	TRUTH(&s, OK("zedagent"));
	pass_time(&s, DAY);
	EXPECT(&s, "override", SUCCESS);
	end(&s);
}

static void a_failure_in_the_future_keeps_nothing_from_being_tested(void **state)
{
	struct sim s;

	(void)state;
	begin(&s);
	TRUTH(&s, BLACK_HOLE("zedagent"));
	put(&s, entry("zedagent", CONTROLLER, 20, 0));
	s.now.wall_ms -= DAY; /* the clock was wrong, and is put right */
	TRUTH(&s, OK("zedagent"));
	assert_int_equal(dpc_list_put(&s.list, entry("a", OVERRIDE, 1, 1)), 1);
	dpcv_list_changed(&s.v, s.now, "new");
	drive(&s, false);
	EXPECT(&s, "zedagent", SUCCESS);
	assert_true(dpc_entry_works(s.list.current));
	end(&s);
}

static void a_success_in_the_future_hides_no_failure(void **state)
{
	struct sim s;

	(void)state;
	begin(&s);
	TRUTH(&s, OK("zedagent"));
	put(&s, entry("zedagent", CONTROLLER, 20, 0));
	s.now.wall_ms -= DAY; /* a node without a clock of its own starts again */
	TRUTH(&s, BLACK_HOLE("zedagent"));
	dpcv_start(&s.v, s.now);
	drive(&s, true);
	EXPECT(&s, "zedagent", FAIL_WITH_IPANDDNS);
	assert_false(dpc_entry_works(s.list.current));
	end(&s);
}

/* ---- Beside ---- */

static void a_bad_candidate_beside_leaves_the_working_one_alone(void **state)
{
	struct sim s;

	(void)state;
	two(&s);
	s.beside = true;
	TRUTH(&s, NO_DHCP("zedagent"));
	put(&s, entry("zedagent", CONTROLLER, 20, 0));
	EXPECT(&s, "override", SUCCESS);
	assert_true(dpcv_beside(&s.v));
	pass_time(&s, 4 * D); /* nobody is hurt: it gets all the time there is */
	assert_int_equal(find(&s, "zedagent")->state, EW__DPC_STATE__DPC_STATE_IPDNS_WAIT);
	pass_time(&s, D + 1);
	EXPECT(&s, "override", SUCCESS);
	assert_false(dpcv_beside(&s.v));
	expect_log(&s, "zedagent:ASYNC_WAIT zedagent:IPDNS_WAIT zedagent:FAIL");
	TRUTH(&s, OK("zedagent"));
	pass_time(&s, 600001);
	EXPECT(&s, "zedagent", SUCCESS);
	end(&s);
}

static void a_good_candidate_beside_is_committed(void **state)
{
	struct sim s;

	(void)state;
	two(&s);
	s.beside = true;
	TRUTH(&s, NO_DHCP("zedagent"));
	put(&s, entry("zedagent", CONTROLLER, 20, 0));
	EXPECT(&s, "override", SUCCESS);
	TRUTH(&s, OK("zedagent"));
	drive(&s, true);
	EXPECT(&s, "zedagent", SUCCESS);
	expect_log(&s, "zedagent:ASYNC_WAIT zedagent:IPDNS_WAIT zedagent:SUCCESS");
	end(&s);
}

static void without_the_working_one_the_candidate_is_in_force(void **state)
{
	struct sim s;

	(void)state;
	two(&s);
	s.beside = true;
	TRUTH(&s, NO_DHCP("zedagent"));
	put(&s, entry("zedagent", CONTROLLER, 20, 0));
	assert_true(dpcv_beside(&s.v));
	drop(&s, "override");
	assert_false(dpcv_beside(&s.v));
	EXPECT(&s, "zedagent", IPDNS_WAIT);
	end(&s);
}

static void of_two_candidates_beside_the_second_gets_its_turn(void **state)
{
	struct sim s;

	(void)state;
	begin(&s);
	s.beside = true;
	TRUTH(&s, OK("old"));
	put(&s, entry("old", OVERRIDE, 10, 20));
	TRUTH(&s, BLACK_HOLE("mid"));
	TRUTH(&s, NO_DHCP("top"));
	put(&s, entry("mid", OVERRIDE, 20, 21));
	put(&s, entry("top", OVERRIDE, 30, 0));
	pass_time(&s, 5 * D + 1);
	EXPECT(&s, "old", SUCCESS);
	assert_null(s.list.tested);
	TRUTH(&s, OK("mid")); /* the first goes on failing, the one between heals */
	pass_time(&s, 1300000);
	EXPECT(&s, "mid", SUCCESS);
	end(&s);
}

static void what_stopped_working_is_no_reason_to_be_careful(void **state)
{
	struct sim s;

	(void)state;
	two(&s);
	s.beside = true;
	TRUTH(&s, NO_DHCP("zedagent"));
	put(&s, entry("zedagent", CONTROLLER, 20, 0));
	pass_time(&s, 5 * D + 1);
	EXPECT(&s, "override", SUCCESS);
	TRUTH(&s, BLACK_HOLE("override"));
	pass_time(&s, 300000 + D + 2);
	assert_string_equal(s.applied_key, "zedagent"); /* applied, not tried beside */
	end(&s);
}

static void names_and_costs_are_applied_without_a_trial(void **state)
{
	struct sim s;
	Ew__DpcEntry *e = entry("zedagent", CONTROLLER, 20, 20);

	(void)state;
	two(&s);
	s.beside = true;
	e->config->ports[0]->cost = 7;
	TRUTH(&s, NO_DHCP("zedagent"));
	put(&s, e);
	assert_string_equal(s.applied_key, "zedagent");
	end(&s);
}

/* ---- Restarts ---- */

static void a_restart_goes_on_with_what_is_in_force(void **state)
{
	struct sim s, again;
	struct strbuf text = STRBUF_INIT;
	struct pbjson_error err;

	(void)state;
	two(&s);
	TRUTH(&s, BLACK_HOLE("zedagent"));
	put(&s, entry("zedagent", CONTROLLER, 20, 0));
	EXPECT(&s, "override", SUCCESS);
	dpc_list_format(&s.list, &text);
	begin(&again);
	assert_int_equal(dpc_list_parse(text.str, text.len, &again.list, &err), 0);
	TRUTH(&again, OK("override"));
	TRUTH(&again, OK("zedagent"));
	dpcv_start(&again.v, again.now);
	assert_string_equal(again.list.current->key, "override");
	drive(&again, false);
	EXPECT(&again, "override", SUCCESS);
	pass_time(&again, 600001);
	EXPECT(&again, "zedagent", SUCCESS);
	strbuf_fini(&text);
	end(&s);
	end(&again);
}

static void killed_at_any_step_it_finds_the_working_one(void **state)
{
	(void)state;
	for (int steps = 0; steps < 12; steps++) {
		struct sim s, again;
		struct strbuf text = STRBUF_INIT;
		struct pbjson_error err;

		two(&s);
		s.beside = steps % 2;
		TRUTH(&s, NO_DHCP("zedagent"));
		put(&s, entry("zedagent", CONTROLLER, 20, 0));
		pass_time(&s, steps * D / 4);
		dpc_list_format(&s.list, &text);
		begin(&again);
		assert_int_equal(dpc_list_parse(text.str, text.len, &again.list, &err), 0);
		again.now.wall_ms = s.now.wall_ms;
		TRUTH(&again, NO_DHCP("zedagent"));
		TRUTH(&again, OK("override"));
		dpcv_start(&again.v, again.now);
		drive(&again, false);
		pass_time(&again, 2 * D);
		EXPECT(&again, "override", SUCCESS);
		strbuf_fini(&text);
		end(&s);
		end(&again);
	}
}

static void test_now_asks_nobody_when_it_failed_last(void **state)
{
	struct sim s;

	(void)state;
	two(&s);
	TRUTH(&s, BLACK_HOLE("zedagent"));
	put(&s, entry("zedagent", CONTROLLER, 20, 0));
	TRUTH(&s, OK("zedagent"));
	dpcv_test_now(&s.v, s.now, s.list.entries[0], "asked for");
	drive(&s, false);
	EXPECT(&s, "zedagent", SUCCESS);
	end(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(SingleDPC),
		cmocka_unit_test(DPCWithMultipleEths),
		cmocka_unit_test(DNS),
		cmocka_unit_test(DPCFallback),
		cmocka_unit_test(DPCFallback_without_dhcp_is_back_within_two_test_durations),
		cmocka_unit_test(AllDPCsFailParkAtLatest),
		cmocka_unit_test(RestartVerifyParksWhenNothingCurrentlyTestable),
		cmocka_unit_test(ZedagentAlwaysOutranksManual),
		cmocka_unit_test(ZedagentAlwaysOutranksOverrideWithFutureTimestamp),
		cmocka_unit_test(ManualCanStillOvertakeExistingZedagent),
		cmocka_unit_test(HigherPriority),
		cmocka_unit_test(ManualNeverFallsBackPastItself),
		cmocka_unit_test(NewControllerConfigTestedWhileManualActive),
		cmocka_unit_test(FallsBackToWorkingManual),
		cmocka_unit_test(ParksAtManualWhenEverythingFails),
		cmocka_unit_test(RevertManualDPC),
		cmocka_unit_test(ManualDPCDroppedAfterNewerDPCWorks),
		cmocka_unit_test(GetNextTestableDPCIndexCapsAtManual),
		cmocka_unit_test(AddDPCDuringVerify),
		cmocka_unit_test(AddDPCDuringVerify_while_a_round_is_under_way),
		cmocka_unit_test(DeleteDPC),
		cmocka_unit_test(DeleteDPCMidVerification),
		cmocka_unit_test(DPCWithAssignedInterface),
		cmocka_unit_test(DPCWithReleasedAndRenamedInterface),
		cmocka_unit_test(a_missing_interface_is_waited_for_two_test_durations),
		cmocka_unit_test(Wireless),
		cmocka_unit_test(RadioSilence),
		cmocka_unit_test(radio_silence_that_ends_during_a_round_has_a_round_of_its_own),
		cmocka_unit_test(TransientDNSError),
		cmocka_unit_test(RemoteTemporaryFailure),
		cmocka_unit_test(RemovalOfOldNonWorkingDPCs),
		cmocka_unit_test(CompressDPCL),
		cmocka_unit_test(what_a_file_asks_for_stays_as_long_as_the_file),
		cmocka_unit_test(
			the_former_configuration_of_the_controller_is_what_it_falls_back_on),
		cmocka_unit_test(a_former_one_of_the_same_time_gets_a_number),
		cmocka_unit_test(no_fallback_when_it_does_not_change_the_failing_layer),
		cmocka_unit_test(fallback_when_another_interface_is_used),
		cmocka_unit_test(each_layer_counts_up_to_the_one_that_failed),
		cmocka_unit_test(VlansAndBonds),
		cmocka_unit_test(one_failed_test_is_no_reason_to_change),
		cmocka_unit_test(the_second_failed_test_starts_verification),
		cmocka_unit_test(IntermittentConnectivity),
		cmocka_unit_test(a_link_event_has_the_configuration_tested_at_once),
		cmocka_unit_test(results_are_told_as_soon_as_they_are_others),
		cmocka_unit_test(an_event_during_a_round_has_another_one_follow),
		cmocka_unit_test(without_a_remote_target_nothing_wakes_an_idle_node),
		cmocka_unit_test(a_target_that_goes_away_during_a_periodic_test_leaves_no_timer),
		cmocka_unit_test(intervals_below_300_s_shorten_the_time_since_failure_too),
		cmocka_unit_test(better_interval_0_never_goes_back_by_itself),
		cmocka_unit_test(a_failure_in_the_future_keeps_nothing_from_being_tested),
		cmocka_unit_test(a_success_in_the_future_hides_no_failure),
		cmocka_unit_test(a_bad_candidate_beside_leaves_the_working_one_alone),
		cmocka_unit_test(a_good_candidate_beside_is_committed),
		cmocka_unit_test(without_the_working_one_the_candidate_is_in_force),
		cmocka_unit_test(of_two_candidates_beside_the_second_gets_its_turn),
		cmocka_unit_test(what_stopped_working_is_no_reason_to_be_careful),
		cmocka_unit_test(names_and_costs_are_applied_without_a_trial),
		cmocka_unit_test(a_restart_goes_on_with_what_is_in_force),
		cmocka_unit_test(killed_at_any_step_it_finds_the_working_one),
		cmocka_unit_test(test_now_asks_nobody_when_it_failed_last),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
