/* SPDX-License-Identifier: Apache-2.0 */
/* What nim and conn-test say to each other: what is asked, and what nim believes of the answers. */
#include "tests/unit/golden.h"

#include <errno.h>

#include "base/arena.h"
#include "base/pbjson.h"
#include "config.pb-c.h"
#include "conntest.pb-c.h"
#include "conntest/wire.h"
#include "nim/conn/conn_request.h"
#include "tests/unit/addresses.h"

/* ---- Frames ---- */

static void frame_comes_whole_or_not_at_all(void **state)
{
	Ew__ConnReport report = EW__CONN_REPORT__INIT;
	struct strbuf frame = STRBUF_INIT;

	(void)state;
	report.port = 3;
	report.said_case = EW__CONN_REPORT__SAID_WARNING;
	report.warning = xstrdup("w");
	conn_wire_add(&report.base, &frame);
	for (size_t i = 0; i < frame.len; i++)
		assert_int_equal(conn_wire_next((const uint8_t *)frame.str, i), 0);
	assert_int_equal(conn_wire_next((const uint8_t *)frame.str, frame.len), frame.len);
	strbuf_add(&frame, "more");
	assert_int_equal(conn_wire_next((const uint8_t *)frame.str, frame.len), frame.len - 4);
	strbuf_fini(&frame);
	free(report.warning);
}

static void frame_that_is_too_long_is_nonsense_at_once(void **state)
{
	const uint8_t most[] = { 0, 0x20, 0, 0 }, more[] = { 0, 0x20, 0, 1 },
		      all[] = { 255, 255, 255, 255 };

	(void)state;
	assert_int_equal(conn_wire_next(most, sizeof(most)), 0);
	assert_int_equal(conn_wire_next(more, sizeof(more)), -EMSGSIZE);
	assert_int_equal(conn_wire_next(all, sizeof(all)), -EMSGSIZE);
}

/* ---- Settings ---- */

static void items_choose_urls_and_deadline(void **state)
{
	Ew__GlobalConfig__ItemsEntry entries[3], *list[3];
	Ew__GlobalConfig msg = EW__GLOBAL_CONFIG__INIT;
	static const char *const texts[][2] = {
		{ "timer.port.timeout", "3" },
		{ "timer.port.testinterval", "600" },
		{ "edgeway.probe.urls", "http://a.example, https://b.example/x" },
	};
	struct conn_items items;

	(void)state;
	conn_items_load(NULL, &items);
	assert_int_equal(items.deadline_s, 15);
	assert_int_equal(items.interval_s, 300);
	assert_int_equal(items.nurls, 0);
	for (size_t i = 0; i < ARRAY_SIZE(list); i++) {
		ew__global_config__items_entry__init(&entries[i]);
		entries[i].key = xstrdup(texts[i][0]);
		entries[i].value = xstrdup(texts[i][1]);
		list[i] = &entries[i];
	}
	msg.items = list;
	msg.n_items = ARRAY_SIZE(list);
	conn_items_load(&msg, &items);
	assert_int_equal(items.deadline_s, 3);
	assert_int_equal(items.interval_s, 600);
	assert_int_equal(items.nurls, 2);
	assert_string_equal(items.urls[1], "https://b.example/x");
	for (size_t i = 0; i < ARRAY_SIZE(list); i++) {
		free(entries[i].key);
		free(entries[i].value);
	}
}

static void controller_is_a_host_and_perhaps_a_port(void **state)
{
	static const char *const bad[] = { "",	   " \n",      "a b",	   "https://a/",
					   "a/b",  "a:0",      "user@a",   "a\nb\n",
					   "[::1", "a:8443/p", "a?x=/api", "a#" };
	char url[HTTP_URL_MAX] = "before";

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (conn_controller_url(bad[i], url) != -EINVAL)
			fail_msg("%s", bad[i]);
	assert_string_equal(url, "before");
	assert_int_equal(conn_controller_url(" c.example:8443\r\n", url), 0);
	assert_string_equal(url, "https://c.example:8443/api/v2/edgedevice/ping");
	assert_int_equal(conn_controller_url("[2001:db8::1]", url), 0);
	assert_string_equal(url, "https://[2001:db8::1]/api/v2/edgedevice/ping");
}

