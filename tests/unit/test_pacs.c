/* SPDX-License-Identifier: Apache-2.0 */
/* What is kept of PAC files, and what is told of them. The helpers are scripts. */
#include <event2/event.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/strbuf.h"
#include "conntest.pb-c.h"
#include "conntest/wire.h"
#include "nim/config.h"
#include "nim/proxy/pac_run.h"
#include "nim/proxy/pacs.h"
#include "paceval.pb-c.h"
#include "status.pb-c.h"

#define URL "http://proxy.example/proxy.pac"

static struct event_base *base;
static struct nim_config config;
static Ew__ProxyConfig proxy;
static struct pacs *pacs;
static char traced[64]; /* what was done to fetch a file in vain */
static char dir[64], loader[96], evaluator[96];

static void on_changed(void *arg)
{
	(void)arg;
}

static int setup(void **state)
{
	static char url[] = URL;

	(void)state;
	strcpy(dir, "/tmp/test_pacs.XXXXXX");
	base = event_base_new();
	if (!base || !mkdtemp(dir))
		return -1;
	snprintf(loader, sizeof(loader), "%s/conn-test", dir);
	snprintf(evaluator, sizeof(evaluator), "%s/pac-eval", dir);
	ew__proxy_config__init(&proxy);
	proxy.pac_url = url;
	memset(&config, 0, sizeof(config));
	strcpy(config.ports[0].label, "a");
	config.ports[0].proxy = &proxy;
	config.nports = 1;
	pacs = pacs_new(&(struct pacs_conf){ .base = base,
					     .evaluator = evaluator,
					     .loader = loader,
					     .config = &config,
					     .changed = on_changed });
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	pacs = pacs_free(pacs);
	event_base_free(base);
	return dir_remove(dir);
}

static void expect_error(const char *error)
{
	Ew__DeviceNetworkStatus status = EW__DEVICE_NETWORK_STATUS__INIT;
	Ew__PortStatus port = EW__PORT_STATUS__INIT, *ports[] = { &port };
	struct arena arena = { 0 };
	char label[] = "a";

	port.logicallabel = label;
	status.ports = ports;
	status.n_ports = 1;
	pacs_status(pacs, &status, &arena);
	if (!port.pac)
		abort(); /* the analyzer does not know that assertions never return */
	assert_string_equal(port.pac->error, error);
	arena_fini(&arena);
}

/* ---- Kept ---- */

static void file_that_is_fetched_and_not_asked_yet_has_no_error(void **state)
{
	const struct pac_fetch_note note = { .key = "k", .url = URL, .max_age_s = 60 };

	(void)state;
	pacs_keep(pacs, "a", &note, "text", 4, mono_now());
	expect_error("");
	pacs_evaluated(pacs, "a", 4, "oops");
	expect_error("oops");
	pacs_evaluated(pacs, "a", 4, NULL);
	expect_error("");
}

/* Its port may be unplugged: then no test comes that would know better. */
static void what_is_known_of_another_source_is_not_told(void **state)
{
	const struct pac_fetch_note note = { .key = "k", .url = URL, .max_age_s = 60 };
	static char other[] = "http://other.example/proxy.pac", text[] = "text";

	(void)state;
	pacs_keep(pacs, "a", &note, "text", 4, mono_now());
	pacs_evaluated(pacs, "a", 4, "oops");
	proxy.pac_url = other;
	expect_error("");
	pacs_evaluated(pacs, "a", 4, "oops");
	expect_error("oops");
	proxy.pac_text = text;
	expect_error("");
}

/* ---- Run ---- */

static void program_is(const char *path, const char *script)
{
	_cleanup_(freep) char *text = xasprintf("#!/bin/sh\n%s\n", script);

	assert_int_equal(file_replace_volatile(path, text, strlen(text), 0755), 0);
}

