/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which port configuration of the list is in force, by what tests say: EVE's state machine. Pure:
 * time, facts and results come in, what to apply and to test goes out.
 *
 *   list->current  what is to be applied
 *   list->tested   what is being verified; NULL: nothing, the current one is kept an eye on.
 *                  When it is not the current one it is tried beside it, which stays as it is.
 *   test           a round of tests of the tested, else the current one is to be started
 *
 * A pass over one configuration: applied (ASYNC_WAIT), tested; when that fails and something is
 * still missing that may come (a card, a modem, an interface, an address) it waits in the state of
 * that name and tests again at each event and every test duration. It ends with SUCCESS,
 * REMOTE_WAIT (it works; the far end has a fault of its own) or a failure; then the next one of
 * the list gets its pass:
 *
 *   - the first of the list, when it is new or has worked
 *   - else those below, and from the top again; none that failed a short while ago, none below a
 *     manual one, and below the failed one only what changes the layer that failed
 *     (nim/dpc/dpc_layers.h): what is broken outside is not mended by an older configuration
 *   - none: it parks on the manual one, else on the first
 *
 * In idle state the current one is tested at events and, with a remote target, periodically. One
 * failure is told; when the next test, a test duration later, fails as well a new verification
 * starts. While another than the first is in force the first is tried again from time to time.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "nim/dpc/dpc_results.h"

#define DPCV_WHY 160

struct dpcv_time {
	int64_t mono_ms; /* for waiting */
	int64_t wall_ms; /* Unix time, for what is told and kept */
};

struct dpcv_timers {
	int64_t duration_ms; /* timer.port.testduration: how often what is missing is looked for */
	int64_t interval_ms; /* timer.port.testinterval: of periodic tests */
	int64_t better_ms; /* timer.port.testbetterinterval; 0: never back to the first by itself */
	int64_t since_failure_ms; /* what failed is left alone for so long */
};
#define DPCV_TIMERS_DEFAULT                                                                        \
	((struct dpcv_timers){ .duration_ms = 30000,                                               \
			       .interval_ms = 300000,                                              \
			       .better_ms = 600000,                                                \
			       .since_failure_ms = 300000 })

struct dpcv_facts { /* about the tested, else the current configuration */
	bool busy; /* what applying it has begun is not done */
	/* Why no management port can be had: apps have the cards; NULL: one may. Borrowed. */
	const char *card_taken;
	bool card_pending; /* a card is not given back yet */
	bool modem_pending; /* a modem has not taken the configuration yet */
	unsigned int present, missing; /* interfaces of management ports */
	bool ip_and_dns; /* a management port has an address and a DNS server */
};

struct dpc_verify {
	/* set before dpcv_start(), borrowed */
	struct dpc_list *list;
	struct dpcv_timers timers;
	bool remote; /* tests ask somebody far away: results change without an event */
	/* May candidate be tried beside working without disturbing it? Else why says what is in the
	 * way. NULL: never. */
	bool (*fits)(const Ew__DpcEntry *working, const Ew__DpcEntry *candidate, char why[DPCV_WHY],
		     void *arg);
	/* A configuration is in another state; to be logged. May be NULL. */
	void (*transition)(const Ew__DpcEntry *entry, Ew__DpcState from, const char *why,
			   void *arg);
	void *arg;

	/* to be read */
	bool test; /* start a round, then dpcv_begun() */
	/* Something is other than before: to be told, and to be stored; cleared by the reader. */
	bool changed, keep;
	/* Why the tested took the place of the one in force: ""; it did not, or nobody is hurt. */
	char serial_why[DPCV_WHY];

	/* its own */
	bool hold, testing, again, failed_once, in_pass;
	unsigned int voids; /* rounds in a row that could not be made */
	int64_t started_ms, step_ms, better_ms; /* 0: none */
};

/* The list is loaded: goes on with its current entry, else chooses one. */
void dpcv_start(struct dpc_verify *v, struct dpcv_time now);
/* The list was changed by others. A round under way is void if this returns true. */
bool dpcv_list_changed(struct dpc_verify *v, struct dpcv_time now, const char *why);
/* Facts changed (event), or dpcv_wake_ms() has come. */
void dpcv_step(struct dpc_verify *v, struct dpcv_time now, const struct dpcv_facts *facts,
	       bool event);
void dpcv_begun(struct dpc_verify *v);
void dpcv_round(struct dpc_verify *v, struct dpcv_time now, const struct dpcv_facts *facts,
		const struct dpc_port_result *ports, size_t n);
/* The round says nothing: it was called off, or could not be made because of failure, a fault of
 * the node and of no configuration. Another one in a while; but a pass ends with the second in a row
 * that could not be made, and what works, or has, is in force. */
void dpcv_void(struct dpc_verify *v, struct dpcv_time now, const char *failure);
/* A pass over this entry of the list now, whenever it failed last. The return value is as above. */
bool dpcv_test_now(struct dpc_verify *v, struct dpcv_time now, Ew__DpcEntry *entry,
		   const char *why);
/* While the radios are silent nothing is verified. */
void dpcv_hold(struct dpc_verify *v, struct dpcv_time now, bool hold);
/* Others take effect from the next wait on. */
void dpcv_set_timers(struct dpc_verify *v, struct dpcv_time now, const struct dpcv_timers *timers,
		     bool remote);

/* How long a pass takes at most, but for the last round of tests. */
int64_t dpcv_pass_ms(const struct dpcv_timers *timers);

int64_t dpcv_wake_ms(const struct dpc_verify *v); /* monotonic; 0: only events matter */
static inline bool dpcv_beside(const struct dpc_verify *v)
{
	return v->list->tested && v->list->tested != v->list->current;
}

/* dpc_list_compress(), but never during a verification. True: the list is another. */
bool dpcv_compress(struct dpc_verify *v, bool last_resort);
