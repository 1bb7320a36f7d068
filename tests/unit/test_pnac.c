/* SPDX-License-Identifier: Apache-2.0 */
/* The pure halves of 802.1X: files, state, what runs, and when the DHCP client asks again. */
#include "tests/unit/golden.h"

#include <errno.h>

#include "base/cleanup.h"
#include "dataplane/dp.h"
#include "nim/pnac/pnac.h"
#include "nim/pnac/pnac_reacquire.h"
#include "tests/unit/cert_samples.h"

#define KEY "-----BEGIN PRIVATE KEY-----\nx\n-----END PRIVATE KEY-----\n"
#define IN_2026 1780000000

/* ---- Files ---- */

static const struct pnac_texts good = { .cert = cert_named, .key = KEY, .ca = cert_far };

static struct pnac_files judge(const struct pnac_texts *texts)
{
	struct pnac_files files;

	pnac_files_judge(texts, "/state/pnac/factory", &files);
	return files;
}

static void each_fault_of_the_files_is_named_with_its_file(void **state)
{
	struct pnac_texts missing = good, unreadable = good, no_cert = good, no_key = good,
			  bad_ca = good;

	(void)state;
	assert_string_equal(judge(&good).error, "");
	missing.key = NULL;
	missing.key_error = -ENOENT;
	assert_string_equal(judge(&missing).error, "/state/pnac/factory/client-key.pem: missing");
	unreadable.cert = NULL;
	unreadable.cert_error = -EACCES;
	assert_string_equal(judge(&unreadable).error,
			    "/state/pnac/factory/client-cert.pem: Permission denied");
	no_cert.cert = KEY;
	assert_string_equal(judge(&no_cert).error,
			    "/state/pnac/factory/client-cert.pem: holds no certificate");
	no_key.key = cert_named;
	assert_string_equal(judge(&no_key).error, "/state/pnac/factory/client-key.pem: holds no "
						  "private key without password");
	bad_ca.ca = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";
	assert_string_equal(judge(&bad_ca).error,
			    "/state/pnac/factory/ca.pem: holds a damaged certificate");
	/* The configuration brings the CA's. */
	bad_ca.ca = NULL;
	assert_string_equal(judge(&bad_ca).error, "");
}

static void any_change_of_a_file_is_noticed(void **state)
{
	struct pnac_texts other = good;

	(void)state;
	other.key = KEY "\n";
	assert_int_not_equal(judge(&good).hash, judge(&other).hash);
}

static void expiry_is_told_by_date_and_only_with_a_clock_that_is_set(void **state)
{
	const struct pnac_files files = judge(&good);
	char why[WPA_WHY];

	(void)state;
	pnac_expiry(&files, "f", IN_2026, why);
	assert_string_equal(why, "");
	assert_int_equal(pnac_expiry_in(&files, IN_2026), files.cert.not_after_s + 1 - IN_2026);
	pnac_expiry(&files, "f", files.cert.not_after_s + 1, why);
	assert_string_equal(why, "f/client-cert.pem: expired on 2027-01-01T00:00:00Z");
	assert_int_equal(pnac_expiry_in(&files, files.cert.not_after_s + 1), -1);
	pnac_expiry(&files, "f", files.cert.not_before_s - 1, why);
	assert_string_equal(why, "f/client-cert.pem: not valid before 2026-01-01T00:00:00Z");
	pnac_expiry(&files, "f", 86400, why);
	assert_string_equal(why, "");
}

static void identity_is_the_configured_one_or_the_common_name_or_the_uri(void **state)
{
	struct nim_port port = { 0 };
	struct cert cert = judge(&good).cert;

	(void)state;
	assert_string_equal(pnac_identity(&port, &cert), "edge-7.example");
	cert.common_name[0] = '\0';
	assert_string_equal(pnac_identity(&port, &cert), "urn:edge:7");
	strcpy(port.pnac_identity, "chosen");
	assert_string_equal(pnac_identity(&port, &cert), "chosen");
}

/* ---- What wpa_supplicant says ---- */

static enum wpa_event event(struct pnac *p, const char *text)
{
	char why[WPA_WHY] = "";
	enum wpa_event e = wpa_event_parse(text, strlen(text), why);

	pnac_take_event(p, e, why, 1234);
	return e;
}

