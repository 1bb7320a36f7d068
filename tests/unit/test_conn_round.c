/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rounds with a helper that is a shell script: whatever it does, each port is told of once, the
 * round ends, and nim goes on.
 */
#include "tests/unit/golden.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/arena.h"
#include "base/file.h"
#include "base/log.h"
#include "conntest.pb-c.h"
#include "conntest/wire.h"
#include "nim/conn/conn_helper.h"
#include "nim/conn/conn_schedule.h"
#include "nim/conn/conntest.h"
#include "status.pb-c.h"

/* ok of port 0, warning of port 0, failure of port 1 at TCP: as printf takes them. */
#define OK_0 "\\000\\000\\000\\006\\022\\004\\010\\001\\020\\007"
#define WARNING_0 "\\000\\000\\000\\004\\032\\002v6"
#define FAILED_1 "\\000\\000\\000\\010\\010\\001\\022\\004\\010\\004\\020\\004"

static struct event_base *base;
static char dir[64], program[80], evaluator[80], config_dir[80];
static struct nim_config config;
static struct nim_facts facts;
static struct nim_view view;
static struct conntest *ct;

static struct {
	struct conn_result results[NIM_PORTS];
	unsigned int told[NIM_PORTS], done;
	char failure[200];
	struct conn_round *round;
	bool free_within;
	bool want_warning;
	int after_done; /* a pipe: the helper reads a line of it when the round is done */
} seen;

static void on_port(const char *label, const struct conn_result *result, void *arg)
{
	unsigned int port = (unsigned int)(label[0] - 'a');

	assert_ptr_equal(arg, &seen);
	seen.told[port]++;
	seen.results[port] = *result;
	if (!seen.free_within)
		return;
	conn_round_free(take_ptr(seen.round));
	event_base_loopbreak(base);
}

static void on_done(const char *failure, void *arg)
{
	(void)arg;
	seen.done++;
	snprintf(seen.failure, sizeof(seen.failure), "%s", failure ? failure : "");
	if (!seen.want_warning)
		event_base_loopbreak(base);
	else
		assert_int_equal(write(seen.after_done, "\n", 1), 1);
}

static void on_changed(void *arg)
{
	struct arena arena = { 0 };
	Ew__DeviceNetworkStatus status = EW__DEVICE_NETWORK_STATUS__INIT;
	Ew__PortStatus port = EW__PORT_STATUS__INIT, *ports[] = { &port };

	(void)arg;
	port.logicallabel = xstrdup("a");
	status.ports = ports;
	status.n_ports = 1;
	conntest_status(ct, &status, &arena);
	if (seen.want_warning && port.test && port.test->warning[0]) {
		assert_string_equal(port.test->warning, "v6");
		event_base_loopbreak(base);
	}
	arena_fini(&arena);
	free(port.logicallabel);
}

static void add_port(unsigned int i)
{
	struct nim_port *port = &config.ports[i];
	struct nim_iface *iface = &facts.ifaces[i];
	struct prefix prefix;

	snprintf(port->label, sizeof(port->label), "%c", 'a' + (char)i);
	snprintf(port->ifname.str, sizeof(port->ifname.str), "eth%u", i);
	port->number = (uint8_t)(i + 1);
	port->is_mgmt = port->is_l3 = port->ipv4 = true;
	port->dhcp = NIM_DHCP_STATIC;
	assert_int_equal(ipaddr_parse("192.0.2.1", &port->gateway4), 0);
	assert_int_equal(prefix_parse("192.0.2.7/24", &prefix), 0);
	*iface = (struct nim_iface){
		.ifname = port->ifname, .ifindex = i + 2, .up = true, .carrier = true
	};
	nim_iface_add_addr(iface, &prefix);
	config.nports = i + 1;
}

