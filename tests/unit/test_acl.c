/* SPDX-License-Identifier: Apache-2.0 */
/* The compiled list must judge every packet as reading the list from the top would. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/strbuf.h"
#include "tests/unit/addresses.h"
#include "zedrouter/acl.h"
#include "zedrouter/judge.h"

struct packet {
	struct ipaddr remote;
	uint8_t protocol;
	uint16_t lport, fport; /* as conntrack knows them: anything for protocols without */
	enum zr_variant variant;
};

/* ---- The plain reading: first match wins ---- */

static bool in_ports(const struct portrange *r, uint16_t port)
{
	return !portrange_is_set(r) || (port >= r->first && port <= r->last);
}

/* The domains of these tests stand for the addresses of one /25, and what is known of them. */
static bool in_host(const struct zr_ace *a, const struct ipaddr *remote)
{
	struct prefix filled;

	for (size_t i = 0; i < a->n_known; i++)
		if (ipaddr_equal(&a->known[i], remote))
			return true;
	return prefix_parse(strcmp(a->host, "v6.example") == 0	  ? "2001:db8::/64"
			    : strcmp(a->host, "one.example") == 0 ? "10.1.1.128/25"
								  : "192.0.2.0/25",
			    &filled) == 0 &&
	       prefix_contains(&filled, remote);
}

static bool matches(const struct zr_ace *a, const struct packet *p, const struct ipaddr *eids,
		    size_t n_eids)
{
	struct portrange lport = a->lport;
	bool eid = !a->eidset;
	bool named = !a->host || in_host(a, &p->remote);

	if (a->action == ZR_PORTMAP) {
		if (p->variant != ZR_VARIANT_DNAT)
			return false;
		lport.last = (uint16_t)(a->target_port + lport.last - lport.first);
		lport.first = a->target_port;
	} else if (a->direction != ZR_BOTH &&
		   (a->direction == ZR_EGRESS) != (p->variant == ZR_VARIANT_EGRESS)) {
		return false;
	}
	for (size_t i = 0; i < n_eids; i++)
		eid |= a->eidset && ipaddr_equal(&eids[i], &p->remote);
	if (!eid || !named ||
	    (ipaddr_is_set(&a->remote.addr) && !prefix_contains(&a->remote, &p->remote)))
		return false;
	if (a->protocol && a->protocol != p->protocol)
		return false;
	return in_ports(&lport, p->lport) && in_ports(&a->fport, p->fport);
}

/* 0: dropped; 1: allowed; 2 + n: limited by entry n. */
static uint32_t interpret(const struct zr_ace *aces, size_t n, const struct packet *p,
			  const struct ipaddr *eids, size_t n_eids)
{
	for (size_t i = 0; i < n; i++)
		if (matches(&aces[i], p, eids, n_eids))
			return aces[i].action == ZR_DROP    ? 0
			       : aces[i].action == ZR_LIMIT ? 2 + (uint32_t)i
							    : 1;
	return 0;
}

/* ---- The lookups as the rules make them ---- */

static bool hit(const struct zr_acl_entry *e, const struct packet *p)
{
	return e->family == p->remote.family && ipaddr_compare(&e->first, &p->remote) <= 0 &&
	       ipaddr_compare(&p->remote, &e->last) <= 0 && e->proto_first <= p->protocol &&
	       p->protocol <= e->proto_last && e->fport.first <= p->fport &&
	       p->fport <= e->fport.last &&
	       (e->exact || (e->lport.first <= p->lport && p->lport <= e->lport.last));
}

static uint32_t verdict_of(const struct zr_acl_entry *e)
{
	return e->action == ZR_DROP ? 0 : e->action == ZR_LIMIT ? 2 + e->ace : 1;
}

static bool step_hit(const struct zr_acl *acl, const struct zr_acl_entry *e, const struct packet *p,
		     enum zr_variant variant)
{
	struct zr_ace host = { 0 };

