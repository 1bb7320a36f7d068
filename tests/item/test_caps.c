/* SPDX-License-Identifier: Apache-2.0 */
/* The probe against what iproute2 and nft find out with the same kernel. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <event2/event.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/cleanup.h"
#include "dataplane/caps.h"
#include "tests/item/space.h"

static const struct {
	enum cap cap;
	const char *command;
} same[] = {
	{ CAPS_BRIDGE, "ip link add b9 type bridge" },
	{ CAPS_BRIDGE_VLAN, "bridge vlan add dev b9 vid 7 self" },
	{ CAPS_VETH, "ip link add v8 type veth peer name v9" },
	{ CAPS_TAP, "ip tuntap add t9 mode tap" },
	{ CAPS_DUMMY, "ip link add d9 type dummy" },
	{ CAPS_VLAN, "ip link add link b9 name b9.7 type vlan id 7" },
	{ CAPS_BOND, "ip link add o9 type bond" },
	{ CAPS_VRF, "ip link add r9 type vrf table 9" },
	{ CAPS_IPV6, "ip -6 address show dev lo | grep ::1" },
	{ CAPS_RULE_PROTOCOL, "ip rule add pref 9 lookup 9 protocol 99 && "
			      "ip rule show protocol 99 | grep 'lookup 9'" },
	{ CAPS_MULTIPATH, "ip link set v8 up; ip link set v9 up; ip route add 192.0.2.0/24 "
			  "nexthop dev v8 nexthop dev v9" },
	{ CAPS_PROXY_ARP_PVLAN, "cat /proc/sys/net/ipv4/conf/all/proxy_arp_pvlan" },
	{ CAPS_NFT_INET, "nft add table inet x" },
	{ CAPS_NFT_BRIDGE, "nft 'add table bridge x; add chain bridge x c { type filter hook "
			   "prerouting priority 0; }'" },
	{ CAPS_NFT_MASQUERADE, "nft 'add chain inet x n { type nat hook postrouting priority 0; }; "
			       "add rule inet x n masquerade'" },
	{ CAPS_NFT_CT_MARK, "nft 'add chain inet x m; add rule inet x m ct mark set ct mark'" },
	{ CAPS_NFT_REJECT, "nft 'add chain inet x i { type filter hook input priority 0; }; "
			   "add rule inet x i meta l4proto tcp reject with tcp reset'" },
	{ CAPS_NFT_CT_BRIDGE, "nft add rule bridge x c ct state new" },
	{ CAPS_NFT_FLOWTABLE, "nft 'add flowtable inet x f { hook ingress priority 0; devices = "
			      "{ lo }; }'" },
	{ CAPS_NFT_LOG, "nft add rule inet x m log group 9" },
};

static void compare(const void *arg)
{
	struct caps caps;
	bool works;
	size_t i;
	int r;

	(void)arg;
	sh("ip -d link > /run/before; nft list ruleset >> /run/before; ip rule >> /run/before");
	r = caps_probe(&caps);
	require(r == 0, "caps_probe: %s", strerror(-r));
	sh("{ ip -d link; nft list ruleset; ip rule; } | cmp - /run/before");
	caps_print(&caps, stderr);
	for (i = 0; i < ARRAY_SIZE(same); i++) {
		works = sh_try("%s >&2", same[i].command) == 0;
		require(works == caps_has(&caps, same[i].cap), "%s: we say %d, the tool says %d",
			caps_name(same[i].cap), caps_has(&caps, same[i].cap), works);
	}
}

static void says_what_the_tools_say_and_leaves_no_trace(void **state)
{
	(void)state;
	in_space(compare, NULL);
}

struct answer {
	struct event_base *base;
	struct caps caps;
	int err;
	unsigned int times;
};

static void answered(const struct caps *caps, int err, void *arg)
{
	struct answer *a = arg;

	a->caps = *caps;
	a->err = err;
	a->times++;
	event_base_loopbreak(a->base);
}

static void ask(struct answer *a)
{
	const struct timeval tv = { .tv_sec = patience_ms(5000) / 1000 };
	struct caps_query *q;
	unsigned int times = a->times;

	require(caps_ask(a->base, "/run", answered, a, &q) == 0, "caps_ask");
	require(a->times == times, "answered before the loop ran");
	event_base_loopexit(a->base, &tv);
	event_base_dispatch(a->base);
	require(a->times == times + 1, "no answer");
	caps_query_free(q);
}

static ino_t inode(const char *path)
{
	struct stat st;

	require(stat(path, &st) == 0, "no %s", path);
	return st.st_ino;
}

static void cached(const void *arg)
{
	struct answer a = { .base = event_base_new() };
	struct caps caps;
	ino_t written;

	(void)arg;
	ask(&a);
	require(a.err == 0, "%s", strerror(-a.err));
	require(caps_probe(&caps) == 0, "caps_probe");
	require(memcmp(&a.caps, &caps, sizeof(caps)) == 0, "the two probes differ");

	written = inode("/run/caps");
	ask(&a);
	require(memcmp(&a.caps, &caps, sizeof(caps)) == 0, "the file says otherwise");
	require(inode("/run/caps") == written, "it was tried again");

	sh("sed -i 's/^[^ ]* /2.4.0 /;q' /run/caps"); /* of another kernel */
	ask(&a);
	require(memcmp(&a.caps, &caps, sizeof(caps)) == 0, "believed an old file");
	sh("echo rubbish > /run/caps");
	ask(&a);
	require(memcmp(&a.caps, &caps, sizeof(caps)) == 0, "believed rubbish");
	event_base_free(a.base);
}

static void remembers_for_this_kernel_and_boot_only(void **state)
{
	(void)state;
	in_space(cached, NULL);
}

static void freed(const void *arg)
{
	struct answer a = { .base = event_base_new() };
	struct caps_query *q;

	(void)arg;
	require(caps_ask(a.base, "/run", answered, &a, &q) == 0, "caps_ask");
	caps_query_free(q);
	event_base_dispatch(a.base);
	require(a.times == 0, "answered although it was freed");
	require(waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD, "the child is left");
	event_base_free(a.base);
}

static void freeing_the_query_ends_the_child(void **state)
{
	(void)state;
	in_space(freed, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(says_what_the_tools_say_and_leaves_no_trace),
		cmocka_unit_test(remembers_for_this_kernel_and_boot_only),
		cmocka_unit_test(freeing_the_query_ends_the_child),
	};

	return cmocka_run_group_tests_name("caps", tests, NULL, NULL);
}
