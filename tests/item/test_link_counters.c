/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes through an interface, asked for while it is there and told when it goes. */
#include <errno.h>
#include <net/if.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dataplane/nl/link_counters.h"
#include "tests/item/conformance.h"
#include "tests/item/packets.h"
#include "tests/item/space.h"

#define FRAME_MIN 60

static struct {
	uint32_t ifindex;
	struct link_counters last;
	unsigned int times;
} farewell;

static void on_farewell(uint32_t ifindex, const struct link_counters *last, void *arg)
{
	(void)arg;
	farewell.ifindex = ifindex;
	farewell.last = *last;
	farewell.times++;
}

static struct node *node_with_cable(void)
{
	struct node *n;

	sh("ip netns add far && ip link add eth0 type veth peer name far0 netns far");
	/* No neighbour discovery: every byte is ours. */
	sh("echo 1 > /proc/sys/net/ipv6/conf/eth0/disable_ipv6");
	sh("ip netns exec far sh -c 'echo 1 > /proc/sys/net/ipv6/conf/far0/disable_ipv6'");
	sh("ip link set eth0 up && ip -n far link set far0 up");
	n = node_new();
	link_on_farewell(node_dp(n), on_farewell, NULL);
	return n;
}

static struct link_counters counters(struct node *n, const char *ifname)
{
	struct link_counters now;
	int r = link_counters_read(node_dp(n), if_nametoindex(ifname), &now);

	require(r == 0, "%s: %d", ifname, r);
	return now;
}

static size_t send_frames(const char *netns, const char *ifname, unsigned int count)
{
	struct frame f = frame_ether("ff:ff:ff:ff:ff:ff", "02:00:00:00:00:01", 0x88b5);

	if (f.len < FRAME_MIN)
		f.len = FRAME_MIN;
	for (unsigned int i = 0; i < count; i++)
		frame_send(netns, ifname, &f);
	return count * f.len;
}

static void count(const void *arg)
{
	struct node *n = node_with_cable();
	struct link_counters before = counters(n, "eth0"), now;
	size_t sent = send_frames(NULL, "eth0", 10), received = send_frames("far", "far0", 7);

	(void)arg;
	now = counters(n, "eth0");
	require(now.tx_bytes - before.tx_bytes == sent, "sent %zu, counted %llu", sent,
		(unsigned long long)(now.tx_bytes - before.tx_bytes));
	require(now.rx_bytes - before.rx_bytes == received, "received %zu, counted %llu", received,
		(unsigned long long)(now.rx_bytes - before.rx_bytes));
	require(link_counters_read(node_dp(n), 4711, &now) == -ENODEV, "of no interface");
	node_free(n);
}

static bool has_gone(struct node *n, void *arg)
{
	(void)n, (void)arg;
	return farewell.times;
}

static void expect_farewell(struct node *n, const char *command, bool veth_is_cut)
{
	uint32_t ifindex = if_nametoindex("eth0");
	struct link_counters last;

	send_frames(NULL, "eth0", 3);
	send_frames("far", "far0", 5);
	last = counters(n, "eth0");
	farewell.times = 0;
	sh("%s", command);
	node_wait(n, 5000, has_gone, NULL, "the farewell");
	require(farewell.times == 1 && farewell.ifindex == ifindex, "of another interface");
	require(farewell.last.tx_bytes == last.tx_bytes, "of what was sent");
	/* What a veth received is what its other end sent, and on removal it knows no other end
	 * any more (veth_get_stats64() in drivers/net/veth.c). */
	require(farewell.last.rx_bytes == last.rx_bytes || (veth_is_cut && !farewell.last.rx_bytes),
		"of what was received");
}

static void removal(const void *arg)
{
	(void)arg;
	expect_farewell(node_with_cable(), "ip link delete eth0", true);
}

static void moving(const void *arg)
{
	(void)arg;
	expect_farewell(node_with_cable(), "ip link set eth0 netns far", false);
}

static void frames_are_counted_to_the_byte(void **state)
{
	(void)state;
	in_space(count, NULL);
}

static void a_removed_link_says_what_it_counted(void **state)
{
	(void)state;
	in_space(removal, NULL);
}

static void a_link_that_moves_away_says_what_it_counted(void **state)
{
	(void)state;
	in_space(moving, NULL);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(frames_are_counted_to_the_byte),
		cmocka_unit_test(a_removed_link_says_what_it_counted),
		cmocka_unit_test(a_link_that_moves_away_says_what_it_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
