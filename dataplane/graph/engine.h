/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside the engine; for dataplane/graph/ and its tests only. docs/engine.md explains the rules.
 *
 * One turn: events (submit, observed, op done) change items and put them on the dirty list. The
 * turn judges every dirty item (judge.c), which may make further items dirty, until none is left;
 * then starts what may start, removals first; then flushes the backends; then starts what no packet
 * waits for; and so on until nothing is left to start. No recursion anywhere: every consequence goes through the dirty list.
 */
#pragma once

#include <event2/event.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/hmap.h"
#include "base/list.h"
#include "base/strbuf.h"
#include "dataplane/dp.h"

/* A value of a type's spec, shared by whoever holds a reference; never changed once made. */
struct spec {
	uint32_t refs;
	char data[] __attribute__((__aligned__(8)));
};

struct watch {
	struct watch *next;
	dp_watch_fn *fn;
	void *arg;
};

/* One item type within one engine. */
struct kind {
	struct hmap_node node; /* in dp->kinds by pointer */
	struct list list; /* in dp->kind_order */
	const struct dp_type *type;
	struct hmap items;
	struct watch *watches;
	uint32_t resync; /* number of the running resync; 0: none */
	uint32_t last_resync;
};

enum edge_use {
	USE_WANT = 1 << 0, /* the wish needs it: there before create or modify */
	USE_HAVE = 1 << 1, /* what exists needs it: gone before it */
};

/* from needs to */
struct edge {
	struct item *from, *to;
	struct edge *next_need; /* of from */
	struct edge *next_user, **pprev_user; /* of to */
	bool (*ok)(const void *have);
	uint8_t flags; /* enum dp_need_flags */
	uint8_t use; /* enum edge_use */
	bool there; /* to exists and ok() */
	bool met; /* there, and about to stay so */
	bool blocks; /* counted in to->blockers */
};

enum op_kind { OP_CREATE, OP_MODIFY, OP_REMOVE };

/* The last failure of one endeavour; err 0: none. */
struct failure {
	char *why; /* NULL: strerror(err) */
	uint64_t retry_ns; /* not before; UINT64_MAX: not before something changes */
	uint64_t failed_ns; /* when it last failed */
	unsigned int in_a_row;
	int err;
};

/* What went wrong with an item, kept only for those that need it. */
struct trouble {
	struct failure of[2]; /* to have it as wanted; [1]: to be rid of it */
	bool removing; /* which of them failed last */
	char *waits; /* text of the unmet need, made when asked for */
	uint64_t repaired_ns; /* when drift was last repaired; 0: never */
	unsigned int repairs; /* of drift in quick succession */
};

enum queue {
	Q_NONE,
	Q_DIRTY, /* to be judged */
	Q_REMOVE,
	Q_MODIFY,
	Q_CREATE,
	Q_MODIFY_ASIDE, /* these two of types that no packet waits for */
	Q_CREATE_ASIDE,
	Q_GIVE_UP, /* what exists is not what is wanted, and what is wanted cannot be */
	Q_LAST, /* removals that are slow */
	Q_BLOCKED, /* removals that wait for users to go */
	Q_COUNT,
};

struct item {
	struct hmap_node node; /* in kind->items */
	struct kind *kind;
	struct spec *have; /* exists */
	struct spec *maybe; /* may exist: create failed, or it fell by a predicate; have is NULL */
	struct claim *claims; /* the first one owns the item: its spec is the wish */
	struct claim **claims_end; /* valid while there are any */
	struct edge *needs; /* in the order they were declared */
	struct edge *users;
	struct dp_op *op;
	struct trouble *trouble;
	struct list work; /* on dp->queues[queue] */
	struct list tell; /* on dp->tell: state differs from what was reported */
	uint32_t blockers; /* users that must go before this can be removed */
	uint32_t timer; /* place in dp->timers; 0: none */
	uint32_t seen; /* number of the resync that saw it */
	uint8_t state; /* enum dp_state */
	uint8_t told; /* enum dp_state last reported */
	uint8_t queue; /* enum queue */
	bool ours : 1; /* what exists bears our mark or was made by us */
	bool observed : 1; /* have comes from dp_observed(), not from our own operation */
	bool doomed : 1; /* will be removed: satisfies no need any more */
	bool recreate : 1; /* doomed to be made anew; stays until it is gone or right again */
	bool changing : 1; /* will be modified, or is being: judged by what it will be as well */
	bool refused : 1; /* a foreign one is in the way */
	bool released : 1; /* was wanted by this run: may be removed before dp_sweep() */
	bool given_up : 1; /* the wish cannot be: what exists goes */
	bool stale : 1; /* something it follows changed: recreate */
	bool unsure : 1; /* a modify failed or was cancelled: have may not be true */
	bool fell : 1; /* something it falls with went */
	bool new_have : 1; /* edges of what exists have to be found again */
	bool settled : 1; /* was as wanted since the wish last changed */
	bool drift : 1; /* and then was not */
	bool held : 1; /* drifts too often: repaired with back-off */
	bool repaired : 1; /* to be reported */
	bool retold : 1; /* report even if the state is the one last told */
	bool bad : 1; /* counted as a problem in its scopes */
	char key[];
};

