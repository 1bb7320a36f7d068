/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A world for nim/dpc/dpc_verify.h: a table from keys to what the tests of each configuration would
 * find; time passes in steps that the machine asks for. Tests named after EVE's have its scenarios.
 */
#pragma once

#include "tests/unit/golden.h"

#include "nim/dpc/dpc_verify.h"

#define MANUAL EW__DPC_SOURCE__DPC_MANUAL
#define CONTROLLER EW__DPC_SOURCE__DPC_CONTROLLER
#define OVERRIDE EW__DPC_SOURCE__DPC_OVERRIDE
#define BOOTSTRAP EW__DPC_SOURCE__DPC_BOOTSTRAP
#define LAST_RESORT EW__DPC_SOURCE__DPC_LAST_RESORT

#define D 30000 /* test duration */
#define DAY (24 * 3600 * 1000LL)
#define START 1772600767000LL /* Unix time of the beginning */

/* What a test of a configuration finds. */
struct truth {
	const char *key;
	const char *failure; /* the test could not be made; NULL: it was */
	enum conn_outcome outcome;
	enum conn_stage stage;
	struct dpcv_facts facts;
};
#define HAS_ADDRESS .facts = { .present = 1, .ip_and_dns = true }
#define NO_ADDRESS .facts = { .present = 1 }
#define NO_INTERFACE .facts = { .missing = 1 }
#define OK(k)                                                                                      \
	{                                                                                          \
		.key = k, .outcome = CONN_OK, .stage = CONN_STAGE_DONE, HAS_ADDRESS                \
	}
#define BLACK_HOLE(k)                                                                              \
	{                                                                                          \
		.key = k, .outcome = CONN_FAILED, .stage = CONN_STAGE_TCP, HAS_ADDRESS             \
	}
#define NO_DHCP(k)                                                                                 \
	{                                                                                          \
		.key = k, .outcome = CONN_NOT_READY, .stage = CONN_STAGE_ADDRESS, NO_ADDRESS       \
	}

struct sim {
	struct dpc_list list;
	struct dpc_verify v;
	struct dpcv_time now;
	struct truth truth[8];
	struct strbuf log;
	bool beside;
	const Ew__DpcEntry *applied; /* never dereferenced */
	char applied_key[80];
	unsigned int rounds;
};

/* One management port; octet makes them differ in their address: 0 is DHCP, below no address. */
Ew__DpcEntry *entry_on(const char *key, Ew__DpcSource source, int64_t time_ms, const char *ifname,
		       int octet);
Ew__DpcEntry *entry(const char *key, Ew__DpcSource source, int64_t time_ms, int octet); /* eth0 */

void begin(struct sim *s);
void end(struct sim *s);
/* A sim in *state that has begun, and ends with the test. */
int sim_setup(void **state);
int sim_teardown(void **state);
#define SIM_TEST(f) cmocka_unit_test_setup_teardown(f, sim_setup, sim_teardown)

/* The first truth is that of all that have none of their own. */
void set_truth(struct sim *s, struct truth t);
#define TRUTH(s, ...) set_truth(s, (struct truth)__VA_ARGS__)
void put(struct sim *s, Ew__DpcEntry *e);
void drop(struct sim *s, const char *key);
void two(struct sim *s); /* "override" works: what comes above it may fall back on it */
void drive(struct sim *s, bool event); /* what the driver does after each event */
void pass_time(struct sim *s, int64_t ms);

const Ew__DpcEntry *find(struct sim *s, const char *key);
void expect_log(struct sim *s, const char *log); /* and empties it */
void expect(struct sim *s, const char *current, Ew__DpcState state);
#define EXPECT(s, key, state) expect(s, key, EW__DPC_STATE__DPC_STATE_##state)
void expect_order(const struct dpc_list *list, const char *order);
