/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keeps the system equal to what a daemon wants.
 *
 * A daemon submits scopes of intended items ("ni/<uuid>", "port/eth0"), each built from nothing
 * every time; the engine finds the difference and drives the system to it: ordered by needs,
 * batched, retried, adopted after a crash, repaired on drift. An item is a plain struct (its
 * spec) of one item type; only item types touch the system.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct event_base;
struct strbuf;

struct dp; /* the engine: one per process and network namespace */
struct dp_graph; /* one scope of intended state, while it is built */
struct dp_deps; /* collects what one item needs */
struct dp_op; /* one create, modify or remove in flight */

enum dp_change { DP_SAME, DP_MODIFY, DP_RECREATE };

enum dp_state {
	DP_ABSENT, /* neither here nor wanted */
	DP_WAITING, /* wanted, a need is unmet: see why */
	DP_CREATING,
	DP_CREATED, /* here, and as wanted */
	DP_MODIFYING,
	DP_REMOVING,
	DP_FAILED, /* the last operation failed: see err and why; retried with back-off. Or
		      -EEXIST: one that is not ours is in the way; it is never touched */
	DP_FOREIGN, /* here, not ours; satisfies needs, is never touched */
	DP_LEFTOVER, /* here and ours, not wanted, removed at dp_sweep() */
};
const char *dp_state_name(enum dp_state state); /* "waiting" */

enum dp_need_flags {
	DP_FOLLOW = 1 << 0, /* recreate me when it is modified or recreated */
	DP_FALLS_WITH = 1 << 1, /* the system removes me together with it (or when ok turns false):
				   no removal of my own */
	DP_FIRST = 1 << 2, /* it has to be there before I am made and until I am gone when both go;
			      should it be lost in between, I stay */
};

/*
 * An item type: one file in dataplane/items/, one line in dp_types[].
 *
 * create, modify and remove return 0, -errno, or -EINPROGRESS when dp_op_done() will follow.
 * They finish half-made objects and accept absent ones, so each may simply be run again after
 * any failure; create also accepts what is there already and ours. Specs given to them stay valid
 * until the operation is done. A modify that fails with -ENOENT, -ENODEV, -ENXIO or -ESRCH says
 * that the object is not there: it is removed (for certain) and created.
 *
 * diff looks at what the type can change or mend and must find what was just made DP_SAME. Of a
 * type that is only observed it compares two observations: DP_MODIFY moves those that DP_FOLLOW,
 * DP_RECREATE means another object by the same name: what falls with it has fallen.
 *
 * needs depends on the spec alone. It is asked of the wish (all needs met before create and
 * modify) and of what exists (gone before what it needs goes; removed when a need is unmet). Of
 * a type that is only observed it may name the maker, with DP_FALLS_WITH: when the maker is to be
 * removed, all that falls with the observed one needs no removal of its own.
 */
struct dp_type {
	const char *name; /* "vrf": stable; log field, DOT label */
	size_t size; /* bytes in a spec, a plain value */
	int (*copy)(void *dst, const void *src); /* these two only if */
	void (*clear)(void *spec); /* a spec owns heap */
	void (*key)(const void *spec, struct strbuf *out); /* unique within the type */
	enum dp_change (*diff)(const void *have, const void *want);
	void (*needs)(const void *want, struct dp_deps *deps); /* NULL: none */
	void (*print)(const void *spec, struct strbuf *out); /* key=value key=value; NULL: no more
								than the key */
	int (*create)(struct dp_op *op, const void *want); /* NULL: observed only */
	int (*modify)(struct dp_op *op, const void *have, const void *want);
	int (*remove)(struct dp_op *op, const void *have);
	/* If it may wait for more than the backend's flush: stop, dp_op_done() will not come. Called at
	 * the time-out, when the wish changes or a need goes meanwhile (create, modify), and by
	 * dp_free(). */
	void (*cancel)(struct dp_op *op);
	int (*observe)(struct dp *dp); /* dp_observed() for each that exists; at adopt and resync */
	unsigned int timeout_ms; /* of one operation; 0: 10 s; then -ETIMEDOUT */
	bool remove_last; /* removal is slow (links): after everything else of the pass */
	bool aside; /* no packet waits for it (files, helper programs): made and changed when the
		       batches of the pass are out */
};
extern const struct dp_type *const dp_types[]; /* NULL-terminated: dataplane/types.c */

