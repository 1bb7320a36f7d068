/* SPDX-License-Identifier: Apache-2.0 */
/* A subscription: finds its publisher, keeps a mirror of the table, tells its owner. */
#include <errno.h>
#include <stdio.h>
#include <sys/time.h>

#include "base/cleanup.h"
#include "pubsub/internal.h"
#include "pubsub/mirror.h"

#define BACKOFF_MS 50 /* doubles with each attempt */
#define BACKOFF_MAX_MS 10000
#define REFUSED_MS 1000 /* less would only be a nuisance to the publisher */

enum sub_state {
	SUB_AWAY, /* not connected: the bus folder or retry_ev wakes us */
	SUB_GREETING, /* HELLO said, none heard */
	SUB_FILLING, /* until SYNCED */
	SUB_SYNCED,
};

struct ps_sub {
	struct list link;
	struct ps *ps;
	const struct ps_topic *topic;
	const struct ps_sub_ops *ops;
	void *arg;
	struct ps_typed typed; /* arg points here for the generated wrappers */
	char *name; /* of the socket */
	bool raw;

	enum sub_state state;
	int fd;
	struct event *read_ev, *retry_ev;
	unsigned int attempts; /* since SYNCED */

	struct ps_mirror mirror;
	uint64_t epoch, seq; /* streams: the publisher's run, the last record of it */

	uint8_t *rest; /* the beginning of a frame that is not complete */
	size_t rest_len, rest_size, rest_need;

	bool in_callback, freed; /* freed by its own callback: memory goes when that returns */
};

static void sub_destroy(struct ps_sub *sub)
{
	ps_mirror_fini(&sub->mirror);
	event_free(sub->retry_ev);
	free(sub->rest);
	free(sub->name);
	free(sub);
}

static void sub_close(struct ps_sub *sub)
{
	if (sub->read_ev)
		event_free(sub->read_ev);
	sub->read_ev = NULL;
	if (sub->fd >= 0)
		close(sub->fd);
	sub->fd = -1;
	free(sub->rest);
	sub->rest = NULL;
	sub->rest_len = sub->rest_size = 0;
	sub->state = SUB_AWAY;
}

struct ps_sub *ps_sub_free(struct ps_sub *sub)
{
	if (!sub || sub->freed)
		return NULL;
	sub_close(sub);
	event_del(sub->retry_ev);
	list_remove(&sub->link);
	sub->freed = true;
	if (!sub->in_callback)
		sub_destroy(sub);
	return NULL;
}

/* Around all that may call the owner: between the two the sub's memory stays. */
static void sub_enter(struct ps_sub *sub)
{
	sub->in_callback = true;
}

static void sub_leave(struct ps_sub *sub)
{
	sub->in_callback = false;
	if (sub->freed)
		sub_destroy(sub);
}

static void sub_retry(struct ps_sub *sub, unsigned int least_ms)
{
	unsigned int shift = sub->attempts < 8 ? sub->attempts : 8;
	unsigned int delay_ms = sub->attempts ? BACKOFF_MS << shift : 0;
	struct timeval tv;

	sub->attempts++;
	if (delay_ms < least_ms)
		delay_ms = least_ms;
	if (delay_ms > BACKOFF_MAX_MS)
		delay_ms = BACKOFF_MAX_MS;
	tv.tv_sec = delay_ms / 1000;
	tv.tv_usec = delay_ms % 1000 * 1000;
	event_add(sub->retry_ev, &tv);
}

/* The publisher is gone, or not worth listening to (why). */
static void sub_lose(struct ps_sub *sub, const char *why)
{
	bool was_there = sub->state == SUB_FILLING || sub->state == SUB_SYNCED;

	sub_close(sub);
	sub_retry(sub, why ? REFUSED_MS : 0);
	if (was_there && sub->ops->lost)
		sub->ops->lost(sub->arg);
	if (why && !sub->freed && sub->ops->refused)
		sub->ops->refused(why, sub->arg);
}

static void sub_tell_deleted(struct ps_sub *sub, struct ps_value *v)
{
	if (sub->freed)
		return;
	if (sub->raw && sub->ops->raw)
		sub->ops->raw(v->key, NULL, 0, sub->arg);
	else if (!sub->raw && sub->ops->changed)
		sub->ops->changed(v->key, v->msg, NULL, sub->arg);
}

