/* SPDX-License-Identifier: Apache-2.0 */
#include "nim/proxy/pac_run.h"

#include <event2/event.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/mono.h"
#include "base/strbuf.h"
#include "conntest.pb-c.h"
#include "nim/proxy/pac_eval.h"
#include "nim/proxy/pac_load.h"
#include "nim/proxy/pacs.h"
#include "nim/proxy/proxy_ways.h"
#include "paceval.pb-c.h"

struct pac_run {
	struct pacs *pacs;
	const char *label;
	Ew__ConnRequest *request;
	pac_run_fn *done;
	void *arg;
	struct event *begin_ev;
	struct strbuf key; /* of what is kept of it */
	struct pac_load *load;
	struct pac_eval *eval;
	char *trace; /* of a fetch that failed */
	char stale[160]; /* why it could not be fetched anew; "": it could, or need not be */
};

static Ew__ConnPort *port_of(const struct pac_run *run)
{
	return run->request->ports[0];
}

/* ---- The end ---- */

static void succeed(struct pac_run *run)
{
	pac_run_fn *done = run->done;
	Ew__ConnRequest *request = take_ptr(run->request);
	void *arg = run->arg;

	pac_run_free(run);
	done(request, NULL, "", arg);
}

static void fail(struct pac_run *run, const struct conn_result *failure)
{
	_cleanup_(freep) char *trace = take_ptr(run->trace);
	pac_run_fn *done = run->done;
	void *arg = run->arg;

	pac_run_free(run);
	done(NULL, failure, trace ? trace : "", arg);
}

/* As with a proxy that does not let us through: the way to the target ends before it. */
static void fail_of_file(struct pac_run *run, const char *why)
{
	struct conn_result failure = { .outcome = CONN_FAILED, .stage = CONN_STAGE_TCP };

	snprintf(failure.why, sizeof(failure.why), "PAC file: %s", why);
	fail(run, &failure);
}

/* ---- What the file says ---- */

static void on_evaluated(const struct pac_ways *ways, const char *why, void *arg)
{
	struct pac_run *run = arg;

	run->eval = NULL;
	pacs_evaluated(run->pacs, run->label, port_of(run)->pac->text.len,
		       why	       ? why
		       : run->stale[0] ? run->stale
				       : NULL);
	if (why) {
		fail_of_file(run, why);
		return;
	}
	proxy_ways_of_pac(port_of(run), ways, (unsigned int)run->request->n_targets);
	succeed(run);
}

static void evaluate(struct pac_run *run, Ew__PacName **names, size_t n_names)
{
	const Ew__ConnPort *port = port_of(run);
	Ew__PacRequest request = EW__PAC_REQUEST__INIT;
	char *urls[HTTP_URLS], why[PAC_WHY];
	int r;

	request.text = port->pac->text;
	if (port->n_addresses)
		request.own_address = port->addresses[0];
	request.urls = urls;
	for (size_t i = 0; i < run->request->n_targets && i < HTTP_URLS; i++)
		urls[request.n_urls++] = run->request->targets[i]->url;
	request.names = names;
	request.n_names = n_names;
	r = pac_eval_start(pacs_base(run->pacs), pacs_evaluator(run->pacs), &request, on_evaluated,
			   run, &run->eval);
	if (r == 0)
		return;
	snprintf(why, sizeof(why), "pac-eval cannot be started: %s", strerror(-r));
	on_evaluated(NULL, why, run);
}

/* ---- Where it comes from ---- */

static void set_text(struct pac_run *run, const char *text, size_t len)
{
	ProtobufCBinaryData *to = &port_of(run)->pac->text;

	free(to->data);
	*to = (ProtobufCBinaryData){ len, (uint8_t *)xstrndup(text, len) };
}

static void keep(struct pac_run *run, const Ew__ConnPacFile *file)
{
	const Ew__ConnPac *pac = port_of(run)->pac;
	const struct pac_fetch_note note = { .key = strbuf_str(&run->key),
					     .url = pac->urls[file->url],
					     .origin = (int)pac->origins[file->url],
					     .max_age_s = file->max_age_s };

	pacs_keep(run->pacs, run->label, &note, (const char *)file->text.data, file->text.len,
		  mono_now());
	set_text(run, (const char *)file->text.data, file->text.len);
}

/* An old one is better than none: what it named may well be there. */
static void do_without(struct pac_run *run, const struct conn_result *failure)
{
	struct conn_result told = *failure;
	size_t len;
	bool fresh = false;
	const char *text =
		pacs_find(run->pacs, run->label, strbuf_str(&run->key), mono_now(), &fresh, &len);

	if (!port_of(run)->pac->text.len && !text) {
		pacs_evaluated(run->pacs, run->label, 0, told.why);
		fail(run, &told);
		return;
	}
	if (text && !port_of(run)->pac->text.len) { /* else only names are missing */
		set_text(run, text, len);
		if (!fresh)
			snprintf(run->stale, sizeof(run->stale), "an old one is asked: %.120s",
				 told.why);
	}
	evaluate(run, NULL, 0);
}

