/* SPDX-License-Identifier: Apache-2.0 */
/* Whether somebody far is reached by a port: simulated time and answers in, judgement out. */
#include "tests/unit/golden.h"

#include <event2/event.h>
#include <linux/if_packet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "config.pb-c.h"
#include "nim/intent.h"
#include "nim/upstream/outcome.h"
#include "nim/upstream/traffic.h"
#include "nim/upstream/upstream_items.h"
#include "nim/upstream/upstream_kept.h"
#include "nim/upstream/upstream_state.h"
#include "nim/upstream/upstream_status.h"
#include "nim/upstream/watch.h"
#include "status.pb-c.h"

#define MS 1000000ULL

static const struct watch_pace pace = { .interval_ms = 2000, .retry_ms = 2000, .misses = 3 };

static struct mono at(uint64_t ms)
{
	return (struct mono){ 1 + ms * MS };
}

/* ---- One port ---- */

struct life {
	uint64_t dies; /* from then on nothing comes through */
	uint64_t delay; /* of answers */
	bool traffic; /* somebody's, all the time */
};

/* Until it is found silent, or `until`. When that was, or 0. */
static uint64_t run(struct watch *w, const struct life *life, uint64_t until,
		    unsigned int *ret_questions)
{
	uint64_t answer = 0, looked = 0;

	*ret_questions = 0;
	for (uint64_t ms = 1; ms < until; ms++) {
		bool traffic = life->traffic && looked < life->dies;

		if (answer && ms == answer) {
			watch_heard(w, &pace, at(ms));
			answer = 0;
		}
		if (at(ms).ns < w->beat.due.ns)
			continue;
		looked = ms;
		if (watch_step(w, &pace, traffic, at(ms)) == WATCH_WAIT)
			continue;
		if (w->beat.silent)
			return ms;
		(*ret_questions)++;
		if (ms < life->dies && !answer)
			answer = ms + life->delay + 1;
	}
	return 0;
}

static void who_answers_is_asked_once_an_interval(void **state)
{
	struct watch w = { 0 };
	unsigned int questions;

	(void)state;
	assert_int_equal(run(&w, &(struct life){ .dies = UINT64_MAX }, 60000, &questions), 0);
	assert_in_range(questions, 29, 31);
	assert_int_equal(w.answers, questions);
}

static void silence_is_found_in_time_with_and_without_traffic(void **state)
{
	(void)state;
	for (uint64_t dies = 20000; dies < 25100; dies += 37)
		for (int traffic = 0; traffic < 2; traffic++) {
			const struct life life = { .dies = dies, .traffic = traffic };
			struct watch w = { 0 };
			unsigned int questions;
			uint64_t found = run(&w, &life, 60000, &questions);

			assert_in_range(found - dies, 2900, 7100);
			assert_int_equal(w.failures, 1);
		}
}

static void traffic_takes_the_place_of_most_questions(void **state)
{
	const struct life life = { .dies = UINT64_MAX, .traffic = true };
	struct watch w = { 0 };
	unsigned int questions;

	(void)state;
	assert_int_equal(run(&w, &life, 300000, &questions), 0);
	assert_in_range(questions, 10, 13); /* replies that come in prove nothing of what goes out */
}

static void slow_answers_count(void **state)
{
	const struct life life = { .dies = UINT64_MAX, .delay = 2800 };
	struct watch w = { .beat = { .heard = true } };
	unsigned int questions;

	(void)state;
	assert_int_equal(run(&w, &life, 60000, &questions), 0);
}

static void who_never_answered_is_never_silent(void **state)
{
	struct watch w = { 0 };
	unsigned int questions;

	(void)state;
	assert_int_equal(run(&w, &(struct life){ 0 }, 600000, &questions), 0);
	assert_in_range(questions, 55, 70);
}