/*
 * A backend carries operations to the system in batches: rtnetlink, nftables. Item types append
 * to it during create/modify/remove and return -EINPROGRESS; when nothing more can start, the
 * engine calls flush(), and the backend calls dp_op_done() for each operation of the batch.
 */
struct dp_backend {
	const char *name;
	int (*open)(struct dp *dp, void **ret_state);
	void (*flush)(void *state); /* nothing queued: must be free of cost */
	void (*close)(void *state);
};
extern const struct dp_backend *const dp_backends[]; /* NULL-terminated: dataplane/types.c */
void *dp_backend_state(const struct dp *dp, const struct dp_backend *backend);

struct dp_report { /* one state transition, borrowed for the call */
	const struct dp_type *type;
	const char *scope; /* NULL: of no scope (foreign, leftover) */
	const char *key;
	const char *why; /* unmet need, the kernel's own message, "drift", or NULL */
	enum dp_state from, to;
	int err; /* 0 or -errno */
};

struct dp_conf {
	const char *owner; /* daemon name: chooses our marks, see dataplane/mark.h; borrowed */
	const char *run_dir; /* for pid files and recorded prior values; borrowed */
	int netns_fd; /* borrowed; -1: the caller's */
	const struct dp_type *const *types; /* NULL: dp_types */
	const struct dp_backend *const *backends; /* NULL: dp_backends */
	/* At the end of a turn, once for each item whose state is not the one last told (drift
	 * repaired within the turn: from created to created). May submit: takes effect in a later
	 * turn. Must not free the engine. May be NULL. */
	void (*changed)(const struct dp_report *report, void *arg);
	void *arg;
};

int dp_new(struct event_base *base, const struct dp_conf *conf, struct dp **ret);
struct dp *dp_free(struct dp *dp); /* cancels operations, leaves the system alone; NULL is fine */
const struct dp_conf *dp_conf(const struct dp *dp);
struct event_base *dp_base(const struct dp *dp);

int dp_adopt(struct dp *dp); /* at start: observe every type; the first error, after trying all */
void dp_sweep(struct dp *dp); /* inputs complete: from now on remove ours that nobody wants */
/* Reconcile now instead of at the end of the loop's turn, as far as it goes without waiting; from
 * within one of the engine's callbacks it does nothing. */
void dp_run(struct dp *dp);
/* Only decides what is to be done, so that dp_scope_settled() speaks of now, and does nothing yet.
 * true: there is something, and the engine's turn will come. Not from within its callbacks. */
bool dp_look(struct dp *dp);
/* No operation in flight, nothing left to start or to tell. What waits for a need or for its next
 * attempt does not count. */
bool dp_idle(const struct dp *dp);

/* ---- Intended state ---- */

struct dp_graph *dp_graph_new(const char *scope);
struct dp_graph *dp_graph_free(struct dp_graph *g); /* of one that was not submitted */
void dp_want(struct dp_graph *g, const struct dp_type *type, const void *spec); /* copies; g
									remembers the first error */
/* The item wanted last also needs that one: order that only the daemon can know. A need like any
 * other: what is needed goes after, and takes the item with it. Of an item that several scopes
 * want, its owner's count. */
void dp_after(struct dp_graph *g, const struct dp_type *type, const char *key);
/* The same with DP_FIRST: a guard, say, that is repaired without taking down what it guards. */
void dp_first(struct dp_graph *g, const struct dp_type *type, const char *key);

/*
 * Takes g, replaces its whole scope; an empty graph removes the scope. Reconciled at the end of
 * the loop's turn. When two scopes want one item the first to come owns it; equal wishes share
 * it, a different one waits ("wanted differently by scope …") until the owner leaves.
 * Returns 0; or the first error of dp_want(), and the scope stays as it was: -EINVAL for an empty
 * key, -EEXIST when one key was wanted in two ways, or what the type's copy said.
 */
int dp_submit(struct dp *dp, struct dp_graph *g);
/* One more or changed, one less, in a scope (made if need be) without rebuilding it. -EINVAL, or
 * what copy said; dp_unpatch() -ENOENT: not wanted in that scope. */
