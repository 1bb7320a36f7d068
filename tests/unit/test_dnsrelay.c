/* SPDX-License-Identifier: Apache-2.0 */
/* Whom dns-relay asks, and what it makes of DNS messages. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "dnsrelay/conf.h"
#include "dnsrelay/message.h"

/* ---- Configuration ---- */

static const char text[] = "domain plant.example\n"
			   "domain empty.example\n"
			   "server 192.0.2.1 eth0 0\n"
			   "server 192.0.2.2 eth0 0\n"
			   "server 2001:db8::1 eth1 10\n"
			   "server 10.0.0.1 eth2 200 plant.example\n"
			   "server 10.0.0.2 eth2 200 big.plant.example\n";

static struct dns_conf *parsed(const char *from)
{
	struct dns_conf *conf = xcalloc(1, sizeof(*conf));

	assert_int_equal(dns_conf_parse(from, conf), 0);
	return conf;
}

static const char *route(const struct dns_conf *conf, const char *name)
{
	return conf->domains[dns_conf_route(conf, name)];
}

static void name_goes_to_the_longest_domain_it_is_in(void **state)
{
	_cleanup_(freep) struct dns_conf *conf = parsed(text);

	(void)state;
	assert_string_equal(route(conf, "example.org"), "");
	assert_string_equal(route(conf, ""), "");
	assert_string_equal(route(conf, "plant.example"), "plant.example");
	assert_string_equal(route(conf, "a.b.PLANT.Example"), "plant.example");
	assert_string_equal(route(conf, "my-plant.example"), "");
	assert_string_equal(route(conf, "big.plant.example"), "big.plant.example");
	assert_string_equal(route(conf, "x.big.plant.example"), "big.plant.example");
	assert_string_equal(route(conf, "plant.example.org"), "");
}

static void tiers_come_in_order(void **state)
{
	_cleanup_(freep) struct dns_conf *conf = parsed(text);
	unsigned int plant = dns_conf_route(conf, "plant.example");

	(void)state;
	assert_int_equal(dns_conf_next_tier(conf, 0, -1), 0);
	assert_int_equal(dns_conf_next_tier(conf, 0, 0), 10);
	assert_int_equal(dns_conf_next_tier(conf, 0, 10), -1);
	assert_int_equal(dns_conf_next_tier(conf, plant, -1), 200);
	assert_int_equal(dns_conf_next_tier(conf, dns_conf_route(conf, "a.empty.example"), -1), -1);
}

static void empty_configuration_has_nobody_to_ask(void **state)
{
	_cleanup_(freep) struct dns_conf *conf = parsed("");

	(void)state;
	assert_int_equal(dns_conf_next_tier(conf, dns_conf_route(conf, "a.example"), -1), -1);
}

static void bad_configuration_is_refused_whole(void **state)
{
	static const char *const bad[] = {
		"server\n",
		"server 192.0.2.1\n",
		"server 192.0.2.1 eth0\n",
		"server 192.0.2.300 eth0 0\n",
		"server 192.0.2.1 name-that-is-too-long 0\n",
		"server 192.0.2.1 eth0 256\n",
		"server 192.0.2.1 eth0 -1\n",
		"server 192.0.2.1 eth0 1x\n",
		"server 192.0.2.1 eth0 0 bad..example\n",
		"server 192.0.2.1 eth0 0 a.example more\n",
		"domain\n",
		"domain \n",
		"domain .\n",
		"domain a.example b.example\n",
		"something else\n",
	};
	struct dns_conf *conf = parsed(text);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(dns_conf_parse(bad[i], conf), -EINVAL);
	assert_int_equal(conf->nservers, 5);
	free(conf);
}

static void too_many_are_refused(void **state)
{
	_cleanup_(freep) struct dns_conf *conf = xcalloc(1, sizeof(*conf));
	_cleanup_(freep) char *many = xcalloc(DNS_SERVERS + 2, 32);

	(void)state;
	for (unsigned int i = 0; i <= DNS_SERVERS; i++)
		strcat(many, "server 192.0.2.1 eth0 0\n");
	assert_int_equal(dns_conf_parse(many, conf), -E2BIG);
}

static void domain_is_a_host_name(void **state)
{
	static const char *const good[] = { "a", "lan", "a-b.c_d.example", "1.2.3" };
	static const char *const bad[] = { "",	  ".",	  "a.",	 ".a",	"a..b",
					   "a b", "a\nb", "a/b", "a#b", "\xc3\xa4.example" };
	char label[66] = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		assert_true(dns_domain_is_valid(good[i]));
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_false(dns_domain_is_valid(bad[i]));
	memset(label, 'a', 64);
	assert_false(dns_domain_is_valid(label));
	assert_true(dns_domain_is_valid(label + 1));
}

/* ---- Messages ---- */

/* a.Example, type A, class IN */
static const uint8_t query[] = { 0x12, 0x34, 1,	  0,   0,   1,	 0,   0,   0, 0, 0, 0, 1, 'a',
				 7,    'E',  'x', 'a', 'm', 'p', 'l', 'e', 0, 0, 1, 0, 1 };