static void on_set(struct ps_sub *sub, const struct ps_frame_view *frame)
{
	ProtobufCMessage *was = NULL;
	char why[PS_WHY_MAX];
	struct ps_value *v;
	int r;

	r = ps_mirror_set(&sub->mirror, frame, &v, &was);
	if (r < 0) {
		snprintf(why, sizeof(why), "%s, key %.*s: %s", sub->topic->name,
			 (int)frame->key_len, frame->key,
			 r == -EBADMSG ? "does not decode" : strerror(-r));
		sub_lose(sub, why);
		return;
	}
	if (r == 0)
		return;
	if (sub->raw && sub->ops->raw)
		sub->ops->raw(v->key, ps_value_data(v), v->len, sub->arg);
	else if (!sub->raw && sub->ops->changed)
		sub->ops->changed(v->key, was, v->msg, sub->arg);
	if (was)
		protobuf_c_message_free_unpacked(was, NULL);
}

static void on_delete(struct ps_sub *sub, const struct ps_frame_view *frame)
{
	struct ps_value *v = ps_mirror_take(&sub->mirror, frame->key, frame->key_len);

	if (!v)
		return;
	sub_tell_deleted(sub, v);
	ps_value_free(v);
}

static void on_synced(struct ps_sub *sub)
{
	struct ps_value *v, *next;

	for (v = ps_mirror_take_stale(&sub->mirror); v; v = next) {
		next = ps_value_next(v);
		sub_tell_deleted(sub, v);
		ps_value_free(v);
	}
	if (sub->freed)
		return;
	sub->state = SUB_SYNCED;
	sub->attempts = 0;
	if (sub->ops->synced)
		sub->ops->synced(sub->arg);
}

static void on_record(struct ps_sub *sub, const struct ps_frame_view *frame)
{
	uint64_t seq = ps_get_le64(frame->data), lost;
	ProtobufCMessage *msg;

	if (seq <= sub->seq) {
		sub_lose(sub, "records out of order");
		return;
	}
	msg = protobuf_c_message_unpack(sub->topic->desc, NULL, frame->data_len - 8,
					frame->data + 8);
	lost = seq - sub->seq - 1;
	sub->seq = seq;
	if (!msg) {
		sub_lose(sub, "a record does not decode");
		return;
	}
	if (sub->ops->record)
		sub->ops->record(seq, lost, msg, sub->arg);
	protobuf_c_message_free_unpacked(msg, NULL);
}

static void sub_greeting(const struct ps_sub *sub, struct ps_hello *ret)
{
	*ret = (struct ps_hello){
		.version = PS_PROTOCOL,
		.kind = sub->topic->kind,
		.epoch = sub->epoch,
		.seq = sub->seq,
	};
	snprintf(ret->topic, sizeof(ret->topic), "%s", sub->topic->name);
	snprintf(ret->message, sizeof(ret->message), "%s", sub->topic->desc->name);
	snprintf(ret->agent, sizeof(ret->agent), "%s", sub->ps->conf.agent);
}

static void on_hello(struct ps_sub *sub, const struct ps_frame_view *frame)
{
	struct ps_hello ours, theirs;
	char why[PS_WHY_MAX];

	sub_greeting(sub, &ours);
	if (ps_hello_unpack(frame, &theirs) < 0) {
		sub_lose(sub, "malformed greeting");
		return;
	}
	if (ps_hello_mismatch(&ours, &theirs, why)) {
		sub_lose(sub, why);
		return;
	}
	if (theirs.epoch != sub->epoch) {
		sub->epoch = theirs.epoch;
		sub->seq = 0;
	}
	ps_mirror_new_round(&sub->mirror);
	sub->state = SUB_FILLING;
}

static void on_refused(struct ps_sub *sub, const struct ps_frame_view *frame)
{
	char why[PS_WHY_MAX];

	snprintf(why, sizeof(why), "%.*s", (int)frame->data_len, (const char *)frame->data);
	sub_lose(sub, why);
}

