/* SPDX-License-Identifier: Apache-2.0 */
/* Heartbeats of gateways: simulated time in, judgement out; what ports make of it. */
#include "tests/unit/golden.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/rate.h"
#include "config.pb-c.h"
#include "nim/gateway/heartbeat_items.h"
#include "nim/gateway/heartbeat_kept.h"
#include "nim/gateway/heartbeat_status.h"
#include "nim/gateway/one_way.h"
#include "nim/gateway/probe.h"
#include "nim/intent.h"
#include "nim/next_run.h"
#include "status.pb-c.h"

#define MS 1000000ULL

static const struct beat_pace pace = {
	.interval_ms = 200, .retry_ms = 1000, .look_ms = 50, .misses = 3
};

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
			beat_heard(b, p, at(ms));
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
	const struct beat_pace quick = {
		.interval_ms = 10, .retry_ms = 1000, .look_ms = 10, .misses = 3
	};

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

/* ---- Heartbeat over lines that are late and lose ---- */

#define FLIGHT 64

struct line { /* what a question meets on its way, for so long */
	unsigned int for_ms, loss_percent, least_ms, most_ms;
};

struct trip {
	struct beat beat;
	uint64_t now_ms;
	uint64_t flight[FLIGHT]; /* when answers arrive; 0: free */
	uint32_t dice;
	unsigned int verdicts, questions;
};

static uint32_t roll(struct trip *t, uint32_t n)
{
	t->dice = t->dice * 1664525 + 1013904223; /* Numerical Recipes' */
	return (t->dice >> 16) % n;
}

static void depart(struct trip *t, const struct line *line)
{
	t->questions++;
	if (roll(t, 100) < line->loss_percent)
		return;
	for (unsigned int i = 0; i < FLIGHT; i++)
		if (!t->flight[i]) {
			t->flight[i] = t->now_ms + line->least_ms +
				       roll(t, line->most_ms - line->least_ms + 1);
			return;
		}
	fail_msg("too many questions are out");
}

static bool arrive(struct trip *t)
{
	bool any = false;

	for (unsigned int i = 0; i < FLIGHT; i++)
		if (t->flight[i] && t->flight[i] <= t->now_ms) {
			t->flight[i] = 0;
			any = true;
		}
	return any;
}

/* Returns when it was first found silent, from then on, or 0. */
static uint64_t travel(struct trip *t, const struct beat_pace *p, const struct line *line)
{
	uint64_t begin = t->now_ms, first = 0;

	for (; t->now_ms < begin + line->for_ms; t->now_ms++) {
		bool was_silent = t->beat.silent;

		if (at(t->now_ms).ns < t->beat.due.ns)
			continue;
		if (arrive(t))
			beat_heard(&t->beat, p, at(t->now_ms));
		was_silent = was_silent && t->beat.silent;
		if (beat_step(&t->beat, p, at(t->now_ms)))
			depart(t, line);
		t->verdicts += t->beat.silent && !was_silent;
		if (t->beat.silent && !was_silent && !first)
			first = t->now_ms - begin;
	}
	return first;
}

static const struct line lan = { .for_ms = 20000, .least_ms = 1, .most_ms = 1 };
static const struct line dead = { .for_ms = 10000, .loss_percent = 100, .most_ms = 1 };

/* EVE: IntermittentConnectivity, by its figures: 20 % loss, 500 ± 300 ms. */
static void IntermittentConnectivity(void **state)
{
	static const struct line lines[] = {
		{ .for_ms = 1800000, .loss_percent = 20, .least_ms = 1, .most_ms = 1 },
		{ .for_ms = 1800000, .least_ms = 200, .most_ms = 800 },
		{ .for_ms = 1800000, .loss_percent = 20, .least_ms = 200, .most_ms = 800 },
		{ .for_ms = 1800000, .least_ms = 700, .most_ms = 700 },
		{ .for_ms = 1800000, .loss_percent = 5, .least_ms = 100, .most_ms = 400 },
		{ .for_ms = 1800000, .least_ms = 10, .most_ms = 1500 },
	};

	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(lines); i++) {
		struct trip t = { .dice = i };

		assert_int_equal(travel(&t, &pace, &lan), 0);
		travel(&t, &pace, &lines[i]);
		if (t.verdicts > 1) /* the first time nothing tells it from a gateway that died */
			fail_msg("line %u: found silent %u times", i, t.verdicts);
	}
}

