/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One subscriber, seen from the publisher: greeting, then frames as fast as it reads them.
 *
 * After the greeting its socket is watched only while it is full. To watch for its end as well
 * would cost both sides a call into epoll with each message (0.7 of 6 µs): who has left is noticed
 * by the next write to it, or when somebody else comes. What it says is never read.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/time.h>

#include "base/cleanup.h"
#include "pubsub/internal.h"

#define GREETING_S 5 /* to say HELLO */
#define SMALL_FRAME 2048 /* worth copying beside others: an iovec costs the kernel more */
#define ROUNDS_PER_WAKE 4

enum peer_state {
	PEER_GREETING, /* waiting for HELLO */
	PEER_READY, /* send at will */
	PEER_BLOCKED, /* until write_ev */
};

struct ps_peer {
	struct list link;
	struct ps_pub *pub;
	enum peer_state state;
	int fd;
	struct event *greeting_ev; /* until HELLO */
	struct event *write_ev;
	struct ps_cursor cursor; /* in the table unless greeting */
	struct ps_frame *partial; /* sent up to partial_off; or NULL */
	size_t partial_off;
	size_t in_len;
	uint8_t in[PS_HELLO_MAX];
};

static void peer_free(struct ps_peer *p)
{
	struct ps_pub *pub = p->pub;

	if (p->state != PEER_GREETING)
		ps_cursor_remove(&pub->table, &p->cursor);
	pub->n_peers--;
	list_remove(&p->link);
	ps_frame_unref(p->partial);
	if (p->greeting_ev)
		event_free(p->greeting_ev);
	if (p->write_ev)
		event_free(p->write_ev);
	close(p->fd);
	free(p);
}

void ps_peers_free(struct ps_pub *pub)
{
	struct ps_peer *p, *tmp;

	list_for_each_safe (p, tmp, &pub->peers, link)
		peer_free(p);
}

static void batch_start(struct ps_batch *b, const struct ps_cursor *c)
{
	b->n_iov = b->bytes = b->frames = 0;
	b->shared = c->phase == PS_LIVE;
	b->from_seq = c->seq;
	ps_cursor_place(c, &b->to);
}

/* Gathers what comes after the cursor: small frames are copied side by side, large ones pointed
 * to; up to PS_CHUNK bytes and always at least one frame. */
static void batch_fill(struct ps_batch *b, const struct ps_table *t, const struct ps_cursor *c)
{
	size_t copied = 0;
	bool joins = false; /* the last iovec ends where the next copy begins */

	batch_start(b, c);
	while (b->bytes < PS_CHUNK && b->n_iov < PS_IOV) {
		struct ps_place place = b->to;
		const struct ps_frame *f = ps_place_next(t, c, &place);

		if (!f) {
			b->to = place;
			break;
		}
		if (b->n_iov && b->bytes + f->len > PS_CHUNK)
			break;
		b->to = place;
		b->bytes += f->len;
		b->frames += f != t->synced_frame;
		if (f->len > SMALL_FRAME) {
			b->iov[b->n_iov++] = (struct iovec){ (void *)f->bytes, f->len };
			joins = false;
			continue;
		}
		memcpy(b->copy + copied, f->bytes, f->len);
		if (joins)
			b->iov[b->n_iov - 1].iov_len += f->len;
		else
			b->iov[b->n_iov++] = (struct iovec){ b->copy + copied, f->len };
		copied += f->len;
		joins = true;
	}
}

/* Books n bytes sent of the batch: moves the cursor, pins the frame that is half out. */
static void peer_advance(struct ps_peer *p, const struct ps_batch *b, size_t n)
{
	struct ps_pub *pub = p->pub;
	struct ps_place place, before;

	if (n == b->bytes) {
		ps_cursor_move(&p->cursor, &b->to);
		pub->stats.sent += b->frames;
		return;
	}
	ps_cursor_place(&p->cursor, &place);
	before = place;
	while (n > 0) {
		struct ps_frame *f = ps_place_next(&pub->table, &p->cursor, &place);

		before = place;
		pub->stats.sent += f != pub->table.synced_frame;
		if (n < f->len) {
			p->partial = ps_frame_ref(f);
			p->partial_off = n;
			break;
		}
		n -= f->len;
	}
	ps_cursor_move(&p->cursor, &before);
}