/* ---- Request ---- */

static void request_has_what_each_port_needs_and_no_more(void **state)
{
	struct nim_config *config = xcalloc(1, sizeof(*config));
	struct nim_facts *facts = xcalloc(1, sizeof(*facts));
	struct nim_view *view = xcalloc(1, sizeof(*view));
	struct conn_settings settings = { .items.deadline_s = 4 };
	const unsigned int asked[] = { 1 };
	struct arena arena = { 0 };
	Ew__ConnRequest *request;
	const char *const addrs[] = { "192.0.2.7/24", "192.0.2.8/24", "2001:db8::7/64" };

	(void)state;
	config->nports = 2;
	strcpy(config->ports[1].ifname.str, "eth1");
	config->ports[1].dns[config->ports[1].ndns++] = address("192.0.2.53");
	for (size_t i = 0; i < ARRAY_SIZE(addrs); i++) {
		struct prefix p = prefix(addrs[i]);

		nim_iface_add_addr(&facts->ifaces[1], &p);
	}
	view->ports[1].good4 = true; /* and no router of IPv6: that is no fault */
	view->ports[1].gateway4 = address("192.0.2.1");
	strcpy(settings.items.urls[settings.items.nurls++], "http://p.example/");
	request =
		conn_request(&(struct conn_ports){ .config = config, .facts = facts, .view = view },
			     asked, 1, &settings, &arena);
	assert_int_equal(request->deadline_ms, 4000);
	assert_int_equal(request->n_targets, 1);
	assert_false(request->targets[0]->controller);
	assert_int_equal(request->n_ports, 1);
	assert_string_equal(request->ports[0]->ifname, "eth1");
	assert_int_equal(request->ports[0]->n_addresses, 2);
	assert_string_equal(request->ports[0]->addresses[1], "192.0.2.8");
	assert_int_equal(request->ports[0]->n_gateways, 1);
	assert_string_equal(request->ports[0]->dns_servers[0], "192.0.2.53");
	strcpy(settings.controller, "https://c.example/ping"); /* goes before what is probed */
	request =
		conn_request(&(struct conn_ports){ .config = config, .facts = facts, .view = view },
			     asked, 1, &settings, &arena);
	assert_int_equal(request->n_targets, 1);
	assert_true(request->targets[0]->controller);
	assert_string_equal(request->targets[0]->url, "https://c.example/ping");
	assert_int_equal(strncmp(request->targets[0]->headers[0], "X-Request-Id: ", 14), 0);
	arena_fini(&arena);
	free(config);
	free(facts);
	free(view);
}

/* ---- Reports ---- */

static int read_report(const char *json, struct conn_report *ret)
{
	_cleanup_(freep) char *text = xstrdup(json);
	_cleanup_(freep) uint8_t *bytes = NULL;
	struct pbjson_error err;
	ProtobufCMessage *msg = NULL;
	size_t len;
	int r;

	for (char *c = text; *c; c++)
		if (*c == '\'')
			*c = '"';
	if (pbjson_parse(&ew__conn_report__descriptor, text, strlen(text), &msg, &err) < 0)
		fail_msg("%s: %s", err.pointer, err.why);
	len = protobuf_c_message_get_packed_size(msg);
	bytes = xcalloc(1, len + 1);
	protobuf_c_message_pack(msg, bytes);
	protobuf_c_message_free_unpacked(msg, NULL);
	r = conn_report_read(bytes, len, 2, ret);
	return r;
}