	if (e->variant != variant || !hit(e, p))
		return false;
	host.host = acl->aces[e->ace].host;
	return !e->by_host || in_host(&host, &p->remote);
}

static uint32_t look_up(const struct zr_acl *acl, const struct packet *p)
{
	enum zr_variant variant = p->variant;
	const struct zr_acl_entry *found;

	if (variant == ZR_VARIANT_INGRESS && !acl->split)
		variant = ZR_VARIANT_EGRESS;
	if (variant == ZR_VARIANT_DNAT && !acl->dnat)
		return 0; /* nothing is mapped: there are no such packets */
	for (size_t i = 0; i < acl->n_steps; i++)
		if (step_hit(acl, &acl->steps[i], p, variant))
			return verdict_of(&acl->steps[i]);
	for (unsigned int slot = 0; slot < 2 * ZR_ACL_LAYERS; slot++) {
		found = NULL;
		for (size_t i = 0; i < acl->n; i++) {
			const struct zr_acl_entry *e = &acl->entries[i];

			if (e->variant != variant || e->layer != slot / 2 ||
			    e->exact != (slot % 2 == 0) || !hit(e, p))
				continue;
			assert_null(found); /* a map holds each key once */
			found = e;
		}
		if (found)
			return verdict_of(found);
	}
	return 0;
}

static bool entries_overlap(const struct zr_acl_entry *a, const struct zr_acl_entry *b)
{
	return a->family == b->family && a->variant == b->variant && a->layer == b->layer &&
	       a->exact == b->exact && ipaddr_compare(&a->first, &b->last) <= 0 &&
	       ipaddr_compare(&b->first, &a->last) <= 0 && a->proto_first <= b->proto_last &&
	       b->proto_first <= a->proto_last && a->lport.first <= b->lport.last &&
	       b->lport.first <= a->lport.last && a->fport.first <= b->fport.last &&
	       b->fport.first <= a->fport.last;
}

/* What the kernel would refuse: overlapping entries of one map, entries beyond the layers. */
static void assert_loadable(const struct zr_acl *acl)
{
	for (size_t i = 0; i < acl->n; i++) {
		assert_true(acl->entries[i].layer < ZR_ACL_LAYERS);
		for (size_t j = 0; j < i; j++)
			assert_false(entries_overlap(&acl->entries[i], &acl->entries[j]));
	}
}

/* ---- The judge of running flows ---- */

static bool was_learned(const char *host, const struct ipaddr *addr, void *arg)
{
	const struct zr_ace ace = { .host = host };

	(void)arg;
	return in_host(&ace, addr);
}

static enum zr_action judge(const struct zr_judge *j, const struct packet *p)
{
	return zr_judge(j,
			&(struct zr_flow){ .remote = p->remote,
					   .protocol = p->protocol,
					   .lport = p->lport,
					   .fport = p->fport,
					   .variant = p->variant },
			was_learned, NULL);
}

static enum zr_action action_of(uint32_t verdict)
{
	return verdict == 0 ? ZR_DROP : verdict == 1 ? ZR_ALLOW : ZR_LIMIT;
}

/* ---- Helpers ---- */

static struct zr_acl *compile(const struct zr_ace *aces, size_t n)
{
	_cleanup_(strbuf_fini) struct strbuf why = STRBUF_INIT;
	struct zr_acl *acl = NULL;

	assert_int_equal(zr_acl_compile(aces, n, NULL, 0, &why, &acl), 0);
	assert_string_equal(strbuf_str(&why), "");
	return acl;
}

static void assert_text(const struct zr_acl *acl, const char *expected)
{
	_cleanup_(strbuf_fini) struct strbuf text = STRBUF_INIT;

	zr_acl_print(acl, &text);
	assert_string_equal(strbuf_str(&text), expected);
}

/* ---- Tests ---- */