static void two_questions_decide_a_doubt(void **state)
{
	struct watch w = { 0 };

	(void)state;
	watch_doubt(&w, &pace, at(500));
	assert_int_equal(watch_step(&w, &pace, true, at(500)),
			 WATCH_ASK); /* traffic says nothing */
	assert_false(watch_is_in_doubt(&w));
	assert_int_equal(watch_step(&w, &pace, false, at(1499)), WATCH_WAIT);
	assert_int_equal(watch_step(&w, &pace, false, at(1500)), WATCH_ASK);
	assert_true(watch_is_in_doubt(&w) && !w.beat.silent);
	assert_int_equal(watch_step(&w, &pace, false, at(2500)), WATCH_ASK);
	assert_true(w.beat.silent);
	assert_int_equal(watch_step(&w, &pace, false, at(4499)), WATCH_WAIT);
	assert_true(watch_heard(&w, &pace, at(4499)));
	assert_false(w.beat.silent || w.beat.doubted || watch_is_in_doubt(&w));
}

static void who_is_hurried_is_asked_whatever_traffic_says(void **state)
{
	struct watch w = { 0 };

	(void)state;
	watch_step(&w, &pace, false, at(0));
	watch_heard(&w, &pace, at(10));
	watch_hurry(&w, at(20));
	assert_int_equal(watch_step(&w, &pace, true, at(20)), WATCH_ASK);
	watch_hurry(&w, at(30)); /* it is under way */
	assert_int_equal(watch_step(&w, &pace, true, at(30)), WATCH_WAIT);
}

/* ---- Several ---- */

/* However often it is asked while it answers. */
static void a_silent_port_has_a_second_for_each_answer(void **state)
{
	const struct upstream_items often = { .interval_ms = 500, .misses = 3 };
	const struct way way = { .allowed = true };

	(void)state;
	assert_int_equal(way_pace(&way, &often).interval_ms, 500);
	assert_int_equal(way_pace(&way, &often).retry_ms, 1000);
}

static void silence(struct watch *w, uint64_t from)
{
	w->beat.heard = w->beat.silent = true;
	w->asked_at = at(from);
}

/* A question at that time was in vain. */
static void lose(struct watch *w, uint64_t ms)
{
	w->lost = w->last = at(ms);
}

static void it_has_failed_only_when_another_has_answered_since(void **state)
{
	struct watch a = { 0 }, b = { 0 };
	struct watch *const list[] = { &a, &b };
	bool works[] = { true, true };

	(void)state;
	watch_heard(&b, &pace, at(999));
	silence(&a, 1000);
	assert_false(watch_judge(list, works, 2, at(1000)));
	watch_heard(&b, &pace, at(1001));
	works[1] = false; /* its link went */
	lose(&a, 3000);
	assert_false(watch_judge(list, works, 2, at(4000)));
	works[1] = true;
	assert_true(watch_judge(list, works, 2, at(4000)));
	assert_true(a.failed && !b.failed);
	assert_false(watch_judge(list, works, 2, at(4000)));
}

/* The far end was down, and B is the first to be answered again. */
static void who_is_answered_first_proves_nothing_about_the_others(void **state)
{
	struct watch a = { 0 }, b = { 0 };
	struct watch *const list[] = { &a, &b };
	const bool works[] = { true, true };

	(void)state;
	silence(&a, 1000);
	silence(&b, 1000);
	lose(&a, 8000);
	a.beat.due = at(10500);
	watch_heard(&b, &pace, at(9000));
	assert_false(watch_judge(list, works, 2, at(9000)));
	assert_int_equal(a.beat.due.ns, at(9000).ns); /* it is asked at once … */
	a.beat.asked = true;
	assert_int_equal(watch_step(&a, &pace, false, at(9001)), WATCH_ASK);
	assert_false(watch_judge(list, works, 2, at(9001)));
	assert_int_equal(a.beat.due.ns, at(10001).ns); /* … and has a second for its answer */
	assert_int_equal(watch_step(&a, &pace, false, at(10001)), WATCH_ASK);
	assert_true(watch_judge(list, works, 2, at(10001)));
	assert_true(a.failed);
}

