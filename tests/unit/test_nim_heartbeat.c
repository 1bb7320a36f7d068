/* SPDX-License-Identifier: Apache-2.0 */
/* Heartbeats of gateways and damped recovery: simulated time in, judgement out. */
#include "tests/unit/golden.h"

#include <sys/socket.h>

#include "base/arena.h"
#include "base/rate.h"
#include "config.pb-c.h"
#include "nim/gateway/damp.h"
#include "nim/gateway/heartbeat_items.h"
#include "nim/gateway/heartbeat_kept.h"
#include "nim/gateway/heartbeat_status.h"
#include "nim/gateway/one_way.h"
#include "nim/gateway/probe.h"
#include "nim/intent.h"
#include "status.pb-c.h"

#define MS 1000000ULL

static const struct beat_pace pace = { .interval_ms = 200, .retry_ms = 1000, .misses = 3 };

static struct mono at(uint64_t ms)
{
	return (struct mono){ 1 + ms * MS };
}

/* ---- Heartbeat ---- */

/* Steps it until `until`, a gateway answering at once before `dies`. When it is found silent, or 0. */
static uint64_t run(struct beat *b, const struct beat_pace *p, uint64_t dies, uint64_t until,
		    unsigned int *ret_questions)
{
	bool answer = false;

	*ret_questions = 0;
	for (uint64_t ms = 0; ms < until; ms++) {
		if (answer && at(ms).ns >= b->due.ns)
			beat_heard(b);
		if (!beat_step(b, p, at(ms)))
			continue;
		if (b->silent)
			return ms;
		(*ret_questions)++;
		answer = ms < dies;
	}
	return 0;
}

static void a_gateway_that_answers_is_asked_once_an_interval(void **state)
{
	struct beat b = { 0 };
	unsigned int questions;

	(void)state;
	assert_int_equal(run(&b, &pace, UINT64_MAX, 10000, &questions), 0);
	assert_int_equal(questions, 50);
	assert_true(b.heard);
}

static void silence_is_found_after_three_questions(void **state)
{
	(void)state;
	for (uint64_t dies = 1000; dies < 1400; dies += 7) {
		struct beat b = { 0 };
		unsigned int questions;
		uint64_t found = run(&b, &pace, dies, 5000, &questions);

		assert_in_range(found - dies, 600, 800);
	}
}

static void with_10_ms_silence_is_found_within_40(void **state)
{
	const struct beat_pace quick = { .interval_ms = 10, .retry_ms = 1000, .misses = 3 };

	(void)state;
	for (uint64_t dies = 1000; dies < 1020; dies++) {
		struct beat b = { 0 };
		unsigned int questions;
		uint64_t found = run(&b, &quick, dies, 5000, &questions);

		assert_in_range(found - dies, 30, 40);
	}
}

static void who_never_answered_is_never_silent_and_asked_ever_more_rarely(void **state)
{
	struct beat b = { 0 };
	unsigned int questions;

	(void)state;
	assert_int_equal(run(&b, &pace, 0, 600000, &questions), 0);
	assert_false(b.silent);
	assert_in_range(questions, 60, 70);
}

static void the_kernels_doubt_is_decided_by_one_question(void **state)
{
	struct beat b = { 0 };

	(void)state;
	beat_doubt(&b, &pace, at(500));
	assert_true(beat_step(&b, &pace, at(500)));
	assert_false(b.silent);
	assert_false(beat_step(&b, &pace, at(699)));
	assert_true(beat_step(&b, &pace, at(700)));
	assert_true(b.silent);
	assert_false(beat_step(&b, &pace, at(1699))); /* then once a retry time */
	assert_true(beat_heard(&b));
	assert_false(b.silent || b.doubted);
}

