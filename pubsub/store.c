/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A persistent table on disk: the SET frames of all its keys behind a head with a checksum. Two
 * files, <path>.0 and <path>.1, are replaced by turns, so that the one before is whole whatever
 * happens to the one being written. What changes within 2 ms, or while a write is under way, is
 * one write. The loop never waits for the disk.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/time.h>

#include "base/cleanup.h"
#include "base/crc32.h"
#include "base/file.h"
#include "base/fsync.h"
#include "pubsub/internal.h"

#define MAGIC "EWTABLE1"
#define COMMIT_USEC 2000
#define RETRY_MAX_S 30

struct head { /* little endian */
	char magic[8];
	uint64_t generation; /* the higher of two whole files is the table */
	uint64_t count, length; /* keys, bytes behind the head */
	uint32_t crc; /* of these bytes */
	uint32_t head_crc; /* of the fields above */
};

enum store_state {
	STORE_IDLE,
	STORE_GATHERING, /* dirty: for COMMIT_USEC, or after an error for longer */
	STORE_SYNCING_FILE,
	STORE_SYNCING_DIR,
};

struct ps_store {
	struct ps_pub *pub;
	char *path;
	uint64_t generation; /* of the last file that is in place */
	enum store_state state;
	bool dirty;
	int fd; /* the file being synced, then the folder; or -1 */
	unsigned int errors; /* in a row */
	struct event *timer;
	struct fsync *sync;
};

static const char *check_head(const char *file, size_t len, struct head *ret)
{
	struct head h;

	if (len < sizeof(h))
		return "cut short";
	memcpy(&h, file, sizeof(h));
	if (memcmp(h.magic, MAGIC, sizeof(h.magic)) != 0)
		return "not a table of ours";
	if (crc32_add(0, &h, offsetof(struct head, head_crc)) != le32toh(h.head_crc))
		return "damaged head";
	if (le64toh(h.length) != len - sizeof(h))
		return "cut short";
	if (crc32_add(0, file + sizeof(h), len - sizeof(h)) != le32toh(h.crc))
		return "wrong checksum";
	*ret = h;
	return NULL;
}

/* Every frame a SET, none left over. Returns NULL or what is wrong. */
static const char *check_frames(const char *file, size_t len, const struct head *h)
{
	const uint8_t *p = (const uint8_t *)file + sizeof(*h);
	uint64_t count = 0;
	size_t rest = len - sizeof(*h), need;
	struct ps_frame_view frame;

	while (rest) {
		ssize_t n = ps_frame_parse(p, rest, &frame, &need);

		if (n <= 0 || frame.type != PS_FRAME_SET)
			return "malformed entry";
		p += n;
		rest -= (size_t)n;
		count++;
	}
	return count == le64toh(h->count) ? NULL : "wrong number of keys";
}

struct slot { /* one of the two files */
	char *file;
	size_t len;
	struct head head;
};

/* 0: whole; -ENOENT; -EBADMSG: damaged, renamed to <path>.bad and described in why. */
static int slot_read(const char *path, struct slot *ret, char why[static PS_WHY_MAX])
{
	_cleanup_(freep) char *file = NULL, *bad = xasprintf("%s.bad", path);
	const char *damage;
	struct head h;
	size_t len;
	int r;

	r = file_read(path, PS_TABLE_MAX + sizeof(h), &file, &len);
	if (r == -EFBIG)
		damage = "too large";
	else if (r < 0)
		return r;
	else {
		damage = check_head(file, len, &h);
		if (!damage)
			damage = check_frames(file, len, &h);
	}
	if (damage) {
		snprintf(why, PS_WHY_MAX, "stored table %s: %s; set aside", path, damage);
		return rename(path, bad) < 0 ? -errno : -EBADMSG;
	}
	*ret = (struct slot){ .file = take_ptr(file), .len = len, .head = h };
	return 0;
}

/* A message of an older layout that no longer decodes would only annoy the subscribers. */
static bool decodes(const struct ps_frame_view *frame, const ProtobufCMessageDescriptor *desc)
{
	ProtobufCMessage *msg;

	msg = protobuf_c_message_unpack(desc, NULL, frame->data_len, frame->data);
	if (!msg)
		return false;
	protobuf_c_message_free_unpacked(msg, NULL);
	return true;
}