static enum pnac_change status(struct pnac *p, const char *pae, const char *port, const char *eap,
			       bool has_address)
{
	_cleanup_(freep) char *text = xasprintf(
		"bssid=01:80:c2:00:00:03\nssid=\nwpa_state=ASSOCIATED\nSupplicant PAE state=%s\n"
		"suppPortStatus=%s\nEAP state=%s\nuuid=x\n",
		pae, port, eap);
	struct wpa_status s;

	assert_int_equal(wpa_status_parse(text, strlen(text), &s), 0);
	return pnac_take_status(p, &s, has_address);
}

static void a_round_that_fails_keeps_its_first_reason_until_one_succeeds(void **state)
{
	struct pnac p = { 0 };

	(void)state;
	assert_int_equal(event(&p, "<3>CTRL-EVENT-EAP-STARTED EAP authentication started"),
			 WPA_EVENT_STARTED);
	assert_int_equal(event(&p, "<3>CTRL-EVENT-EAP-TLS-CERT-ERROR reason=1 depth=1 "
				   "subject='/CN=it's ca' err='self signed'"),
			 WPA_EVENT_TROUBLE);
	event(&p, "<3>CTRL-EVENT-EAP-STATUS status='local TLS alert' parameter='unknown CA'");
	assert_string_equal(p.error, "");
	assert_int_equal(event(&p, "<3>CTRL-EVENT-EAP-FAILURE EAP authentication failed"),
			 WPA_EVENT_FAILURE);
	assert_string_equal(p.error,
			    "the authenticator's certificate /CN=it's ca is refused: self signed");
	event(&p, "<3>CTRL-EVENT-EAP-STARTED EAP authentication started");
	event(&p, "<3>CTRL-EVENT-EAP-FAILURE EAP authentication failed");
	assert_string_equal(p.error, "refused by the authenticator, without a reason");
	assert_int_equal(event(&p, "<3>CTRL-EVENT-EAP-SUCCESS EAP authentication completed"),
			 WPA_EVENT_SUCCESS);
	assert_string_equal(p.error, "");
	assert_int_equal(p.last_auth_ms, 1234);
}

static void reasons_are_told_in_words(void **state)
{
	struct pnac p = { 0 };

	(void)state;
	event(&p,
	      "<3>CTRL-EVENT-EAP-STATUS status='remote TLS alert' parameter='certificate expired'");
	assert_string_equal(p.why,
			    "the authenticator refuses the certificate: certificate expired");
	p.why[0] = '\0';
	event(&p, "<3>CTRL-EVENT-EAP-PROPOSED-METHOD vendor=0 method=25 -> NAK");
	assert_string_equal(p.why, "the authenticator wants EAP method 25, not TLS");
	p.why[0] = '\0';
	event(&p, "<3>CTRL-EVENT-EAP-STATUS status='remote TLS alert' parameter='\033[2J\n'");
	assert_string_equal(p.why, "the authenticator refuses the certificate: ?[2J?");
}

