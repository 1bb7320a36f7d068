/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Conflicts of addresses, with the kernel as who has the address, too.
 *
 *	here: v0 --- v1 10.1.0.254, namespace "far"
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <event2/event.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "nim/conflict/acd_watch.h"
#include "tests/item/space.h"
#include "tests/item/values.h"

static void changed(void *arg)
{
	event_base_loopbreak(arg);
}

/* How many descriptors there may be, so that no further one is. Returns how many there might have been. */
static struct rlimit no_descriptor_is_left(void)
{
	int next = dup(STDERR_FILENO);
	struct rlimit was, now;

	require(next >= 0 && getrlimit(RLIMIT_NOFILE, &was) == 0, "%m");
	close(next);
	now = (struct rlimit){ (rlim_t)next, was.rlim_max };
	require(setrlimit(RLIMIT_NOFILE, &now) == 0, "%m");
	return was;
}

static void without_descriptors(const void *arg)
{
	struct nim_config *config = xcalloc(1, sizeof(*config));
	struct nim_facts *facts = xcalloc(1, sizeof(*facts));
	struct event_base *base = event_base_new();
	struct nim_iface *v0 = &facts->ifaces[0];
	const struct timeval limit = { patience_ms(10000) / 1000, 0 };
	struct acd_watch *watch;
	struct rlimit was;
	struct prefix p;

	(void)arg;
	sh("ip netns add far && ip link add v0 index 10 address 02:00:00:00:00:01 up type veth "
	   "peer "
	   "name v1 netns far && ip -n far address add 10.1.0.254/24 dev v1 && "
	   "ip -n far link set v1 up");
	await_links();
	require(prefix_parse("10.1.0.254/24", &p) == 0, "prefix");
	*v0 = (struct nim_iface){ .ifname = IFNAME("v0"),
				  .ifindex = 10,
				  .mac = { { 2, 0, 0, 0, 0, 1 } },
				  .up = true,
				  .carrier = true };
	nim_iface_add_addr(v0, &p);
	config->nports = 1;
	require(acd_watch_new(base, changed, base, &watch) == 0, "no memory");
	was = no_descriptor_is_left();
	acd_watch_apply(watch, config, facts);
	require(setrlimit(RLIMIT_NOFILE, &was) == 0, "%m");
	event_base_loopexit(base, &limit);
	event_base_dispatch(base);
	require(event_base_got_break(base), "nobody found the conflict");
	acd_watch_apply(watch, config, facts);
	require(v0->nconflicts == 1, "%u conflicts", v0->nconflicts);
	acd_watch_free(watch);
	event_base_free(base);
	free(facts);
	free(config);
}

SPACE_TEST(conflicts_are_found_once_there_is_a_descriptor_again, without_descriptors)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(conflicts_are_found_once_there_is_a_descriptor_again),
	};

	return cmocka_run_group_tests_name("acd_watch", tests, NULL, NULL);
}