static void the_kernels_doubt_ends_with_an_answer(void **state)
{
	struct beat b = { .heard = true };

	(void)state;
	beat_doubt(&b, &pace, at(500));
	assert_true(beat_step(&b, &pace, at(500)));
	assert_false(beat_heard(&b));
	assert_true(beat_step(&b, &pace, at(700)));
	assert_false(b.silent || b.doubted);
}

static void who_was_held_up_himself_blames_nobody(void **state)
{
	struct beat b = { 0 };

	(void)state;
	assert_true(beat_step(&b, &pace, at(0)));
	beat_heard(&b);
	assert_true(beat_step(&b, &pace, at(200)));
	assert_true(beat_step(&b, &pace, at(5000))); /* one question went out, one is missed */
	assert_int_equal(b.missed, 1);
	assert_false(b.silent);
}

/* ---- Damping ---- */

#define PORTS 4
#define HOLD 3000

struct sim {
	struct damp damp[PORTS];
	struct damp_choice choice;
	struct damp_input in[PORTS];
	struct mono due;
};

static void sim_init(struct sim *s)
{
	*s = (struct sim){ .choice = DAMP_CHOICE_INIT };
	for (unsigned int i = 0; i < PORTS; i++)
		s->in[i] = (struct damp_input){ .good = true, .rank = i };
}

static void step(struct sim *s, uint64_t ms)
{
	s->due = damp_step(s->damp, &s->choice, s->in, PORTS, HOLD, at(ms));
}

static void set(struct sim *s, unsigned int port, bool good, uint64_t ms)
{
	s->in[port].good = good;
	step(s, ms);
}

static void nothing_is_held_at_the_first_start(void **state)
{
	struct sim s;

	(void)state;
	sim_init(&s);
	s.in[0].good = false;
	step(&s, 0);
	assert_int_equal(s.choice.port, 1);
	set(&s, 0, true, 10);
	assert_int_equal(s.choice.port, 0);
	assert_int_equal(s.due.ns, 0);
}

static void a_lost_port_is_left_at_once_and_preferred_again_after_the_hold_time(void **state)
{
	struct sim s;

	(void)state;
	sim_init(&s);
	step(&s, 0);
	set(&s, 0, false, 10000);
	assert_int_equal(s.choice.port, 1);
	set(&s, 0, true, 20000);
	assert_int_equal(s.choice.port, 1);
	assert_true(s.damp[0].held);
	assert_int_equal(s.due.ns, at(20000 + HOLD).ns);
	step(&s, 20000 + HOLD - 1);
	assert_int_equal(s.choice.port, 1);
	step(&s, 20000 + HOLD);
	assert_int_equal(s.choice.port, 0);
	assert_int_equal(s.due.ns, 0);
}

static void nothing_is_held_when_there_is_no_other(void **state)
{
	struct sim s;

	(void)state;
	sim_init(&s);
	for (unsigned int i = 1; i < PORTS; i++)
		s.in[i].good = false;
	step(&s, 0);
	for (uint64_t ms = 1000; ms < 60000; ms += 100) {
		set(&s, 0, ms % 200, ms);
		assert_false(s.damp[0].held || s.damp[0].shaky);
	}
}

static void the_hold_ends_when_the_others_fail(void **state)
{
	struct sim s;

	(void)state;
	sim_init(&s);
	s.in[2].good = s.in[3].good = false;
	step(&s, 0);
	set(&s, 0, false, 1000);
	set(&s, 0, true, 1100);
	set(&s, 1, false, 1200);
	assert_int_equal(s.choice.port, 0);
	assert_false(s.damp[0].held);
	set(&s, 1, true, 1300); /* it is worse, and held as well */
	assert_int_equal(s.choice.port, 0);
}

static void a_management_port_is_not_held_back_for_one_of_apps(void **state)
{
	struct sim s;

	(void)state;
	sim_init(&s);
	for (unsigned int i = 1; i < PORTS; i++)
		s.in[i].class = 1;
	step(&s, 0);
	set(&s, 0, false, 1000);
	assert_int_equal(s.choice.port, 1);
	set(&s, 0, true, 1100);
	assert_int_equal(s.choice.port, 0);
}