static int setup(void **state)
{
	_cleanup_(freep) char *server = NULL;

	(void)state;
	memset(&seen, 0, sizeof(seen));
	memset(&config, 0, sizeof(config));
	memset(&facts, 0, sizeof(facts));
	strcpy(dir, "/tmp/test_conn_round.XXXXXX");
	base = event_base_new();
	if (!base || !mkdtemp(dir))
		return -1;
	snprintf(program, sizeof(program), "%s/conn-test", dir);
	snprintf(evaluator, sizeof(evaluator), "%s/pac-eval", dir);
	snprintf(config_dir, sizeof(config_dir), "%s/config", dir);
	server = xasprintf("%s/server", config_dir);
	if (file_replace_volatile(server, "c.example", 9, 0644) < 0)
		return -1;
	add_port(0);
	add_port(1);
	nim_view(&config, &facts, &view);
	return conntest_new(&(struct conntest_conf){ .base = base,
						     .program = program,
						     .evaluator = evaluator,
						     .config_dir = config_dir,
						     .config = &config,
						     .changed = on_changed },
			    &ct);
}

static int teardown(void **state)
{

	(void)state;
	ct = conntest_free(ct);
	event_base_free(base);
	return dir_remove(dir);
}

static void program_is(const char *path, const char *script)
{
	_cleanup_(freep) char *text = xasprintf("#!/bin/sh\n%s\n", script);

	assert_int_equal(file_replace_volatile(path, text, strlen(text), 0755), 0);
}

static void helper_is(const char *script)
{
	program_is(program, script);
}

static void begin(void)
{
	static const struct conn_round_ops ops = { .port = on_port, .done = on_done };

	seen.round = conn_round_start(
		ct, &(struct conn_ports){ .config = &config, .facts = &facts, .view = &view }, &ops,
		&seen);
	assert_int_equal(seen.told[0] + seen.told[1] + seen.done, 0); /* never before it returns */
}

static void run(void)
{
	begin();
	assert_int_equal(event_base_dispatch(base), 0);
	assert_int_equal(seen.told[0], 1);
	assert_int_equal(seen.told[1], 1);
	assert_int_equal(seen.done, 1);
}

/* Its standard input is a socket: a shell can write to it by number only. */
#define SAY(what) "printf '" what "' >&0; "

static void each_port_is_told_of_as_it_is_known(void **state)
{
	(void)state;
	helper_is(SAY(OK_0 WARNING_0 FAILED_1));
	run();
	assert_string_equal(seen.failure, "");
	assert_int_equal(seen.results[0].outcome, CONN_OK);
	assert_int_equal(seen.results[1].outcome, CONN_FAILED);
	assert_int_equal(seen.results[1].stage, CONN_STAGE_TCP);
}

static void port_that_cannot_pass_is_not_asked_for(void **state)
{
	(void)state;
	facts.ifaces[0].carrier = false;
	nim_view(&config, &facts, &view);
	helper_is(SAY(OK_0)); /* its first, our second */
	run();
	assert_string_equal(seen.failure, "");
	assert_int_equal(seen.results[0].stage, CONN_STAGE_LINK);
	assert_int_equal(seen.results[1].outcome, CONN_OK);
}

/* EVE's controllerconn: no usable ports. */
static void no_port_to_ask_for_needs_no_helper(void **state)
{
	(void)state;
	config.ports[0].is_mgmt = config.ports[1].is_mgmt = false;
	run();
	assert_string_equal(seen.failure, "");
	assert_int_equal(seen.results[0].outcome, CONN_OK);
}

static void round_of_no_ports_is_done_at_once(void **state)
{
	(void)state;
	config.nports = 0;
	begin();
	event_base_dispatch(base);
	assert_int_equal(seen.done, 1);
}

static void expect_failure(const char *failure)
{
	run();
	assert_string_equal(seen.failure, failure);
	for (unsigned int i = 0; i < 2; i++) {
		assert_int_equal(seen.results[i].outcome, CONN_UNTESTED);
		assert_string_equal(seen.results[i].why, failure);
	}
}

