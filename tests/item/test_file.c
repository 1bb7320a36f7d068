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

static const struct dp_file conf = { .name = "dnsmasq/bn1.conf", .content = (char *)"port=0\n" };

static void file_conforms(void **state)
{
	(void)state;
	item_conformance(&(struct item_story){
		.type = &dp_file_type,
		.a = &conf,
		.b = &(struct dp_file){ .name = "dnsmasq/bn1.conf",
					.content = (char *)"port=53\n\n# no more",
					.mode = 0600 },
		.no_drift = true, /* nobody tells of files */
	});
}

static void empty_folders_go(const void *arg)
{
	struct node *n = node_new();
	char path[256];

	(void)arg;
	node_apply(n, &dp_file_type, &conf);
	dp_file_path("/run/edgeway", "test", conf.name, path);
	sh("grep -qx port=0 %s && test $(stat -c %%a %s) = 644", path, path);
	node_apply(n, &dp_file_type, NULL);
	sh("test ! -e /run/edgeway/test/files");
	node_free(n);
}

static void folders_go_with_their_last_file(void **state)
{
	(void)state;
	in_space(empty_folders_go, NULL);
}

static void temporaries_go(const void *arg)
{
	struct node *n;

	(void)arg;
	sh("mkdir -p /run/edgeway/test/files/a && touch /run/edgeway/test/files/a/.b.new");
	n = node_new();
	sh("test ! -e /run/edgeway/test/files/a/.b.new");
	node_free(n);
}

static void leftovers_of_an_interrupted_write_go(void **state)
{
	(void)state;
	in_space(temporaries_go, NULL);
}

static void refuses(const void *arg)
{
	static const char *const names[] = { "../up", "/etc/passwd", "a/../b",
					     "a//b",  ".hidden",     "a b" };
	struct node *n = node_new();

	(void)arg;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct dp_file file = { .content = (char *)"x" };
		struct dp_graph *g = dp_graph_new("bad");

		snprintf(file.name, sizeof(file.name), "%s", names[i]);
		dp_want(g, &dp_file_type, &file);
		dp_submit(node_dp(n), g);
		node_wait_state(n, &dp_file_type, names[i], DP_FAILED);
	}
	sh("test ! -e /run/edgeway/test/up -a ! -e /run/edgeway/test/files");
	node_free(n);
}

static void names_that_leave_the_folder_are_refused(void **state)
{
	(void)state;
	in_space(refuses, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(file_conforms),
		cmocka_unit_test(folders_go_with_their_last_file),
		cmocka_unit_test(leftovers_of_an_interrupted_write_go),
		cmocka_unit_test(names_that_leave_the_folder_are_refused),
	};

	return cmocka_run_group_tests_name("file", tests, NULL, NULL);
}
