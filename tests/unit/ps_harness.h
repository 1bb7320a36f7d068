/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A node for tests of the bus: private run and state folders, an event loop, and subscribers that
 * remember what they were told. Publisher and subscribers share the loop and talk through real
 * sockets; nothing sleeps, everything waits for its condition or fails after TEST_DEADLINE_S.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "pubsub/ps.h"
#include "status.pb-c.h"

#define TEST_DEADLINE_S 30
#define HELPER __attribute__((__unused__)) static

HELPER const struct ps_topic t_table = {
	.name = "Table",
	.agent = "tester",
	.desc = &ew__config_status__descriptor,
	.kind = PS_STATE,
};
HELPER const struct ps_topic t_stored = {
	.name = "Stored",
	.agent = "tester",
	.desc = &ew__config_status__descriptor,
	.kind = PS_STATE,
	.persist = true,
};
HELPER const struct ps_topic t_stream = {
	.name = "Stream",
	.agent = "tester",
	.desc = &ew__config_status__descriptor,
	.kind = PS_STREAM,
};

struct node {
	char dir[64];
	struct event_base *base;
	struct event *deadline;
	bool late;
	char report[512]; /* the last one */
};

static void on_deadline(evutil_socket_t fd, short what, void *arg)
{
	(void)fd, (void)what;
	((struct node *)arg)->late = true;
}

/* What of the loop does not survive a fork is made here; the folder is the parent's. */
static void node_loop(struct node *n)
{
	const struct timeval tv = { .tv_sec = TEST_DEADLINE_S };

	n->base = event_base_new();
	n->deadline = event_new(n->base, -1, 0, on_deadline, n);
	event_add(n->deadline, &tv);
}

HELPER int node_setup(void **state)
{
	struct node *n = xcalloc(1, sizeof(*n));

	strcpy(n->dir, "/tmp/test_ps.XXXXXX");
	if (!mkdtemp(n->dir) || chmod(n->dir, 0755) < 0)
		return -1;
	node_loop(n);
	*state = n;
	return 0;
}

HELPER int node_teardown(void **state)
{
	struct node *n = *state;

	event_free(n->deadline);
	event_base_free(n->base);
	if (dir_remove(n->dir) != 0)
		return -1;
	free(n);
	return 0;
}

static void on_report(const struct ps_topic *topic, const char *why, void *arg)
{
	struct node *n = arg;

	(void)topic;
	snprintf(n->report, sizeof(n->report), "%s", why);
}

HELPER struct ps *node_connect(struct node *n, const char *agent)
{
	struct ps_conf conf = {
		.agent = agent,
		.run_dir = n->dir,
		.state_dir = n->dir,
		.report = on_report,
		.arg = n,
	};
	struct ps *ps = NULL;

	assert_int_equal(ps_connect(n->base, &conf, &ps), 0);
	return ps;
}