static void a_line_that_is_fast_again_is_judged_as_fast_as_before(void **state)
{
	static const struct line slow = { .for_ms = 60000, .least_ms = 200, .most_ms = 800 };
	static const struct line lossy = {
		.for_ms = 60000, .loss_percent = 20, .least_ms = 1, .most_ms = 1
	};

	(void)state;
	for (unsigned int i = 0; i < 50; i++) {
		struct trip t = { .dice = i };

		travel(&t, &pace, &lan);
		travel(&t, &pace, i % 2 ? &slow : &lossy);
		travel(&t, &pace, &lan);
		t.now_ms += 7 * i;
		assert_in_range(travel(&t, &pace, &dead), 400, 800);
	}
}

static void what_is_learned_outlives_a_rest(void **state)
{
	static const struct line far = { .for_ms = 60000, .least_ms = 500, .most_ms = 500 };
	struct trip t = { 0 };
	uint32_t patience_ms;

	(void)state;
	travel(&t, &pace, &far);
	patience_ms = beat_patience_ms(&t.beat, &pace);
	assert_in_range(patience_ms, 1100, 2500);
	beat_rest(&t.beat);
	assert_int_equal(beat_patience_ms(&t.beat, &pace), patience_ms);
	assert_true(t.beat.heard);
}

static void an_outage_is_no_delay(void **state)
{
	static const struct line moment = { .for_ms = 1, .least_ms = 1, .most_ms = 1 };

	(void)state;
	for (unsigned int ms = 700; ms < 6000; ms += 100) {
		const struct line out = { .for_ms = ms, .loss_percent = 100, .most_ms = 1 };
		struct trip t = { 0 };

		travel(&t, &pace, &lan);
		assert_int_not_equal(travel(&t, &pace, &out), 0);
		while (t.beat.silent)
			travel(&t, &pace, &moment);
		assert_int_equal(beat_patience_ms(&t.beat, &pace), 600);
	}
}

static void a_slow_line_is_judged_by_its_own_measure(void **state)
{
	static const struct line far = { .for_ms = 60000, .least_ms = 250, .most_ms = 300 };

	(void)state;
	for (unsigned int i = 0; i < 50; i++) {
		struct trip t = { .dice = i };

		assert_int_equal(travel(&t, &pace, &far), 0);
		t.now_ms += 7 * i;
		assert_in_range(travel(&t, &pace, &dead), 600, 1700);
	}
}

static void a_slow_line_is_asked_no_more_often_than_it_answers(void **state)
{
	static const struct line far = { .for_ms = 60000, .least_ms = 1000, .most_ms = 1000 };
	struct trip t = { 0 };

	(void)state;
	travel(&t, &pace, &lan);
	travel(&t, &pace, &far); /* it takes that to be learned */
	t.questions = t.verdicts = 0;
	travel(&t, &pace, &far);
	assert_int_equal(t.verdicts, 0);
	assert_in_range(t.questions, 40, 300);
}

/* Who held himself up has no slow line. */
static void what_we_read_late_is_not_late(void **state)
{
	struct beat b = { 0 };

	(void)state;
	for (uint64_t ms = 0; ms < 10000; ms += 1500) {
		if (ms)
			beat_heard(&b, &pace, at(ms));
		assert_true(beat_step(&b, &pace, at(ms)));
	}
	assert_int_equal(beat_patience_ms(&b, &pace), 600);
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
	assert_true(beat_heard(&b, &pace, at(1700)));
	assert_false(b.silent || b.doubted);
}

static void the_kernels_doubt_ends_with_an_answer(void **state)
{
	struct beat b = { .heard = true };

	(void)state;
	beat_doubt(&b, &pace, at(500));
	assert_true(beat_step(&b, &pace, at(500)));
	assert_false(beat_heard(&b, &pace, at(600)));
	assert_true(beat_step(&b, &pace, at(700)));
	assert_false(b.silent || b.doubted);
}