static void states_have_eves_numbers(void **state)
{
	static const struct {
		const char *pae, *eap;
		enum pnac_state state;
	} rows[] = {
		{ "DISCONNECTED", "DISABLED", 1 }, { "CONNECTING", "IDLE", 2 },
		{ "AUTHENTICATING", "IDLE", 3 },   { "AUTHENTICATED", "SUCCESS", 4 },
		{ "CONNECTING", "FAILURE", 5 },	   { "HELD", "FAILURE", 6 },
		{ "something new", "IDLE", 1 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct pnac p = { 0 };

		status(&p, rows[i].pae, "Unauthorized", rows[i].eap, false);
		assert_int_equal(p.state, rows[i].state);
	}
}

static void another_round_of_an_authorized_port_is_no_change(void **state)
{
	struct pnac p = { 0 };

	(void)state;
	assert_int_equal(status(&p, "CONNECTING", "Unauthorized", "IDLE", false), PNAC_CHANGED);
	assert_int_equal(status(&p, "AUTHENTICATED", "Authorized", "SUCCESS", false), PNAC_MOVED);
	assert_int_equal(status(&p, "AUTHENTICATING", "Authorized", "IDLE", true), PNAC_SAME);
	assert_int_equal(status(&p, "AUTHENTICATED", "Authorized", "SUCCESS", true), PNAC_SAME);
	assert_int_equal(status(&p, "HELD", "Unauthorized", "FAILURE", true), PNAC_MOVED);
}

static void what_was_authorized_before_nim_started_has_not_moved(void **state)
{
	struct pnac adopted = { 0 }, quick = { 0 };

	(void)state;
	assert_int_equal(status(&adopted, "AUTHENTICATED", "Authorized", "SUCCESS", true),
			 PNAC_CHANGED);
	/* It was quicker than we, and the DHCP client waits for its next attempt. */
	assert_int_equal(status(&quick, "AUTHENTICATED", "Authorized", "SUCCESS", false),
			 PNAC_MOVED);
}

static void answers_that_are_none_are_refused(void **state)
{
	static const char mib[] =
		"dot1xSuppPaeState=5\ndot1xSuppEapolFramesRx=18446744073709551615\n"
		"dot1xSuppEapolStartFramesTx=3\ndot1xSuppEapolFramesTx\n";
	struct wpa_status s;
	struct wpa_mib m;

	(void)state;
	assert_int_equal(wpa_status_parse("UNKNOWN COMMAND\n", 16, &s), -EINVAL);
	assert_int_equal(wpa_status_parse("", 0, &s), -EINVAL);
	assert_int_equal(wpa_mib_parse("FAIL\n", 5, &m), -EINVAL);
	assert_int_equal(wpa_mib_parse(mib, sizeof(mib) - 1, &m), 0);
	assert_true(m.frames_rx == UINT64_MAX && m.start_tx == 3 && m.frames_tx == 0);
}

static void a_failure_nobody_heard_of_is_asked_for_once(void **state)
{
	struct pnac p = { 0 };

	(void)state;
	status(&p, "CONNECTING", "Unauthorized", "IDLE", false);
	assert_false(pnac_asks_why(&p));
	status(&p, "HELD", "Unauthorized", "FAILURE", false);
	assert_true(pnac_asks_why(&p));
	assert_false(pnac_asks_why(&p));
	event(&p, "<3>CTRL-EVENT-EAP-FAILURE EAP authentication failed");
	assert_false(pnac_asks_why(&p));
	event(&p, "<3>CTRL-EVENT-EAP-SUCCESS EAP authentication completed");
	status(&p, "HELD", "Unauthorized", "FAILURE", false);
	assert_true(pnac_asks_why(&p));
}

/* ---- What runs ---- */

static void wpa_supplicant_is_configured_and_started_after_its_files(void **state)
{
	const struct pnac_dirs dirs = { "/run/edgeway", "/var/lib/edgeway", "nim" };
	struct nim_port port = {
		.label = "wan", .ifname = { "eth0" }, .pnac = true, .pnac_profile = "factory"
	};
	struct strbuf text = STRBUF_INIT;

	(void)state;
	pnac_conf(&dirs, &port, "edge-7.example", &text);
	assert_string_equal(strbuf_str(&text),
			    "ctrl_interface=DIR=/run/edgeway/nim/wpa\nap_scan=0\nfast_reauth=0\n"
			    "network={\n\tkey_mgmt=IEEE8021X\n\teap=TLS\n\teapol_flags=0\n"
			    "\tidentity=\"edge-7.example\"\n"
			    "\tca_cert=\"/var/lib/edgeway/pnac/factory/ca.pem\"\n"
			    "\tclient_cert=\"/var/lib/edgeway/pnac/factory/client-cert.pem\"\n"
			    "\tprivate_key=\"/var/lib/edgeway/pnac/factory/client-key.pem\"\n}\n");
	strbuf_reset(&text);
	port.pnac_ca = cert_far;
	pnac_conf(&dirs, &port, "a\"b\n", &text);
	assert_non_null(strstr(strbuf_str(&text), "\tidentity=6122620a\n"));
	assert_non_null(strstr(strbuf_str(&text),
			       "\tca_cert=\"/run/edgeway/nim/files/pnac/eth0.ca.pem\"\n"));
	strbuf_fini(&text);
}

/* ---- PNACDHCPReacquire ---- */

static struct prefix net(const char *s)
{
	struct prefix p = { 0 };

	if (*s)
		assert_int_equal(prefix_parse(s, &p), 0);
	return p;
}

static struct mono at(uint64_t ms)
{
	return (struct mono){ .ns = (1000 + ms) * 1000000 };
}

/* Runs until nothing is due; the moments of all requests. From move_ms on the subnet is another. */
static size_t run(struct pnac_reacquire *r, unsigned int retries, uint64_t move_ms,
		  uint64_t asked[16])
{
	const struct prefix one = net("192.0.2.0/24"), other = net("198.51.100.0/24");
	uint64_t ms = 0;
	size_t n = 0;

	pnac_reacquire_begin(r, &one, at(0), retries);
	for (int64_t due; (due = pnac_reacquire_due_ms(r, at(ms))) >= 0;) {
		ms += (uint64_t)due;
		if (pnac_reacquire_step(r, ms < move_ms ? &one : &other, at(ms), retries))
			asked[n++] = ms / 10 * 10;
		assert_true(n < 16 && ms < 2000000);
	}
	return n;
}

static void PNACDHCPReacquire_success(void **state)
{
	struct pnac_reacquire r;
	uint64_t asked[16];

	(void)state;
	assert_int_equal(run(&r, 4, 2500, asked),
			 2); /* at once, after 2 s; then it is another one */
	assert_true(asked[0] == 0 && asked[1] == 2000);
}

static void PNACDHCPReacquire_first_address_is_success_too(void **state)
{
	const struct prefix none = net(""), one = net("192.0.2.0/24");
	struct pnac_reacquire r;

	(void)state;
	pnac_reacquire_begin(&r, &none, at(0), 4);
	assert_true(pnac_reacquire_step(&r, &none, at(0), 4));
	assert_false(pnac_reacquire_step(&r, &one, at(5), 4));
	assert_int_equal(pnac_reacquire_due_ms(&r, at(5)), -1);
}

static void PNACDHCPReacquire_max_retries(void **state)
{
	static const uint64_t four[] = { 0, 2000, 6000, 14000, 30000 };
	struct pnac_reacquire r;
	uint64_t asked[16];

	(void)state;
	assert_int_equal(run(&r, 4, UINT64_MAX, asked), 5);
	assert_memory_equal(asked, four, sizeof(four));
	assert_int_equal(run(&r, 8, UINT64_MAX, asked), 9);
	assert_int_equal(asked[8], 510000);
}

static void PNACDHCPReacquire_disabled(void **state)
{
	struct pnac_reacquire r;
	uint64_t asked[16];

	(void)state;
	assert_int_equal(run(&r, 0, UINT64_MAX, asked), 0);
}

static void PNACDHCPReacquire_pnac_removed_meanwhile(void **state)
{
	const struct prefix one = net("192.0.2.0/24");
	struct pnac_reacquire r;

	(void)state;
	pnac_reacquire_begin(&r, &one, at(0), 4);
	assert_true(pnac_reacquire_step(&r, &one, at(0), 4));
	r = (struct pnac_reacquire){ 0 }; /* it goes with its port */
	assert_int_equal(pnac_reacquire_due_ms(&r, at(2000)), -1);
	assert_false(pnac_reacquire_step(&r, &one, at(9000), 4));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_fault_of_the_files_is_named_with_its_file),
		cmocka_unit_test(any_change_of_a_file_is_noticed),
		cmocka_unit_test(expiry_is_told_by_date_and_only_with_a_clock_that_is_set),
		cmocka_unit_test(identity_is_the_configured_one_or_the_common_name_or_the_uri),
		cmocka_unit_test(a_round_that_fails_keeps_its_first_reason_until_one_succeeds),
		cmocka_unit_test(reasons_are_told_in_words),
		cmocka_unit_test(states_have_eves_numbers),
		cmocka_unit_test(another_round_of_an_authorized_port_is_no_change),
		cmocka_unit_test(what_was_authorized_before_nim_started_has_not_moved),
		cmocka_unit_test(a_failure_nobody_heard_of_is_asked_for_once),
		cmocka_unit_test(answers_that_are_none_are_refused),
		cmocka_unit_test(wpa_supplicant_is_configured_and_started_after_its_files),
		cmocka_unit_test(PNACDHCPReacquire_success),
		cmocka_unit_test(PNACDHCPReacquire_first_address_is_success_too),
		cmocka_unit_test(PNACDHCPReacquire_max_retries),
		cmocka_unit_test(PNACDHCPReacquire_disabled),
		cmocka_unit_test(PNACDHCPReacquire_pnac_removed_meanwhile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
