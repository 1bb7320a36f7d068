/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include <event2/event.h>

#include "dataplane/nl/ct_walk.h"
#include "tests/item/space.h"

#define MANY 3000 /* do not fit one piece */

struct world {
	struct event_base *base;
	struct ct_walk *walk;
	unsigned int seen, done;
	int err;
	struct ct_flow last;
	bool forget; /* all that are seen */
	uint32_t change; /* bits of their marks */
};

static bool look(const struct ct_flow *flow, uint32_t *mark, void *arg)
{
	struct world *w = arg;

	w->seen++;
	w->last = *flow;
	*mark ^= w->change;
	return !w->forget;
}

static void done(int err, void *arg)
{
	struct world *w = arg;

	w->err = err;
	w->done++;
}

static void world_open(struct world *w)
{
	*w = (struct world){ .base = event_base_new() };
	w->walk = ct_walk_new(
		&(struct ct_walk_conf){ .base = w->base, .look = look, .done = done, .arg = w });
	require(w->base && w->walk, "no memory");
}

static void world_free(struct world *w)
{
	ct_walk_free(w->walk);
	event_base_free(w->base);
}

static struct ipaddr ip(const char *text)
{
	struct ipaddr addr = { 0 };

	require(ipaddr_parse(text, &addr) == 0, "bad address %s", text);
	return addr;
}

static unsigned int walk(struct world *w, int family, const char *src, const char *to)
{
	struct ipaddr from = { 0 }, reached = { 0 };

	if (src)
		from = ip(src);
	if (to)
		reached = ip(to);
	w->seen = 0;
	w->err = 1;
	require(ct_walk_start(w->walk, family, src ? &from : NULL, to ? &reached : NULL) == 0,
		"the walk does not start");
	require(ct_walk_start(w->walk, family, NULL, NULL) == -EBUSY, "two walks at once");
	event_base_dispatch(w->base); /* ends with the walk: nothing is left to wait for */
	require(w->err == 0, "the walk failed: %d", w->err);
	return w->seen;
}

/* Plain, to another port of another address, of another source, and of the other family. */
static void make_flows(void)
{
	sh("set -e; add() { conntrack -I -p udp -t 600 \"$@\" >/dev/null 2>&1; }; "
	   "add -s 10.0.0.1 -d 192.0.2.9 --sport 1000 --dport 7 -m 5; "
	   "add -s 192.0.2.9 -d 198.51.100.1 --sport 2000 --dport 8080 "
	   "    --dst-nat 10.0.0.1:80 -m 6; "
	   "add -s 10.0.0.2 -d 192.0.2.9 --sport 1001 --dport 7; "
	   "add -s fd00::1 -d 2001:db8::9 --sport 1000 --dport 7");
}

static void selects(const void *arg)
{
	struct world w;

	(void)arg;
	make_flows();
	world_open(&w);
	require(walk(&w, AF_INET, NULL, NULL) == 3, "%u flows", w.seen);
	require(walk(&w, AF_INET6, NULL, NULL) == 1, "%u flows of IPv6", w.seen);
	require(walk(&w, AF_INET6, "fd00::1", NULL) == 1, "%u flows of fd00::1", w.seen);
	require(walk(&w, AF_INET6, NULL, "fd00::1") == 0, "%u flows to fd00::1", w.seen);
	require(walk(&w, AF_INET, "10.0.0.1", NULL) == 1, "%u flows of 10.0.0.1", w.seen);
	require(w.last.protocol == 17 && w.last.sport == 1000 && w.last.dport == 7 &&
			w.last.to_port == 7 && w.last.mark == 5 && !w.last.mapped,
		"not as made");
	require(walk(&w, AF_INET, NULL, "10.0.0.1") == 1, "%u flows to 10.0.0.1", w.seen);
	require(w.last.mapped && w.last.dport == 8080 && w.last.to_port == 80 && w.last.mark == 6,
		"not as mapped");
	world_free(&w);
}

static void selects_by_mark(const void *arg)
{
	struct world w;

	(void)arg;
	make_flows();
	world_open(&w);
	ct_walk_free(w.walk);
	w.walk = ct_walk_new(&(struct ct_walk_conf){ .base = w.base,
						     .mark = 4,
						     .mask = 6,
						     .look = look,
						     .done = done,
						     .arg = &w });
	require(walk(&w, AF_INET, NULL, NULL) == 1, "%u flows", w.seen);
	require(w.last.mark == 5, "mark is 0x%x", w.last.mark);
	world_free(&w);
}

static void changes(const void *arg)
{
	struct world w;

	(void)arg;
	make_flows();
	world_open(&w);
	w.change = 0x00800001;
	walk(&w, AF_INET, "10.0.0.1", NULL);
	w.change = 0;
	walk(&w, AF_INET, "10.0.0.1", NULL);
	require(w.last.mark == 0x00800004, "mark is 0x%x", w.last.mark);
	w.forget = true;
	require(walk(&w, AF_INET, "10.0.0.1", NULL) == 1, "%u flows", w.seen);
	require(walk(&w, AF_INET, "10.0.0.1", NULL) == 0, "%u flows after they ended", w.seen);
	w.forget = false;
	require(walk(&w, AF_INET, NULL, NULL) == 2, "%u flows are left", w.seen);
	require(walk(&w, AF_INET6, NULL, NULL) == 1, "%u flows of IPv6 are left", w.seen);
	world_free(&w);
}

static void many(const void *arg)
{
	struct world w;

	(void)arg;
	sh("for i in $(seq %d); do echo \"-I -s 10.1.$((i / 250)).$((i %% 250)) -d 192.0.2.9 -p "
	   "udp "
	   "--sport 1000 --dport 7 -t 600\"; done > /tmp/flows.$$; "
	   "conntrack -R /tmp/flows.$$ >/dev/null 2>&1; rm /tmp/flows.$$",
	   MANY);
	world_open(&w);
	require(walk(&w, AF_INET, NULL, NULL) == MANY, "%u flows", w.seen);
	w.forget = true;
	require(walk(&w, AF_INET, NULL, NULL) == MANY, "%u flows to forget", w.seen);
	require(walk(&w, AF_INET, NULL, NULL) == 0, "%u flows are left", w.seen);
	world_free(&w);
}

static void given_up(const void *arg)
{
	struct world w;

	(void)arg;
	make_flows();
	world_open(&w);
	require(ct_walk_start(w.walk, AF_INET, NULL, NULL) == 0, "the walk does not start");
	w.walk = ct_walk_free(w.walk);
	event_base_dispatch(w.base);
	require(!w.done && !w.seen, "somebody was told");
	world_free(&w);
}

SPACE_TEST(flows_are_selected_by_who_sends_and_who_receives, selects)
SPACE_TEST(flows_are_selected_by_mark, selects_by_mark)
SPACE_TEST(flows_are_marked_and_forgotten_one_by_one, changes)
SPACE_TEST(many_flows_come_in_pieces, many)
SPACE_TEST(a_walk_can_be_given_up, given_up)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(flows_are_selected_by_who_sends_and_who_receives),
		cmocka_unit_test(flows_are_selected_by_mark),
		cmocka_unit_test(flows_are_marked_and_forgotten_one_by_one),
		cmocka_unit_test(many_flows_come_in_pieces),
		cmocka_unit_test(a_walk_can_be_given_up),
	};

	return cmocka_run_group_tests_name("ct_walk", tests, NULL, NULL);
}