/* Runs the loop until cond holds. */
#define loop_until(n, cond)                                                                        \
	do {                                                                                       \
		while (!(cond)) {                                                                  \
			event_base_loop((n)->base, EVLOOP_ONCE);                                   \
			if ((n)->late)                                                             \
				fail_msg("too late for: %s", #cond);                               \
		}                                                                                  \
	} while (0)

/* The same with two loops that must both turn. */
#define loop_both_until(n, m, cond)                                                                \
	do {                                                                                       \
		while (!(cond)) {                                                                  \
			event_base_loop((n)->base, EVLOOP_NONBLOCK);                               \
			event_base_loop((m)->base, EVLOOP_NONBLOCK);                               \
			if ((n)->late)                                                             \
				fail_msg("too late for: %s", #cond);                               \
		}                                                                                  \
	} while (0)

/* Everything that is ready now, and what it makes ready. */
HELPER void loop_settle(struct node *n)
{
	for (int i = 0; i < 20; i++)
		event_base_loop(n->base, EVLOOP_NONBLOCK);
}

HELPER int publish(struct ps_pub *pub, const char *key, const char *value)
{
	Ew__ConfigStatus msg = EW__CONFIG_STATUS__INIT;

	msg.version = (char *)(uintptr_t)value;
	return ps_publish(pub, key, &msg.base);
}

HELPER int append(struct ps_pub *pub, const char *value)
{
	Ew__ConfigStatus msg = EW__CONFIG_STATUS__INIT;

	msg.version = (char *)(uintptr_t)value;
	return ps_append(pub, &msg.base);
}

/* A subscriber's notes. The diary holds one word an event: "+a=1" "~a=2" "-a" "synced" "lost". */
struct reader {
	struct ps_sub *sub;
	char diary[4096];
	unsigned int created, changed, deleted, synced, lost, refused, records;
	uint64_t last_seq, dropped;
	char why[512];
	const char *free_at; /* frees itself at the first event that starts with this */
};

static void note(struct reader *r, const char *word)
{
	size_t n = strlen(r->diary);

	if (n + strlen(word) + 2 < sizeof(r->diary))
		sprintf(r->diary + n, "%s%s", n ? " " : "", word);
	if (r->free_at && strncmp(word, r->free_at, strlen(r->free_at)) == 0)
		r->sub = ps_sub_free(r->sub);
}

static void reader_changed(const char *key, const ProtobufCMessage *was,
			   const ProtobufCMessage *now, void *arg)
{
	const Ew__ConfigStatus *w = (const Ew__ConfigStatus *)was,
			       *s = (const Ew__ConfigStatus *)now;
	struct reader *r = arg;
	char word[400];

	if (!now)
		snprintf(word, sizeof(word), "-%s", key);
	else
		snprintf(word, sizeof(word), "%c%s=%.64s", was ? '~' : '+', key, s->version);
	r->created += now && !was;
	r->changed += now && was;
	r->deleted += !now;
	note(r, word);
	/* Both stay readable, also when the reader has just freed itself. */
	assert_true(!w || strlen(w->version) < PS_MSG_MAX);
	assert_true(!s || strlen(s->version) < PS_MSG_MAX);
	assert_true(strlen(key) > 0);
}

static void reader_record(uint64_t seq, uint64_t lost_before, const ProtobufCMessage *msg,
			  void *arg)
{
	const Ew__ConfigStatus *s = (const Ew__ConfigStatus *)msg;
	struct reader *r = arg;
	char word[128];

	r->records++;
	r->dropped += lost_before;
	assert_true(seq == r->last_seq + 1 + lost_before || r->lost);
	r->last_seq = seq;
	snprintf(word, sizeof(word), "%llu=%.64s", (unsigned long long)seq, s->version);
	note(r, word);
	assert_non_null(s->version);
}

static void reader_raw(const char *key, const void *now, size_t len, void *arg)
{
	struct reader *r = arg;
	char word[400];

	snprintf(word, sizeof(word), "%c%s", now ? '=' : '-', key);
	r->created += now != NULL;
	r->deleted += !now;
	note(r, word);
	assert_true(!now || len < PS_MSG_MAX);
}

static void reader_synced(void *arg)
{
	struct reader *r = arg;

	r->synced++;
	note(r, "synced");
}

static void reader_lost(void *arg)
{
	struct reader *r = arg;

	r->lost++;
	note(r, "lost");
}

static void reader_refused(const char *why, void *arg)
{
	struct reader *r = arg;

	r->refused++;
	snprintf(r->why, sizeof(r->why), "%s", why);
	note(r, "refused");
}

static const struct ps_sub_ops reader_ops = {
	.changed = reader_changed,
	.record = reader_record,
	.raw = reader_raw,
	.synced = reader_synced,
	.lost = reader_lost,
	.refused = reader_refused,
};

HELPER void read_topic(struct ps *ps, const struct ps_topic *topic, struct reader *r)
{
	assert_int_equal(ps_subscribe(ps, topic, &reader_ops, r, &r->sub), 0);
}

HELPER const char *value_of(const struct reader *r, const char *key)
{
	const Ew__ConfigStatus *s = (const Ew__ConfigStatus *)ps_get(r->sub, key);

	return s ? s->version : NULL;
}
