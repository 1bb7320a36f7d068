/* SPDX-License-Identifier: Apache-2.0 */
/* A published topic: its socket, its table and when its subscribers are served. */
#include <errno.h>
#include <stdio.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/time.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "pubsub/internal.h"

#define SEND_ROUNDS 4 /* chunks for each subscriber in one turn of the loop */
#define QUIET_NS 50000 /* since the last write: more news are not to be expected at once */

static void pub_send(struct ps_pub *pub, unsigned int rounds)
{
	ps_peers_send(pub, rounds);
	pub->sent = mono_now();
}

static void pub_flush(evutil_socket_t fd, short what, void *arg)
{
	struct ps_pub *pub = arg;

	(void)fd, (void)what;
	pub->waiting = false;
	pub_send(pub, SEND_ROUNDS);
}

/*
 * The first change of a quiet publisher goes out at once (latency is wake-ups), what follows in
 * the same turn of the loop leaves together at its end (rate is system calls).
 */
static void pub_changed(struct ps_pub *pub)
{
	pub->stats.published++;
	if (pub->store)
		ps_store_dirty(pub->store);
	if (pub->waiting || list_empty(&pub->peers))
		return;
	if (mono_now().ns - pub->sent.ns > QUIET_NS) {
		pub_send(pub, 1);
		return;
	}
	pub->waiting = true;
	event_active(pub->flush_ev, EV_TIMEOUT, 0);
}

/* Makes room for a frame of len bytes to be built in. */
static int pack_reserve(struct ps_pub *pub, size_t len)
{
	uint8_t *p;

	if (len <= pub->pack_size)
		return 0;
	len = (len + 4095) & ~(size_t)4095;
	p = realloc(pub->pack, len);
	if (!p)
		return -ENOMEM;
	pub->pack = p;
	pub->pack_size = len;
	return 0;
}

/* A rare large message must not hold its memory for ever. */
static void pack_release(struct ps_pub *pub)
{
	if (pub->pack_size <= PS_CHUNK)
		return;
	free(pub->pack);
	pub->pack = NULL;
	pub->pack_size = 0;
}

/* Begins a SET in pub->pack; *ret_data is where len bytes of message go. */
static int pack_set(struct ps_pub *pub, const char *key, size_t len, uint8_t **ret_data)
{
	ssize_t key_len = ps_key_len(key);
	int r;

	if (pub->topic->kind != PS_STATE || key_len < 0)
		return -EINVAL;
	if (len > PS_MSG_MAX)
		return -E2BIG;
	r = pack_reserve(pub, PS_HEAD + (size_t)key_len + len);
	if (r < 0)
		return r;
	*ret_data = pub->pack + ps_frame_head(pub->pack, PS_FRAME_SET, key, (size_t)key_len, len);
	return 0;
}

static int pub_commit(struct ps_pub *pub, size_t len)
{
	int r = ps_table_set(&pub->table, pub->pack, len);

	pack_release(pub);
	if (r > 0)
		pub_changed(pub);
	return r < 0 ? r : 0;
}

int ps_publish(struct ps_pub *pub, const char *key, const ProtobufCMessage *msg)
{
	size_t len = protobuf_c_message_get_packed_size(msg);
	uint8_t *data;
	int r;

	r = pack_set(pub, key, len, &data);
	if (r < 0)
		return r;
	protobuf_c_message_pack(msg, data);
	return pub_commit(pub, (size_t)(data - pub->pack) + len);
}

int ps_publish_packed(struct ps_pub *pub, const char *key, const void *bytes, size_t len)
{
	uint8_t *data;
	int r;

	r = pack_set(pub, key, len, &data);
	if (r < 0)
		return r;
	if (len)
		memcpy(data, bytes, len);
	return pub_commit(pub, (size_t)(data - pub->pack) + len);
}

