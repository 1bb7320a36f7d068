/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes through one port by day and by month, and whether a quota is used up. Pure: samples and
 * the time come in as arguments. Times are Unix seconds; days and months are those of UTC, a month
 * begins on the billing day.
 *
 * Each period is an entry of its own, found by its beginning: a clock that is set forth or back
 * only chooses another entry, so no period is counted twice and none is lost. Before 2020 the
 * clock is not known; what comes then waits for the period in which the clock becomes known.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"

#define METER_PERIODS 4 /* of each kind: this one, the last one, room for a clock that jumps */
#define METER_CLOCK_KNOWN_S 1577836800 /* 2020-01-01T00:00:00Z */
#define METER_NEAR_PERCENT 80
#define METER_QUOTA_MAX 100000000000000000ull /* 100 PB: percents fit into 64 bits */
#define METER_BILLING_DAY_MAX 28 /* every month has it */
#define METER_SAMPLE_MS 60000 /* at least so often */

struct meter_count {
	int64_t start_s; /* 0: no period */
	uint64_t rx_bytes, tx_bytes;
};

struct meter {
	/* The interface as last sampled; name empty: never, and what it has counted so far is not
	 * ours; index 0: of the next one of that name everything is. */
	struct ifname ifname;
	uint32_t ifindex;
	uint64_t seen_rx, seen_tx;

	uint8_t billing_day; /* 1..METER_BILLING_DAY_MAX */
	int64_t last_s; /* time of the last sample with a known clock; 0: none yet */
	struct meter_count waiting; /* for a known clock; start_s unused */
	struct meter_count days[METER_PERIODS], months[METER_PERIODS];
};

struct meter_sample { /* what the kernel says */
	struct ifname ifname;
	uint32_t ifindex;
	uint64_t rx_bytes, tx_bytes;
};

enum meter_state {
	METER_FREE, /* no quota */
	METER_BELOW,
	METER_NEAR, /* METER_NEAR_PERCENT of it are used */
	METER_OVER, /* all of it: no port for apps */
};

/* Beginning of the day or billing month that is `shift` after the one of now_s. */
int64_t meter_day_start(int64_t now_s, int shift);
int64_t meter_month_start(int64_t now_s, unsigned int billing_day, int shift);

/* The machine was started anew: all interfaces of now count from zero. */
void meter_rebooted(struct meter *m);
/* Not counted from now on; what was counted is kept. */
void meter_pause(struct meter *m);
/* Another day carries over what was counted in the current month: less would be unsafe. */
void meter_set_billing_day(struct meter *m, unsigned int day, int64_t now_s);

/*
 * Counts what came since the last sample. An interface with another index, or whose counters are
 * smaller than before, was made anew: all it has counted is new. One with another name is another
 * one: only what it counts from now on. True when anything was counted.
 */
bool meter_add_sample(struct meter *m, const struct meter_sample *s, int64_t now_s);
/* The last counters of the interface of the last sample, which is no more. Smaller ones than
 * before tell nothing. */
bool meter_add_farewell(struct meter *m, uint64_t rx_bytes, uint64_t tx_bytes, int64_t now_s);
/* Time has passed. What waited for a known clock is counted; true when there was any. */
bool meter_roll(struct meter *m, int64_t now_s);

/* Day or month `shift` after the current one; zeros when nothing was counted in it, start_s 0
 * while the clock is not known and never was. */
struct meter_count meter_day(const struct meter *m, int64_t now_s, int shift);
struct meter_count meter_month(const struct meter *m, int64_t now_s, int shift);

/* Both directions in the current month, with what waits for a known clock. */
uint64_t meter_used(const struct meter *m, int64_t now_s);
uint32_t meter_percent(uint64_t used_bytes, uint64_t quota_bytes); /* rounded down */
enum meter_state meter_judge(uint64_t used_bytes, uint64_t quota_bytes); /* quota 0: none */
bool meter_over_quota(const struct meter *m, uint64_t quota_bytes, int64_t now_s);
const char *meter_state_name(enum meter_state state); /* "free", "below", "near", "over" */

/*
 * When to take the next sample, in ms. Rarely, at the ends of days, and the sooner the less of the
 * quota is left: what may be used beyond it is
 *   - of a steady stream, what comes in 100 ms;
 *   - of a sudden one, what comes in a second at 1 Gbit/s or less.
 */
unsigned int meter_next_ms(uint64_t used_bytes, uint64_t quota_bytes, uint64_t bytes_per_s,
			   int64_t now_s);