static void empty_list_drops_everything(void **state)
{
	_cleanup_(zr_acl_freep) struct zr_acl *acl = compile(NULL, 0);
	struct packet p = { .remote = address("192.0.2.1"), .protocol = 6 };

	(void)state;
	assert_int_equal(acl->n, 0);
	assert_int_equal(look_up(acl, &p), 0);
}

static void typical_list_needs_one_layer(void **state)
{
	const struct zr_ace aces[] = {
		{ .remote = prefix("192.0.2.7"), .protocol = 6, .fport = { 443, 443 } },
		{ .remote = prefix("10.0.0.0/8"), .action = ZR_DROP },
		{ .protocol = 17, .fport = { 53, 53 }, .remote = prefix("2001:db8::/32") },
	};
	_cleanup_(zr_acl_freep) struct zr_acl *acl = compile(aces, ARRAY_SIZE(aces));

	(void)state;
	assert_text(acl, "ipv4 egress e0 192.0.2.7 proto=6-6 lport=* fport=443 allow ace=0\n"
			 "ipv4 egress r0 10.0.0.0-10.255.255.255 proto=0-255 lport=* fport=* drop "
			 "ace=1\n"
			 "ipv6 egress r0 2001:db8::-2001:db8:ffff:ffff:ffff:ffff:ffff:ffff "
			 "proto=17-17 lport=* fport=53 allow ace=2\n");
	assert_false(acl->split);
	assert_false(acl->dnat);
}

static void exception_comes_before_the_rule_it_is_one_of(void **state)
{
	const struct zr_ace aces[] = {
		{ .remote = prefix("10.0.0.0/8") },
		{ .remote = prefix("10.1.2.3"),
		  .protocol = 6,
		  .fport = { 80, 80 },
		  .lport = { 1, 9 },
		  .action = ZR_DROP }, /* never reached */
		{ .remote = prefix("0.0.0.0/0"), .action = ZR_DROP },
		{ .remote = prefix("0.0.0.0/0") }, /* never reached */
	};
	_cleanup_(zr_acl_freep) struct zr_acl *acl = compile(aces, ARRAY_SIZE(aces));

	(void)state;
	assert_text(acl, "ipv4 egress r0 10.0.0.0-10.255.255.255 proto=0-255 lport=* fport=* allow "
			 "ace=0\n"
			 "ipv4 egress r1 0.0.0.0-255.255.255.255 proto=0-255 lport=* fport=* drop "
			 "ace=2\n");
}

static void list_without_remote_is_for_both_families(void **state)
{
	const struct zr_ace aces[] = { { .protocol = 6, .fport = { 22, 22 } }, { .protocol = 58 } };
	_cleanup_(zr_acl_freep) struct zr_acl *acl = compile(aces, ARRAY_SIZE(aces));

	(void)state;
	assert_text(acl,
		    "ipv4 egress r0 0.0.0.0-255.255.255.255 proto=6-6 lport=* fport=22 allow "
		    "ace=0\n"
		    "ipv6 egress r0 ::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff proto=6-6 lport=* "
		    "fport=22 allow ace=0\n"
		    "ipv6 egress r0 ::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff proto=58-58 "
		    "lport=* fport=* allow ace=1\n");
}

static void direction_splits_the_list(void **state)
{
	const struct zr_ace aces[] = {
		{ .remote = prefix("192.0.2.0/24"), .direction = ZR_INGRESS },
		{ .remote = prefix("198.51.100.0/24"), .direction = ZR_EGRESS },
	};
	_cleanup_(zr_acl_freep) struct zr_acl *acl = compile(aces, ARRAY_SIZE(aces));

	(void)state;
	assert_true(acl->split);
	assert_text(acl,
		    "ipv4 egress r0 198.51.100.0-198.51.100.255 proto=0-255 lport=* fport=* allow "
		    "ace=1\n"
		    "ipv4 ingress r0 192.0.2.0-192.0.2.255 proto=0-255 lport=* fport=* allow "
		    "ace=0\n");
}

