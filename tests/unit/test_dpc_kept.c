/* SPDX-License-Identifier: Apache-2.0 */
/* What a killed nim finds of its list of port configurations: all that counts, and nothing else. */
#include "tests/unit/golden.h"

#include <event2/event.h>
#include <sys/stat.h>

#include "base/file.h"
#include "bootstrap.pb-c.h"
#include "nim/dpc/dpc.h"
#include "tests/unit/za_mutate.h"

struct world {
	char dir[32];
	char *config, *dpcs, *run, *state;
	struct event_base *base;
	struct nim_dpc *dpc;
};

static void changed(void *arg)
{
	(void)arg;
}

static void write_file(const char *dir, const char *name, const char *text)
{
	_cleanup_(freep) char *path = xasprintf("%s/%s", dir, name);

	assert_int_equal(file_replace_volatile(path, text, strlen(text), 0600), 0);
}

static void open_dpc(struct world *w)
{
	assert_int_equal(nim_dpc_open(&(struct nim_dpc_conf){ .base = w->base,
							      .dir = w->dpcs,
							      .run_dir = w->run,
							      .state_dir = w->state,
							      .config_dir = w->config,
							      .changed = changed },
				      &w->dpc),
			 0);
}

static int set_up(void **state)
{
	struct world *w = xcalloc(1, sizeof(*w));

	strcpy(w->dir, "/tmp/dpc-kept.XXXXXX");
	assert_non_null(mkdtemp(w->dir));
	w->config = xasprintf("%s/config", w->dir);
	w->dpcs = xasprintf("%s/DevicePortConfig", w->config);
	w->run = xasprintf("%s/run", w->dir);
	w->state = xasprintf("%s/state", w->dir);
	write_file(w->config, "bootstrap-config.pb", "is there");
	write_file(w->dpcs, "file.json",
		   "{\"Version\":1,\"Ports\":[{\"IfName\":\"eth0\",\"Logicallabel\":\"wan\","
		   "\"IsMgmt\":true,\"IsL3Port\":true,\"Dhcp\":4}]}");
	w->base = event_base_new();
	open_dpc(w);
	*state = w;
	return 0;
}

static int tear_down(void **state)
{
	struct world *w = *state;

	nim_dpc_free(w->dpc);
	event_base_free(w->base);
	assert_int_equal(dir_remove(w->dir), 0);
	free(w->config);
	free(w->dpcs);
	free(w->run);
	free(w->state);
	free(w);
	return 0;
}

static void put_bootstrap(struct world *w, bool usable)
{
	Ew__DevicePortConfig config = EW__DEVICE_PORT_CONFIG__INIT;
	Ew__PortConfig port = EW__PORT_CONFIG__INIT;

	port.logicallabel = (char *)"boot";
	port.ifname = (char *)"eth1";
	port.is_mgmt = usable;
	port.is_l3 = true;
	port.dhcp = EW__DHCP_MODE__DHCP_CLIENT;
	config.source = (char *)"bootstrap";
	config.ports = (Ew__PortConfig *[]){ &port };
	config.n_ports = 1;
	nim_dpc_bootstrap(w->dpc, &config);
}

static void expect_kept(const struct world *w, const char *key, bool kept)
{
	_cleanup_(freep) char *path = xasprintf("%s/nim/dpc-list.json", w->run);
	_cleanup_(freep) char *quoted = xasprintf("\"key\": \"%s\"", key), *text = NULL;

	assert_int_equal(dpc_list_find(nim_dpc_list(w->dpc), key) != NULL, kept);
	assert_int_equal(file_read(path, 1u << 20, &text, NULL), 0);
	assert_int_equal(strstr(text, quoted) != NULL, kept);
}

static void put_taken(struct world *w)
{
	Ew__BootstrapStatus status = EW__BOOTSTRAP_STATUS__INIT;

	status.state = EW__BOOTSTRAP_STATE__BOOTSTRAP_TAKEN;
	nim_dpc_bootstrap_status(w->dpc, &status);
}

static void files_that_a_good_bootstrap_file_takes_out_of_force_are_not_kept(void **state)
{
	struct world *w = *state;

	put_bootstrap(w, false);
	put_taken(w);
	expect_kept(w, "file", true);
	put_bootstrap(w, true);
	expect_kept(w, "bootstrap", true);
	expect_kept(w, "file", false);
}

/* Two topics: after a start of nim either may be heard first. */
static void files_beside_ports_that_cannot_be_used_stay_whatever_is_heard_first(void **state)
{
	struct world *w = *state;

	put_bootstrap(w, false);
	put_taken(w);
	nim_dpc_free(w->dpc);
	open_dpc(w);
	put_taken(w);
	expect_kept(w, "file", true);
	put_bootstrap(w, false);
	expect_kept(w, "file", true);
	put_bootstrap(w, true);
	expect_kept(w, "file", false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			files_that_a_good_bootstrap_file_takes_out_of_force_are_not_kept, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(
			files_beside_ports_that_cannot_be_used_stay_whatever_is_heard_first, set_up,
			tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
