/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "dataplane/items/host.h"
#include "tests/item/conformance.h"
#include "tests/item/space.h"

#define PLACE "/run/place/resolv.conf"

static const struct dp_placed ours = { .path = PLACE, .content = (char *)"nameserver 127.0.0.1\n" };

static void make_folder(void)
{
	sh("mkdir -p /run/place && echo before >" PLACE);
}

static void placed_conforms(void **state)
{
	(void)state;
	item_conformance(&(struct item_story){
		.type = &dp_placed_type,
		.a = &ours,
		.b = &(struct dp_placed){ .path = PLACE, .content = (char *)"nameserver ::1\n" },
		.prepare = make_folder,
		.no_drift = true, /* nobody tells of files */
	});
}

/* prepare: what is there before; check: that it is there again. */
static void comes_back(const char *prepare, const char *check)
{
	struct node *n;

	sh("mkdir -p /run/place && %s", prepare);
	n = node_new();
	node_apply(n, &dp_placed_type, &ours);
	sh("grep -qx 'nameserver 127.0.0.1' " PLACE " && test ! -L " PLACE);
	node_apply(n, &dp_placed_type, NULL);
	sh("%s && test $(ls -A /run/place | wc -l) -le 1", check);
	node_free(n);
}

static void file_comes_back(const void *arg)
{
	(void)arg;
	comes_back("echo before >" PLACE " && chmod 600 " PLACE,
		   "grep -qx before " PLACE " && test $(stat -c %a " PLACE ") = 600");
}

static void link_comes_back(const void *arg)
{
	(void)arg;
	comes_back("ln -s ../elsewhere " PLACE, "test $(readlink " PLACE ") = ../elsewhere");
}

static void nothing_comes_back(const void *arg)
{
	(void)arg;
	comes_back("true", "test ! -e " PLACE);
}

static void what_was_there_comes_back(void **state)
{
	(void)state;
	in_space(file_comes_back, NULL);
	in_space(link_comes_back, NULL);
	in_space(nothing_comes_back, NULL);
}

/* /run is new after a reboot; what is kept lies beside the file. */
static void reboots(const void *arg)
{
	struct node *n;

	(void)arg;
	make_folder();
	n = node_new();
	node_apply(n, &dp_placed_type, &ours);
	node_free(n);
	sh("rm -r /run/edgeway");
	assert_int_equal(dp_placed_remember("/run/edgeway", "test", PLACE), 0);
	n = node_new();
	dp_sweep(node_dp(n));
	node_settle(n);
	sh("grep -qx before " PLACE " && test $(ls -A /run/place | wc -l) = 1");
	assert_int_equal(dp_placed_remember("/run/edgeway", "test", PLACE), 0);
	sh("test ! -e /run/edgeway/test/prior/placed");
	node_free(n);
}

static void file_comes_back_after_a_reboot(void **state)
{
	(void)state;
	in_space(reboots, NULL);
}

static void refuses(const void *arg)
{
	static const char *const paths[] = { "relative", "/run/no/such/folder" };
	struct node *n = node_new();

	(void)arg;
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		struct dp_placed placed = { .content = (char *)"x" };
		struct dp_graph *g = dp_graph_new("bad");

		snprintf(placed.path, sizeof(placed.path), "%s", paths[i]);
		dp_want(g, &dp_placed_type, &placed);
		dp_submit(node_dp(n), g);
		node_wait_state(n, &dp_placed_type, paths[i], DP_FAILED);
	}
	sh("test ! -e /run/no");
	node_free(n);
}

static void places_that_are_none_are_refused(void **state)
{
	(void)state;
	in_space(refuses, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(placed_conforms),
		cmocka_unit_test(what_was_there_comes_back),
		cmocka_unit_test(file_comes_back_after_a_reboot),
		cmocka_unit_test(places_that_are_none_are_refused),
	};

	return cmocka_run_group_tests_name("placed", tests, NULL, NULL);
}