/* The far end is back, A has just been asked, and somebody's request says that A is well. */
static void a_question_under_way_is_not_in_vain(void **state)
{
	struct watch a = { 0 }, b = { 0 };
	struct watch *const list[] = { &a, &b };
	const bool works[] = { true, true };

	(void)state;
	silence(&a, 1000);
	silence(&b, 1000);
	lose(&a, 8000);
	a.beat.asked = true;
	watch_heard(&b, &pace, at(9000));
	watch_judge(list, works, 2, at(9000));
	assert_int_equal(watch_step(&a, &pace, false, at(9000)), WATCH_ASK);
	watch_hurry(&a, at(9500));
	assert_int_equal(watch_step(&a, &pace, false, at(9500)), WATCH_WAIT);
	assert_false(watch_judge(list, works, 2, at(9500)));
	watch_hurry(&a, at(10000));
	assert_int_equal(watch_step(&a, &pace, false, at(10000)), WATCH_ASK);
}

/* A fails; then the far end goes down: nothing moves back. Then A is the first to answer. */
static void what_has_failed_stays_so_until_it_answers(void **state)
{
	struct watch a = { 0 }, b = { 0 };
	struct watch *const list[] = { &a, &b };
	const bool works[] = { true, true };

	(void)state;
	silence(&a, 1000);
	watch_heard(&b, &pace, at(1001));
	watch_judge(list, works, 2, at(1001));
	lose(&a, 2000);
	watch_judge(list, works, 2, at(3000));
	silence(&b, 5000);
	lose(&b, 7000);
	assert_false(watch_judge(list, works, 2, at(8000)));
	assert_true(a.failed && !b.failed);
	watch_heard(&a, &pace, at(9000));
	assert_false(watch_judge(list, works, 2, at(9000)));
	lose(&b, 9001);
	assert_true(watch_judge(list, works, 2, at(10001)));
	assert_true(!a.failed && b.failed);
}

static void nothing_fails_when_nobody_is_reached(void **state)
{
	struct watch a = { 0 }, b = { 0 };
	struct watch *const list[] = { &a, &b };
	const bool works[] = { true, true };

	(void)state;
	watch_heard(&a, &pace, at(900));
	watch_heard(&b, &pace, at(950));
	silence(&a, 1000);
	silence(&b, 1001);
	lose(&a, 3000);
	lose(&b, 3001);
	assert_false(watch_judge(list, works, 2, at(4001)));
}

/* ---- Traffic ---- */

/* As net/core/filter.c, as far as our filter goes. */
static uint32_t interpret(const struct sock_filter *code, unsigned int n, const uint8_t *packet,
			  uint8_t type)
{
	uint32_t a = 0;

	for (unsigned int i = 0; i < n; i++) {
		const struct sock_filter *c = &code[i];
		uint32_t word;

		switch (c->code) {
		case BPF_LD | BPF_B | BPF_ABS:
			a = c->k == (uint32_t)(SKF_AD_OFF + SKF_AD_PKTTYPE) ? type : packet[c->k];
			break;
		case BPF_LD | BPF_W | BPF_ABS:
			memcpy(&word, packet + c->k, sizeof(word));
			a = ntohl(word);
			break;
		case BPF_ALU | BPF_AND | BPF_K:
			a &= c->k;
			break;
		case BPF_JMP | BPF_JEQ | BPF_K:
			i += a == c->k ? c->jt : c->jf;
			break;
		case BPF_RET | BPF_K:
			return c->k;
		default:
			fail_msg("instruction %x", c->code);
		}
	}
	fail_msg("it does not end");
	return 0;
}