struct after {
	struct after *next;
	const struct dp_type *type;
	unsigned int flags; /* enum dp_need_flags */
	char key[];
};

struct wish {
	struct hmap_node node;
	struct list list;
	const struct dp_type *type;
	struct spec *spec;
	struct after *afters, **after_end;
	size_t len;
	char key[];
};

struct dp_graph {
	struct hmap by_key;
	struct list wishes;
	struct strbuf keybuf;
	unsigned int count;
	int err; /* the first one */
	char scope[];
};

/* One scope's wish for one item, once it is submitted. */
struct claim {
	struct hmap_node node; /* in dp->claims by scope and item */
	struct claim *next, **pprev; /* of the item */
	struct list list; /* of the scope */
	struct scope *scope;
	struct item *item;
	struct spec *spec;
	struct after *afters;
	uint32_t generation; /* of the submit that last wanted it */
	struct list tell; /* on dp->tell_claims: differs changed */
	bool differs; /* from the owner's wish: waits */
	bool told; /* what was reported of that */
};

struct scope {
	struct hmap_node node;
	struct list claims;
	unsigned int count;
	unsigned int problems; /* claims that are failed, waiting or differing */
	char name[];
};

struct dp_op {
	struct dp *dp;
	struct item *item; /* NULL: timed out without a cancel hook, only waits to be freed */
	struct list list; /* dp->fresh or dp->waiting or dp->orphans */
	const struct dp_type *type;
	enum op_kind kind;
	struct spec *have, *want; /* what the hook was given; kept until done */
	struct spec *seen; /* observed meanwhile */
	void *data; /* the type's */
	char *why;
	uint64_t deadline_ns;
	int err;
	bool calling; /* inside the type's hook */
	bool done; /* dp_op_done() came inside the hook */
	bool fresh; /* not yet flushed */
	bool removing; /* to be rid of it; false also for the removal that a recreate begins with */
	bool seen_ours, gone;
};

struct watch_event {
	struct list list;
	struct kind *kind;
	struct spec *was, *now;
	char key[];
};

struct dp {
	struct dp_conf conf;
	struct event_base *base;
	struct event *turn; /* runs the next turn */
	struct event *timer; /* the nearest deadline */
	uint64_t timer_ns; /* it is set for; 0: not set */
	uint64_t (*clock)(void *arg); /* tests; NULL: CLOCK_MONOTONIC */
	void *clock_arg;
	uint64_t now_ns; /* of this turn */

	struct hmap kinds, scopes, claims;
	struct list kind_order; /* of conf->types */
	struct list queues[Q_COUNT];
	struct list tell, tell_claims, watch_events;
	struct list fresh, waiting, orphans; /* operations */
	struct item **timers; /* heap, from 1; the earliest first */
	uint32_t timer_count, timer_room;
	struct strbuf keybuf; /* scratch of item_of_spec() */
	void **backend_states;
	size_t backends_open;
	struct dp_counts counts;
	unsigned int by_state[DP_LEFTOVER + 1];
	unsigned int differing; /* claims */
	uint32_t generation;
	bool unflushed, swept, running, scheduled, freeing;
};

static inline const void *spec_data(const struct spec *spec)
{
	return spec ? spec->data : NULL;
}

static inline struct spec *item_want(const struct item *it)
{
	return it->claims ? it->claims->spec : NULL;
}

static inline bool item_present(const struct item *it)
{
	return it->have || it->maybe;
}

/* Its last attempt to have it, or to be rid of it, failed; the other of the two is not held back. */
static inline bool item_failing(const struct item *it, bool removing)
{
	return it->trouble && it->trouble->of[removing].err;
}

/* spec.c */
int spec_new(const struct dp_type *type, const void *data, struct spec **ret);
struct spec *spec_ref(struct spec *spec);
void spec_unref(const struct dp_type *type, struct spec *spec);
bool spec_equal(const struct dp_type *type, const void *a, const void *b); /* for certain */