int dp_patch(struct dp *dp, const char *scope, const struct dp_type *type, const void *spec);
int dp_unpatch(struct dp *dp, const char *scope, const struct dp_type *type, const char *key);
/* 0, or what dp_submit() will say; and of which scope. */
int dp_graph_error(const struct dp_graph *g);
const char *dp_graph_scope(const struct dp_graph *g);
/* The wish itself, for golden tests: one line an item, sorted. */
void dp_graph_print(const struct dp_graph *g, struct strbuf *out);

/* ---- What is ---- */

enum dp_state
dp_state(const struct dp *dp, const struct dp_type *type, const char *key,
	 const char **ret_why); /* ret_why may be NULL; borrowed until the next turn */
const void *dp_have(const struct dp *dp, const struct dp_type *type, const char *key); /* or NULL */
/* What an operation under way is creating, for an observer that cannot see all of it; or NULL. */
const void *dp_creating(const struct dp *dp, const struct dp_type *type, const char *key);
bool dp_manages(const struct dp *dp, const struct dp_type *type); /* is it among dp_conf.types? */
void dp_each_have(const struct dp *dp, const struct dp_type *type,
		  void (*fn)(const char *key, const void *spec, void *arg), void *arg);
/* First failed, else waiting item of one scope, for status pages; false when all is well.
 * Pointers in ret are borrowed until the next turn. */
bool dp_scope_problem(const struct dp *dp, const char *scope, struct dp_report *ret);
/* Every item of this one scope is DP_CREATED; true of an empty or unknown scope as well. */
bool dp_scope_settled(const struct dp *dp, const char *scope);

/* Tells of each observed appearance, change (was and now) and disappearance (now NULL) of one type,
 * ours and foreign; the facts a daemon's model lives on. Called from the loop; fn may submit. */
typedef void dp_watch_fn(const char *key, const void *was, const void *now, void *arg);
int dp_watch(struct dp *dp, const struct dp_type *type, dp_watch_fn *fn, void *arg);

struct dp_counts {
	unsigned int items, created, waiting, failed, leftover, foreign, scopes;
	uint64_t operations, retries, repaired, resyncs;
};
void dp_counts(const struct dp *dp, struct dp_counts *ret);

int dp_plan(const struct dp *dp, FILE *out); /* what is still to do, in order; nothing = equal */
int dp_text(const struct dp *dp, FILE *out);
int dp_json(const struct dp *dp, FILE *out);
int dp_dot(const struct dp *dp, FILE *out); /* have and want in one picture, coloured by state */
/* Adds "plan", "graph text|json|dot" and "counts" to a daemon's control door; the second one all
 * but "plan", for a daemon that has more than this engine to tell of. */
struct control;
void dp_control(struct dp *dp, struct control *control);
void dp_control_graph(struct dp *dp, struct control *control);

/* ---- For item types and backends ---- */

/* ok NULL: it exists. The predicate sees the spec that exists (have), and before a modify also the
 * one that will: who would lose its need by it goes first. Must be pure. */
void dp_need(struct dp_deps *deps, const struct dp_type *type, const char *key, unsigned int flags,
	     bool (*ok)(const void *have));
struct dp *dp_op_dp(const struct dp_op *op);
void **dp_op_data(struct dp_op *op); /* yours until done or cancelled; starts NULL */
void dp_op_why(struct dp_op *op,
	       const char *why); /* copies; the system's own words for a failure */
void dp_op_done(struct dp_op *op, int err); /* op is gone afterwards */

/*
 * The type observed this; ours: it bears our mark. Again at any time: a change is drift. What this
 * process made itself is ours whatever the mark says, until it is gone. While an operation on the
 * item is in flight this only adds to what is known of it; the operation's result decides.
 */
void dp_observed(struct dp *dp, const struct dp_type *type, const void *spec, bool ours);
void dp_gone(struct dp *dp, const struct dp_type *type, const char *key);
/* Around a full dump of one type: what was not observed between begin and end is gone. */
void dp_resync_begin(struct dp *dp, const struct dp_type *type);
void dp_resync_end(struct dp *dp, const struct dp_type *type);
