/* SPDX-License-Identifier: Apache-2.0 */
#include "base/stored.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/crc32.h"
#include "base/file.h"
#include "base/keep.h"
#include "base/log.h"
#include "base/strbuf.h"

#define DURABLE 2 /* copies at most */
#define SEAL "\n#crc32 "
#define SEAL_LEN (strlen(SEAL) + strlen("01234567\n"))

struct stored {
	char *run_path, *paths[DURABLE];
	struct keep *keeps[DURABLE];
	unsigned int durable;
};

static void not_kept(int err, void *arg)
{
	const struct stored *s = arg;

	log_error("stored_not_kept", "file=\"%s\" err=%d", s->paths[0], -err);
}

int stored_new(const struct stored_conf *conf, struct stored **ret)
{
	struct stored *s = xcalloc(1, sizeof(*s));
	int r = 0;

	s->run_path = xstrdup(conf->run_path);
	s->durable = conf->durable;
	for (size_t i = 0; i < s->durable; i++) {
		s->paths[i] = xasprintf("%s%s", conf->state_path, i ? ".2" : "");
		s->keeps[i] = keep_new(conf->base, s->paths[i], not_kept, s);
		r = s->keeps[i] ? r : -ENOMEM;
	}
	if (r < 0)
		stored_free(s);
	else
		*ret = s;
	return r;
}

struct stored *stored_free(struct stored *s)
{
	if (!s)
		return NULL;
	for (size_t i = 0; i < s->durable; i++) {
		keep_free(s->keeps[i]);
		free(s->paths[i]);
	}
	free(s->run_path);
	free(s);
	return NULL;
}

/* ---- The line at the end ---- */

static void seal(struct strbuf *text)
{
	strbuf_addf(text, SEAL "%08x\n", crc32_add(0, strbuf_str(text), text->len));
}

/* Cuts it off. -EBADMSG: it is not that of the text. */
static int unseal(char *text, size_t *len)
{
	const char *last = *len ? memrchr(text, '\n', *len - 1) : NULL;
	size_t at = last ? (size_t)(last - text) : 0;
	char line[sizeof(SEAL) + 9];

	if (strncmp(text + at, SEAL, strlen(SEAL)) != 0)
		return 0;
	snprintf(line, sizeof(line), SEAL "%08x\n", crc32_add(0, text, at));
	if (*len - at != SEAL_LEN || memcmp(text + at, line, SEAL_LEN) != 0)
		return -EBADMSG;
	text[at] = '\0';
	*len = at;
	return 0;
}

/* ---- Loading ---- */

static int check(char *text, size_t *len, stored_parse_fn *parse, void *arg,
		 struct pbjson_error *err)
{
	int r = unseal(text, len);

	if (r < 0)
		snprintf(err->why, sizeof(err->why), "wrong checksum");
	else
		r = parse(text, *len, arg, err);
	return r;
}

/* What is not there, or is none of ours, may be replaced; what could not be read today may be the
 * newest tomorrow. */
enum found { FOUND_NONE, FOUND_GOOD, FOUND_UNREAD };

/* A copy of the wrong kind or size is as wrong as one of a wrong text. */
static bool is_wrong(int err)
{
	return err == -EFBIG || err == -EISDIR || err == -ELOOP || err == -ENOTDIR;
}

static void set_aside(const char *path, const struct pbjson_error *err)
{
	_cleanup_(freep) char *bad = xasprintf("%s.bad", path);

	log_error("stored_bad", "file=\"%s\" pointer=\"%s\" why=\"%s\"", path, err->pointer,
		  err->why);
	(void)rename(path, bad); /* else it is read once more next time */
}

/* FOUND_GOOD: text and len are set. */
static enum found load(const char *path, stored_parse_fn *parse, void *arg, char **ret,
		       size_t *ret_len)
{
	_cleanup_(freep) char *text = NULL;
	struct pbjson_error err = { "", "" };
	size_t len = 0;
	int r = file_read(path, STORED_MAX, &text, &len);

	if (r == -ENOENT)
		return FOUND_NONE;
	if (r < 0 && !is_wrong(r)) {
		log_error("stored_unread", "file=\"%s\" err=%d", path, -r);
		return FOUND_UNREAD;
	}
	if (r < 0)
		snprintf(err.why, sizeof(err.why), "cannot be read: %s", strerror(-r));
	else
		r = check(text, &len, parse, arg, &err);
	if (r < 0) {
		set_aside(path, &err);
		return FOUND_NONE;
	}
	*ret = take_ptr(text);
	*ret_len = len;
	return FOUND_GOOD;
}

static bool holds(const char *path, const struct strbuf *text)
{
	_cleanup_(freep) char *held = NULL;
	size_t len;

	return file_read(path, STORED_MAX, &held, &len) == 0 && len == text->len &&
	       memcmp(held, text->str, len) == 0;
}

static int put_volatile(const struct stored *s, const struct strbuf *text)
{
	int r;

	if (text->len > SEAL_LEN)
		r = file_replace_volatile(s->run_path, text->str, text->len, 0600);
	else
		r = unlink(s->run_path) < 0 && errno != ENOENT ? -errno : 0;
	if (r < 0)
		log_error("stored_not_kept", "file=\"%s\" err=%d", s->run_path, -r);
	return r;
}

bool stored_load(const struct stored *s, stored_parse_fn *parse, void *arg)
{
	_cleanup_(strbuf_fini) struct strbuf sealed = STRBUF_INIT;
	_cleanup_(freep) char *text = NULL;
	enum found run, found, durable[DURABLE] = { 0 };
	size_t len = 0;

	found = run = load(s->run_path, parse, arg, &text, &len);
	for (size_t i = 0; found != FOUND_GOOD && i < s->durable; i++)
		found = durable[i] = load(s->paths[i], parse, arg, &text, &len);
	if (found != FOUND_GOOD)
		return false;
	strbuf_addmem(&sealed, text, len);
	seal(&sealed);
	/* A kill may have come before the disk had it, damage at any time. */
	if (run != FOUND_UNREAD && !holds(s->run_path, &sealed))
		(void)put_volatile(s, &sealed);
	for (size_t i = 0; i < s->durable; i++)
		if (durable[i] != FOUND_UNREAD && !holds(s->paths[i], &sealed))
			keep_store(s->keeps[i], xmemdup(sealed.str, sealed.len + 1), sealed.len);
	return true;
}

int stored_put(struct stored *s, struct strbuf *text)
{
	size_t len;
	char *bytes;
	int r;

	seal(text);
	r = put_volatile(s, text);
	if (r < 0) /* the former text would be taken for newer than that of the disk */
		unlink(s->run_path);
	len = text->len;
	bytes = strbuf_take(text);
	for (size_t i = 1; i < s->durable; i++)
		keep_store(s->keeps[i], xmemdup(bytes, len + 1), len);
	keep_store(s->keeps[0], bytes, len);
	return r;
}