static bool counts(const struct traffic_way *way, const char *from, uint8_t protocol, uint8_t type)
{
	struct sock_filter code[TRAFFIC_CODE];
	unsigned int n = traffic_filter(way, code);
	uint8_t packet[40] = { 0 };
	struct ipaddr addr;

	assert_true(n <= TRAFFIC_CODE);
	assert_int_equal(ipaddr_parse(from, &addr), 0);
	if (addr.family == AF_INET) {
		packet[9] = protocol;
		memcpy(packet + 12, addr.byte, 4);
	} else {
		packet[6] = protocol;
		memcpy(packet + 8, addr.byte, 16);
	}
	return interpret(code, n, packet, type) != 0;
}

static void add_addr(struct nim_iface *iface, const char *text)
{
	assert_int_equal(prefix_parse(text, &iface->addrs[iface->naddrs++]), 0);
}

static void replies_from_beyond_the_subnets_count(void **state)
{
	struct nim_iface iface = { .ifindex = 3 };
	struct traffic_way four, six;

	(void)state;
	add_addr(&iface, "192.0.2.130/25");
	add_addr(&iface, "2001:db8:1::7/64");
	add_addr(&iface, "10.0.0.1/8");
	add_addr(&iface, "2001:db8:2:8000::7/49");
	traffic_way(&iface, AF_INET, &four);
	traffic_way(&iface, AF_INET6, &six);
	assert_true(counts(&four, "198.51.100.9", IPPROTO_TCP, PACKET_HOST));
	assert_true(counts(&four, "192.0.2.1", IPPROTO_UDP, PACKET_HOST));
	assert_false(counts(&four, "192.0.2.129", IPPROTO_TCP, PACKET_HOST));
	assert_false(counts(&four, "10.255.0.1", IPPROTO_TCP, PACKET_HOST));
	assert_false(counts(&four, "198.51.100.9", IPPROTO_ICMP, PACKET_HOST));
	assert_false(counts(&four, "198.51.100.9", IPPROTO_UDP, PACKET_BROADCAST));
	assert_false(counts(&four, "198.51.100.9", IPPROTO_TCP, PACKET_OTHERHOST));
	assert_true(counts(&six, "2001:db8:1:1::1", IPPROTO_TCP, PACKET_HOST));
	assert_true(counts(&six, "2001:db8:2::1", IPPROTO_TCP, PACKET_HOST));
	assert_false(counts(&six, "2001:db8:1::1", IPPROTO_TCP, PACKET_HOST));
	assert_false(counts(&six, "2001:db8:2:ffff::1", IPPROTO_UDP, PACKET_HOST));
	assert_false(counts(&six, "fe80::1", IPPROTO_UDP, PACKET_HOST));
	assert_false(counts(&six, "2001:db8:9::1", IPPROTO_ICMPV6, PACKET_HOST));
}

static void filter_has_room_for_all_subnets_it_takes(void **state)
{
	struct nim_iface iface = { 0 };
	struct traffic_way six;
	struct sock_filter code[TRAFFIC_CODE];

	(void)state;
	for (int i = 0; i < NIM_ADDRS; i++)
		add_addr(&iface, "2001:db8::1/128");
	traffic_way(&iface, AF_INET6, &six);
	assert_int_equal(six.nsubnets, TRAFFIC_SUBNETS);
	assert_true(traffic_filter(&six, code) <= TRAFFIC_CODE);
	assert_false(counts(&six, "2001:db8::1", IPPROTO_TCP, PACKET_HOST));
	assert_true(counts(&six, "2001:db8::2", IPPROTO_TCP, PACKET_HOST));
}

/* ---- What follows ---- */

struct world {
	struct nim_config config;
	struct nim_facts facts;
	struct nim_view view;
};

static void look(struct world *w)
{
	nim_view(&w->config, &w->facts, &w->view);
}