static void the_hold_time_doubles_up_to_a_minute_and_is_forgotten(void **state)
{
	static const unsigned int want_s[] = { 3, 6, 12, 24, 48, 60, 60 };
	uint64_t ms = 100000;
	struct sim s;

	(void)state;
	sim_init(&s);
	step(&s, 0);
	for (unsigned int i = 0; i < 7; i++) {
		set(&s, 0, false, ms);
		set(&s, 0, true, ms + 50);
		assert_int_equal(s.damp[0].until.ns - at(ms + 50).ns, want_s[i] * 1000 * MS);
		ms += DAMP_INCIDENT_MS;
	}
	ms += 10 * DAMP_FORGET_MS;
	step(&s, ms);
	assert_int_equal(s.choice.port, 0);
	set(&s, 0, false, ms);
	set(&s, 0, true, ms + 50);
	assert_int_equal(s.damp[0].until.ns - at(ms + 50).ns, HOLD * MS);
}

static void losses_of_one_incident_count_once(void **state)
{
	struct sim s;

	(void)state;
	sim_init(&s);
	step(&s, 0);
	for (unsigned int i = 0; i < 3; i++) {
		set(&s, 0, false, 5000 + 100 * i);
		set(&s, 0, true, 5050 + 100 * i);
	}
	assert_int_equal(s.damp[0].until.ns, at(5250 + HOLD).ns);
	assert_int_equal(s.damp[0].losses, 3);
}

static void what_comes_and_goes_is_not_used_before_it_stays_for_a_second(void **state)
{
	struct sim s;

	(void)state;
	sim_init(&s);
	step(&s, 0);
	for (unsigned int i = 1; i <= 50; i++) {
		set(&s, 0, false, i * 100);
		set(&s, 0, true, i * 100 + 50);
		assert_int_equal(s.damp[0].shaky, i >= DAMP_SHAKY_LOSSES);
	}
	assert_int_equal(s.due.ns, at(5050 + DAMP_SHAKY_MS).ns);
	step(&s, 5050 + DAMP_SHAKY_MS);
	assert_false(s.damp[0].shaky);
	assert_true(s.damp[0].held);
}

/* EVE's portprober: cost change. Nothing was lost, so nothing is held. */
static void a_change_of_cost_takes_effect_at_once(void **state)
{
	struct sim s;

	(void)state;
	sim_init(&s);
	step(&s, 0);
	assert_int_equal(s.choice.port, 0);
	s.in[0].rank = PORTS;
	step(&s, 10);
	assert_int_equal(s.choice.port, 1);
	s.in[2].rank = 0;
	step(&s, 20);
	assert_int_equal(s.choice.port, 2);
	s.in[0].rank = 0;
	s.in[2].rank = 2;
	step(&s, 30);
	assert_int_equal(s.choice.port, 0);
	for (unsigned int i = 0; i < PORTS; i++)
		assert_false(s.damp[i].held || s.damp[i].shaky);
	assert_int_equal(s.due.ns, 0);
}

static void without_a_hold_time_all_is_as_it_is(void **state)
{
	struct sim s;

	(void)state;
	sim_init(&s);
	for (uint64_t ms = 0; ms < 10000; ms += 50) {
		s.in[0].good = ms % 100;
		s.due = damp_step(s.damp, &s.choice, s.in, PORTS, 0, at(ms));
		assert_int_equal(s.choice.port, s.in[0].good ? 0 : 1);
		assert_int_equal(s.due.ns, 0);
	}
}

static unsigned int seed;

static unsigned int draw(unsigned int n)
{
	seed = seed * 1103515245 + 12345;
	return (seed >> 16) % n;
}

