/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "dataplane/items/host.h"
#include "dataplane/items/link.h"
#include "tests/item/conformance.h"
#include "tests/item/space.h"

#define SOCKET "/run/edgeway/test/" DP_SUPPLICANT_DIR "/up0"

static void world(struct dp_graph *g)
{
	dp_want(g, &dp_file_type,
		&(struct dp_file){
			.name = "pnac/up0.conf",
			.content = (char *)"ctrl_interface=DIR=/run/edgeway/test/" DP_SUPPLICANT_DIR
					   "\nap_scan=0\nnetwork={\n"
					   "key_mgmt=IEEE8021X\neap=TLS\nidentity=\"x\"\n"
					   "eapol_flags=0\n}\n",
			.mode = 0600 });
}

static void make_link(void)
{
	sh("ip link add up0 type veth peer name far0 && ip link set far0 up && ip link set up0 up");
}

static const struct dp_supplicant up0 = {
	.ifname = IFNAME("up0"), .conf_file = "pnac/up0.conf", .ifindex = 7, .stamp = "1"
};

static void conforms_with(const struct dp_supplicant *other)
{
	item_conformance(&(struct item_story){ .type = &dp_supplicant_type,
					       .a = &up0,
					       .b = other,
					       .prepare = make_link,
					       .world = world });
}

static void supplicant_conforms(void **state)
{
	struct dp_supplicant other = up0;

	(void)state;
	strcpy(other.stamp, "2");
	conforms_with(&other);
	other = up0;
	other.ifindex++;
	conforms_with(&other);
}

/* A node with its supplicant, which listens. */
static struct node *node_with_supplicant(void)
{
	struct dp_graph *g = dp_graph_new("files");
	struct node *n;

	make_link();
	n = node_new();
	world(g);
	require(dp_submit(node_dp(n), g) == 0, "submit");
	node_apply(n, &dp_supplicant_type, &up0);
	node_wait_sh(n, 5000, "test -S " SOCKET);
	return n;
}

/* ---- The link is left as it is ---- */

static void link_body(const void *arg)
{
	struct node *n = node_with_supplicant();

	(void)arg;
	node_apply(n, &dp_supplicant_type, NULL);
	sh("ip link show up0 | grep -q '[<,]UP[,>]'");
	require(access(SOCKET, F_OK) < 0, "its socket is gone");
	node_free(n);
}

static void its_end_leaves_the_link_up_and_no_socket(void **state)
{
	(void)state;
	in_space(link_body, NULL);
}

/* Killed by somebody else, it cannot clean up. */
static void killed_body(const void *arg)
{
	struct node *n = node_with_supplicant();

	(void)arg;
	helper_kill("supplicant.up0");
	node_wait_state(n, &dp_supplicant_type, "up0", DP_CREATED);
	node_apply(n, &dp_supplicant_type, NULL);
	require(access(SOCKET, F_OK) < 0, "its socket is gone");
	node_free(n);
}

static void a_killed_one_is_started_again(void **state)
{
	(void)state;
	in_space(killed_body, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(supplicant_conforms),
		cmocka_unit_test(its_end_leaves_the_link_up_and_no_socket),
		cmocka_unit_test(a_killed_one_is_started_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