static void sub_frame(struct ps_sub *sub, const struct ps_frame_view *frame)
{
	bool table = sub->topic->kind == PS_STATE, greeted = sub->state != SUB_GREETING;

	switch (frame->type) {
	case PS_FRAME_REFUSED:
		on_refused(sub, frame);
		return;
	case PS_FRAME_HELLO:
		if (greeted)
			break;
		on_hello(sub, frame);
		return;
	case PS_FRAME_SET:
		if (!greeted || !table)
			break;
		on_set(sub, frame);
		return;
	case PS_FRAME_DELETE:
		if (!greeted || !table)
			break;
		on_delete(sub, frame);
		return;
	case PS_FRAME_SYNCED:
		if (sub->state != SUB_FILLING)
			break;
		on_synced(sub);
		return;
	case PS_FRAME_RECORD:
		if (!greeted || table)
			break;
		on_record(sub, frame);
		return;
	}
	sub_lose(sub, "the publisher broke the protocol");
}

/* Keeps the n bytes of a begun frame until it has rest_need of them. */
static void sub_keep(struct ps_sub *sub, const uint8_t *p, size_t n)
{
	size_t size = sub->rest_need > PS_CHUNK ? sub->rest_need : n;

	if (size > sub->rest_size) {
		uint8_t *rest = realloc(sub->rest, size);

		if (!rest) {
			sub_lose(sub, "out of memory for a large message");
			return;
		}
		sub->rest = rest;
		sub->rest_size = size;
	}
	memmove(sub->rest, p, n);
	sub->rest_len = n;
}

/* Handles all complete frames in n bytes. The owner may free the sub, or all of ps, in each. */
static void sub_parse(struct ps_sub *sub, const uint8_t *p, size_t n)
{
	struct ps_frame_view frame;

	sub->rest_len = 0;
	while (n) {
		ssize_t len = ps_frame_parse(p, n, &frame, &sub->rest_need);

		if (len == 0) {
			sub_keep(sub, p, n);
			return;
		}
		if (len < 0) {
			sub_lose(sub, "malformed frame");
			return;
		}
		sub_frame(sub, &frame);
		if (sub->freed || sub->state == SUB_AWAY)
			return;
		p += len;
		n -= (size_t)len;
	}
	if (sub->rest_size > PS_CHUNK) {
		free(sub->rest);
		sub->rest = NULL;
		sub->rest_size = 0;
	}
}

/* One read. A frame larger than the common buffer is collected in sub->rest itself. */
static void sub_input(struct ps_sub *sub)
{
	bool large = sub->rest_len && sub->rest_need > PS_CHUNK;
	uint8_t *buf = large ? sub->rest : sub->ps->in;
	size_t size = large ? sub->rest_need : PS_CHUNK;
	ssize_t n;

	if (sub->rest_len && !large)
		memcpy(buf, sub->rest, sub->rest_len);
	n = recv(sub->fd, buf + sub->rest_len, size - sub->rest_len, MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		sub_lose(sub, NULL);
		return;
	}
	sub_parse(sub, buf, sub->rest_len + (size_t)n);
}

static void sub_readable(evutil_socket_t fd, short what, void *arg)
{
	struct ps_sub *sub = arg;

	(void)fd, (void)what;
	sub_enter(sub);
	sub_input(sub);
	sub_leave(sub);
}

