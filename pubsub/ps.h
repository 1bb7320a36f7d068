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
	const char *run_dir, *state_dir; /* borrowed; state_dir only for persistent topics */
	/*
	 * What a publisher's operator should know, for the daemon to log: a stored table was
	 * damaged, storing fails, a subscriber was turned away. NULL: ps_report_log(). Must not
	 * free ps.
	 */
	void (*report)(const struct ps_topic *topic, const char *why, void *arg);
	void *arg;
};

/* Limits, all refused with a clear error and a counter: */
#define PS_KEY_MAX 255 /* bytes in a key */
#define PS_MSG_MAX (4u << 20) /* bytes in a packed message */
#define PS_KEYS_MAX (1u << 20) /* keys in a table */
#define PS_TABLE_MAX (256u << 20) /* bytes in a table, keys included */
#define PS_SUBSCRIBERS_MAX 64 /* of one topic */
#define PS_RECORDS_DEFAULT 4096 /* kept of a stream */
#define PS_STREAM_MAX (64u << 20) /* bytes kept of a stream */

/* Logs it as event "bus_report". */
void ps_report_log(const struct ps_topic *topic, const char *why, void *arg);

/* Makes <run-dir>/bus. conf is copied, its strings borrowed. */
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
/* Copies; no-op if unchanged. -E2BIG (message), -EINVAL (key empty or long), -ENOSPC (table). */
int ps_publish(struct ps_pub *pub, const char *key, const ProtobufCMessage *msg);
int ps_unpublish(struct ps_pub *pub, const char *key); /* no-op if absent */
struct ps_pub *ps_pub_free(struct ps_pub *pub); /* waits for what is not stored yet */

/* What is published now, in the order of creation: how the owner of a persistent topic finds what
 * it had stored. fn must not publish. */
void ps_pub_each(const struct ps_pub *pub,
		 void (*fn)(const char *key, const void *data, size_t len, void *arg), void *arg);

/* Streams: keeps the last records (default PS_RECORDS_DEFAULT) for late joiners; older ones are
 * dropped and counted at the reader. */
int ps_append(struct ps_pub *pub, const ProtobufCMessage *msg); /* copies; -E2BIG */
void ps_stream_limit(struct ps_pub *pub, unsigned int records); /* at least 1 */

/* Packed payloads as they are, for tools and benchmarks; same rules. */
int ps_publish_packed(struct ps_pub *pub, const char *key, const void *data, size_t len);

struct ps_stats {
	uint64_t published; /* changes of the table, or records */
	uint64_t sent; /* the same, summed over subscribers; with what late joiners get */
	uint64_t merged; /* changes a subscriber did not see because a later one replaced them */
	uint64_t dropped; /* records a subscriber was too slow for */
	uint64_t bytes; /* sent */
	uint64_t refused; /* subscribers turned away or cut off */
	uint64_t commits; /* of a persistent table to disk */
	unsigned int subscribers; /* who left since the last change may still be counted */
	unsigned int keys; /* or records kept */
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
	/* Version, access, or a message that does not decode; retried with back-off. */
	void (*refused)(const char *why, void *arg);
};

/* Subscribes to topic->agent's topic; the publisher need not run yet. ops borrowed for ever.
 * Callbacks run from the loop only, never from inside these calls; they may free the sub. */
int ps_subscribe(struct ps *ps, const struct ps_topic *topic, const struct ps_sub_ops *ops,
		 void *arg, struct ps_sub **ret);
int ps_subscribe_raw(struct ps *ps, const struct ps_topic *topic, const struct ps_sub_ops *ops,
		     void *arg, struct ps_sub **ret); /* -EINVAL for a stream */

/* For the wrappers api/gen-topics writes: ops get a struct ps_typed as arg. */
struct ps_typed {
	const void *ops; /* struct ps_<topic>_ops of the caller; borrowed for ever */
	void *arg;
};
int ps_subscribe_typed(struct ps *ps, const struct ps_topic *topic, const struct ps_sub_ops *ops,
		       const void *typed_ops, void *arg, struct ps_sub **ret);

struct ps_sub *ps_sub_free(struct ps_sub *sub);
bool ps_synced(const struct ps_sub *sub); /* and the publisher is there */
const ProtobufCMessage *ps_get(const struct ps_sub *sub, const char *key); /* until next change */
void ps_each(const struct ps_sub *sub,
	     void (*fn)(const char *key, const ProtobufCMessage *msg, void *arg), void *arg);