static void on_loaded(Ew__ConnPacFile *file, const struct conn_result *failure, const char *trace,
		      void *arg)
{
	struct pac_run *run = arg;

	run->load = NULL;
	if (!file) {
		run->trace = xstrdup(trace);
		do_without(run, failure);
		return;
	}
	if (file->text.len)
		keep(run, file);
	evaluate(run, file->names, file->n_names);
	ew__conn_pac_file__free_unpacked(file, NULL);
}

static void load(struct pac_run *run)
{
	struct conn_result failure = { .outcome = CONN_UNTESTED };
	int r = pac_load_start(pacs_base(run->pacs), pacs_loader(run->pacs), run->request,
			       on_loaded, run, &run->load);

	if (r == 0)
		return;
	snprintf(failure.why, sizeof(failure.why), "the test program cannot be started: %s",
		 strerror(-r));
	do_without(run, &failure);
}

static void free_texts(char **texts, size_t *n)
{
	for (size_t i = 0; i < *n; i++)
		free(texts[i]);
	*n = 0;
}

/* What makes a kept one old: another source, or another network. */
static void make_key(const Ew__ConnPort *port, struct strbuf *key)
{
	for (size_t i = 0; i < port->pac->n_urls; i++)
		strbuf_addf(key, "%s ", port->pac->urls[i]);
	for (size_t i = 0; i < port->n_addresses; i++)
		strbuf_addf(key, "%s ", port->addresses[i]);
	for (size_t i = 0; i < port->n_gateways; i++)
		strbuf_addf(key, "%s ", port->gateways[i]);
	for (size_t i = 0; i < port->n_dns_servers; i++)
		strbuf_addf(key, "%s ", port->dns_servers[i]);
}

/* The hosts of the targets: what a file asks for, if it asks for anything. */
static void add_names(struct pac_run *run)
{
	Ew__ConnPac *pac = port_of(run)->pac;
	struct http_url url;

	pac->names = xcalloc(run->request->n_targets + 1, sizeof(char *));
	for (size_t i = 0; i < run->request->n_targets; i++)
		if (http_url_parse(run->request->targets[i]->url, &url) == 0 &&
		    !ipaddr_is_set(&url.addr))
			pac->names[pac->n_names++] = xstrdup(url.host);
}

static void on_begin(evutil_socket_t fd, short what, void *arg)
{
	static const struct conn_result nowhere = {
		.outcome = CONN_FAILED,
		.stage = CONN_STAGE_DNS,
		.why = "PAC file: neither DHCP option 252 nor a domain of two labels to look in"
	};
	struct pac_run *run = arg;
	Ew__ConnPac *pac = port_of(run)->pac;
	const char *text;
	size_t len = 0;
	bool fresh = false;

	(void)fd, (void)what;
	make_key(port_of(run), &run->key);
	pacs_drop_others(run->pacs, run->label, strbuf_str(&run->key));
	text = pac->n_urls ? pacs_find(run->pacs, run->label, strbuf_str(&run->key), mono_now(),
				       &fresh, &len)
			   : NULL;
	if (text && fresh) {
		set_text(run, text, len);
		free_texts(pac->urls, &pac->n_urls);
	}
	if (!pac->text.len && !pac->n_urls) {
		do_without(run, &nowhere);
		return;
	}
	if (pac->text.len && !pac_asks_for_names((const char *)pac->text.data, pac->text.len)) {
		evaluate(run, NULL, 0);
		return;
	}
	add_names(run);
	load(run);
}

/* ---- Life ---- */

struct pac_run *pac_run_start(struct pacs *pacs, const char *label, struct Ew__ConnRequest *request,
			      pac_run_fn *done, void *arg)
{
	struct pac_run *run = xcalloc(1, sizeof(*run));

	*run = (struct pac_run){ .pacs = pacs,
				 .label = label,
				 .request = request,
				 .done = done,
				 .arg = arg,
				 .key = STRBUF_INIT };
	run->begin_ev = event_new(pacs_base(pacs), -1, 0, on_begin, run);
	if (!run->begin_ev)
		abort();
	event_active(run->begin_ev, 0, 0); /* done() is never called from here */
	return run;
}

struct pac_run *pac_run_free(struct pac_run *run)
{
	if (!run)
		return NULL;
	pac_load_free(run->load);
	pac_eval_free(run->eval);
	strbuf_fini(&run->key);
	free(run->trace);
	event_free(run->begin_ev);
	if (run->request)
		ew__conn_request__free_unpacked(run->request, NULL);
	free(run);
	return NULL;
}
