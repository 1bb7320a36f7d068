/* SPDX-License-Identifier: Apache-2.0 */
/* What edgeway netdump leaves out of its texts. */
#include "cmd/edgeway/redact.h"
#include "tests/unit/golden.h"

static void becomes(const char *text, const char *want)
{
	struct strbuf out = STRBUF_INIT;

	redact(text, strlen(text), &out);
	assert_string_equal(strbuf_str(&out), want);
	strbuf_fini(&out);
}

static void values_of_secret_names_are_stars(void **state)
{
	(void)state;
	becomes("{\"wifiPassword\": \"x\\\"y\", \"ssid\": \"lab\"}",
		"{\"wifiPassword\": \"***\", \"ssid\": \"lab\"}");
	becomes("psk=0123 ssid=lab", "psk=*** ssid=lab");
	becomes("client --password abc --port 5", "client --password *** --port 5");
	becomes("proxy.password : abc,next", "proxy.password : ***,next");
	becomes("\"tokens\":[\"a\",{\"b\":\"]\"}],\"c\":1", "\"tokens\":\"***\",\"c\":1");
	becomes("{\"clientSecret\": {\"a\": 1}}", "{\"clientSecret\": \"***\"}");
}

static void names_without_a_value_and_values_that_hide_nothing_stay(void **state)
{
	(void)state;
	becomes("\"password\": \"\", \"hasSecret\": true, \"psk\": null",
		"\"password\": \"\", \"hasSecret\": true, \"psk\": null");
	becomes("the password is wrong", "the password is wrong");
	becomes("password:", "password:");
	becomes("password", "password");
	becomes("\"key\": \"eth0/192.0.2.1/24\"", "\"key\": \"eth0/192.0.2.1/24\"");
}

static void keys_are_stars_wherever_they_stand(void **state)
{
	(void)state;
	becomes("\"debug.enable.ssh\": \"ssh-ed25519 "
		"AAAAC3NzaC1lZDI1NTE5AAAAIGJ1dCBub3QgYSByZWFsIG9uZSBhdCBhbGwh me@here\"",
		"\"debug.enable.ssh\": \"ssh-ed25519 *** me@here\"");
	becomes("a -----BEGIN RSA PRIVATE KEY-----\nMII\n-----END RSA PRIVATE KEY----- b",
		"a *** b");
	becomes("-----BEGIN PRIVATE KEY-----\\nMII", "***");
	becomes("\"x\\n-----BEGIN PRIVATE KEY-----\\nMII\\n-----END PRIVATE KEY-----\\n\"",
		"\"x\\n***\\n\"");
	becomes("AAAA and AAAABBBB", "AAAA and AAAABBBB");
}

static void users_of_urls_are_stars(void **state)
{
	(void)state;
	becomes("http://me:pass@proxy:3128/x", "http://***@proxy:3128/x");
	becomes("http://me:p@ss@proxy:3128", "http://***@proxy:3128");
	becomes("http://proxy:3128/x@y", "http://proxy:3128/x@y");
	becomes("a://", "a://");
}

static void what_was_left_out_does_not_hide_the_rest(void **state)
{
	(void)state;
	becomes("http://me:s-----BEGIN A------END A-----t@proxy/", "http://***@proxy/");
}

static void text_without_secrets_stays_as_it_is(void **state)
{
	static const char text[] = "2: eth0: <UP> mtu 1500\n\tlink/ether 02:a7 \"x\" \xff [1] {}\n";

	(void)state;
	becomes(text, text);
	becomes("", "");
}

static void secrets_that_are_cut_off_are_stars_too(void **state)
{
	(void)state;
	becomes("\"psk\": \"012", "\"psk\": \"***");
	becomes("\"psk\": \"012\\", "\"psk\": \"***");
	becomes("\"psk\": [\"012", "\"psk\": \"***\"");
	becomes("\"psk\": [\"012\\", "\"psk\": \"***\"");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_of_secret_names_are_stars),
		cmocka_unit_test(names_without_a_value_and_values_that_hide_nothing_stay),
		cmocka_unit_test(keys_are_stars_wherever_they_stand),
		cmocka_unit_test(users_of_urls_are_stars),
		cmocka_unit_test(what_was_left_out_does_not_hide_the_rest),
		cmocka_unit_test(text_without_secrets_stays_as_it_is),
		cmocka_unit_test(secrets_that_are_cut_off_are_stars_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
