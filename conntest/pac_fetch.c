/* SPDX-License-Identifier: Apache-2.0 */
#include "conntest/pac_fetch.h"

#include <event2/event.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/mono.h"
#include "base/pac.h"
#include "base/strbuf.h"

struct pac_fetch {
	struct pac_fetch_conf conf;
	const struct pac_fetch_ops *ops;
	void *arg;
	struct mono begun;
	struct event *turn_ev; /* what is next begins in a turn of its own */

	/* One URL, or where it is instead. */
	unsigned int url, tried, redirects; /* url: index of the one that is asked */
	struct port_target target; /* its url is ours */
	struct port_test *test;
	char elsewhere[HTTP_URL_MAX]; /* "": here */
	bool found;
	struct conn_result failure; /* of those that were asked: what tells most */

	struct strbuf text;
	unsigned int max_age_s;

	struct resolver *resolver;
	struct event *names_ev;
	struct pac_fetch_name names[PORT_TARGETS];
	struct question {
		struct pac_fetch *fetch;
		struct pac_fetch_name *name;
	} questions[2 * PORT_TARGETS]; /* for both families */
	unsigned int asked, answered;
};

static void next(struct pac_fetch *f)
{
	event_active(f->turn_ev, 0, 0);
}

/* ---- Names ---- */

static void tell(struct pac_fetch *f)
{
	const struct pac_fetched file = { .text = strbuf_str(&f->text),
					  .len = f->text.len,
					  .url = f->url,
					  .max_age_s = f->max_age_s,
					  .names = f->names,
					  .nnames = f->conf.nnames };

	event_del(f->names_ev);
	f->ops->fetched(&file, f->arg); /* we may be gone now */
}

static void on_name(enum conn_dns dns, const struct ipaddr *addrs, unsigned int n, void *arg)
{
	struct question *q = arg;

	(void)dns;
	for (unsigned int i = 0; i < n && q->name->naddrs < ARRAY_SIZE(q->name->addrs); i++)
		q->name->addrs[q->name->naddrs++] = addrs[i];
	q->fetch->answered++;
	next(q->fetch);
}

static void on_names_late(evutil_socket_t fd, short what, void *arg)
{
	(void)fd, (void)what;
	tell(arg);
}

static bool has_source(const struct pac_fetch *f, int family)
{
	for (unsigned int i = 0; i < f->conf.port.nsources; i++)
		if (f->conf.port.sources[i].family == family)
			return true;
	return false;
}

static void ask_for_names(struct pac_fetch *f)
{
	static const struct timeval limit = { .tv_sec = PAC_FETCH_NAMES_MS / 1000,
					      .tv_usec = PAC_FETCH_NAMES_MS % 1000 * 1000 };
	static const int families[] = { AF_INET, AF_INET6 };

	f->resolver = port_resolver(&f->conf.port);
	event_add(f->names_ev, &limit);
	for (unsigned int i = 0; i < f->conf.nnames; i++) {
		f->names[i].name = f->conf.names[i];
		for (size_t k = 0; k < ARRAY_SIZE(families); k++) {
			struct question *q = &f->questions[f->asked];

			if (!has_source(f, families[k]))
				continue;
			*q = (struct question){ f, &f->names[i] };
			f->asked++;
			resolver_start(f->resolver, f->conf.names[i], families[k], on_name, q);
		}
	}
}

static void go_on_with_names(struct pac_fetch *f)
{
	bool wanted = !f->conf.nurls || pac_asks_for_names(f->text.str, f->text.len);

	if (!f->resolver && wanted)
		ask_for_names(f);
	if (!wanted)
		f->conf.nnames = 0;
	if (f->answered == f->asked)
		tell(f);
}

/* ---- The file ---- */

static void on_document(const struct conn_document *document, void *arg)
{
	struct pac_fetch *f = arg;

	f->found = true;
	f->elsewhere[0] = '\0';
	strbuf_reset(&f->text);
	if (document->elsewhere && strlen(document->elsewhere) < sizeof(f->elsewhere)) {
		strcpy(f->elsewhere, document->elsewhere);
	} else if (document->elsewhere) {
		strcpy(f->elsewhere, "?");
	} else {
		strbuf_addmem(&f->text, document->text, document->len);
		f->max_age_s = pac_max_age_s(document->cache_control);
	}
}

static void refuse(struct pac_fetch *f, const struct conn_result *why)
{
	_cleanup_(freep) char *text =
		xasprintf("PAC file %.80s: %s", f->conf.urls[f->url], why->why);
	struct conn_result told = *why;

	memset(told.why, 0, sizeof(told.why));
	strncpy(told.why, text, sizeof(told.why) - 1);
	if (!f->failure.why[0] || conn_tells_more(&told, &f->failure))
		f->failure = told;
}