static void port_map_opens_its_target_to_mapped_flows_only(void **state)
{
	const struct zr_ace aces[] = {
		{ .action = ZR_PORTMAP, .protocol = 6, .lport = { 2222, 2222 }, .target_port = 22 }
	};
	_cleanup_(zr_acl_freep) struct zr_acl *acl = compile(aces, ARRAY_SIZE(aces));
	struct packet p = {
		.remote = address("192.0.2.1"), .protocol = 6, .lport = 22, .fport = 40000
	};

	(void)state;
	assert_true(acl->dnat);
	p.variant = ZR_VARIANT_DNAT;
	assert_int_equal(look_up(acl, &p), 1);
	p.variant = ZR_VARIANT_INGRESS;
	assert_int_equal(look_up(acl, &p), 0);
	p.variant = ZR_VARIANT_EGRESS;
	assert_int_equal(look_up(acl, &p), 0);
}

static void what_cannot_be_honoured_never_opens(void **state)
{
	const struct zr_ace aces[] = {
		{ .id = 1, .host = "example.org", .unresolved = true },
		{ .id = 2,
		  .host = "bad.example.org",
		  .unresolved = true,
		  .action = ZR_DROP,
		  .protocol = 6 },
		{ .id = 3, .fport = { 80, 80 } },
		{ .id = 4, .host = "192.0.2.9" },
		{ .id = 5, .protocol = 6 },
	};
	_cleanup_(strbuf_fini) struct strbuf why = STRBUF_INIT;
	_cleanup_(zr_acl_freep) struct zr_acl *acl = NULL;
	struct packet p = { .remote = address("192.0.2.1"), .protocol = 6, .fport = 80 };

	(void)state;
	assert_int_equal(zr_acl_compile(aces, ARRAY_SIZE(aces), NULL, 0, &why, &acl), 0);
	assert_string_equal(strbuf_str(&why), "ACL entry 1: host match needs the DNS server of the "
					      "instance; ACL entry 2: host match needs the DNS "
					      "server of the instance; "
					      "ACL entry 3: ports need a protocol that has ports");
	assert_int_equal(look_up(acl, &p), 0); /* entry 2 drops all of TCP now, so 5 is shut */
	p.protocol = 17;
	assert_int_equal(look_up(acl, &p), 0);
	p.remote = address("192.0.2.9"); /* a literal address is no domain */
	assert_int_equal(look_up(acl, &p), 1);
}

static void hosts_are_steps_before_the_maps(void **state)
{
	const struct ipaddr known[] = { address("10.1.0.9") };
	const struct zr_ace aces[] = {
		{ .remote = prefix("192.0.2.0/24"), .protocol = 6 },
		{ .remote = prefix("10.0.0.0/8"), .action = ZR_DROP },
		{ .host = "nas.example", .known = known, .n_known = 1, .protocol = 6 },
		{ .host = "bad.example", .action = ZR_DROP, .fport = { 1, 80 }, .protocol = 17 },
		{ .remote = prefix("0.0.0.0/0"), .protocol = 17 },
	};
	_cleanup_(zr_acl_freep) struct zr_acl *acl = compile(aces, ARRAY_SIZE(aces));

	(void)state;
	/* Entry 0 agrees with 2 and 1 decides first about the address known of it. */
	assert_text(acl, "ipv4 egress step 10.0.0.0-10.255.255.255 proto=0-255 lport=* fport=* "
			 "drop ace=1\n"
			 "ipv4 egress step nas.example in 0.0.0.0-255.255.255.255 proto=6-6 "
			 "lport=* fport=* allow ace=2\n"
			 "ipv4 egress step bad.example in 0.0.0.0-255.255.255.255 proto=17-17 "
			 "lport=* fport=1-80 drop ace=3\n"
			 "ipv6 egress step nas.example in "
			 "::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff proto=6-6 lport=* fport=* "
			 "allow ace=2\n"
			 "ipv6 egress step bad.example in "
			 "::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff proto=17-17 lport=* "
			 "fport=1-80 drop ace=3\n"
			 "ipv4 egress r0 192.0.2.0-192.0.2.255 proto=6-6 lport=* fport=* allow "
			 "ace=0\n"
			 "ipv4 egress r0 10.0.0.0-10.255.255.255 proto=0-255 lport=* fport=* drop "
			 "ace=1\n"
			 "ipv4 egress r1 0.0.0.0-255.255.255.255 proto=17-17 lport=* fport=* allow "
			 "ace=4\n");
}