/* item.c */
struct kind *kind_get(struct dp *dp, const struct dp_type *type); /* adds it if need be */
struct kind *kind_find(const struct dp *dp, const struct dp_type *type);
void kind_free(struct dp *dp, struct kind *kind);
struct item *item_find(const struct kind *kind, const char *key, uint32_t hash);
struct item *item_get(struct dp *dp, struct kind *kind, const char *key, size_t len);
struct item *item_of_spec(struct dp *dp, struct kind *kind, const void *spec);
struct item *item_lookup(const struct dp *dp, const struct dp_type *type, const char *key);
void item_gc(struct dp *dp, struct item *it); /* frees it unless something still needs it */
void item_free(struct dp *dp, struct item *it);
void item_enqueue(struct dp *dp, struct item *it, enum queue queue);
void item_dirty(struct dp *dp, struct item *it);
void item_set_state(struct dp *dp, struct item *it, enum dp_state state);
void item_set_have(struct dp *dp, struct item *it, struct spec *spec); /* takes spec */
void item_forget(struct dp *dp, struct item *it); /* it exists no more */

/* edge.c */
void edges_want(struct dp *dp, struct item *it); /* from the wish and its afters */
void edges_have(struct dp *dp, struct item *it); /* from what exists */
void edges_have_from_want(struct dp *dp, struct item *it, bool keep); /* keep: those it had too */
void edges_drop(struct dp *dp, struct item *it, unsigned int use);
bool edge_refresh(struct edge *e); /* true: there or met changed */
bool edge_counts(const struct edge *e); /* false: DP_FIRST, and what needed it is there already */
void edges_users_refresh(struct dp *dp, struct item *it, bool all);
void edges_block(struct dp *dp, struct item *it); /* count it, or not, as blocker of its needs */
void edges_unlink_all(struct item *it);

/* judge.c */
void item_judge(struct dp *dp, struct item *it);
bool item_break_ring(struct dp *dp); /* true: a removal can start now */

/* op.c */
void op_start(struct dp *dp, struct item *it, enum op_kind kind);
bool op_reconsider(struct dp *dp, struct item *it); /* true: it was cancelled */
void op_timeout(struct dp *dp, struct item *it);
void ops_cancel_all(struct dp *dp); /* calls the cancel hooks */
void ops_free_all(struct dp *dp);

/* graph.c */
void afters_free(struct after *a);

/* trouble.c */
struct trouble *item_trouble(struct item *it); /* made if need be */
void trouble_free(struct trouble *t);
void trouble_failed(struct dp *dp, struct item *it, bool removing, int err, char *why);
void trouble_hold(struct dp *dp, struct item *it, bool removing, int err, const char *why,
		  uint64_t delay_ns); /* UINT64_MAX: until something changes */
void trouble_need_met(struct dp *dp, struct item *it);
void trouble_new_wish(struct dp *dp, struct item *it);
void trouble_over(struct dp *dp, struct item *it, bool removing);
const struct failure *trouble_last(const struct item *it); /* NULL: none */
uint64_t backoff_ns(unsigned int in_a_row); /* 100 ms doubling to 30 s */

/* scope.c */
struct scope *scope_find(const struct dp *dp, const char *name);
void scopes_free(struct dp *dp);

/* timer.c */
void timer_set(struct dp *dp, struct item *it); /* after its deadline changed */
void timer_unset(struct dp *dp, struct item *it);
void timers_run(struct dp *dp); /* makes dirty or times out what is due */
void timers_arm(struct dp *dp);
uint64_t timer_next_ns(const struct dp *dp); /* 0: none */

/* engine.c */
void engine_schedule(struct dp *dp);
uint64_t engine_now(const struct dp *dp);
void engine_watch_event(struct dp *dp, struct item *it, struct spec *was, struct spec *now);
void engine_report(struct dp *dp, const struct dp_report *report);

/* query.c */
const char *item_why(const struct item *it); /* NULL: nothing to say; kept by the item */
int item_err(const struct item *it); /* of a failed one; else 0 */
const char *claim_why(const struct claim *c); /* likewise */
void need_describe(const struct edge *e, struct strbuf *out); /* "link eth0: not as required" */

/* ---- For tests ---- */

void dp_test_clock(struct dp *dp, uint64_t (*clock_ns)(void *arg), void *arg);
void dp_test_tick(struct dp *dp); /* as if the timer had fired now */
uint64_t dp_test_deadline_ns(const struct dp *dp); /* the nearest; 0: none */