static int sub_connect(struct ps_sub *sub)
{
	struct ps_hello hello;
	uint8_t buf[PS_HELLO_MAX];
	ssize_t n;

	sub->fd = ps_dial(sub->ps->bus_dir, sub->name);
	if (sub->fd < 0)
		return sub->fd;
	sub_greeting(sub, &hello);
	n = (ssize_t)ps_hello_pack(&hello, buf);
	/* Refused already (EPIPE): the reason is there to be read. */
	if (send(sub->fd, buf, (size_t)n, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 && errno != EPIPE)
		return -errno;
	sub->read_ev = event_new(sub->ps->base, sub->fd, EV_READ | EV_PERSIST, sub_readable, sub);
	if (!sub->read_ev || event_add(sub->read_ev, NULL) < 0)
		return -ENOMEM;
	sub->state = SUB_GREETING;
	return 0;
}

static void sub_try(evutil_socket_t fd, short what, void *arg)
{
	struct ps_sub *sub = arg;
	char why[PS_WHY_MAX];
	int r;

	(void)fd, (void)what;
	if (sub->state != SUB_AWAY)
		return;
	event_del(sub->retry_ev);
	r = sub_connect(sub);
	if (r == 0)
		return;
	sub_close(sub);
	/* Nobody there: the socket's appearance in the folder wakes us, no need to ask again. */
	if (r == -ENOENT || r == -ECONNREFUSED)
		return;
	if (r != -EACCES) {
		sub_retry(sub, BACKOFF_MS);
		return;
	}
	snprintf(why, sizeof(why), "%s: %s", sub->name, strerror(-r));
	sub_enter(sub);
	sub_lose(sub, why);
	sub_leave(sub);
}

void ps_subs_wake(struct ps *ps, const char *name)
{
	struct ps_sub *sub;

	list_for_each (sub, &ps->subs, link) {
		if (sub->state != SUB_AWAY || (name && strcmp(name, sub->name) != 0))
			continue;
		sub->attempts = 0;
		event_active(sub->retry_ev, EV_TIMEOUT, 0);
	}
}

void ps_subs_free(struct ps *ps)
{
	struct ps_sub *sub, *tmp;

	list_for_each_safe (sub, tmp, &ps->subs, link)
		ps_sub_free(sub);
}

static int subscribe(struct ps *ps, const struct ps_topic *topic, const struct ps_sub_ops *ops,
		     bool raw, struct ps_sub **ret)
{
	struct ps_sub *sub;
	int r;

	r = ps_watch(ps);
	if (r < 0)
		return r;
	if (!ps->in)
		ps->in = xcalloc(1, PS_CHUNK);
	sub = xcalloc(1, sizeof(*sub));
	sub->retry_ev = event_new(ps->base, -1, 0, sub_try, sub);
	if (!sub->retry_ev) {
		free(sub);
		return -ENOMEM;
	}
	sub->ps = ps;
	sub->topic = topic;
	sub->ops = ops;
	sub->raw = raw;
	sub->fd = -1;
	sub->name = xasprintf("%s.%s", topic->agent, topic->name);
	ps_mirror_init(&sub->mirror, raw ? NULL : topic->desc);
	list_append(&ps->subs, &sub->link);
	event_active(sub->retry_ev, EV_TIMEOUT, 0);
	*ret = sub;
	return 0;
}

int ps_subscribe(struct ps *ps, const struct ps_topic *topic, const struct ps_sub_ops *ops,
		 void *arg, struct ps_sub **ret)
{
	int r = subscribe(ps, topic, ops, false, ret);

	if (r == 0)
		(*ret)->arg = arg;
	return r;
}

int ps_subscribe_raw(struct ps *ps, const struct ps_topic *topic, const struct ps_sub_ops *ops,
		     void *arg, struct ps_sub **ret)
{
	int r;

	if (topic->kind != PS_STATE)
		return -EINVAL;
	r = subscribe(ps, topic, ops, true, ret);
	if (r == 0)
		(*ret)->arg = arg;
	return r;
}

int ps_subscribe_typed(struct ps *ps, const struct ps_topic *topic, const struct ps_sub_ops *ops,
		       const void *typed_ops, void *arg, struct ps_sub **ret)
{
	int r = subscribe(ps, topic, ops, false, ret);

	if (r == 0) {
		(*ret)->typed = (struct ps_typed){ .ops = typed_ops, .arg = arg };
		(*ret)->arg = &(*ret)->typed;
	}
	return r;
}

bool ps_synced(const struct ps_sub *sub)
{
	return sub->state == SUB_SYNCED;
}

const ProtobufCMessage *ps_get(const struct ps_sub *sub, const char *key)
{
	ssize_t len = ps_key_len(key);
	const struct ps_value *v;

	v = len > 0 ? ps_mirror_find(&sub->mirror, key, (size_t)len) : NULL;
	return v ? v->msg : NULL;
}

void ps_each(const struct ps_sub *sub,
	     void (*fn)(const char *key, const ProtobufCMessage *msg, void *arg), void *arg)
{
	struct hmap_node *n;

	hmap_for_each (n, &sub->mirror.keys) {
		const struct ps_value *v = container_of(n, struct ps_value, by_key);

		fn(v->key, v->msg, arg);
	}
}