static int slot_load(const struct slot *slot, const ProtobufCMessageDescriptor *desc,
		     struct ps_table *t, char why[static PS_WHY_MAX])
{
	const uint8_t *p = (const uint8_t *)slot->file + sizeof(struct head);
	size_t rest = slot->len - sizeof(struct head), need;
	struct ps_frame_view frame;

	while (rest) {
		size_t n = (size_t)ps_frame_parse(p, rest, &frame, &need);
		int r = 0;

		if (decodes(&frame, desc))
			r = ps_table_set(t, p, n);
		else
			snprintf(why, PS_WHY_MAX, "stored key %.*s is no %s; left out",
				 (int)frame.key_len, frame.key, desc->name);
		if (r < 0)
			return r;
		p += n;
		rest -= n;
	}
	return 0;
}

int ps_store_load(const char *path, const ProtobufCMessageDescriptor *desc, struct ps_table *t,
		  char why[static PS_WHY_MAX], uint64_t *ret_generation)
{
	struct slot slots[2] = { 0 };
	const struct slot *best = NULL;
	uint64_t generation = 0;
	int r = 0;

	*why = 0;
	for (int i = 0; i < 2; i++) {
		_cleanup_(freep) char *name = xasprintf("%s.%d", path, i);

		r = slot_read(name, &slots[i], why);
		if (r == 0 && le64toh(slots[i].head.generation) > generation) {
			best = &slots[i];
			generation = le64toh(best->head.generation);
		} else if (r < 0 && r != -ENOENT && r != -EBADMSG)
			break;
		r = 0;
	}
	if (r == 0 && best)
		r = slot_load(best, desc, t, why);
	free(slots[0].file);
	free(slots[1].file);
	if (r == 0)
		*ret_generation = generation;
	return r;
}

static int write_all(int fd, struct iovec *iov, int n)
{
	while (n) {
		ssize_t done = writev(fd, iov, n);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return -errno;
		for (; n && (size_t)done >= iov->iov_len; iov++, n--)
			done -= (ssize_t)iov->iov_len;
		if (n) {
			iov->iov_base = (char *)iov->iov_base + done;
			iov->iov_len -= (size_t)done;
		}
	}
	return 0;
}

static int write_entries(int fd, const struct ps_table *t, struct head *h)
{
	const struct ps_entry *e = ps_table_next(t, NULL);
	uint64_t count = 0, length = 0;
	uint32_t crc = 0;
	int r = 0;

	while (r == 0 && e) {
		struct iovec iov[PS_IOV];
		int n = 0;

		for (; e && n < PS_IOV; e = ps_table_next(t, e)) {
			iov[n++] = (struct iovec){ e->frame->bytes, e->frame->len };
			crc = crc32_add(crc, e->frame->bytes, e->frame->len);
			length += e->frame->len;
			count++;
		}
		r = write_all(fd, iov, n);
	}
	h->count = htole64(count);
	h->length = htole64(length);
	h->crc = htole32(crc);
	return r;
}

/* The whole table into a new <path>.new. Returns its descriptor. */
static int write_file(const struct ps_store *s)
{
	_cleanup_(freep) char *name = xasprintf("%s.new", s->path);
	struct head h = { .magic = MAGIC, .generation = htole64(s->generation + 1) };
	_cleanup_(closep) int fd = -1;
	ssize_t n;
	int r;

	fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	r = lseek(fd, sizeof(h), SEEK_SET) < 0 ? -errno : 0;
	if (r == 0)
		r = write_entries(fd, &s->pub->table, &h);
	if (r < 0)
		return r;
	h.head_crc = htole32(crc32_add(0, &h, offsetof(struct head, head_crc)));
	n = pwrite(fd, &h, sizeof(h), 0);
	if (n != sizeof(h))
		return n < 0 ? -errno : -EIO;
	return take_fd(&fd);
}

