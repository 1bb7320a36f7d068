/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An address of the boot that connections have, whatever happens between what is told and what is
 * looked at. The connection leads to the address itself.
 *
 *	v0 192.168.1.55/24 by the boot, then 192.168.1.198/24 by a lease
 */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "dataplane/items/inet.h"
#include "nim/boot/boot.h"
#include "tests/item/conformance.h"
#include "tests/item/space.h"
#include "tests/item/values.h"

#define OLD "192.168.1.55"
#define LEASED "192.168.1.198"

struct world {
	struct node *node;
	struct nim_config *config;
	struct nim_facts *facts;
	struct nim_iface *v0;
	struct boot *boot;
	unsigned int changes;
};

static void changed(void *arg)
{
	struct world *w = arg;

	w->changes++;
}

static struct world *world_new(void)
{
	struct world *w = xcalloc(1, sizeof(*w));
	int r;

	sh("mkdir -p /run/edgeway/nim && ip link add v0 index 10 up type veth peer name v1 && "
	   "ip link set v1 up && ip address add " OLD "/24 dev v0 && "
	   "sysctl -qw net.ipv4.conf.v0.promote_secondaries=1"); /* as on each port */
	w->node = node_new();
	w->config = xcalloc(1, sizeof(*w->config));
	w->facts = xcalloc(1, sizeof(*w->facts));
	w->config->nports = 1;
	w->config->ports[0] = (struct nim_port){
		.ifname = IFNAME("v0"), .dhcp = NIM_DHCP_CLIENT, .is_l3 = true, .ipv4 = true
	};
	w->v0 = &w->facts->ifaces[0];
	*w->v0 = (struct nim_iface){ .ifname = IFNAME("v0"),
				     .ifindex = 10,
				     .addrs = { test_prefix(OLD "/24") },
				     .naddrs = 1 };
	r = boot_new(&(struct boot_conf){ .base = node_base(w->node),
					  .dp = node_dp(w->node),
					  .run_dir = "/run/edgeway",
					  .config = w->config,
					  .facts = w->facts,
					  .changed = changed,
					  .arg = w },
		     &w->boot);
	require(r == 0, "boot_new: %d", r);
	return w;
}

static void world_free(struct world *w)
{
	boot_free(w->boot);
	node_free(w->node);
	free(w->config);
	free(w->facts);
	free(w);
}

static void lease_comes(struct world *w)
{
	sh("ip address add " LEASED "/24 dev v0");
	node_wait_state(w->node, &dp_addr_type, "v0/" LEASED "/24", DP_FOREIGN);
	w->v0->addrs[w->v0->naddrs++] = test_prefix(LEASED "/24");
	w->v0->lease4.addr = test_prefix(LEASED "/24").addr;
}

static int connect_from(const char *address)
{
	struct sockaddr_in here = { .sin_family = AF_INET };
	socklen_t len = sizeof(here);
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	inet_pton(AF_INET, address, &here.sin_addr);
	require(bind(listener, (struct sockaddr *)&here, len) == 0, "bind: %m");
	require(listen(listener, 1) == 0, "listen: %m");
	require(getsockname(listener, (struct sockaddr *)&here, &len) == 0, "%m");
	require(connect(fd, (struct sockaddr *)&here, len) == 0, "connect: %m");
	return fd; /* the other end is nobody's, and stays */
}

static void require_has(const char *prefix, bool has)
{
	bool found = sh_try("ip address show dev v0 | grep -q 'inet %s '", prefix) == 0;

	require(found == has, "%s is %sthere", prefix, found ? "" : "not ");
}

/* What the daemon does next, when it has been told that something changed. */
static void require_kept_as_host(struct world *w)
{
	require_has(OLD "/24", true);
	boot_tell(w->boot, w->facts);
	require(w->v0->boot_kept.len == 32, "it is not to be kept");
	node_apply(w->node, &dp_addr_type,
		   &(struct dp_addr){ .ifname = IFNAME("v0"), .prefix = w->v0->boot_kept });
	boot_look(w->boot);
	require_has(OLD "/24", false);
	require_has(OLD "/32", true);
	require_has(LEASED "/24", true);
}

static void lease_after_telling(const void *arg)
{
	struct world *w = world_new();
	int fd = connect_from(OLD);

	(void)arg;
	boot_tell(w->boot, w->facts);
	require(w->v0->boot_left.len == 24 && !ipaddr_is_set(&w->v0->boot_kept.addr), "told");
	lease_comes(w);
	boot_look(w->boot); /* as when a test of the port has ended in the same turn of the loop */
	require_kept_as_host(w);
	close(fd);
	world_free(w);
}

static void connection_after_telling(const void *arg)
{
	struct world *w = world_new();
	int fd;

	(void)arg;
	lease_comes(w);
	boot_tell(w->boot, w->facts);
	require(!ipaddr_is_set(&w->v0->boot_kept.addr), "kept for nobody");
	fd = connect_from(OLD);
	boot_look(w->boot);
	require(w->changes == 1, "nobody is to tell again"); /* nothing else has changed */
	require_kept_as_host(w);
	require(w->changes == 1, "told for nothing");
	close(fd);
	world_free(w);
}

static void no_connection(const void *arg)
{
	struct world *w = world_new();

	(void)arg;
	boot_tell(w->boot, w->facts);
	boot_look(w->boot);
	require_has(OLD "/24", true);
	lease_comes(w);
	boot_look(w->boot);
	require_has(OLD "/24", false);
	require(!w->changes, "told for nothing");
	world_free(w);
}

SPACE_TEST(a_lease_that_comes_after_the_telling_takes_no_connections_address, lease_after_telling)
SPACE_TEST(a_connection_that_comes_after_the_telling_keeps_its_address, connection_after_telling)
SPACE_TEST(what_no_connection_has_goes_with_the_lease, no_connection)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_lease_that_comes_after_the_telling_takes_no_connections_address),
		cmocka_unit_test(a_connection_that_comes_after_the_telling_keeps_its_address),
		cmocka_unit_test(what_no_connection_has_goes_with_the_lease),
	};

	return cmocka_run_group_tests_name("boot", tests, NULL, NULL);
}