/* Three management ports of both versions of IP, costs 0, 0, 5. */
static void world_init(struct world *w)
{
	*w = (struct world){ .config.nports = 3 };
	for (unsigned int i = 0; i < 3; i++) {
		struct nim_port *port = &w->config.ports[i];
		struct nim_iface *iface = &w->facts.ifaces[i];

		snprintf(port->label, sizeof(port->label), "wan-%u", i);
		snprintf(port->ifname.str, sizeof(port->ifname.str), "eth%u", i);
		port->is_mgmt = port->is_l3 = port->ipv4 = port->ipv6 = true;
		port->number = (uint8_t)(i + 1);
		port->dhcp = NIM_DHCP_STATIC;
		port->cost = i == 2 ? 5 : 0;
		assert_int_equal(ipaddr_parse("192.0.2.1", &port->gateway4), 0);
		assert_int_equal(ipaddr_parse("2001:db8::1", &port->gateway6), 0);
		iface->ifname = port->ifname;
		iface->ifindex = i + 1;
		iface->up = iface->carrier = true;
		add_addr(iface, "192.0.2.7/24");
		add_addr(iface, "2001:db8::7/64");
	}
	look(w);
}

static void one_that_reaches_nobody_is_usable_behind_the_others(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	assert_int_equal(w.view.default4, 0);
	w.facts.ifaces[0].upstream[NIM_V4].behind = true;
	w.facts.ifaces[1].health[NIM_V4].held = true; /* held is better than that */
	look(&w);
	assert_true(w.view.ports[0].usable4 && w.view.ports[0].behind4 && !w.view.ports[0].behind6);
	assert_int_equal(w.view.default4, 2);
	assert_int_equal(w.view.default6, 0);
	w.facts.ifaces[2].carrier = false;
	look(&w);
	assert_int_equal(w.view.default4, 1);
	w.facts.ifaces[1].carrier = false;
	look(&w);
	assert_int_equal(w.view.default4, 0);
}

static void its_default_route_is_behind_those_of_all_others(void **state)
{
	struct strbuf out = STRBUF_INIT;
	struct world w;

	(void)state;
	world_init(&w);
	w.facts.ifaces[0].upstream[NIM_V4].behind = true;
	w.facts.ifaces[1].health[NIM_V4].held = true;
	look(&w);
	golden_graph(nim_intent_node(&w.config, &w.view), &out);
	golden_text("nim_node_behind", strbuf_str(&out));
	strbuf_fini(&out);
}

static void requests_turn_to_the_others_when_no_version_of_ip_gets_far(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	assert_int_equal(w.view.ports[0].turn, 0);
	assert_int_equal(w.view.ports[1].turn, 0);
	assert_int_equal(w.view.ports[2].turn, 1);
	w.facts.ifaces[0].upstream[NIM_V4].behind = true;
	look(&w);
	assert_int_equal(w.view.ports[0].turn, 0);
	w.facts.ifaces[0].upstream[NIM_V6].behind = true;
	look(&w);
	assert_int_equal(w.view.ports[0].turn, 2);
	assert_int_equal(w.view.ports[1].turn, 0);
	assert_int_equal(w.view.ports[2].turn, 1);
	for (unsigned int i = 1; i < 3; i++)
		w.facts.ifaces[i].upstream[NIM_V4].behind =
			w.facts.ifaces[i].upstream[NIM_V6].behind = true;
	look(&w);
	assert_int_equal(w.view.ports[0].turn, 0);
	assert_int_equal(w.view.ports[1].turn, 0);
	assert_int_equal(w.view.ports[2].turn, 1);
}

static void the_status_names_who_is_not_reached(void **state)
{
	Ew__PortStatus s = EW__PORT_STATUS__INIT;
	struct arena arena = { 0 };
	struct world w;

	(void)state;
	world_init(&w);
	w.facts.ifaces[0].upstream[NIM_V6] = (struct nim_upstream){
		.state = NIM_UPSTREAM_FAILED, .behind = true, .questions = 9, .target_port = 443
	};
	assert_int_equal(ipaddr_parse("2001:db8:9::1", &w.facts.ifaces[0].upstream[NIM_V6].target),
			 0);
	look(&w);
	nim_upstream_status(&s, &w.facts.ifaces[0], &w.view.ports[0], &arena);
	assert_null(s.upstream4);
	assert_true(!s.behind4 && s.behind6);
	assert_int_equal(s.upstream6->state, EW__UPSTREAM_STATE__UPSTREAM_FAILED);
	assert_string_equal(s.upstream6->target, "[2001:db8:9::1]:443");
	assert_int_equal(s.upstream6->questions, 9);
	assert_string_equal(nim_upstream_error(&w.facts.ifaces[0], &arena),
			    "[2001:db8:9::1]:443 does not answer, and the gateway does");
	assert_string_equal(nim_upstream_error(&w.facts.ifaces[1], &arena), "");
	arena_fini(&arena);
}

