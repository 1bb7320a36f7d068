/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bus. A topic is a table, key → protobuf message, owned by one publisher; a stream is an
 * append-only sequence. Each publisher listens on <run-dir>/bus/<agent>.<topic>; there is no
 * broker. A subscriber gets the whole table, synced, then changes; changes a slow subscriber has
 * not read yet are merged per key. When the publisher leaves: lost; when it is back, the table is
 * compared with what the subscriber holds: only differences reach changed(), then synced again,
 * so a restart that publishes the same values is invisible but for lost and synced.
 *
 * Use the typed wrappers generated from api/bus (api/topics.h) in daemons.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <protobuf-c/protobuf-c.h>

struct event_base;
struct ps;
struct ps_pub;
struct ps_sub;

enum ps_kind { PS_STATE, PS_STREAM };

struct ps_topic { /* generated: one for each topic of api/bus/topics */
	const char *name; /* "DeviceNetworkStatus" */
	const char *agent; /* who publishes it: "nim" */
	const ProtobufCMessageDescriptor *desc;
	enum ps_kind kind;
	bool persist; /* state that survives reboot: <state-dir>/bus/<agent>.<topic> */
};
extern const struct ps_topic *const ps_topics[]; /* all, NULL-terminated; generated */
const struct ps_topic *ps_topic_find(const char *name);

struct ps_conf {
	const char *agent; /* our name; borrowed */
	const char *run_dir, *state_dir; /* borrowed */
};

/* Limits, all refused with a clear error and a counter: */
#define PS_KEY_MAX 255 /* bytes in a key */
#define PS_MSG_MAX (4u << 20) /* bytes in a packed message */
#define PS_SUBSCRIBERS_MAX 64 /* of one topic */

int ps_connect(struct event_base *base, const struct ps_conf *conf, struct ps **ret);
struct ps *ps_free(struct ps *ps); /* frees its publications and subscriptions */

/*
 * Publishing. ps_advertise() opens the topic; a persistent one starts with what was stored.
 * Subscribers are told synced only after ps_publish_synced(): until then a restarted publisher is
 * still filling its table, and keys not yet published again must not look deleted.
 */
struct ps_access { /* who may subscribe besides root and our own uid */
	const uid_t *uids; /* ends with (uid_t)-1; NULL: nobody else */
	const gid_t *gids; /* ends with (gid_t)-1 */
};
int ps_advertise(struct ps *ps, const struct ps_topic *topic, const struct ps_access *access,
		 struct ps_pub **ret);
void ps_publish_synced(struct ps_pub *pub);
int ps_publish(struct ps_pub *pub, const char *key, const ProtobufCMessage *msg); /* copies; no-op
						if unchanged; -E2BIG, -EINVAL (key) */
int ps_unpublish(struct ps_pub *pub, const char *key); /* no-op if absent */
struct ps_pub *ps_pub_free(struct ps_pub *pub);

/* Streams: keeps the last max_records (default 4096) for late joiners; older ones are dropped and
 * counted at the reader. */
int ps_append(struct ps_pub *pub, const ProtobufCMessage *msg);

/* Packed payloads as they are, for tools and benchmarks; same rules. */
int ps_publish_packed(struct ps_pub *pub, const char *key, const void *data, size_t len);

struct ps_stats {
	uint64_t published, sent, merged, dropped, bytes, refused;
	unsigned int subscribers, keys;
};
void ps_pub_stats(const struct ps_pub *pub, struct ps_stats *ret);

struct ps_sub_ops {
	/* was NULL: created; now NULL: deleted. Both borrowed for the call. */
	void (*changed)(const char *key, const ProtobufCMessage *was, const ProtobufCMessage *now,
			void *arg);
	/* Streams: one record; lost_before records were dropped just before it. */
	void (*record)(uint64_t seq, uint64_t lost_before, const ProtobufCMessage *msg, void *arg);
	/* Raw subscribers (ps_subscribe_raw) get packed bytes here instead; now NULL: deleted. */
	void (*raw)(const char *key, const void *now, size_t len, void *arg);
	void (*synced)(void *arg); /* all that existed is delivered; again per reconnect */
	void (*lost)(void *arg); /* publisher left: values stay, but stale */
	void (*refused)(const char *why, void *arg); /* version or access; retried with back-off */
};

/* Subscribes to topic->agent's topic; the publisher need not run yet. ops borrowed for ever.
 * Callbacks run from the loop only, never from inside these calls; they may free the sub. */
int ps_subscribe(struct ps *ps, const struct ps_topic *topic, const struct ps_sub_ops *ops,
		 void *arg, struct ps_sub **ret);
int ps_subscribe_raw(struct ps *ps, const struct ps_topic *topic, const struct ps_sub_ops *ops,
		     void *arg, struct ps_sub **ret);

/* For the wrappers api/gen-topics writes: ops get a struct ps_typed as arg. */
struct ps_typed {
	const void *ops; /* struct ps_<topic>_ops of the caller; borrowed for ever */
	void *arg;
};
int ps_subscribe_typed(struct ps *ps, const struct ps_topic *topic, const struct ps_sub_ops *ops,
		       const void *typed_ops, void *arg, struct ps_sub **ret);

struct ps_sub *ps_sub_free(struct ps_sub *sub);
bool ps_synced(const struct ps_sub *sub);
const ProtobufCMessage *ps_get(const struct ps_sub *sub, const char *key); /* until next change */
void ps_each(const struct ps_sub *sub,
	     void (*fn)(const char *key, const ProtobufCMessage *msg, void *arg), void *arg);