int ps_unpublish(struct ps_pub *pub, const char *key)
{
	ssize_t key_len = ps_key_len(key);
	int r;

	if (pub->topic->kind != PS_STATE || key_len < 0)
		return -EINVAL;
	r = ps_table_delete(&pub->table, key, (size_t)key_len);
	if (r > 0)
		pub_changed(pub);
	return r < 0 ? r : 0;
}

int ps_append(struct ps_pub *pub, const ProtobufCMessage *msg)
{
	size_t len = protobuf_c_message_get_packed_size(msg), at;
	int r;

	if (pub->topic->kind != PS_STREAM)
		return -EINVAL;
	if (len > PS_MSG_MAX)
		return -E2BIG;
	r = pack_reserve(pub, PS_HEAD + 8 + len);
	if (r < 0)
		return r;
	at = ps_frame_head(pub->pack, PS_FRAME_RECORD, NULL, 0, 8 + len) + 8;
	protobuf_c_message_pack(msg, pub->pack + at);
	r = ps_table_append(&pub->table, pub->pack, at + len);
	pack_release(pub);
	if (r > 0)
		pub_changed(pub);
	return r < 0 ? r : 0;
}

void ps_stream_limit(struct ps_pub *pub, unsigned int records)
{
	pub->table.max_records = records ? records : 1;
	if (pub->topic->kind == PS_STREAM)
		ps_table_trim(&pub->table);
}

void ps_publish_synced(struct ps_pub *pub)
{
	ps_table_set_synced(&pub->table);
	if (!pub->waiting)
		event_active(pub->flush_ev, EV_TIMEOUT, 0);
}

void ps_pub_each(const struct ps_pub *pub,
		 void (*fn)(const char *key, const void *data, size_t len, void *arg), void *arg)
{
	struct ps_entry *e = NULL;
	char key[PS_KEY_MAX + 1];

	while (pub->topic->kind == PS_STATE && (e = ps_table_next(&pub->table, e))) {
		size_t key_len = e->frame->bytes[5], at = PS_HEAD + key_len;

		memcpy(key, e->frame->bytes + PS_HEAD, key_len);
		key[key_len] = 0;
		fn(key, e->frame->bytes + at, e->frame->len - at, arg);
	}
}

void ps_pub_stats(const struct ps_pub *pub, struct ps_stats *ret)
{
	*ret = pub->stats;
	ret->merged = pub->table.merged;
	ret->dropped = pub->table.dropped;
	ret->subscribers = pub->n_peers;
	ret->keys = (unsigned int)pub->table.live;
}

static void pub_accept(evutil_socket_t listen_fd, short what, void *arg)
{
	const struct timeval pause = { .tv_usec = 100000 };
	struct ps_pub *pub = arg;
	int fd;

	(void)what;
	fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd >= 0)
		ps_peer_accept(pub, fd);
	else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
		/* The socket stays readable: do not spin until descriptors are free again. */
		event_del(pub->accept_ev);
		event_add(pub->resume_ev, &pause);
	}
}

static void pub_resume(evutil_socket_t fd, short what, void *arg)
{
	struct ps_pub *pub = arg;

	(void)fd, (void)what;
	event_add(pub->accept_ev, NULL);
}

static int pub_listen(struct ps_pub *pub)
{
	bool others =
		(pub->uids && *pub->uids != (uid_t)-1) || (pub->gids && *pub->gids != (gid_t)-1);
	struct event_base *base = pub->ps->base;

	/* Others pass the file's permissions and are judged by their credentials. */
	pub->listen_fd = ps_listen(pub->ps->bus_dir, pub->name, others ? 0666 : 0600);
	if (pub->listen_fd < 0)
		return pub->listen_fd;
	pub->accept_ev = event_new(base, pub->listen_fd, EV_READ | EV_PERSIST, pub_accept, pub);
	pub->resume_ev = event_new(base, -1, 0, pub_resume, pub);
	pub->flush_ev = event_new(base, -1, 0, pub_flush, pub);
	if (!pub->accept_ev || !pub->resume_ev || !pub->flush_ev ||
	    event_add(pub->accept_ev, NULL) < 0)
		return -ENOMEM;
	return 0;
}