static void sound_reports_are_taken(void **state)
{
	struct conn_report report;

	(void)state;
	assert_int_equal(read_report("{'port':1,'verdict':{'outcome':'TEST_OK','stage':"
				     "'TEST_STAGE_DONE','latency_ms':31,'target':'http://a'}}",
				     &report),
			 0);
	assert_int_equal(report.port, 1);
	assert_int_equal(report.result.outcome, CONN_OK);
	assert_int_equal(report.result.latency_ms, 31);
	assert_string_equal(report.reached.target, "http://a");
	assert_int_equal(read_report("{'warning':'IPv6\\n\\u001b[31m'}", &report), 0);
	assert_int_equal(report.kind, CONN_REPORT_WARNING);
	assert_string_equal(report.text, "IPv6??[31m"); /* it is to be logged and shown */
	assert_int_equal(read_report("{'failure':'no keys'}", &report), 0);
	assert_int_equal(report.kind, CONN_REPORT_FAILURE);
	assert_string_equal(report.text, "no keys");
	assert_int_equal(
		read_report("{'port':1,'peer':{'address':'2001:db8::1','port':443}}", &report), 0);
	assert_int_equal(report.kind, CONN_REPORT_PEER);
	assert_int_equal(report.port, 1);
	assert_int_equal(report.peer.addr.family, AF_INET6);
	assert_int_equal(report.peer.port, 443);
}

static void unsound_reports_are_refused(void **state)
{
	static const char *const bad[] = {
		"{'port':2,'warning':'of a port that was not asked for'}",
		"{'port':1}",
		"{'verdict':{}}",
		"{'verdict':{'outcome':'TEST_OK','stage':'TEST_STAGE_TLS'}}",
		"{'verdict':{'outcome':'TEST_FAILED','stage':'TEST_STAGE_DONE'}}",
		"{'verdict':{'outcome':'TEST_UNTESTED','stage':'TEST_STAGE_TCP'}}",
		"{'port':2,'peer':{'address':'192.0.2.1','port':443}}",
		"{'peer':{'address':'192.0.2.1','port':0}}",
		"{'peer':{'address':'192.0.2.1','port':65536}}",
		"{'peer':{'address':'web.example','port':443}}",
		"{'peer':{'port':443}}",
	};
	struct conn_report report;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (read_report(bad[i], &report) != -EBADMSG)
			fail_msg("%s", bad[i]);
	assert_int_equal(conn_report_read((const uint8_t *)"\xff\xff", 2, 2, &report), -EBADMSG);
}

static void numbers_that_are_no_outcome_or_stage_are_refused(void **state)
{
	static const int bad[][2] = { { 7, 4 }, { -1, 4 }, { 4, 8 }, { 4, -1 }, { 1, 70000 } };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		Ew__ConnReport msg = EW__CONN_REPORT__INIT;
		Ew__ConnVerdict verdict = EW__CONN_VERDICT__INIT;
		struct conn_report report;
		uint8_t bytes[64];

		verdict.outcome = (Ew__TestOutcome)bad[i][0];
		verdict.stage = (Ew__TestStage)bad[i][1];
		msg.said_case = EW__CONN_REPORT__SAID_VERDICT;
		msg.verdict = &verdict;
		assert_int_equal(
			conn_report_read(bytes, ew__conn_report__pack(&msg, bytes), 1, &report),
			-EBADMSG);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frame_comes_whole_or_not_at_all),
		cmocka_unit_test(frame_that_is_too_long_is_nonsense_at_once),
		cmocka_unit_test(items_choose_urls_and_deadline),
		cmocka_unit_test(controller_is_a_host_and_perhaps_a_port),
		cmocka_unit_test(request_has_what_each_port_needs_and_no_more),
		cmocka_unit_test(sound_reports_are_taken),
		cmocka_unit_test(unsound_reports_are_refused),
		cmocka_unit_test(numbers_that_are_no_outcome_or_stage_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
