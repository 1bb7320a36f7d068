/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Questions to gateways, with the kernel at the other end.
 *
 *	here: v0 10.1.0.1 --- v1 10.1.0.253 and .254, namespace "far"
 *	      w0          --- w1 10.1.0.254, namespace "other"
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <poll.h>
#include <unistd.h>

#include "nim/gateway/probe.h"
#include "tests/item/space.h"
#include "tests/item/values.h"

static void world(void)
{
	sh("ip netns add far && ip netns add other && "
	   "ip link add v0 index 10 address 02:00:00:00:00:01 up type veth peer name v1 netns far "
	   "&& "
	   "ip link add w0 index 11 address 02:00:00:00:00:02 up type veth peer name w1 netns "
	   "other && ip address add 10.1.0.1/24 dev v0 && "
	   "ip -n far address add 10.1.0.253/24 dev v1 && "
	   "ip -n far address add 10.1.0.254/24 dev v1 && ip -n far link set v1 up && "
	   "ip -n other address add 10.1.0.254/24 dev w1 && ip -n other link set w1 up");
	await_links();
}

static struct probe_target target(uint32_t ifindex, const char *gateway)
{
	return (struct probe_target){
		.ifindex = ifindex,
		.mac = { { 2, 0, 0, 0, 0, (uint8_t)(ifindex - 9) } },
		.source = test_addr("10.1.0.1"),
		.gateway = test_addr(gateway),
	};
}

static void ask(struct probe *p, const struct probe_target *t)
{
	require(probe_open(p, t) == 0, "probe_open");
	require(!probe_answered(p), "an answer before the question");
	probe_ask(p, true);
}

static bool is_answered(struct probe *p, unsigned int ms)
{
	struct pollfd waits = { .fd = p->fd, .events = POLLIN };

	return poll(&waits, 1, (int)patience_ms(ms)) == 1 && probe_answered(p);
}

/* Which one it is, whatever its number. */
static void socket_of(const struct probe *p, char ret[static 64])
{
	char path[64];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", p->fd);
	n = readlink(path, ret, 63);
	require(n > 0, "no socket");
	ret[n] = '\0';
}

static void moved(const void *arg)
{
	const struct probe_target one = target(10, "10.1.0.254"), two = target(10, "10.1.0.253"),
				  elsewhere = target(11, "10.1.0.254");
	struct probe p = PROBE_INIT, late = PROBE_INIT;
	char first[64], then[64];

	(void)arg;
	world();
	ask(&p, &one);
	require(is_answered(&p, 5000), "no answer of the first");
	socket_of(&p, first);
	probe_ask(&p, true);
	ask(&p, &two); /* the answer of the first is under way, or has come */
	socket_of(&p, then);
	require(strcmp(first, then) == 0, "another socket: the first was closed");
	require(is_answered(&p, 5000), "no answer of the second");
	ask(&p, &elsewhere);
	require(is_answered(&p, 5000), "no answer by the other link");
	socket_of(&p, then);
	require(strcmp(first, then) == 0, "another socket: the second was closed");
	probe_close(&p);
	require(p.fd < 0, "it is not let go");
	ask(&late, &one);
	socket_of(&late, then);
	require(strcmp(first, then) == 0, "another socket: the third was closed");
	require(is_answered(&late, 5000), "no answer of the first again");
	probe_close(&late);
}

/* To close a packet socket takes the kernel 25 ms, in which nobody asks anybody. */
static void socket_of_one_gateway_serves_the_next(void **state)
{
	(void)state;
	in_space(moved, NULL);
}

static void two(const void *arg)
{
	const struct probe_target here = target(10, "10.1.0.254"), there = target(11, "10.1.0.254"),
				  nobody = target(10, "10.1.0.77");
	struct probe a = PROBE_INIT, b = PROBE_INIT, c = PROBE_INIT;

	(void)arg;
	world();
	require(probe_open(&a, &here) == 0 && probe_open(&c, &nobody) == 0, "probe_open");
	ask(&b, &there);
	require(is_answered(&b, 5000), "no answer by the other link");
	require(!probe_answered(&a), "it takes the answer of another link");
	probe_ask(&a, true);
	require(is_answered(&a, 5000), "no answer");
	require(!probe_answered(&b), "it takes the answer of another link");
	require(memcmp(&a.gateway_mac, &b.gateway_mac, sizeof(a.gateway_mac)) != 0, "one MAC");
	probe_ask(&c, true);
	probe_ask(&a, true);
	require(is_answered(&a, 5000), "no answer");
	require(!probe_answered(&c), "an answer of nobody");
	probe_close(&a);
	probe_close(&b);
	probe_close(&c);
}

static void gateways_of_one_address_on_two_links_are_told_apart(void **state)
{
	(void)state;
	in_space(two, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(socket_of_one_gateway_serves_the_next),
		cmocka_unit_test(gateways_of_one_address_on_two_links_are_told_apart),
	};

	return cmocka_run_group_tests_name("probe", tests, NULL, NULL);
}