static void host_and_address_must_both_match(void **state)
{
	const struct ipaddr known[] = { address("10.1.0.9"), address("192.0.2.9") };
	const struct zr_ace aces[] = { { .host = "nas.example",
					 .remote = prefix("192.0.2.0/24"),
					 .known = known,
					 .n_known = 2 } };
	_cleanup_(zr_acl_freep) struct zr_acl *acl = compile(aces, ARRAY_SIZE(aces));

	(void)state;
	assert_text(acl, "ipv4 egress step nas.example in 192.0.2.0-192.0.2.255 proto=0-255 "
			 "lport=* fport=* allow ace=0\n"
			 "ipv4 egress r0 192.0.2.9 proto=0-255 lport=* fport=* allow ace=0\n");
}

static void eidset_and_address_must_both_match(void **state)
{
	const struct ipaddr eids[] = { address("10.1.0.2"), address("10.1.0.130") };
	const struct zr_ace aces[] = { { .eidset = true, .remote = prefix("10.1.0.0/25") } };
	_cleanup_(zr_acl_freep) struct zr_acl *acl = NULL;

	(void)state;
	assert_int_equal(zr_acl_compile(aces, 1, eids, ARRAY_SIZE(eids), NULL, &acl), 0);
	assert_text(acl, "ipv4 egress r0 10.1.0.2 proto=0-255 lport=* fport=* allow ace=0\n");
}

static void too_many_steps_are_refused(void **state)
{
	struct zr_ace *aces = xcalloc(ZR_ACL_STEPS + 1, sizeof(*aces));
	_cleanup_(zr_acl_freep) struct zr_acl *acl = NULL;
	_cleanup_(strbuf_fini) struct strbuf why = STRBUF_INIT;

	(void)state;
	for (unsigned int i = 0; i <= ZR_ACL_STEPS; i++)
		aces[i].host = "x.example";
	assert_int_equal(zr_acl_compile(aces, ZR_ACL_STEPS, NULL, 0, &why, &acl), 0);
	assert_int_equal(acl->n_steps, 2 * ZR_ACL_STEPS); /* of each family */
	acl = zr_acl_free(acl);
	assert_int_equal(zr_acl_compile(aces, ZR_ACL_STEPS + 1, NULL, 0, &why, &acl), -E2BIG);
	assert_string_equal(strbuf_str(&why),
			    "ACL needs more than 65536 entries, or 4096 steps for hosts");
	free(aces);
}

static void deep_nesting_is_cut_into_pieces(void **state)
{
	struct zr_ace aces[32] = { 0 };
	_cleanup_(zr_acl_freep) struct zr_acl *acl = NULL;
	struct packet p = { .protocol = 6 };

	(void)state;
	for (unsigned int i = 0; i < 32; i++) { /* /32 allow, /31 drop, /30 allow, … */
		aces[i].remote = prefix("10.0.0.0/32");
		aces[i].remote.len = (uint8_t)(32 - i);
		aces[i].action = i % 2 ? ZR_DROP : ZR_ALLOW;
	}
	acl = compile(aces, ARRAY_SIZE(aces));
	assert_loadable(acl);
	for (unsigned int i = 0; i < 31; i++) {
		p.remote = address("10.0.0.0");
		p.remote.v4.s_addr ^= htonl(i ? 1u << (i - 1) : 0);
		assert_int_equal(look_up(acl, &p), interpret(aces, 32, &p, NULL, 0));
	}
}