/* Chosen is one that works whenever one does; what is better is turned to once per hold time. */
static void thousand_random_flaps(unsigned int first_seed)
{
	uint64_t ms = 1000, turned = 0;
	unsigned int flaps = 0;
	struct sim s;

	seed = first_seed;
	sim_init(&s);
	step(&s, 0);
	while (flaps < 1000) {
		unsigned int port = draw(PORTS), pause = draw(8) ? draw(400) : draw(20000);
		int was = s.choice.port;
		bool any = false;

		ms += 1 + pause;
		if (s.due.ns && s.due.ns < at(ms).ns) { /* the timer is first */
			ms = (s.due.ns - 1) / MS;
			step(&s, ms);
		} else {
			flaps += s.in[port].good;
			set(&s, port, !s.in[port].good, ms);
		}
		for (unsigned int i = 0; i < PORTS; i++)
			any = any || s.in[i].good;
		assert_true(!any || s.in[s.choice.port].good);
		assert_true(!any || !(s.damp[s.choice.port].held || s.damp[s.choice.port].shaky));
		if (s.choice.port == was || !s.in[was].good)
			continue; /* it had to be left */
		assert_true(!turned || ms - turned >= HOLD);
		turned = ms;
	}
}

/* EVE's portprober: flap damping. */
static void thousand_flaps_make_no_wrong_choice_and_one_switch_per_hold_time(void **state)
{
	(void)state;
	for (unsigned int i = 1; i <= 100; i++)
		thousand_random_flaps(i);
}

/* ---- Ports ---- */

struct world {
	struct nim_config config;
	struct nim_facts facts;
	struct nim_view view;
};

/* Two uplinks with both versions of IP. */
static void world_init(struct world *w)
{
	*w = (struct world){ .config.nports = 2 };
	for (unsigned int i = 0; i < 2; i++) {
		struct nim_port *p = &w->config.ports[i];
		struct nim_iface *iface = &w->facts.ifaces[i];
		struct prefix v4, v6;

		snprintf(p->label, sizeof(p->label), "wan-%u", i);
		p->is_mgmt = p->is_l3 = p->ipv4 = p->ipv6 = true;
		p->number = (uint8_t)(i + 1);
		p->cost = (uint8_t)(10 * i);
		p->dhcp = NIM_DHCP_STATIC;
		assert_int_equal(ipaddr_parse("192.0.2.1", &p->gateway4), 0);
		assert_int_equal(ipaddr_parse("2001:db8::1", &p->gateway6), 0);
		assert_int_equal(prefix_parse("192.0.2.2/24", &v4), 0);
		assert_int_equal(prefix_parse("2001:db8::2/64", &v6), 0);
		iface->ifindex = i + 2;
		iface->up = iface->carrier = true;
		p->addrs[p->naddrs++] = v4;
		p->addrs[p->naddrs++] = v6;
		nim_iface_add_addr(iface, &v4);
		nim_iface_add_addr(iface, &v6);
	}
}

static void look(struct world *w)
{
	nim_view(&w->config, &w->facts, &w->view);
}

static void a_silent_gateway_takes_its_port_out_for_that_version_of_ip(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	w.facts.ifaces[0].health[NIM_V4].gateway = NIM_GATEWAY_SILENT;
	look(&w);
	assert_false(w.view.ports[0].usable4);
	assert_true(w.view.ports[0].usable6);
	assert_int_equal(w.view.default4, 1);
	assert_int_equal(w.view.default6, 0);
}

/* EVE's portprober: none working. */
static void nothing_is_cut_when_all_gateways_are_silent(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	for (unsigned int i = 0; i < 2; i++)
		w.facts.ifaces[i].health[NIM_V4].gateway = NIM_GATEWAY_SILENT;
	look(&w);
	assert_true(w.view.ports[0].usable4 && w.view.ports[1].usable4);
	assert_int_equal(w.view.default4, 0);
}