/* ---- Items, from run to run, outcomes ---- */

static void load(struct upstream_items *items, const char *const *pairs)
{
	Ew__GlobalConfig__ItemsEntry entry[8], *list[8];
	Ew__GlobalConfig msg = EW__GLOBAL_CONFIG__INIT;

	for (; pairs[2 * msg.n_items]; msg.n_items++) {
		Ew__GlobalConfig__ItemsEntry *e = list[msg.n_items] = &entry[msg.n_items];

		ew__global_config__items_entry__init(e);
		e->key = (char *)(uintptr_t)pairs[2 * msg.n_items];
		e->value = (char *)(uintptr_t)pairs[2 * msg.n_items + 1];
	}
	msg.items = list;
	upstream_items_load(items, &msg);
}

static void ports_that_cost_nothing_are_watched_unless_told_otherwise(void **state)
{
	const struct nim_port free_one = { .label = "a" }, dear = { .label = "b.c", .cost = 1 };
	struct upstream_items items = { 0 };

	(void)state;
	upstream_items_load(&items, NULL);
	assert_int_equal(items.interval_ms, 2000);
	assert_int_equal(items.misses, 3);
	assert_true(port_switch_allows(&items.ports, &free_one, false));
	assert_false(port_switch_allows(&items.ports, &free_one, true));
	assert_false(port_switch_allows(&items.ports, &dear, false));
	load(&items, (const char *const[]){ "edgeway.upstream", "off", "edgeway.port.b.c.upstream",
					    "on", "edgeway.upstream.interval.ms", "500",
					    "edgeway.upstream.misses", "11", NULL });
	assert_int_equal(items.interval_ms, 500);
	assert_int_equal(items.misses, 3);
	assert_false(port_switch_allows(&items.ports, &free_one, false));
	assert_true(port_switch_allows(&items.ports, &dear, true));
	assert_true(upstream_items_load(&items, NULL));
	assert_false(upstream_items_load(&items, NULL));
	upstream_items_fini(&items);
}

static void what_is_kept_for_the_next_run_comes_back(void **state)
{
	static const char *const bad[] = {
		"",
		"answers free 192.0.2.1",
		"answers free 192.0.2.1 0",
		"answers free 192.0.2.1 65536",
		"answers free 192.0.2.1 -1",
		"answers free x 443",
	};
	struct upstream_kept kept = {
		.port = 443, .heard = true, .silent = true, .failed = true, .behind = true
	};
	struct upstream_kept back = { 0 };
	struct strbuf text = STRBUF_INIT;

	(void)state;
	assert_int_equal(ipaddr_parse("2001:db8::1", &kept.target), 0);
	upstream_kept_format(&kept, &text);
	assert_string_equal(strbuf_str(&text), "failed behind 2001:db8::1 443");
	assert_true(upstream_kept_parse(strbuf_str(&text), &back));
	assert_true(back.failed && back.silent && back.heard && back.behind);
	assert_true(ipaddr_equal(&back.target, &kept.target));
	strbuf_fini(&text);
	assert_true(upstream_kept_parse("silent free 192.0.2.1 80", &back));
	assert_true(back.heard && back.silent && !back.failed && !back.behind);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (upstream_kept_parse(bad[i], &back))
			fail_msg("%s", bad[i]);
}