/* A damaged file is reported and set aside: never fatal, what remains readable is used. */
static int pub_restore(struct ps_pub *pub)
{
	_cleanup_(freep) char *dir = xasprintf("%s/bus", pub->ps->conf.state_dir);
	_cleanup_(freep) char *path = xasprintf("%s/%s", dir, pub->name);
	char why[PS_WHY_MAX] = "";
	uint64_t generation;
	int r;

	r = dir_make(dir, 0700);
	if (r < 0)
		return r;
	r = ps_store_load(path, pub->topic->desc, &pub->table, why, &generation);
	if (*why)
		ps_report(pub, "%s", why);
	if (r < 0)
		return r;
	return ps_store_new(pub, path, generation, &pub->store);
}

static void *copy_ids(const void *ids, size_t n)
{
	return ids ? xmemdup(ids, n) : NULL;
}

static void pub_copy_access(struct ps_pub *pub, const struct ps_access *access)
{
	size_t uids = 0, gids = 0;

	while (access && access->uids && access->uids[uids] != (uid_t)-1)
		uids++;
	while (access && access->gids && access->gids[gids] != (gid_t)-1)
		gids++;
	pub->uids = copy_ids(access ? access->uids : NULL, (uids + 1) * sizeof(uid_t));
	pub->gids = copy_ids(access ? access->gids : NULL, (gids + 1) * sizeof(gid_t));
}

static int pub_greeting(struct ps_pub *pub)
{
	const struct ps_topic *topic = pub->topic;

	pub->hello.version = PS_PROTOCOL;
	pub->hello.kind = topic->kind;
	snprintf(pub->hello.topic, sizeof(pub->hello.topic), "%s", topic->name);
	snprintf(pub->hello.message, sizeof(pub->hello.message), "%s", topic->desc->name);
	snprintf(pub->hello.agent, sizeof(pub->hello.agent), "%s", pub->ps->conf.agent);
	if (getrandom(&pub->hello.epoch, sizeof(pub->hello.epoch), 0) < 0)
		return -errno;
	pub->hello.epoch |= 1; /* 0 means none */
	return 0;
}

int ps_advertise(struct ps *ps, const struct ps_topic *topic, const struct ps_access *access,
		 struct ps_pub **ret)
{
	struct ps_pub *pub;
	int r;

	if (topic->persist && topic->kind == PS_STREAM)
		return -EINVAL;
	pub = xcalloc(1, sizeof(*pub));
	pub->ps = ps;
	pub->topic = topic;
	pub->listen_fd = -1;
	pub->name = xasprintf("%s.%s", topic->agent, topic->name);
	list_init(&pub->peers);
	list_append(&ps->pubs, &pub->link);
	pub_copy_access(pub, access);
	r = ps_table_init(&pub->table, topic->kind == PS_STREAM);
	if (r == 0)
		r = pub_greeting(pub);
	if (r == 0 && topic->persist)
		r = pub_restore(pub);
	if (r == 0)
		r = pub_listen(pub);
	if (r < 0) {
		ps_pub_free(pub);
		return r;
	}
	*ret = pub;
	return 0;
}

struct ps_pub *ps_pub_free(struct ps_pub *pub)
{
	if (!pub)
		return NULL;
	if (pub->listen_fd >= 0) {
		_cleanup_(freep) char *path = xasprintf("%s/%s", pub->ps->bus_dir, pub->name);

		unlink(path);
		close(pub->listen_fd);
	}
	ps_peers_free(pub);
	ps_store_free(pub->store);
	if (pub->accept_ev)
		event_free(pub->accept_ev);
	if (pub->resume_ev)
		event_free(pub->resume_ev);
	if (pub->flush_ev)
		event_free(pub->flush_ev);
	ps_table_fini(&pub->table);
	list_remove(&pub->link);
	free(pub->pack);
	free(pub->uids);
	free(pub->gids);
	free(pub->name);
	free(pub);
	return NULL;
}