static void too_large_a_list_is_refused(void **state)
{
	struct zr_ace *aces = xcalloc(ZR_ACL_MAX + 1, sizeof(*aces));
	struct zr_acl *acl = NULL;

	(void)state;
	assert_int_equal(zr_acl_compile(aces, ZR_ACL_MAX + 1, NULL, 0, NULL, &acl), -E2BIG);
	assert_null(acl);
	free(aces);
}

/* ---- Random lists ---- */

static uint32_t seed;

static unsigned int dice(unsigned int n)
{
	seed = seed * 1664525u + 1013904223u;
	return (seed >> 10) % n;
}

static const char *const remotes[] = { "10.0.0.0/8",   "10.1.0.0/16",	"10.1.1.0/24",
				       "10.1.1.1",     "10.1.1.128/25", "0.0.0.0/0",
				       "192.0.2.1",    "192.0.2.0/31",	"2001:db8::/32",
				       "2001:db8::1",  "::/0",		"2001:db8:1::/48",
				       "192.0.2.0/24", "10.128.0.0/9" };
static const uint8_t protocols[] = { 0, 6, 6, 17, 1, 58 };
static const struct portrange ports[] = { { 0, 0 },   { 0, 0 },	      { 80, 80 },   { 443, 443 },
					  { 80, 90 }, { 1, 65535 },   { 85, 1024 }, { 90, 443 },
					  { 22, 22 }, { 1024, 65535 } };
static const char *const points[] = { "10.0.0.0",    "10.1.1.1",       "10.1.1.2",
				      "10.1.1.200",  "10.255.255.255", "192.0.2.1",
				      "192.0.2.0",   "192.0.2.2",      "198.51.100.1",
				      "2001:db8::1", "2001:db8:1::1",  "2001:db9::1" };
static const uint16_t numbers[] = { 0, 1, 22, 80, 81, 85, 90, 91, 443, 1023, 1024, 65535 };

static const char *const hosts[] = { "one.example", "two.example", "v6.example" };

static struct zr_ace random_ace(unsigned int id)
{
	static struct ipaddr known[3];
	struct zr_ace a = { .id = (int32_t)id };

	known[0] = address("198.51.100.1");
	known[1] = address("2001:db9::1");
	known[2] = address("10.1.1.2");
	a.action = dice(8) == 0 ? ZR_LIMIT : dice(2) ? ZR_ALLOW : ZR_DROP;
	a.limit_rate = a.limit_unit_s = 1;
	a.direction = dice(4) ? ZR_BOTH : dice(2) ? ZR_INGRESS : ZR_EGRESS;
	if (dice(8))
		a.remote = prefix(remotes[dice(ARRAY_SIZE(remotes))]);
	else
		a.eidset = dice(2);
	if (!a.eidset && dice(6) == 0) {
		a.host = hosts[dice(ARRAY_SIZE(hosts))];
		a.known = known;
		a.n_known = dice(ARRAY_SIZE(known) + 1);
		if (dice(2))
			a.remote = (struct prefix){ 0 };
	}
	a.protocol = protocols[dice(ARRAY_SIZE(protocols))];
	if (a.protocol == 1 && !ipaddr_is_set(&a.remote.addr))
		a.protocol = 0;
	if (a.protocol == 58 && !ipaddr_is_set(&a.remote.addr))
		a.protocol = 0;
	if (a.protocol == 6 || a.protocol == 17) {
		a.lport = ports[dice(3) ? 0 : dice(ARRAY_SIZE(ports))];
		a.fport = ports[dice(ARRAY_SIZE(ports))];
		if (dice(8) == 0) {
			a.action = ZR_PORTMAP;
			a.lport = (struct portrange){ 8000, 8003 };
			a.fport = (struct portrange){ 0 };
			a.target_port = 80;
		}
	}
	return a;
}