/* Also when nobody else is asked, as who could take over costs something. */
static void who_was_silent_in_the_run_before_is_asked_at_once(void **state)
{
	struct upstream *up = xcalloc(1, sizeof(*up));
	struct upstream_port port = { .up = up, .label = "a" };
	struct way *w = &port.sides[NIM_V4].way;
	char dir[] = "/tmp/edgeway-upstream-XXXXXX", *nim;

	(void)state;
	assert_non_null(mkdtemp(dir));
	nim = xasprintf("%s/nim", dir);
	assert_int_equal(mkdir(nim, 0755), 0);
	next_run_init(&up->next_run, dir, "upstreams", UPSTREAM_KEPT_WORDS);
	next_run_add(&up->next_run, "a", NIM_V4, "failed behind 192.0.2.1 443");
	next_run_write(&up->next_run);
	next_run_fini(&up->next_run);
	next_run_init(&up->next_run, dir, "upstreams", UPSTREAM_KEPT_WORDS);
	assert_non_null(up->conf.base = event_base_new());
	up->tick = event_new(up->conf.base, -1, 0, upstream_on_tick, up);
	up->nports = 1;
	up->ports[0] = &port;
	upstream_take_over(up, 0, NIM_V4, at(1));
	assert_true(w->watch.beat.silent && w->watch.failed);
	w->asking = true;
	upstream_arm(up);
	assert_true(event_pending(up->tick, EV_TIMEOUT, NULL));
	event_free(up->tick);
	event_base_free(up->conf.base);
	next_run_write(&up->next_run); /* nobody has anything to say: the file goes */
	next_run_fini(&up->next_run);
	assert_int_equal(rmdir(nim), 0);
	assert_int_equal(rmdir(dir), 0);
	free(nim);
	free(up);
}

static void old_outcomes_say_nothing_about_now(void **state)
{
	(void)state;
	assert_true(outcome_is_fresh(100000, 100000));
	assert_true(outcome_is_fresh(90000, 100000));
	assert_false(outcome_is_fresh(89999, 100000));
	assert_false(outcome_is_fresh(110001, 100000));
	assert_false(outcome_is_fresh(0, 100000));
	assert_false(outcome_is_fresh(INT64_MAX, 100000));
	assert_false(outcome_is_fresh(INT64_MIN, 100000));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_answers_is_asked_once_an_interval),
		cmocka_unit_test(silence_is_found_in_time_with_and_without_traffic),
		cmocka_unit_test(traffic_takes_the_place_of_most_questions),
		cmocka_unit_test(slow_answers_count),
		cmocka_unit_test(who_never_answered_is_never_silent),
		cmocka_unit_test(two_questions_decide_a_doubt),
		cmocka_unit_test(who_is_hurried_is_asked_whatever_traffic_says),
		cmocka_unit_test(a_silent_port_has_a_second_for_each_answer),
		cmocka_unit_test(it_has_failed_only_when_another_has_answered_since),
		cmocka_unit_test(who_is_answered_first_proves_nothing_about_the_others),
		cmocka_unit_test(a_question_under_way_is_not_in_vain),
		cmocka_unit_test(what_has_failed_stays_so_until_it_answers),
		cmocka_unit_test(nothing_fails_when_nobody_is_reached),
		cmocka_unit_test(replies_from_beyond_the_subnets_count),
		cmocka_unit_test(filter_has_room_for_all_subnets_it_takes),
		cmocka_unit_test(one_that_reaches_nobody_is_usable_behind_the_others),
		cmocka_unit_test(its_default_route_is_behind_those_of_all_others),
		cmocka_unit_test(requests_turn_to_the_others_when_no_version_of_ip_gets_far),
		cmocka_unit_test(the_status_names_who_is_not_reached),
		cmocka_unit_test(ports_that_cost_nothing_are_watched_unless_told_otherwise),
		cmocka_unit_test(what_is_kept_for_the_next_run_comes_back),
		cmocka_unit_test(who_was_silent_in_the_run_before_is_asked_at_once),
		cmocka_unit_test(old_outcomes_say_nothing_about_now),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
