/* SPDX-License-Identifier: Apache-2.0 */
/* The node's firewall as nim wants it, and what switches it. */
#include "tests/unit/golden.h"

#include "config.pb-c.h"
#include "nim/firewall/firewall.h"
#include "nim/intent.h"

#define KEY "ssh-ed25519 AAAA tech"

static struct nim_port port(const char *ifname, uint8_t number)
{
	struct nim_port p = { .number = number, .is_l3 = true };

	snprintf(p.label, sizeof(p.label), "port-%s", ifname);
	if (ifname[0])
		assert_int_equal(ifname_parse(ifname, &p.ifname), 0);
	return p;
}

static void add_firewall(struct strbuf *out, const struct nim_switches *switches)
{
	struct nim_config *config = xcalloc(1, sizeof(*config));

	config->ports[0] = port("eth0", 1);
	config->nports = 1;
	golden_graph(nim_intent_firewall(config, switches), out);
	free(config);
}

static void add_list(struct strbuf *out, const struct nim_switches *switches)
{
	struct nim_firewall_rule rules[NIM_FIREWALL_RULES];
	unsigned int n = nim_firewall_rules(switches, rules);

	for (unsigned int i = 0; i < n; i++)
		strbuf_addf(out, "%s: %s, %s rule %u\n", rules[i].name, rules[i].verdict,
			    rules[i].chain, rules[i].index);
}

static void rules_are_as_drawn(void **state)
{
	const struct nim_switches closed = { 0 },
				  open = { .ssh_keys = (char *)KEY "\n", .vnc = true };
	struct strbuf out = STRBUF_INIT;

	(void)state;
	add_firewall(&out, &closed);
	add_list(&out, &closed);
	strbuf_add(&out, "\nopen:\n");
	add_firewall(&out, &open);
	add_list(&out, &open);
	golden_text("nim_firewall", strbuf_str(&out));
	strbuf_fini(&out);
}

static void without_ports_there_is_no_table(void **state)
{
	struct nim_config *config = xcalloc(1, sizeof(*config));
	struct strbuf out = STRBUF_INIT;

	(void)state;
	golden_graph(nim_intent_firewall(config, &(struct nim_switches){ .vnc = true }), &out);
	assert_string_equal(strbuf_str(&out), "");
	strbuf_fini(&out);
	free(config);
}

static char *elements(const struct nim_port *p)
{
	struct dp_graph *g = dp_graph_new("port");
	struct strbuf out = STRBUF_INIT;

	nim_firewall_port(g, p);
	golden_graph(g, &out);
	return strbuf_take(&out);
}

static void port_without_a_number_is_guarded_too(void **state)
{
	const struct nim_port p = port("eth0", 0), q = port("eth0", 3);
	_cleanup_(freep) char *plain = elements(&p), *numbered = elements(&q);

	(void)state;
	assert_string_equal(plain,
			    "nft_elems inet/edgeway-nim/ports@eth0 elements=1 { \"eth0\" }\n");
	assert_non_null(strstr(numbered, "port_marks@eth0 elements=1 { \"eth0\" : 0x3000000 }"));
}

static void port_without_an_interface_has_nothing_to_guard(void **state)
{
	const struct nim_port p = port("", 1);
	_cleanup_(freep) char *none = elements(&p);

	(void)state;
	assert_true(!none || !none[0]);
}

/* Whatever is wrong with it, its link may be up. */
static void bad_port_is_guarded_and_not_set_up(void **state)
{
	struct nim_config *config = xcalloc(1, sizeof(*config));
	struct nim_facts *facts = xcalloc(1, sizeof(*facts));
	struct nim_view *view = xcalloc(1, sizeof(*view));
	struct strbuf out = STRBUF_INIT;

	(void)state;
	config->ports[0] = port("eth0", 0);
	strcpy(config->ports[0].error, "bad address: x");
	config->nports = 1;
	golden_graph(nim_intent_port(config, facts, view, 0), &out);
	assert_string_equal(strbuf_str(&out),
			    "nft_elems inet/edgeway-nim/ports@eth0 elements=1 { \"eth0\" }\n");
	strbuf_fini(&out);
	free(config);
	free(facts);
	free(view);
}

/* ---- Switches ---- */

static bool load(struct nim_switches *s, const char *ssh, const char *vnc)
{
	Ew__GlobalConfig__ItemsEntry entry[3], *items[3] = { &entry[0], &entry[1], &entry[2] };
	const char *const keys[] = { "something.else", "debug.enable.ssh", "app.allow.vnc" };
	const char *const values[] = { "1", ssh, vnc };
	Ew__GlobalConfig msg = EW__GLOBAL_CONFIG__INIT;

	msg.items = items;
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		if (!values[i])
			continue;
		ew__global_config__items_entry__init(&entry[msg.n_items]);
		entry[msg.n_items].key = (char *)keys[i];
		entry[msg.n_items++].value = (char *)values[i];
	}
	return nim_switches_load(s, &msg);
}

static void keys_open_ssh_and_nothing_else_does(void **state)
{
	static const char *const none[] = { NULL, "", "none", "None", " \n" };
	struct nim_switches s = { 0 };

	(void)state;
	nim_switches_load(&s, NULL); /* the defaults */
	for (size_t i = 0; i < ARRAY_SIZE(none); i++) {
		assert_false(load(&s, none[i], NULL));
		assert_null(s.ssh_keys);
	}
	assert_true(load(&s, KEY, NULL));
	assert_string_equal(s.ssh_keys, KEY "\n");
	assert_false(load(&s, KEY "\n", NULL));
	assert_true(load(&s, KEY "\n" KEY, NULL));
	assert_false(s.vnc);
	assert_true(nim_switches_load(&s, NULL));
	assert_null(s.ssh_keys);
}

static void vnc_is_a_plain_switch(void **state)
{
	static const char *const on[] = { "true", "True", "t", "1" };
	static const char *const off[] = { "false", "0", "F", NULL };
	struct nim_switches s = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(on); i++) {
		assert_true(load(&s, NULL, on[i]));
		assert_true(s.vnc);
		assert_true(load(&s, NULL, off[i]));
		assert_false(s.vnc);
	}
	assert_null(s.ssh_keys);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rules_are_as_drawn),
		cmocka_unit_test(without_ports_there_is_no_table),
		cmocka_unit_test(port_without_a_number_is_guarded_too),
		cmocka_unit_test(port_without_an_interface_has_nothing_to_guard),
		cmocka_unit_test(bad_port_is_guarded_and_not_set_up),
		cmocka_unit_test(keys_open_ssh_and_nothing_else_does),
		cmocka_unit_test(vnc_is_a_plain_switch),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
