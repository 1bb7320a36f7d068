/* SPDX-License-Identifier: Apache-2.0 */
#include "nim/proxy/pac_run.h"

#include <event2/event.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "conntest.pb-c.h"
#include "nim/proxy/pac_eval.h"
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
	struct pac_eval *eval;
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
	done(request, NULL, arg);
}

static void fail(struct pac_run *run, const struct conn_result *failure)
{
	pac_run_fn *done = run->done;
	void *arg = run->arg;

	pac_run_free(run);
	done(NULL, failure, arg);
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
	pacs_evaluated(run->pacs, run->label, port_of(run)->pac->text.len, why);
	if (why) {
		fail_of_file(run, why);
		return;
	}
	proxy_ways_of_pac(port_of(run), ways, (unsigned int)run->request->n_targets);
	succeed(run);
}

static int evaluate(struct pac_run *run)
{
	const Ew__ConnPort *port = port_of(run);
	Ew__PacRequest request = EW__PAC_REQUEST__INIT;
	char *urls[HTTP_URLS];

	request.text = port->pac->text;
	if (port->n_addresses)
		request.own_address = port->addresses[0];
	request.urls = urls;
	for (size_t i = 0; i < run->request->n_targets && i < HTTP_URLS; i++)
		urls[request.n_urls++] = run->request->targets[i]->url;
	return pac_eval_start(pacs_base(run->pacs), pacs_evaluator(run->pacs), &request,
			      on_evaluated, run, &run->eval);
}

static void on_begin(evutil_socket_t fd, short what, void *arg)
{
	struct pac_run *run = arg;
	char why[PAC_WHY];
	int r = evaluate(run);

	(void)fd, (void)what;
	if (r == 0)
		return;
	snprintf(why, sizeof(why), "pac-eval cannot be started: %s", strerror(-r));
	on_evaluated(NULL, why, run);
}

/* ---- Life ---- */

struct pac_run *pac_run_start(struct pacs *pacs, const char *label, struct Ew__ConnRequest *request,
			      pac_run_fn *done, void *arg)
{
	struct pac_run *run = xcalloc(1, sizeof(*run));

	*run = (struct pac_run){
		.pacs = pacs, .label = label, .request = request, .done = done, .arg = arg
	};
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
	pac_eval_free(run->eval);
	event_free(run->begin_ev);
	if (run->request)
		ew__conn_request__free_unpacked(run->request, NULL);
	free(run);
	return NULL;
}