static void helper_that_is_not_there_is_a_failed_round(void **state)
{
	(void)state;
	expect_failure("the test program cannot be started: No such file or directory");
}

static void helper_that_crashes_is_a_failed_round(void **state)
{
	(void)state;
	helper_is("kill -SEGV $$");
	expect_failure("the test program crashed: Segmentation fault");
}

static void helper_that_fails_or_says_nothing_is_a_failed_round(void **state)
{
	(void)state;
	helper_is("exit 1");
	expect_failure("the test program failed");
	memset(&seen, 0, sizeof(seen));
	helper_is("exit 0");
	expect_failure("the test program left ports out");
}

static void helper_that_cannot_begin_says_why(void **state)
{
	(void)state;
	helper_is(SAY("\\000\\000\\000\\010\"\\006no key") "exit 1");
	expect_failure("no key");
}

static void helper_that_talks_nonsense_is_a_failed_round(void **state)
{
	static const char *const nonsense[] = {
		SAY("\\377\\377\\377\\377") "exec sleep 60",
		SAY("\\000\\000\\000\\002xx") "exec sleep 60",
		SAY("\\000\\000\\000\\006\\010\\007\\032\\002v6") "exec sleep 60", /* of port 7 */
		"yes >&0",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(nonsense); i++) {
		memset(&seen, 0, sizeof(seen));
		helper_is(nonsense[i]);
		expect_failure("the test program talks nonsense");
	}
}

static void helper_that_never_stops_talking_is_cut_off(void **state)
{
	(void)state;
	seen.want_warning = false;
	helper_is("while :; do " SAY(WARNING_0) "done");
	expect_failure("the test program talks nonsense");
}

/* Its output is neither the daemon's nor without a bound. */
static void what_a_helper_writes_elsewhere_is_logged_and_bounded(void **state)
{
	_cleanup_(freep) char *log = NULL;
	size_t len, lines = 0;
	FILE *out;

	(void)state;
	helper_is("echo 'a library complains'; echo of this >&2; seq 100000 2>/dev/null; " SAY(
		FAILED_1) "exit 0");
	run();
	assert_int_equal(seen.results[1].outcome, CONN_FAILED);
	out = open_memstream(&log, &len);
	log_print_recent(out);
	fclose(out);
	assert_non_null(strstr(log, "program=\"the test program\" line=\"a library complains\""));
	assert_non_null(strstr(log, "line=\"of this\""));
	for (const char *at = log; (at = strstr(at, "event=helper_said")); at++)
		lines++;
	assert_in_range(lines, 3, 40);
}

static void what_was_told_before_the_crash_counts(void **state)
{
	(void)state;
	helper_is(SAY(FAILED_1) "kill -KILL $$");
	run();
	assert_string_equal(seen.failure, "the test program crashed: Killed");
	assert_int_equal(seen.results[0].outcome, CONN_UNTESTED);
	assert_int_equal(seen.results[1].outcome, CONN_FAILED);
}

static void round_is_done_when_all_is_told_and_warnings_may_follow(void **state)
{
	_cleanup_(freep) char *pipe = xasprintf("%s/done", dir);
	_cleanup_(freep) char *script =
		xasprintf(SAY(OK_0 FAILED_1) "read -r go <%s; " SAY(WARNING_0), pipe);

	(void)state;
	assert_int_equal(mkfifo(pipe, 0600), 0);
	seen.after_done = open(pipe, O_RDWR | O_CLOEXEC); /* both ways: waits for no other end */
	seen.want_warning = true;
	helper_is(script);
	run();
	close(seen.after_done);
	assert_string_equal(seen.failure, "");
}

static void round_that_is_called_off_calls_nobody(void **state)
{
	(void)state;
	helper_is(SAY(OK_0 FAILED_1));
	begin();
	conn_round_free(take_ptr(seen.round));
	event_base_loop(base, EVLOOP_NONBLOCK);
	assert_int_equal(seen.told[0] + seen.told[1] + seen.done, 0);
	seen.free_within = true; /* from its callback, too */
	begin();
	event_base_dispatch(base);
	assert_int_equal(seen.told[0] + seen.told[1], 1);
	assert_int_equal(seen.done, 0);
}