static void check_random_list(unsigned int n)
{
	struct zr_ace aces[40];
	const struct ipaddr eids[] = { address("10.1.1.1"), address("192.0.2.2"),
				       address("2001:db8::1") };
	struct zr_acl *acl = NULL;
	struct zr_judge *j;
	struct packet p;

	for (unsigned int i = 0; i < n; i++)
		aces[i] = random_ace(i);
	assert_int_equal(zr_acl_compile(aces, n, eids, ARRAY_SIZE(eids), NULL, &acl), 0);
	assert_loadable(acl);
	j = zr_judge_new(acl);
	for (unsigned int i = 0; i < 400; i++) {
		p = (struct packet){
			.remote = address(points[dice(ARRAY_SIZE(points))]),
			.protocol = protocols[1 + dice(ARRAY_SIZE(protocols) - 1)],
			.lport = numbers[dice(ARRAY_SIZE(numbers))],
			.fport = numbers[dice(ARRAY_SIZE(numbers))],
			.variant = dice(3),
		};
		if (p.variant == ZR_VARIANT_DNAT && !acl->dnat)
			p.variant = ZR_VARIANT_INGRESS;
		assert_int_equal(look_up(acl, &p), interpret(aces, n, &p, eids, 3));
		assert_int_equal(judge(j, &p), action_of(look_up(acl, &p)));
	}
	zr_judge_free(j);
}

static void random_lists_judge_as_their_plain_reading(void **state)
{
	(void)state;
	for (unsigned int round = 0; round < 1500; round++) {
		seed = round;
		check_random_list(1 + dice(40));
	}
}

static void ten_thousand_entries_compile_in_milliseconds(void **state)
{
	struct zr_ace *aces = xcalloc(10000, sizeof(*aces));
	_cleanup_(zr_acl_freep) struct zr_acl *acl = NULL;
	struct timespec begin, end;
	double ms;

	(void)state;
	for (unsigned int i = 0; i < 10000; i++) {
		aces[i].remote = prefix("10.0.0.0/32");
		aces[i].remote.addr.v4.s_addr |= htonl(i);
		aces[i].protocol = 6;
		aces[i].fport = (struct portrange){ 443, 443 };
	}
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &begin);
	acl = compile(aces, 10000);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);
	ms = (double)(end.tv_sec - begin.tv_sec) * 1e3 +
	     (double)(end.tv_nsec - begin.tv_nsec) / 1e6;
	print_message("10,000 entries: %.2f ms\n", ms);
	assert_int_equal(acl->n, 10000);
	assert_true(ms < 500); /* squared growth would take seconds; sanitizers are slow too */
	free(aces);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(empty_list_drops_everything),
		cmocka_unit_test(typical_list_needs_one_layer),
		cmocka_unit_test(exception_comes_before_the_rule_it_is_one_of),
		cmocka_unit_test(list_without_remote_is_for_both_families),
		cmocka_unit_test(direction_splits_the_list),
		cmocka_unit_test(port_map_opens_its_target_to_mapped_flows_only),
		cmocka_unit_test(what_cannot_be_honoured_never_opens),
		cmocka_unit_test(hosts_are_steps_before_the_maps),
		cmocka_unit_test(host_and_address_must_both_match),
		cmocka_unit_test(eidset_and_address_must_both_match),
		cmocka_unit_test(too_many_steps_are_refused),
		cmocka_unit_test(deep_nesting_is_cut_into_pieces),
		cmocka_unit_test(too_large_a_list_is_refused),
		cmocka_unit_test(random_lists_judge_as_their_plain_reading),
		cmocka_unit_test(ten_thousand_entries_compile_in_milliseconds),
	};

	return cmocka_run_group_tests_name("acl", tests, NULL, NULL);
}