static void a_held_port_is_usable_behind_the_others(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	w.facts.ifaces[0].health[NIM_V4].held = true;
	look(&w);
	assert_true(w.view.ports[0].usable4);
	assert_int_equal(w.view.default4, 1);
	assert_int_equal(w.view.default6, 0);
	w.facts.ifaces[1].carrier = false;
	look(&w);
	assert_int_equal(w.view.default4, 0);
}

/* wan-0 is held by IPv4, and its IPv6 gateway is silent. */
static void a_held_ports_default_route_is_behind_the_others(void **state)
{
	struct strbuf out = STRBUF_INIT;
	struct world w;

	(void)state;
	world_init(&w);
	for (unsigned int i = 0; i < 2; i++) {
		struct ifname *ifname = &w.config.ports[i].ifname;

		snprintf(ifname->str, sizeof(ifname->str), "eth%u", i);
		w.facts.ifaces[i].ifname = *ifname;
	}
	w.facts.ifaces[0].health[NIM_V4].held = true;
	w.facts.ifaces[0].health[NIM_V6].gateway = NIM_GATEWAY_SILENT;
	look(&w);
	golden_graph(nim_intent_node(&w.config, &w.view), &out);
	golden_text("nim_node_held", strbuf_str(&out));
	strbuf_fini(&out);
}

static void equal_costs_take_turns_in_management(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	w.config.nports = 4;
	for (unsigned int i = 0; i < 4; i++)
		w.config.ports[i].is_mgmt = true;
	w.config.ports[0].cost = w.config.ports[2].cost = 5;
	w.config.ports[1].cost = 0;
	w.config.ports[3].cost = 9;
	look(&w);
	assert_int_equal(w.view.ports[1].turn, 0);
	assert_int_equal(w.view.ports[0].turn, 1);
	assert_int_equal(w.view.ports[2].turn, 1);
	assert_int_equal(w.view.ports[3].turn, 2);
}

static void the_status_names_the_silent_gateway(void **state)
{
	Ew__PortStatus s = EW__PORT_STATUS__INIT;
	struct arena arena = { 0 };
	struct world w;

	(void)state;
	world_init(&w);
	w.facts.ifaces[0].health[NIM_V4] = (struct nim_health){ .gateway = NIM_GATEWAY_SILENT,
								.interval_ms = 1000,
								.losses = 2 };
	w.facts.ifaces[0].health[NIM_V6] = (struct nim_health){
		.gateway = NIM_GATEWAY_ANSWERS, .held = true, .held_until_ms = 5, .losses = 1
	};
	look(&w);
	nim_health_status(&s, &w.facts.ifaces[0], &w.view.ports[0]);
	assert_int_equal(s.gateway_state4, EW__GATEWAY_STATE__GATEWAY_SILENT);
	assert_int_equal(s.gateway_state6, EW__GATEWAY_STATE__GATEWAY_ANSWERS);
	assert_int_equal(s.heartbeat_ms, 1000);
	assert_true(!s.held4 && s.held6);
	assert_int_equal(s.held_until_ms, 5);
	assert_int_equal(s.losses, 2);
	assert_string_equal(nim_health_error(&w.facts.ifaces[0], &w.view.ports[0], &arena),
			    "gateway 192.0.2.1 does not answer");
	assert_string_equal(nim_health_error(&w.facts.ifaces[1], &w.view.ports[1], &arena), "");
	arena_fini(&arena);
}

/* ---- Items, log ---- */

static void load(struct heartbeat_items *items, const char *const *pairs)
{
	Ew__GlobalConfig__ItemsEntry entry[8], *list[8];
	Ew__GlobalConfig msg = EW__GLOBAL_CONFIG__INIT;

	for (; pairs[2 * msg.n_items]; msg.n_items++) {
		Ew__GlobalConfig__ItemsEntry *e = list[msg.n_items] = &entry[msg.n_items];

		ew__global_config__items_entry__init(e);
		e->key = (char *)pairs[2 * msg.n_items];
		e->value = (char *)pairs[2 * msg.n_items + 1];
	}
	msg.items = list;
	heartbeat_items_load(items, &msg);
}