static void who_was_held_up_himself_blames_nobody(void **state)
{
	struct beat b = { 0 };

	(void)state;
	assert_true(beat_step(&b, &pace, at(0)));
	beat_heard(&b, &pace, at(100));
	assert_true(beat_step(&b, &pace, at(200)));
	assert_true(beat_step(&b, &pace, at(5000))); /* one question went out, one is missed */
	assert_int_equal(b.missed, 1);
	assert_false(b.silent);
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

static int setup(void **state)
{
	*state = xcalloc(1, sizeof(struct world));
	world_init(*state);
	return 0;
}

static int teardown(void **state)
{
	free(*state);
	return 0;
}

#define WORLD_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

static void look(struct world *w)
{
	nim_view(&w->config, &w->facts, &w->view);
}

static void a_silent_gateway_takes_its_port_out_for_that_version_of_ip(void **state)
{
	struct world *w = *state;

	w->facts.ifaces[0].health[NIM_V4].gateway = NIM_GATEWAY_SILENT;
	look(w);
	assert_false(w->view.ports[0].usable4);
	assert_true(w->view.ports[0].usable6);
	assert_int_equal(w->view.default4, 1);
	assert_int_equal(w->view.default6, 0);
}

/* EVE's portprober: none working. */
static void nothing_is_cut_when_all_gateways_are_silent(void **state)
{
	struct world *w = *state;

	for (unsigned int i = 0; i < 2; i++)
		w->facts.ifaces[i].health[NIM_V4].gateway = NIM_GATEWAY_SILENT;
	look(w);
	assert_true(w->view.ports[0].usable4 && w->view.ports[1].usable4);
	assert_int_equal(w->view.default4, 0);
}

static void a_held_port_is_usable_behind_the_others(void **state)
{
	struct world *w = *state;

	w->facts.ifaces[0].health[NIM_V4].held = true;
	look(w);
	assert_true(w->view.ports[0].usable4);
	assert_int_equal(w->view.default4, 1);
	assert_int_equal(w->view.default6, 0);
	w->facts.ifaces[1].carrier = false;
	look(w);
	assert_int_equal(w->view.default4, 0);
}

/* wan-0 is held by IPv4, and its IPv6 gateway is silent. */
static void a_held_ports_default_route_is_behind_the_others(void **state)
{
	struct strbuf out = STRBUF_INIT;
	struct world *w = *state;

	for (unsigned int i = 0; i < 2; i++) {
		struct ifname *ifname = &w->config.ports[i].ifname;

		snprintf(ifname->str, sizeof(ifname->str), "eth%u", i);
		w->facts.ifaces[i].ifname = *ifname;
	}
	w->facts.ifaces[0].health[NIM_V4].held = true;
	w->facts.ifaces[0].health[NIM_V6].gateway = NIM_GATEWAY_SILENT;
	look(w);
	golden_graph(nim_intent_node(&w->config, &w->view), &out);
	golden_text("nim_node_held", strbuf_str(&out));
	strbuf_fini(&out);
}

static void equal_costs_take_turns_in_management(void **state)
{
	struct world *w = *state;

	w->config.nports = 4;
	for (unsigned int i = 0; i < 4; i++)
		w->config.ports[i].is_mgmt = true;
	w->config.ports[0].cost = w->config.ports[2].cost = 5;
	w->config.ports[1].cost = 0;
	w->config.ports[3].cost = 9;
	look(w);
	assert_int_equal(w->view.ports[1].turn, 0);
	assert_int_equal(w->view.ports[0].turn, 1);
	assert_int_equal(w->view.ports[2].turn, 1);
	assert_int_equal(w->view.ports[3].turn, 2);
}

static void the_status_names_the_silent_gateway(void **state)
{
	Ew__PortStatus s = EW__PORT_STATUS__INIT;
	struct arena arena = { 0 };
	struct world *w = *state;

	w->facts.ifaces[0].health[NIM_V4] = (struct nim_health){ .gateway = NIM_GATEWAY_SILENT,
								 .interval_ms = 1000,
								 .losses = 2 };
	w->facts.ifaces[0].health[NIM_V6] = (struct nim_health){
		.gateway = NIM_GATEWAY_ANSWERS, .held = true, .held_until_ms = 5, .losses = 1
	};
	look(w);
	nim_health_status(&s, &w->facts.ifaces[0], &w->view.ports[0]);
	assert_int_equal(s.gateway_state4, EW__GATEWAY_STATE__GATEWAY_SILENT);
	assert_int_equal(s.gateway_state6, EW__GATEWAY_STATE__GATEWAY_ANSWERS);
	assert_int_equal(s.heartbeat_ms, 1000);
	assert_true(!s.held4 && s.held6);
	assert_int_equal(s.held_until_ms, 5);
	assert_int_equal(s.losses, 2);
	assert_string_equal(nim_health_error(&w->facts.ifaces[0], &w->view.ports[0], &arena),
			    "gateway 192.0.2.1 does not answer");
	assert_string_equal(nim_health_error(&w->facts.ifaces[1], &w->view.ports[1], &arena), "");
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
	assert_true(port_switch_allows(&items.ports, &free_one, false));
	assert_false(port_switch_allows(&items.ports, &free_one, true));
	assert_false(port_switch_allows(&items.ports, &dear, false));
	load(&items, (const char *const[]){
			     "edgeway.heartbeat", "off", "edgeway.port.b.c.heartbeat", "on",
			     "edgeway.heartbeat.interval.ms", "10", "edgeway.heartbeat.misses", "5",
			     "edgeway.recovery.hold.ms", "0", NULL });
	assert_int_equal(items.pace.interval_ms, 10);
	assert_int_equal(items.pace.misses, 5);
	assert_int_equal(items.hold_ms, 0);
	assert_false(port_switch_allows(&items.ports, &free_one, false));
	assert_true(port_switch_allows(&items.ports, &dear, true));
	assert_true(heartbeat_items_load(&items, NULL));
	assert_false(heartbeat_items_load(&items, NULL));
	load(&items, (const char *const[]){ "edgeway.port.a.heartbeat", "off", NULL });
	assert_false(port_switch_allows(&items.ports, &free_one, false));
	heartbeat_items_fini(&items);
}

static void what_is_kept_for_the_next_run_comes_back(void **state)
{
	struct heartbeat_kept kept = { .heard = true, .silent = true, .held = true };
	struct heartbeat_kept back = { 0 };
	struct strbuf text = STRBUF_INIT;

	(void)state;
	assert_int_equal(ipaddr_parse("fe80::1", &kept.gateway), 0);
	heartbeat_kept_format(&kept, &text);
	assert_string_equal(strbuf_str(&text), "fe80::1 silent held");
	assert_true(heartbeat_kept_parse(strbuf_str(&text), &back));
	assert_memory_equal(&kept, &back, sizeof(kept));
	strbuf_fini(&text);
	assert_true(heartbeat_kept_parse("192.0.2.1 answers free", &back));
	assert_true(back.heard && !back.silent && !back.held);
	assert_false(heartbeat_kept_parse("", &back));
	assert_false(heartbeat_kept_parse("192.0.2.1 answers", &back));
	assert_false(heartbeat_kept_parse("x answers free", &back));
}

/* ---- From run to run ---- */

static void assert_left(const char *dir, const char *expected)
{
	_cleanup_(freep) char *path = xasprintf("%s/nim/x", dir), *text = NULL;
	size_t len;

	if (!expected) {
		assert_int_equal(access(path, F_OK), -1);
		return;
	}
	assert_int_equal(file_read(path, 4096, &text, &len), 0);
	assert_string_equal(text, expected);
}

/* A run of which nothing was taken over yet is killed, and so is the next one. */
static void what_is_not_taken_over_yet_is_left_to_the_next_run(void **state)
{
	static const char *const text = "4 a silent port one\n6 b held port one\n";
	char dir[] = "/tmp/edgeway-next-run-XXXXXX", *nim;
	struct next_run run;

	(void)state;
	assert_non_null(mkdtemp(dir));
	nim = xasprintf("%s/nim", dir);
	assert_int_equal(mkdir(nim, 0755), 0);
	next_run_init(&run, dir, "x", 2);
	next_run_add(&run, "port one", NIM_V4, "a silent");
	next_run_add(&run, "port one", NIM_V6, "b held");
	next_run_add(&run, "two", NIM_V4, NULL);
	next_run_write(&run);
	assert_left(dir, text);
	next_run_fini(&run);
	for (unsigned int i = 0; i < 2; i++) {
		next_run_init(&run, dir, "x", 2);
		next_run_add(&run, "port one", NIM_V4, "a unknown");
		next_run_add(&run, "port one", NIM_V6, NULL);
		next_run_write(&run);
		assert_left(dir, text);
		next_run_fini(&run);
	}
	next_run_init(&run, dir, "x", 2);
	assert_null(next_run_find(&run, "one", NIM_V4));
	assert_string_equal(next_run_find(&run, "port one", NIM_V4), "a silent");
	next_run_taken(&run, "port one", NIM_V4);
	assert_null(next_run_find(&run, "port one", NIM_V4));
	next_run_add(&run, "port one", NIM_V4, "a answers");
	next_run_write(&run); /* the other one is not configured any more */
	assert_left(dir, "4 a answers port one\n");
	next_run_write(&run);
	assert_left(dir, NULL);
	next_run_fini(&run);
	assert_int_equal(rmdir(nim), 0);
	assert_int_equal(rmdir(dir), 0);
	free(nim);
}

static void lines_that_nobody_understands_are_passed_over(void **state)
{
	static const char text[] = "\n4\n5 a b c\n4 a b\n4 a b \n4a b c\n6 a b good\n4 x";
	char dir[] = "/tmp/edgeway-next-run-XXXXXX", *nim, *path;
	struct next_run run;

	(void)state;
	assert_non_null(mkdtemp(dir));
	nim = xasprintf("%s/nim", dir);
	path = xasprintf("%s/x", nim);
	assert_int_equal(mkdir(nim, 0755), 0);
	assert_int_equal(file_replace_volatile(path, text, strlen(text), 0644), 0);
	next_run_init(&run, dir, "x", 2);
	assert_int_equal(run.n, 1);
	assert_string_equal(next_run_find(&run, "good", NIM_V6), "a b");
	next_run_fini(&run);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rmdir(nim), 0);
	assert_int_equal(rmdir(dir), 0);
	free(path);
	free(nim);
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
		cmocka_unit_test(IntermittentConnectivity),
		cmocka_unit_test(a_line_that_is_fast_again_is_judged_as_fast_as_before),
		cmocka_unit_test(what_is_learned_outlives_a_rest),
		cmocka_unit_test(an_outage_is_no_delay),
		cmocka_unit_test(a_slow_line_is_judged_by_its_own_measure),
		cmocka_unit_test(a_slow_line_is_asked_no_more_often_than_it_answers),
		cmocka_unit_test(what_we_read_late_is_not_late),
		cmocka_unit_test(the_kernels_doubt_is_decided_by_one_question),
		cmocka_unit_test(the_kernels_doubt_ends_with_an_answer),
		cmocka_unit_test(who_was_held_up_himself_blames_nobody),
		WORLD_TEST(a_silent_gateway_takes_its_port_out_for_that_version_of_ip),
		WORLD_TEST(nothing_is_cut_when_all_gateways_are_silent),
		WORLD_TEST(a_held_port_is_usable_behind_the_others),
		WORLD_TEST(a_held_ports_default_route_is_behind_the_others),
		WORLD_TEST(equal_costs_take_turns_in_management),
		WORLD_TEST(the_status_names_the_silent_gateway),
		cmocka_unit_test(heartbeats_are_for_ports_that_cost_nothing),
		cmocka_unit_test(what_is_kept_for_the_next_run_comes_back),
		cmocka_unit_test(what_is_not_taken_over_yet_is_left_to_the_next_run),
		cmocka_unit_test(lines_that_nobody_understands_are_passed_over),
		cmocka_unit_test(traffic_that_goes_one_way_is_noticed),
		cmocka_unit_test(what_is_said_too_often_is_counted),
		cmocka_unit_test(answers_without_end_do_not_hold_the_loop_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