/* ---- The helper alone ---- */

static void on_report(const struct conn_report *report, void *arg)
{
	(void)report, (void)arg;
}

static void on_ended(const char *failure, void *arg)
{
	(void)arg;
	snprintf(seen.failure, sizeof(seen.failure), "%s", failure ? failure : "");
	event_base_loopbreak(base);
}

static void helper_that_hangs_is_killed_in_time(void **state)
{
	static const struct conn_helper_ops ops = { .report = on_report, .ended = on_ended };
	Ew__ConnRequest request = EW__CONN_REQUEST__INIT;
	struct conn_helper *helper;

	(void)state;
	helper_is("exec sleep 60");
	assert_int_equal(conn_helper_start(base, program, &request, 50, &ops, NULL, &helper), 0);
	event_base_dispatch(base);
	assert_string_equal(seen.failure, "the test program did not end within 50 ms");
}

/* What it said is still in the socket when its death is told. */
static void what_the_dead_have_said_ends_it_at_once(void **state)
{
	static const struct conn_helper_ops ops = { .report = on_report, .ended = on_ended };
	static const struct {
		const char *script, *failure;
	} cases[] = {
		{ SAY("\\000\\000\\000\\010\"\\006no key") "exit 1", "no key" },
		{ SAY("\\377\\377\\377\\377"), "the test program talks nonsense" },
		{ SAY("\\000\\000\\000\\002xx"), "the test program talks nonsense" },
	};
	Ew__ConnPort port = EW__CONN_PORT__INIT, *ports[] = { &port };
	Ew__ConnRequest request = EW__CONN_REQUEST__INIT;
	struct conn_helper *helper;
	siginfo_t dead;

	(void)state;
	request.ports = ports;
	request.n_ports = 1;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		memset(&seen, 0, sizeof(seen));
		helper_is(cases[i].script);
		assert_int_equal(
			conn_helper_start(base, program, &request, 60000, &ops, NULL, &helper), 0);
		assert_int_equal(waitid(P_ALL, 0, &dead, WEXITED | WNOWAIT), 0);
		event_base_loopexit(base, &(struct timeval){ .tv_sec = 20 });
		event_base_dispatch(base);
		assert_string_equal(seen.failure, cases[i].failure);
	}
}

/* ---- When ---- */

static bool not_busy(void *arg)
{
	(void)arg;
	return false;
}

/* The failure was found of what was configured before: nobody is told of it. */
static void round_over_another_configuration_is_begun_anew(void **state)
{
	static const struct conn_round_ops also = { .port = on_port, .done = on_done };
	struct conn_schedule *s;

	(void)state;
	assert_int_equal(
		conn_schedule_new(&(struct conn_schedule_conf){ .base = base,
								.conntest = ct,
								.config_dir = config_dir,
								.ports = { &config, &facts, &view },
								.busy = not_busy,
								.also = &also,
								.also_arg = &seen },
				  &s),
		0);
	helper_is(SAY(FAILED_1) "exec sleep 60");
	conn_schedule_now(s, false);
	while (!seen.told[1])
		event_base_loop(base, EVLOOP_ONCE);
	memset(&seen, 0, sizeof(seen));
	helper_is(SAY(OK_0 FAILED_1));
	conn_schedule_void(s);
	event_base_dispatch(base);
	assert_int_equal(seen.done, 1);
	assert_int_equal(seen.told[0], 1);
	assert_int_equal(seen.told[1], 1);
	assert_string_equal(seen.failure, "");
	conn_schedule_free(s);
}

/* ---- PAC ---- */

#define DECIDES "\\000\\000\\000\\010\\012\\006DIRECT"
#define COMPLAINS "\\000\\000\\000\\006\\022\\004oops"