static struct dns_question question(void)
{
	struct dns_question q;

	assert_int_equal(dns_query_parse(query, sizeof(query), &q), 0);
	return q;
}

static void query_has_a_name(void **state)
{
	struct dns_question q = question();

	(void)state;
	assert_string_equal(q.name, "a.Example");
	assert_int_equal(q.end, sizeof(query));
}

static void dot_within_a_label_divides_none(void **state)
{
	uint8_t msg[sizeof(query)];
	struct dns_question q;

	(void)state;
	memcpy(msg, query, sizeof(msg));
	msg[17] = '.';
	msg[18] = '\0';
	assert_int_equal(dns_query_parse(msg, sizeof(msg), &q), 0);
	assert_string_equal(q.name, "a.Ex??ple");
}

static void what_is_no_query_is_refused(void **state)
{
	uint8_t msg[sizeof(query)];
	struct dns_question q;

	(void)state;
	for (size_t len = 0; len < sizeof(query); len++)
		assert_int_equal(dns_query_parse(query, len, &q), -EBADMSG);
	memcpy(msg, query, sizeof(msg));
	msg[2] |= 0x80; /* an answer */
	assert_int_equal(dns_query_parse(msg, sizeof(msg), &q), -EBADMSG);
	memcpy(msg, query, sizeof(msg));
	msg[5] = 2; /* two questions */
	assert_int_equal(dns_query_parse(msg, sizeof(msg), &q), -EBADMSG);
	memcpy(msg, query, sizeof(msg));
	msg[12] = 0xc0; /* compressed */
	assert_int_equal(dns_query_parse(msg, sizeof(msg), &q), -EBADMSG);
}

static enum dns_verdict judge(unsigned int rcode, uint16_t id, int change, size_t len)
{
	struct dns_question q = question();
	uint8_t reply[sizeof(query)];

	memcpy(reply, query, sizeof(reply));
	reply[2] |= 0x80;
	reply[3] = (uint8_t)rcode;
	if (change)
		reply[change] ^= 0x21;
	return dns_reply_judge(reply, len, id, query, &q);
}

static void answer_is_to_this_question(void **state)
{
	(void)state;
	assert_int_equal(judge(0, 0x1234, 0, sizeof(query)), DNS_ANSWER);
	assert_int_equal(judge(3, 0x1234, 0, sizeof(query)), DNS_ANSWER);
	assert_int_equal(judge(2, 0x1234, 0, sizeof(query)), DNS_FAILURE);
	assert_int_equal(judge(5, 0x1234, 0, sizeof(query)), DNS_FAILURE);
	assert_int_equal(judge(0, 0x1235, 0, sizeof(query)), DNS_NO_ANSWER);
	assert_int_equal(judge(0, 0x1234, 13, sizeof(query)), DNS_NO_ANSWER);
	assert_int_equal(judge(0, 0x1234, 24, sizeof(query)), DNS_NO_ANSWER);
	assert_int_equal(judge(0, 0x1234, 0, sizeof(query) - 1), DNS_NO_ANSWER);
	assert_int_equal(judge(0, 0x1234, 0, 3), DNS_NO_ANSWER);
}

static void failure_may_come_without_the_question(void **state)
{
	uint8_t reply[DNS_HEADER] = { 0x12, 0x34, 0x80, 5 };
	struct dns_question q = question();

	(void)state;
	assert_int_equal(dns_reply_judge(reply, sizeof(reply), 0x1234, query, &q), DNS_FAILURE);
	reply[3] = 0;
	assert_int_equal(dns_reply_judge(reply, sizeof(reply), 0x1234, query, &q), DNS_NO_ANSWER);
}

static void failure_made_here_is_one(void **state)
{
	struct dns_question q = question();
	uint8_t reply[sizeof(query)];

	(void)state;
	memcpy(reply, query, sizeof(reply));
	dns_make_failure(reply);
	assert_int_equal(dns_reply_judge(reply, sizeof(reply), 0x1234, query, &q), DNS_FAILURE);
	assert_int_equal(reply[2], 0x81);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(name_goes_to_the_longest_domain_it_is_in),
		cmocka_unit_test(tiers_come_in_order),
		cmocka_unit_test(empty_configuration_has_nobody_to_ask),
		cmocka_unit_test(bad_configuration_is_refused_whole),
		cmocka_unit_test(too_many_are_refused),
		cmocka_unit_test(domain_is_a_host_name),
		cmocka_unit_test(query_has_a_name),
		cmocka_unit_test(dot_within_a_label_divides_none),
		cmocka_unit_test(what_is_no_query_is_refused),
		cmocka_unit_test(answer_is_to_this_question),
		cmocka_unit_test(failure_may_come_without_the_question),
		cmocka_unit_test(failure_made_here_is_one),
	};

	return cmocka_run_group_tests_name("dnsrelay", tests, NULL, NULL);
}