static void heartbeats_are_for_ports_that_cost_nothing(void **state)
{
	const struct nim_port free_one = { .label = "a" }, dear = { .label = "b.c", .cost = 1 };
	struct heartbeat_items items = { 0 };

	(void)state;
	heartbeat_items_load(&items, NULL);
	assert_int_equal(items.pace.interval_ms, 200);
	assert_int_equal(items.pace.misses, 3);
	assert_int_equal(items.hold_ms, 3000);
	assert_true(heartbeat_items_allow(&items, &free_one, false));
	assert_false(heartbeat_items_allow(&items, &free_one, true));
	assert_false(heartbeat_items_allow(&items, &dear, false));
	load(&items, (const char *const[]){
			     "edgeway.heartbeat", "off", "edgeway.port.b.c.heartbeat", "on",
			     "edgeway.heartbeat.interval.ms", "10", "edgeway.heartbeat.misses", "5",
			     "edgeway.recovery.hold.ms", "0", NULL });
	assert_int_equal(items.pace.interval_ms, 10);
	assert_int_equal(items.pace.misses, 5);
	assert_int_equal(items.hold_ms, 0);
	assert_false(heartbeat_items_allow(&items, &free_one, false));
	assert_true(heartbeat_items_allow(&items, &dear, true));
	assert_true(heartbeat_items_load(&items, NULL));
	assert_false(heartbeat_items_load(&items, NULL));
	load(&items, (const char *const[]){ "edgeway.port.a.heartbeat", "off", NULL });
	assert_false(heartbeat_items_allow(&items, &free_one, false));
	heartbeat_items_fini(&items);
}

static void what_is_kept_for_the_next_run_comes_back(void **state)
{
	struct heartbeat_kept kept = {
		.family = NIM_V6, .heard = true, .silent = true, .held = true, .label = "two words"
	};
	struct heartbeat_kept back = { 0 };
	struct strbuf text = STRBUF_INIT;

	(void)state;
	assert_int_equal(ipaddr_parse("fe80::1", &kept.gateway), 0);
	heartbeat_kept_format(&kept, &text);
	assert_string_equal(strbuf_str(&text), "6 fe80::1 silent held two words\n");
	assert_true(heartbeat_kept_parse(strbuf_str(&text), &back));
	assert_memory_equal(&kept, &back, sizeof(kept));
	strbuf_fini(&text);
	assert_true(heartbeat_kept_parse("4 192.0.2.1 answers free a", &back));
	assert_true(back.heard && !back.silent && !back.held);
	assert_false(heartbeat_kept_parse("", &back));
	assert_false(heartbeat_kept_parse("4", &back));
	assert_false(heartbeat_kept_parse("4 192.0.2.1 answers free", &back));
	assert_false(heartbeat_kept_parse("4 192.0.2.1 answers free ", &back));
	assert_false(heartbeat_kept_parse("4 fe80::1 answers free a", &back));
	assert_false(heartbeat_kept_parse("4 x answers free a", &back));
}

static void what_an_earlier_run_saw_lost_is_held_when_it_is_back(void **state)
{
	struct sim s;

	(void)state;
	sim_init(&s);
	damp_remember(&s.damp[0]);
	step(&s, 0);
	assert_int_equal(s.choice.port, 1);
	step(&s, HOLD);
	assert_int_equal(s.choice.port, 0);
}

static void traffic_that_goes_one_way_is_noticed(void **state)
{
	struct one_way w = { 0 };

	(void)state;
	assert_false(one_way_look(&w, 100, 100, at(0)));
	assert_false(one_way_look(&w, 100, 9000, at(999))); /* too soon to say */
	assert_true(one_way_look(&w, 100, 9000, at(1000)));
	assert_false(one_way_look(&w, 100, 9200, at(2000))); /* next to nothing */
	assert_false(one_way_look(&w, 101, 19200, at(3000)));
	assert_false(one_way_look(&w, 0, 10, at(4000))); /* another interface */
}