/* It tells msg, and ends. */
static void program_tells(const char *path, const ProtobufCMessage *msg)
{
	_cleanup_(freep) char *frame_path = xasprintf("%s.frame", path);
	_cleanup_(freep) char *script = xasprintf("cat %s >&0", frame_path);
	_cleanup_(strbuf_fini) struct strbuf frame = STRBUF_INIT;

	conn_wire_add(msg, &frame);
	assert_int_equal(file_replace_volatile(frame_path, frame.str, frame.len, 0644), 0);
	program_is(path, script);
}

static void loader_tells_file(const char *text, unsigned int max_age_s)
{
	Ew__ConnReport report = EW__CONN_REPORT__INIT;
	Ew__ConnPacFile file = EW__CONN_PAC_FILE__INIT;

	file.text = (ProtobufCBinaryData){ strlen(text), (uint8_t *)(uintptr_t)text };
	file.max_age_s = max_age_s;
	report.said_case = EW__CONN_REPORT__SAID_PAC_FILE;
	report.pac_file = &file;
	program_tells(loader, &report.base);
}

static void evaluator_tells(const char *result)
{
	Ew__PacReply reply = EW__PAC_REPLY__INIT;
	char *results[] = { (char *)(uintptr_t)result };

	reply.results = results;
	reply.n_results = 1;
	program_tells(evaluator, &reply.base);
}

static Ew__ConnRequest *request_new(void)
{
	Ew__ConnRequest request = EW__CONN_REQUEST__INIT;
	Ew__ConnTarget target = EW__CONN_TARGET__INIT, *targets[] = { &target };
	Ew__ConnPort port = EW__CONN_PORT__INIT, *ports[] = { &port };
	Ew__ConnPac pac = EW__CONN_PAC__INIT;
	Ew__PacOrigin origins[] = { EW__PAC_ORIGIN__PAC_URL };
	char url[] = URL, target_url[] = "https://c.example", ifname[] = "eth0";
	char *urls[] = { url };
	uint8_t packed[256];

	pac.urls = urls;
	pac.origins = origins;
	pac.n_urls = pac.n_origins = 1;
	port.ifname = ifname;
	port.pac = &pac;
	target.url = target_url;
	request.targets = targets;
	request.ports = ports;
	request.n_targets = request.n_ports = 1;
	request.deadline_ms = 60000;
	assert_true(ew__conn_request__get_packed_size(&request) <= sizeof(packed));
	return ew__conn_request__unpack(NULL, ew__conn_request__pack(&request, packed), packed);
}

static void on_run(Ew__ConnRequest *request, const struct conn_result *failure, const char *trace,
		   void *arg)
{
	struct conn_result *ret_failure = arg;

	assert_true(!failure == !ret_failure);
	snprintf(traced, sizeof(traced), "%s", trace);
	if (failure && ret_failure) {
		*ret_failure = *failure;
	} else {
		assert_int_equal(request->ports[0]->n_ways, 1);
		ew__conn_request__free_unpacked(request, NULL);
	}
	event_base_loopbreak(base);
}

static void run_fails(struct conn_result *ret)
{
	pac_run_start(pacs, "a", request_new(), on_run, ret);
	assert_int_equal(event_base_dispatch(base), 0);
}

static void run(void)
{
	run_fails(NULL);
}

static void only_a_file_that_is_too_old_is_called_old(void **state)
{
	(void)state;
	evaluator_tells("DIRECT");
	loader_tells_file("isInNet", 3600);
	run();
	expect_error("");
	program_is(loader, "exit 1"); /* it was asked for names only */
	run();
	expect_error("");
	loader_tells_file("isInNet", 0);
	pacs_drop_others(pacs, "a", "");
	run();
	program_is(loader, "exit 1");
	run();
	expect_error("an old one is asked: the test program failed");
}