/* Puts <path>.new into the older slot. Returns a descriptor of the folder. */
static int replace_slot(struct ps_store *s)
{
	_cleanup_(freep) char *from = xasprintf("%s.new", s->path);
	_cleanup_(freep) char *to = xasprintf("%s.%d", s->path, (int)((s->generation + 1) & 1));
	char *slash = strrchr(s->path, '/');
	_cleanup_(freep) char *dir = xstrndup(s->path, (size_t)(slash - s->path));
	int fd;

	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (rename(from, to) < 0) {
		int r = -errno;

		close(fd);
		return r;
	}
	s->generation++;
	return fd;
}

static void store_arm(struct ps_store *s, unsigned int delay_s)
{
	struct timeval tv = { .tv_sec = delay_s, .tv_usec = delay_s ? 0 : COMMIT_USEC };

	s->state = STORE_GATHERING;
	event_add(s->timer, &tv);
}

static void store_close(struct ps_store *s)
{
	closep(&s->fd);
	s->fd = -1;
}

static void store_failed(struct ps_store *s, int err)
{
	unsigned int delay_s = 1u << (s->errors < 5 ? s->errors : 5);

	store_close(s);
	s->dirty = true;
	if (s->errors++ == 0)
		ps_report(s->pub, "cannot store: %s; trying on", strerror(-err));
	store_arm(s, delay_s < RETRY_MAX_S ? delay_s : RETRY_MAX_S);
}

static void store_done(struct ps_store *s)
{
	store_close(s);
	s->pub->stats.commits++;
	if (s->errors)
		ps_report(s->pub, "stored again after %u failures", s->errors);
	s->errors = 0;
	s->state = STORE_IDLE;
	if (s->dirty)
		store_arm(s, 0);
}

static void store_synced(int err, void *arg)
{
	struct ps_store *s = arg;

	if (err < 0) {
		store_failed(s, err);
		return;
	}
	if (s->state == STORE_SYNCING_DIR) {
		store_done(s);
		return;
	}
	store_close(s);
	s->fd = replace_slot(s);
	if (s->fd < 0) {
		store_failed(s, s->fd);
		return;
	}
	s->state = STORE_SYNCING_DIR;
	fsync_start(s->sync, s->fd);
}

static void store_write(struct ps_store *s)
{
	s->fd = write_file(s);
	if (s->fd < 0) {
		store_failed(s, s->fd);
		return;
	}
	s->dirty = false;
	s->state = STORE_SYNCING_FILE;
	fsync_start(s->sync, s->fd);
}

static void store_timer(evutil_socket_t fd, short what, void *arg)
{
	(void)fd, (void)what;
	store_write(arg);
}

void ps_store_dirty(struct ps_store *s)
{
	s->dirty = true;
	if (s->state == STORE_IDLE)
		store_arm(s, 0);
}

int ps_store_new(struct ps_pub *pub, const char *path, uint64_t generation, struct ps_store **ret)
{
	struct ps_store *s = xcalloc(1, sizeof(*s));
	int r;

	s->pub = pub;
	s->path = xstrdup(path);
	s->generation = generation;
	s->fd = -1;
	s->timer = event_new(pub->ps->base, -1, 0, store_timer, s);
	r = s->timer ? fsync_new(pub->ps->base, store_synced, s, &s->sync) : -ENOMEM;
	if (r < 0) {
		ps_store_free(s);
		return r;
	}
	*ret = s;
	return 0;
}

/* Ends what is under way and writes the rest: once, a failing disk must not keep us. */
struct ps_store *ps_store_free(struct ps_store *s)
{
	if (!s)
		return NULL;
	if (s->sync && s->state == STORE_GATHERING)
		store_write(s);
	for (int i = 0; i < 6 && s->sync; i++) {
		if (s->state == STORE_SYNCING_FILE || s->state == STORE_SYNCING_DIR)
			store_synced(fsync_wait(s->sync), s);
		else if (s->dirty && !s->errors)
			store_write(s);
	}
	closep(&s->fd);
	fsync_free(s->sync);
	if (s->timer)
		event_free(s->timer);
	free(s->path);
	free(s);
	return NULL;
}
