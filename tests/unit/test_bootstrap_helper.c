/* SPDX-License-Identifier: Apache-2.0 */
/* What zedagent does with the program that verifies a bootstrap-config.pb: here a script. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "zedagent/bootstrap.h"

#define STATE(name) EW__BOOTSTRAP_STATE__BOOTSTRAP_##name

static struct event_base *base;
static char dir[64], file[96], program[96];
static struct za_bootstrap *bootstrap;
static unsigned int changes, wanted;

static void on_changed(void *arg)
{
	(void)arg;
	if (++changes == wanted)
		event_base_loopbreak(base);
}

static void helper_is(const char *script)
{
	_cleanup_(freep) char *text = xasprintf("#!/bin/sh\n%s\n", script);

	assert_int_equal(file_replace(program, text, strlen(text), 0755), 0);
}

static void begin(void)
{
	const struct za_bootstrap_conf conf = { .base = base,
						.config_dir = dir,
						.state_dir = dir,
						.program = program,
						.changed = on_changed };

	changes = 0;
	assert_int_equal(za_bootstrap_new(&conf, &bootstrap), 0);
}

/* Until it has told something so many times. */
static const Ew__BootstrapStatus *after(unsigned int n)
{
	wanted = changes + n;
	event_base_dispatch(base);
	return za_bootstrap_status(bootstrap);
}

static void end(void)
{
	bootstrap = za_bootstrap_free(bootstrap);
}

static int set_up(void **state)
{
	(void)state;
	snprintf(dir, sizeof(dir), "/tmp/test_bootstrap_helper.XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	snprintf(file, sizeof(file), "%s/bootstrap-config.pb", dir);
	snprintf(program, sizeof(program), "%s/helper", dir);
	base = event_base_new();
	return 0;
}

static int tear_down(void **state)
{
	_cleanup_(freep) char *remove = xasprintf("rm -r %s", dir);

	(void)state;
	event_base_free(base);
	return system(remove);
}

static void without_a_file_no_program_runs(void **state)
{
	(void)state;
	begin(); /* there is no program either */
	assert_int_equal(after(1)->state, STATE(ABSENT));
	assert_null(za_bootstrap_config(bootstrap));
	end();
}

static void refused_with(const char *script, const char *why)
{
	helper_is(script);
	begin();
	assert_string_equal(after(1)->error, why);
	assert_int_equal(za_bootstrap_status(bootstrap)->state, STATE(REFUSED));
	end();
}

static void a_program_that_fails_is_as_a_file_that_is_wrong(void **state)
{
	(void)state;
	assert_int_equal(file_replace(file, "x", 1, 0644), 0);
	refused_with("kill -9 $$", "it cannot be verified: Killed");
	refused_with("exit 1", "it cannot be verified: bootstrap-config failed");
	refused_with("echo junk", "it cannot be verified: bootstrap-config failed");
	refused_with("head -c 3000000 /dev/zero", "it cannot be verified: bootstrap-config failed");
	unlink(program);
	begin();
	assert_string_equal(after(1)->error, "it cannot be verified: No such file or directory");
	end();
}

/* Memory may be short for a while; nobody tells when there is some again. */
static void it_is_tried_until_it_says_something(void **state)
{
	_cleanup_(freep) char *script =
		xasprintf("echo >>%s/runs; [ $(wc -l <%s/runs) -lt 6 ] && kill -9 $$; "
			  "printf '\\022\\003why'", /* a verdict: error = "why" */
			  dir, dir);

	(void)state;
	helper_is(script);
	begin();
	assert_string_equal(after(5)->error, "it cannot be verified: Killed");
	assert_string_equal(after(1)->error, "why");
	end();
}

/* A file with one port, found good by a program that has crashed so many times. */
static void is_good_after(unsigned int crashes)
{
	Org__Lfedge__Eve__Config__EdgeDevConfig config =
		ORG__LFEDGE__EVE__CONFIG__EDGE_DEV_CONFIG__INIT;
	Org__Lfedge__Eve__Config__SystemAdapter port =
		ORG__LFEDGE__EVE__CONFIG__SYSTEM_ADAPTER__INIT;
	_cleanup_(freep) char *verdict = xasprintf("%s/verdict", dir);
	_cleanup_(freep) char *script =
		xasprintf("[ -e %s/runs ] && read -r more <%s/runs; "
			  "echo $((more + 1)) >%s/runs; [ $((more)) -lt %u ] && kill -9 $$; "
			  "cat %s/verdict",
			  dir, dir, dir, crashes, dir);
	_cleanup_(freep) char *runs = xasprintf("%s/runs", dir);
	Ew__BootstrapVerdict v = EW__BOOTSTRAP_VERDICT__INIT;
	uint8_t payload[256], packed[512];

	port.name = (char *)(uintptr_t) "eth0";
	config.systemadapterlist = (Org__Lfedge__Eve__Config__SystemAdapter *[]){ &port };
	config.n_systemadapterlist = 1;
	v.payload.len = org__lfedge__eve__config__edge_dev_config__pack(&config, payload);
	v.payload.data = payload;
	assert_int_equal(file_replace(verdict, (const char *)packed,
				      ew__bootstrap_verdict__pack(&v, packed), 0644),
			 0);
	unlink(runs);
	helper_is(script);
	assert_int_equal(file_replace(file, "g", 1, 0644), 0);
}

static void what_was_good_stays_for_a_program_that_crashes_a_few_times(void **state)
{
	(void)state;
	is_good_after(0);
	begin();
	assert_int_equal(after(1)->state, STATE(TAKEN));
	is_good_after(3);
	assert_int_equal(after(1)->state, STATE(TAKEN));
	is_good_after(1000);
	assert_string_equal(after(1)->error, "it cannot be verified: Killed");
	assert_null(za_bootstrap_config(bootstrap));
	end();
}

static void when_the_file_changes_it_is_tried_anew(void **state)
{
	(void)state;
	helper_is("kill -9 $$");
	begin();
	after(2);
	helper_is("printf '\\022\\003why'");
	assert_int_equal(file_replace(file, "y", 1, 0644), 0);
	assert_string_equal(after(1)->error, "why");
	end();
}

/* The program that runs has read the old one. */
static void a_file_that_changes_meanwhile_is_looked_at_again(void **state)
{
	_cleanup_(freep) char *script =
		xasprintf("if [ -e %s/second ]; then printf '\\022\\001b'; else touch %s/second; "
			  "printf new >%s; sleep 0.2; printf '\\022\\001a'; fi",
			  dir, dir, file);

	(void)state;
	helper_is(script);
	begin();
	assert_string_equal(after(1)->error, "b");
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_a_file_no_program_runs),
		cmocka_unit_test(a_program_that_fails_is_as_a_file_that_is_wrong),
		cmocka_unit_test(it_is_tried_until_it_says_something),
		cmocka_unit_test(what_was_good_stays_for_a_program_that_crashes_a_few_times),
		cmocka_unit_test(when_the_file_changes_it_is_tried_anew),
		cmocka_unit_test(a_file_that_changes_meanwhile_is_looked_at_again),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