/* One write. Returns 1: all that was tried is out, 0: the socket is full, -errno: it is broken. */
static int peer_write(struct ps_peer *p, const struct ps_batch *b)
{
	struct iovec iov[PS_IOV + 1];
	struct msghdr msg = { .msg_iov = iov };
	size_t rest = p->partial ? p->partial->len - p->partial_off : 0;
	size_t total = rest + b->bytes;
	ssize_t n;

	if (rest)
		iov[msg.msg_iovlen++] = (struct iovec){ p->partial->bytes + p->partial_off, rest };
	memcpy(iov + msg.msg_iovlen, b->iov, b->n_iov * sizeof(*iov));
	msg.msg_iovlen += b->n_iov;
	if (msg.msg_iovlen == 1)
		n = send(p->fd, iov[0].iov_base, iov[0].iov_len, MSG_NOSIGNAL | MSG_DONTWAIT);
	else
		n = sendmsg(p->fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	p->pub->stats.bytes += (uint64_t)n;
	if ((size_t)n < rest) {
		p->partial_off += (size_t)n;
		return 0;
	}
	p->partial = ps_frame_unref(p->partial);
	peer_advance(p, b, (size_t)n - rest);
	return (size_t)n == total;
}

static void peer_block(struct ps_peer *p)
{
	p->state = PEER_BLOCKED;
	event_add(p->write_ev, NULL);
}

/* Sends one chunk. Returns whether there is more to send at once; p may be gone when not. */
static bool peer_send(struct ps_peer *p)
{
	struct ps_pub *pub = p->pub;
	struct ps_table *t = &pub->table;
	struct ps_batch *b = &pub->ps->batch;
	int r;

	if (p->state != PEER_READY || (!p->partial && ps_cursor_idle(t, &p->cursor)))
		return false;
	/* Whoever is live and has passed the same change stands at the same place. */
	if (!b->n_iov || !b->shared || p->cursor.phase != PS_LIVE || b->from_seq != p->cursor.seq)
		batch_fill(b, t, &p->cursor);
	if (!b->n_iov && !p->partial) {
		ps_cursor_move(&p->cursor, &b->to);
		return false;
	}
	r = peer_write(p, b);
	if (r < 0) {
		b->n_iov = 0; /* what it points to may go with the cursor */
		peer_free(p);
		return false;
	}
	if (r == 0) {
		peer_block(p);
		return false;
	}
	return !ps_cursor_idle(t, &p->cursor);
}

/* A chunk for each in turn, so that all readers work while we write. */
void ps_peers_send(struct ps_pub *pub, unsigned int rounds)
{
	struct ps_peer *p, *tmp;
	bool more = true;

	for (; more && rounds; rounds--) {
		more = false;
		pub->ps->batch.n_iov = 0;
		list_for_each_safe (p, tmp, &pub->peers, link)
			more |= peer_send(p);
	}
	pub->ps->batch.n_iov = 0;
	if (more) { /* the rest in later turns of the loop */
		list_for_each (p, &pub->peers, link) {
			if (p->state == PEER_READY && !ps_cursor_idle(&pub->table, &p->cursor))
				peer_block(p);
		}
	}
	ps_table_sweep(&pub->table);
}

static void peer_writable(evutil_socket_t fd, short what, void *arg)
{
	struct ps_peer *p = arg;
	struct ps_pub *pub = p->pub;
	unsigned int rounds = ROUNDS_PER_WAKE;

	(void)fd, (void)what;
	p->state = PEER_READY;
	pub->ps->batch.n_iov = 0;
	while (peer_send(p) && --rounds) /* p may be gone when it says false */
		pub->ps->batch.n_iov = 0;
	pub->ps->batch.n_iov = 0;
	if (!rounds)
		peer_block(p);
	ps_table_sweep(&pub->table);
}

/* Tells the other side why, closes and counts. What is already in a unix socket is still read. */
static void refuse(struct ps_pub *pub, int fd, const char *why)
{
	uint8_t buf[PS_HEAD + PS_WHY_MAX];
	size_t len = strnlen(why, PS_WHY_MAX - 1);

	ps_frame_head(buf, PS_FRAME_REFUSED, NULL, 0, len);
	memcpy(buf + PS_HEAD, why, len);
	(void)send(fd, buf, PS_HEAD + len, MSG_NOSIGNAL | MSG_DONTWAIT); /* or it left already */
	pub->stats.refused++;
	ps_report(pub, "subscriber refused: %s", why);
}

static int peer_hello(struct ps_peer *p, const struct ps_frame_view *frame)
{
	struct ps_pub *pub = p->pub;
	struct ps_hello theirs;
	uint8_t buf[PS_HELLO_MAX];
	char why[PS_WHY_MAX];
	size_t len;

	if (ps_hello_unpack(frame, &theirs) < 0) {
		refuse(pub, p->fd, "malformed greeting");
		return -EBADMSG;
	}
	if (ps_hello_mismatch(&pub->hello, &theirs, why)) {
		refuse(pub, p->fd, why);
		return -EPROTO;
	}
	len = ps_hello_pack(&pub->hello, buf);
	p->partial = ps_frame_new(len);
	if (!p->partial)
		return -ENOMEM;
	memcpy(p->partial->bytes, buf, len);
	p->partial_off = 0;
	ps_cursor_add(&pub->table, &p->cursor, theirs.epoch == pub->hello.epoch ? theirs.seq : 0);
	p->state = PEER_READY;
	event_del(p->greeting_ev);
	return 0;
}

/* Returns 0 or why to part with it. */
static int peer_read(struct ps_peer *p)
{
	struct ps_frame_view frame;
	size_t need;
	ssize_t n;

	n = recv(p->fd, p->in + p->in_len, sizeof(p->in) - p->in_len, MSG_DONTWAIT);
	if (n == 0)
		return -ECONNRESET;
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	p->in_len += (size_t)n;
	n = ps_frame_parse(p->in, p->in_len, &frame, &need);
	if (n == 0 && need <= sizeof(p->in))
		return 0;
	if (n <= 0 || (size_t)n != p->in_len) {
		refuse(p->pub, p->fd, "malformed greeting");
		return -EBADMSG;
	}
	return peer_hello(p, &frame);
}

static void peer_greeting(evutil_socket_t fd, short what, void *arg)
{
	struct ps_peer *p = arg;
	int r = -ETIMEDOUT;

	(void)fd;
	if (what & EV_READ)
		r = peer_read(p);
	if (r < 0)
		peer_free(p);
	else if (p->state == PEER_READY)
		peer_writable(-1, 0, p);
}

/* Whether a subscriber that was greeted has left, or says what it may not. */
static bool peer_is_over(const struct ps_peer *p, const char **ret_why)
{
	struct pollfd poll_fd = { .fd = p->fd, .events = POLLIN };

	*ret_why = NULL;
	if (p->state == PEER_GREETING || poll(&poll_fd, 1, 0) <= 0)
		return false;
	if (!(poll_fd.revents & (POLLHUP | POLLERR)))
		*ret_why = "a subscriber does not talk";
	return true;
}

static void drop_the_gone(struct ps_pub *pub)
{
	struct ps_peer *p, *tmp;
	const char *why;

	list_for_each_safe (p, tmp, &pub->peers, link) {
		if (!peer_is_over(p, &why))
			continue;
		if (why)
			refuse(pub, p->fd, why);
		peer_free(p);
	}
}

static bool may_subscribe(const struct ps_pub *pub, int fd, char why[static PS_WHY_MAX])
{
	const struct ps_access access = { .uids = pub->uids, .gids = pub->gids };
	struct ucred who;
	gid_t groups[256];
	socklen_t len = sizeof(who), groups_len = sizeof(groups);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) < 0) {
		snprintf(why, PS_WHY_MAX, "unknown peer: %s", strerror(errno));
		return false;
	}
	/* Supplementary groups; more of them than fit: as if there were none. */
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &groups_len) < 0)
		groups_len = 0;
	if (!ps_access_allows(&access, geteuid(), &who, groups, groups_len / sizeof(*groups))) {
		snprintf(why, PS_WHY_MAX, "uid %u gid %u may not subscribe to %s",
			 (unsigned int)who.uid, (unsigned int)who.gid, pub->topic->name);
		return false;
	}
	if (pub->n_peers >= PS_SUBSCRIBERS_MAX) {
		snprintf(why, PS_WHY_MAX, "topic %s has %d subscribers already", pub->topic->name,
			 PS_SUBSCRIBERS_MAX);
		return false;
	}
	return true;
}

void ps_peer_accept(struct ps_pub *pub, int fd)
{
	const struct timeval greeting = { .tv_sec = GREETING_S };
	char why[PS_WHY_MAX];
	struct ps_peer *p;

	drop_the_gone(pub);
	if (!may_subscribe(pub, fd, why)) {
		refuse(pub, fd, why);
		close(fd);
		return;
	}
	p = xcalloc(1, sizeof(*p));
	p->pub = pub;
	p->fd = fd;
	list_append(&pub->peers, &p->link);
	pub->n_peers++;
	p->greeting_ev = event_new(pub->ps->base, fd, EV_READ | EV_PERSIST, peer_greeting, p);
	p->write_ev = event_new(pub->ps->base, fd, EV_WRITE, peer_writable, p);
	if (!p->greeting_ev || !p->write_ev || event_add(p->greeting_ev, &greeting) < 0)
		peer_free(p);
}
