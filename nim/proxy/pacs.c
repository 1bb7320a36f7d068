/* SPDX-License-Identifier: Apache-2.0 */
#include "nim/proxy/pacs.h"

#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/child.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "base/wall.h"
#include "config.pb-c.h"
#include "nim/config.h"
#include "nim/proxy/proxy_ways.h"
#include "status.pb-c.h"

struct pac_file {
	char label[NIM_LABEL];
	char source[HTTP_URL_MAX]; /* as it was configured then */
	bool asked; /* what became of it is known: */
	size_t bytes;
	char why[160]; /* "": it decides */
	/* Of one that was fetched. */
	char *key, *text; /* NULL: it was not */
	size_t len;
	char url[HTTP_URL_MAX];
	int origin;
	struct mono good_until;
	int64_t fetched_ms; /* Unix time */
};

static void forget_text(struct pac_file *file)
{
	free(take_ptr(file->key));
	free(take_ptr(file->text));
	file->len = 0;
}

struct pacs {
	struct pacs_conf conf;
	char *evaluator;
	struct pac_file *files; /* of configured ports */
	unsigned int nfiles;
};

/* What is configured of the port; NULL: no PAC file. */
static const struct Ew__ProxyConfig *find_config(const struct pacs *p, const char *label)
{
	for (unsigned int i = 0; i < p->conf.config->nports; i++) {
		const struct nim_port *port = &p->conf.config->ports[i];

		if (strcmp(port->label, label) == 0)
			return proxy_has_pac(port->proxy) ? port->proxy : NULL;
	}
	return NULL;
}

/* Not which text it is: what became of the one before counts until this one is asked. */
static const char *source_of(const struct Ew__ProxyConfig *config)
{
	return config->pac_text[0] ? "inline" : config->pac_url;
}

static struct pac_file *find_file(const struct pacs *p, const char *label)
{
	for (unsigned int i = 0; i < p->nfiles; i++)
		if (strcmp(p->files[i].label, label) == 0)
			return &p->files[i];
	return NULL;
}

static void forget_others(struct pacs *p)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < p->nfiles; i++)
		if (find_config(p, p->files[i].label))
			p->files[n++] = p->files[i];
		else
			forget_text(&p->files[i]);
	p->nfiles = n;
}

static struct pac_file *make_file(struct pacs *p, const char *label,
				  const struct Ew__ProxyConfig *config)
{
	struct pac_file *file = find_file(p, label);

	if (file && strcmp(file->source, source_of(config)) == 0)
		return file;
	if (file) {
		forget_text(file);
	} else {
		forget_others(p);
		p->files = xrealloc(p->files, p->nfiles + 1, sizeof(*p->files));
		file = &p->files[p->nfiles++];
	}
	*file = (struct pac_file){ 0 };
	snprintf(file->label, sizeof(file->label), "%s", label);
	snprintf(file->source, sizeof(file->source), "%s", source_of(config));
	return file;
}

/* ---- Fetched ones ---- */

void pacs_keep(struct pacs *p, const char *label, const struct pac_fetch_note *note,
	       const char *text, size_t len, struct mono now)
{
	const struct Ew__ProxyConfig *config = find_config(p, label);
	struct pac_file *file;

	if (!config) /* of a candidate, say */
		return;
	file = make_file(p, label, config);
	forget_text(file);
	file->key = xstrdup(note->key);
	file->text = xstrndup(text, len);
	file->len = len;
	snprintf(file->url, sizeof(file->url), "%s", note->url);
	file->origin = note->origin;
	file->good_until = (struct mono){ now.ns + note->max_age_s * 1000000000ull };
	file->fetched_ms = wall_ms();
	log_info("pac_fetched", "port=%s url=\"%s\" bytes=%zu max_age_s=%u", label, note->url, len,
		 note->max_age_s);
	p->conf.changed(p->conf.arg);
}

void pacs_drop_others(struct pacs *p, const char *label, const char *key)
{
	struct pac_file *file = find_file(p, label);

	if (file && file->key && strcmp(file->key, key) != 0)
		forget_text(file);
}

const char *pacs_find(const struct pacs *p, const char *label, const char *key, struct mono now,
		      bool *ret_fresh, size_t *ret_len)
{
	const struct pac_file *file = find_file(p, label);

	if (!file || !file->text || strcmp(file->key, key) != 0)
		return NULL;
	*ret_fresh = mono_diff_ms(file->good_until, now) > 0;
	*ret_len = file->len;
	return file->text;
}

/* ---- What became of them ---- */

void pacs_evaluated(struct pacs *p, const char *label, size_t bytes, const char *why)
{
	const struct Ew__ProxyConfig *config = find_config(p, label);
	struct pac_file *file;

	if (!config) /* of a candidate, say */
		return;
	file = make_file(p, label, config);
	if (!why)
		why = "";
	if (file->asked && file->bytes == bytes && strcmp(file->why, why) == 0)
		return;
	file->asked = true;
	file->bytes = bytes;
	snprintf(file->why, sizeof(file->why), "%s", why);
	if (*why)
		log_warning("pac_failed", "port=%s why=\"%s\"", label, file->why);
	else
		log_info("pac_decides", "port=%s bytes=%zu", label, bytes);
	p->conf.changed(p->conf.arg);
}

static Ew__PacStatus *status_of(const struct Ew__ProxyConfig *config, const struct pac_file *file,
				struct arena *arena)
{
	Ew__PacStatus *msg = arena_alloc(arena, sizeof(*msg));

	ew__pac_status__init(msg);
	if (!config->pac_text[0]) /* of one that was never found this is known */
		msg->origin = config->discover ? EW__PAC_ORIGIN__PAC_DNS : EW__PAC_ORIGIN__PAC_URL;
	if (!file || strcmp(file->source, source_of(config)) != 0)
		return msg;
	if (file->text) {
		msg->origin = (Ew__PacOrigin)file->origin;
		msg->url = arena_strdup(arena, file->url);
		msg->fetched_ms = file->fetched_ms;
	}
	msg->bytes = (uint32_t)file->bytes;
	msg->error = arena_strdup(arena, file->why);
	return msg;
}

void pacs_status(const struct pacs *p, struct Ew__DeviceNetworkStatus *status, struct arena *arena)
{
	for (size_t i = 0; i < status->n_ports; i++) {
		const char *label = status->ports[i]->logicallabel;
		const struct Ew__ProxyConfig *config = find_config(p, label);

		if (config)
			status->ports[i]->pac = status_of(config, find_file(p, label), arena);
	}
}

unsigned int pacs_take_s(const struct nim_config *config, unsigned int limit_s)
{
	for (unsigned int i = 0; i < config->nports; i++)
		if (proxy_has_pac(config->ports[i].proxy))
			return limit_s + PAC_EVAL_LIMIT_MS / 1000;
	return 0;
}

struct event_base *pacs_base(const struct pacs *p)
{
	return p->conf.base;
}

const char *pacs_evaluator(const struct pacs *p)
{
	return p->evaluator;
}

const char *pacs_loader(const struct pacs *p)
{
	return p->conf.loader;
}

struct pacs *pacs_new(const struct pacs_conf *conf)
{
	struct pacs *p = xcalloc(1, sizeof(*p));

	p->conf = *conf;
	p->evaluator = conf->evaluator ? xstrdup(conf->evaluator) : child_program("pac-eval");
	return p;
}

struct pacs *pacs_free(struct pacs *p)
{
	if (!p)
		return NULL;
	for (unsigned int i = 0; i < p->nfiles; i++)
		forget_text(&p->files[i]);
	free(p->files);
	free(p->evaluator);
	free(p);
	return NULL;
}
