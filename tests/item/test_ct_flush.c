/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>

#include <cmocka.h>

#include <event2/event.h>

#include "dataplane/nl/ct_flush.h"
#include "tests/item/space.h"

struct world {
	struct event_base *base;
	struct ct_flush *flush;
	unsigned int failures;
};

static void failed(const struct ct_flush_order *order, int err, void *arg)
{
	(void)order, (void)err;
	((struct world *)arg)->failures++;
}

/* Flows of two ports (marks 01…, 02…), two instances (bit 10 on), both families. */
static struct world world_new(void)
{
	struct world w = { .base = event_base_new() };

	sh("set -e; for p in 1 2; do for i in 0 1 3; do "
	   "m=$((p << 24 | i << 10 | 1)); "
	   "conntrack -I -s 10.0.$i.$p -d 192.0.2.9 -p udp --sport 1000 --dport 7 -t 600 -m $m; "
	   "conntrack -I -s fd00:$i::$p -d 2001:db8::9 -p udp --sport 1000 --dport 7 -t 600 -m $m; "
	   "done; done >/dev/null 2>&1");
	return w;
}

static void world_open(struct world *w)
{
	w->flush = ct_flush_new(
		&(struct ct_flush_conf){ .base = w->base, .failed = failed, .arg = w });
	require(w->flush, "no memory");
}

static void world_free(struct world *w)
{
	ct_flush_free(w->flush);
	event_base_free(w->base);
}

/* The flows there are, "4:1/0 6:2/3": family:port/instance, sorted. */
static void require_flows(const char *want)
{
	sh("have=$(for f in 4 6; do conntrack -L -f ipv$f 2>/dev/null | "
	   "sed -E 's/.*mark=([0-9]+).*/\\1/' | sort -n | while read m; do "
	   "echo $f:$((m >> 24))/$((m >> 10 & 4095)); done; done | tr '\\n' ' '); "
	   "[ \"$have\" = '%s ' ] || { echo have $have; exit 1; }",
	   want);
}

#define ALL4 "4:1/0 4:1/1 4:1/3 4:2/0 4:2/1 4:2/3"
#define ALL6 "6:1/0 6:1/1 6:1/3 6:2/0 6:2/1 6:2/3"

static void order(struct world *w, uint8_t family, uint32_t mark, uint32_t mask)
{
	ct_flush_order(w->flush,
		       &(struct ct_flush_order){ .family = family, .mark = mark, .mask = mask });
}

static void by_mark(const void *arg)
{
	struct world w = world_new();

	(void)arg;
	world_open(&w);
	require_flows(ALL4 " " ALL6);
	order(&w, AF_INET, 1u << 24, 0xff000000);
	require_flows(ALL4 " " ALL6); /* not before its turn */
	event_base_dispatch(w.base);
	require_flows("4:2/0 4:2/1 4:2/3 " ALL6);
	order(&w, AF_INET6, 9u << 24, 0xff000000);
	order(&w, AF_INET6, 9u << 24, 0xff000000 | 1 << 10);
	ct_flush_run(w.flush, 0);
	ct_flush_run(w.flush, 1); /* the other one has its turn */
	order(&w, AF_INET6, 2u << 24 | 3u << 10, 0xff000000 | 0xfff << 10);
	order(&w, AF_INET6, 1u << 24, 0xff000000 | 0xfff << 10); /* of the node itself */
	event_base_dispatch(w.base);
	require_flows("4:2/0 4:2/1 4:2/3 6:1/1 6:1/3 6:2/0 6:2/1");
	order(&w, AF_INET, 3u << 24, 0xff000000); /* none */
	event_base_dispatch(w.base);
	require_flows("4:2/0 4:2/1 4:2/3 6:1/1 6:1/3 6:2/0 6:2/1");
	require(!w.failures, "%u orders failed", w.failures);
	world_free(&w);
}

static void cancelled(const void *arg)
{
	struct world w = world_new();

	(void)arg;
	world_open(&w);
	order(&w, AF_INET, 1u << 24, 0xff000000);
	order(&w, AF_INET, 1u << 24 | 1u << 10, 0xff000000 | 0xfff << 10);
	order(&w, AF_INET, 2u << 24 | 1u << 10, 0xff000000 | 0xfff << 10);
	order(&w, AF_INET6, 1u << 24 | 1u << 10, 0xff000000 | 0xfff << 10);
	ct_flush_cancel(w.flush, AF_INET, 1u << 24, 0xff000000); /* that port is back */
	event_base_dispatch(w.base);
	require_flows("4:1/0 4:1/1 4:1/3 4:2/0 4:2/3 6:1/0 6:1/3 6:2/0 6:2/1 6:2/3");
	world_free(&w);
}

/* More of them than zedrouter carries out at once. */
static void many_cancelled(const void *arg)
{
	struct world w = world_new();

	(void)arg;
	world_open(&w);
	for (uint32_t i = 0; i < 40;
	     i++) /* of both ports by turns, the first ones of no instance */
		order(&w, AF_INET, (1 + i % 2) << 24 | (80 - i / 2) << 10,
		      0xff000000 | 0xfff << 10);
	order(&w, AF_INET, 1u << 24 | 1u << 10, 0xff000000 | 0xfff << 10);
	order(&w, AF_INET, 2u << 24 | 1u << 10, 0xff000000 | 0xfff << 10);
	ct_flush_run(w.flush, 24);
	require_flows(ALL4 " " ALL6);
	ct_flush_cancel(w.flush, AF_INET, 1u << 24, 0xff000000);
	ct_flush_run(w.flush, 9); /* 8 of the other port were left, and its last one */
	require_flows("4:1/0 4:1/1 4:1/3 4:2/0 4:2/3 " ALL6);
	event_base_dispatch(w.base);
	require_flows("4:1/0 4:1/1 4:1/3 4:2/0 4:2/3 " ALL6);
	world_free(&w);
}

static void many(const void *arg)
{
	struct world w = world_new();

	(void)arg;
	world_open(&w);
	for (uint32_t i = 0; i < 9000; i++) /* more than are kept */
		order(&w, AF_INET, 9u << 24 | i, 0xff000000 | 0xffff);
	for (uint32_t i = 0; i < 9000; i++) /* the same again */
		order(&w, AF_INET, 9u << 24, 0xff000000 | 0xffff);
	require(w.failures == 9000 - 8192, "%u orders were refused", w.failures);
	world_free(&w); /* while they wait */
}

SPACE_TEST(flows_are_forgotten_by_mark_and_family, by_mark)
SPACE_TEST(orders_about_a_port_that_is_back_are_dropped, cancelled)
SPACE_TEST(many_orders_about_a_port_that_is_back_are_dropped, many_cancelled)
SPACE_TEST(orders_are_bounded, many)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(flows_are_forgotten_by_mark_and_family),
		cmocka_unit_test(orders_about_a_port_that_is_back_are_dropped),
		cmocka_unit_test(many_orders_about_a_port_that_is_back_are_dropped),
		cmocka_unit_test(orders_are_bounded),
	};

	return cmocka_run_group_tests_name("ct_flush", tests, NULL, NULL);
}