static void what_is_said_too_often_is_counted(void **state)
{
	unsigned int beyond = 99, said = 0;
	struct rate r = { 0 };

	(void)state;
	for (unsigned int ms = 0; ms < 1000; ms += 10)
		said += rate_allow(&r, 5, 1000, at(ms), &beyond);
	assert_int_equal(said, 5);
	assert_int_equal(beyond, 0);
	assert_true(rate_allow(&r, 5, 1000, at(1000), &beyond));
	assert_int_equal(beyond, 95);
}

/* A stream instead of the socket holds more answers than any of these. */
static void answers_without_end_do_not_hold_the_loop_up(void **state)
{
	_cleanup_(closep) int far = -1;
	struct probe p = PROBE_INIT;
	static char answers[65536];
	int fds[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
	p.fd = fds[0];
	far = fds[1];
	assert_int_equal(send(far, answers, sizeof(answers), 0), sizeof(answers));
	assert_true(probe_answered(&p));
	assert_true(recv(p.fd, answers, sizeof(answers), 0) > 0);
	assert_false(probe_answered(&p));
	probe_close(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_gateway_that_answers_is_asked_once_an_interval),
		cmocka_unit_test(silence_is_found_after_three_questions),
		cmocka_unit_test(with_10_ms_silence_is_found_within_40),
		cmocka_unit_test(who_never_answered_is_never_silent_and_asked_ever_more_rarely),
		cmocka_unit_test(the_kernels_doubt_is_decided_by_one_question),
		cmocka_unit_test(the_kernels_doubt_ends_with_an_answer),
		cmocka_unit_test(who_was_held_up_himself_blames_nobody),
		cmocka_unit_test(nothing_is_held_at_the_first_start),
		cmocka_unit_test(
			a_lost_port_is_left_at_once_and_preferred_again_after_the_hold_time),
		cmocka_unit_test(nothing_is_held_when_there_is_no_other),
		cmocka_unit_test(the_hold_ends_when_the_others_fail),
		cmocka_unit_test(a_management_port_is_not_held_back_for_one_of_apps),
		cmocka_unit_test(the_hold_time_doubles_up_to_a_minute_and_is_forgotten),
		cmocka_unit_test(losses_of_one_incident_count_once),
		cmocka_unit_test(what_comes_and_goes_is_not_used_before_it_stays_for_a_second),
		cmocka_unit_test(a_change_of_cost_takes_effect_at_once),
		cmocka_unit_test(without_a_hold_time_all_is_as_it_is),
		cmocka_unit_test(thousand_flaps_make_no_wrong_choice_and_one_switch_per_hold_time),
		cmocka_unit_test(a_silent_gateway_takes_its_port_out_for_that_version_of_ip),
		cmocka_unit_test(nothing_is_cut_when_all_gateways_are_silent),
		cmocka_unit_test(a_held_port_is_usable_behind_the_others),
		cmocka_unit_test(a_held_ports_default_route_is_behind_the_others),
		cmocka_unit_test(equal_costs_take_turns_in_management),
		cmocka_unit_test(the_status_names_the_silent_gateway),
		cmocka_unit_test(heartbeats_are_for_ports_that_cost_nothing),
		cmocka_unit_test(what_is_kept_for_the_next_run_comes_back),
		cmocka_unit_test(what_an_earlier_run_saw_lost_is_held_when_it_is_back),
		cmocka_unit_test(traffic_that_goes_one_way_is_noticed),
		cmocka_unit_test(what_is_said_too_often_is_counted),
		cmocka_unit_test(answers_without_end_do_not_hold_the_loop_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