/* Port 1 has a file: the first report of its own run of conn-test is of it. */
static void have_pac(Ew__ProxyConfig *proxy)
{
	static char text[] = "file";

	ew__proxy_config__init(proxy);
	proxy->pac_text = text;
	config.ports[1].proxy = proxy;
}

static void port_with_a_pac_file_has_a_helper_of_its_own(void **state)
{
	Ew__ProxyConfig proxy;

	(void)state;
	have_pac(&proxy);
	program_is(evaluator, SAY(DECIDES));
	helper_is(SAY(OK_0));
	run();
	assert_string_equal(seen.failure, "");
	assert_int_equal(seen.results[0].outcome, CONN_OK);
	assert_int_equal(seen.results[1].outcome, CONN_OK);
}

static void evaluation_that_fails_fails_its_port_only(void **state)
{
	static const struct {
		const char *script, *why;
	} cases[] = {
		{ NULL, "PAC file: pac-eval cannot be started: No such file or directory" },
		{ SAY(COMPLAINS), "PAC file: oops" },
		{ "kill -XCPU $$", "PAC file: took more than 1 s of CPU" },
		{ "kill -SYS $$", "PAC file: tried what no PAC file may do" },
		{ "kill -KILL $$", "PAC file: pac-eval crashed: Killed" },
		{ "exit 1", "PAC file: pac-eval failed" },
		{ "exit 0", "PAC file: was not answered for" },
		{ "yes >&0", "PAC file: pac-eval talks nonsense" },
		{ SAY(DECIDES DECIDES) "exec sleep 60", "PAC file: pac-eval talks nonsense" },
	};
	Ew__ProxyConfig proxy;

	(void)state;
	have_pac(&proxy);
	helper_is(SAY(OK_0));
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		memset(&seen, 0, sizeof(seen));
		if (cases[i].script)
			program_is(evaluator, cases[i].script);
		run();
		assert_string_equal(seen.failure, "");
		assert_int_equal(seen.results[0].outcome, CONN_OK);
		assert_int_equal(seen.results[1].outcome, CONN_FAILED);
		assert_int_equal(seen.results[1].stage, CONN_STAGE_TCP);
		assert_string_equal(seen.results[1].why, cases[i].why);
	}
}

static void round_that_is_called_off_ends_an_evaluation(void **state)
{
	struct mono begun = mono_now();
	Ew__ProxyConfig proxy;

	(void)state;
	have_pac(&proxy);
	program_is(evaluator, "exec sleep 60");
	helper_is(SAY(OK_0));
	seen.free_within = true;
	begin();
	event_base_dispatch(base);
	assert_int_equal(seen.told[0], 1);
	while (waitpid(-1, NULL, 0) > 0)
		;
	assert_true(mono_diff_ms(mono_now(), begun) < 30000);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(each_port_is_told_of_as_it_is_known),
		T(port_that_cannot_pass_is_not_asked_for),
		T(no_port_to_ask_for_needs_no_helper),
		T(round_of_no_ports_is_done_at_once),
		T(helper_that_is_not_there_is_a_failed_round),
		T(helper_that_crashes_is_a_failed_round),
		T(helper_that_fails_or_says_nothing_is_a_failed_round),
		T(helper_that_cannot_begin_says_why),
		T(helper_that_talks_nonsense_is_a_failed_round),
		T(helper_that_never_stops_talking_is_cut_off),
		T(port_with_a_pac_file_has_a_helper_of_its_own),
		T(evaluation_that_fails_fails_its_port_only),
		T(round_that_is_called_off_ends_an_evaluation),
		T(what_a_helper_writes_elsewhere_is_logged_and_bounded),
		T(what_was_told_before_the_crash_counts),
		T(round_is_done_when_all_is_told_and_warnings_may_follow),
		T(round_that_is_called_off_calls_nobody),
		T(helper_that_hangs_is_killed_in_time),
		T(what_the_dead_have_said_ends_it_at_once),
		T(round_over_another_configuration_is_begun_anew),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