static void on_verdict(const struct conn_result *result, const struct port_target *target,
		       const struct http_proxy *proxy, void *arg)
{
	struct pac_fetch *f = arg;

	(void)target, (void)proxy;
	if (result->outcome != CONN_OK)
		refuse(f, result);
}

static void on_warning(const char *text, void *arg)
{
	(void)text, (void)arg;
}

static void on_ended(void *arg)
{
	next(arg);
}

/* Each URL that is left gets the same share of the time that is left; where it leads to, too. */
static unsigned int share_ms(const struct pac_fetch *f)
{
	int64_t left = (int64_t)f->conf.port.deadline_ms - mono_diff_ms(mono_now(), f->begun);

	return left > 0 ? (unsigned int)left / (f->conf.nurls - f->url) : 0;
}

static void ask(struct pac_fetch *f, const char *url)
{
	static const struct port_ops ops = { .verdict = on_verdict,
					     .document = on_document,
					     .warning = on_warning,
					     .ended = on_ended };
	struct port_conf conf = f->conf.port;

	free(f->target.url);
	f->target.url = xstrdup(url);
	f->found = false;
	conf.targets = &f->target;
	conf.ntargets = 1;
	conf.document = true;
	conf.deadline_ms = share_ms(f);
	f->test = port_test_start(&conf, &ops, f);
}

static void ask_elsewhere(struct pac_fetch *f)
{
	struct conn_result bad = { .outcome = CONN_FAILED, .stage = CONN_STAGE_HTTP };
	bool tls = f->target.parsed.tls;

	if (f->redirects++ == PAC_FETCH_REDIRECTS)
		snprintf(bad.why, sizeof(bad.why), "sent elsewhere too often");
	else if (http_url_parse(f->elsewhere, &f->target.parsed) < 0 ||
		 (tls && !f->target.parsed.tls))
		snprintf(bad.why, sizeof(bad.why), "sent to where it is not asked for");
	if (bad.why[0]) {
		refuse(f, &bad);
		f->found = false;
		next(f);
		return;
	}
	ask(f, f->elsewhere);
}

static void ask_next(struct pac_fetch *f)
{
	struct conn_result bad = { .outcome = CONN_FAILED, .stage = CONN_STAGE_HTTP };

	f->url = f->tried++;
	f->redirects = 0;
	if (!f->conf.urls[f->url]) {
		next(f);
		return;
	}
	if (http_url_parse(f->conf.urls[f->url], &f->target.parsed) == 0) {
		ask(f, f->conf.urls[f->url]);
		return;
	}
	snprintf(bad.why, sizeof(bad.why), "no such URL");
	refuse(f, &bad);
	next(f);
}

static void fail(struct pac_fetch *f)
{
	static const struct conn_result nowhere = {
		.outcome = CONN_FAILED,
		.stage = CONN_STAGE_DNS,
		.why = "PAC file: the network's domain is nobody's own: there is nowhere to look",
	};

	/* we may be gone after this */
	f->ops->failed(f->failure.why[0] ? &f->failure : &nowhere, f->arg);
}

static void on_turn(evutil_socket_t fd, short what, void *arg)
{
	struct pac_fetch *f = arg;

	(void)fd, (void)what;
	f->test = port_test_free(f->test);
	if (!f->conf.nurls || (f->found && !f->elsewhere[0]))
		go_on_with_names(f);
	else if (f->found)
		ask_elsewhere(f);
	else if (f->tried < f->conf.nurls)
		ask_next(f);
	else
		fail(f);
}

/* ---- Life ---- */

struct pac_fetch *pac_fetch_start(const struct pac_fetch_conf *conf,
				  const struct pac_fetch_ops *ops, void *arg)
{
	struct pac_fetch *f = xcalloc(1, sizeof(*f));

	f->conf = *conf;
	f->ops = ops;
	f->arg = arg;
	f->begun = mono_now();
	f->turn_ev = event_new(conf->port.base, -1, 0, on_turn, f);
	f->names_ev = event_new(conf->port.base, -1, 0, on_names_late, f);
	if (!f->turn_ev || !f->names_ev)
		abort();
	next(f);
	return f;
}

struct pac_fetch *pac_fetch_free(struct pac_fetch *f)
{
	if (!f)
		return NULL;
	port_test_free(f->test);
	resolver_free(f->resolver);
	event_free(f->turn_ev);
	event_free(f->names_ev);
	strbuf_fini(&f->text);
	free(f->target.url);
	free(f);
	return NULL;
}