/* The file comes from a server that is nobody's: who asks it has no key to lose. */
static void who_fetches_a_file_is_handed_neither_key_nor_targets(void **state)
{
	_cleanup_(freep) char *path = xasprintf("%s/asked", dir), *script = NULL, *asked = NULL;
	Ew__ConnRequest *request = request_new(), *told;
	char roots[] = "/roots", key[] = "/key";
	size_t len;

	(void)state;
	evaluator_tells("DIRECT");
	loader_tells_file("text", 60);
	script = xasprintf("dd bs=65536 count=1 of=%s 2>/dev/null; cat %s.frame >&0", path, loader);
	program_is(loader, script);
	request->roots_file = xstrdup(roots);
	request->cert_file = xstrdup(key);
	request->key_file = xstrdup(key);
	pac_run_start(pacs, "a", request, on_run, NULL);
	assert_int_equal(event_base_dispatch(base), 0);
	expect_error("");
	assert_int_equal(file_read(path, 65536, &asked, &len), 0);
	told = ew__conn_request__unpack(NULL, len - CONN_WIRE_HEAD,
					(const uint8_t *)asked + CONN_WIRE_HEAD);
	assert_non_null(told);
	assert_int_equal(told->n_targets, 0);
	assert_string_equal(told->roots_file, roots);
	assert_string_equal(told->cert_file, "");
	assert_string_equal(told->key_file, "");
	assert_int_equal(told->deadline_ms, 60000);
	assert_string_equal(told->ports[0]->pac->urls[0], URL);
	ew__conn_request__free_unpacked(told, NULL);
}

static void what_was_done_to_fetch_a_file_in_vain_is_told(void **state)
{
	_cleanup_(strbuf_fini) struct strbuf frames = STRBUF_INIT;
	_cleanup_(freep) char *path = xasprintf("%s.frame", loader);
	_cleanup_(freep) char *script = xasprintf("cat %s >&0", path);
	Ew__ConnReport report = EW__CONN_REPORT__INIT;
	Ew__ConnVerdict verdict = EW__CONN_VERDICT__INIT;
	struct conn_result failure = { .outcome = CONN_OK };
	char trace[] = "first\nsecond\n", why[] = "silent";

	(void)state;
	verdict.outcome = EW__TEST_OUTCOME__TEST_FAILED;
	verdict.stage = EW__TEST_STAGE__TEST_STAGE_TCP;
	verdict.why = why;
	report.said_case = EW__CONN_REPORT__SAID_VERDICT;
	report.verdict = &verdict;
	conn_wire_add(&report.base, &frames);
	report.said_case = EW__CONN_REPORT__SAID_TRACE;
	report.trace = trace;
	conn_wire_add(&report.base, &frames);
	assert_int_equal(file_replace_volatile(path, frames.str, frames.len, 0644), 0);
	program_is(loader, script);
	run_fails(&failure);
	assert_string_equal(failure.why, "silent");
	assert_string_equal(traced, trace);
}

/* As of a round: nim/conn/conn_helper.h. */
static void loader_that_cannot_begin_says_nothing_of_its_port(void **state)
{
	Ew__ConnReport report = EW__CONN_REPORT__INIT;
	struct conn_result failure = { .outcome = CONN_OK };
	char why[] = "/config/device.key.pem: not PEM, or not to be read";

	(void)state;
	report.said_case = EW__CONN_REPORT__SAID_FAILURE;
	report.failure = why;
	program_tells(loader, &report.base);
	run_fails(&failure);
	assert_int_equal(failure.outcome, CONN_UNTESTED);
	assert_string_equal(failure.why, why);
}

/* It may be of a candidate alone. */
static void round_takes_longer_for_a_file_of_the_configuration_it_is_over(void **state)
{
	static struct nim_config other;

	(void)state;
	assert_int_equal(pacs_take_s(&config, 20), 30);
	assert_int_equal(pacs_take_s(&other, 20), 0);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(file_that_is_fetched_and_not_asked_yet_has_no_error),
		T(what_is_known_of_another_source_is_not_told),
		T(only_a_file_that_is_too_old_is_called_old),
		T(who_fetches_a_file_is_handed_neither_key_nor_targets),
		T(round_takes_longer_for_a_file_of_the_configuration_it_is_over),
		T(what_was_done_to_fetch_a_file_in_vain_is_told),
		T(loader_that_cannot_begin_says_nothing_of_its_port),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
