/* SPDX-License-Identifier: Apache-2.0 */
#include "nim/conn/conn_asked.h"

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "conntest.pb-c.h"
#include "nim/conn/conn_helper.h"
#include "nim/proxy/pac_run.h"

struct conn_asked {
	struct list link; /* of the round */
	struct conn_round *round;
	struct pac_run *pac; /* it comes first */
	struct conn_helper *helper;
	unsigned int port[NIM_PORTS];
	unsigned int n;
};

static void asked_free(struct conn_asked *a)
{
	list_remove(&a->link);
	pac_run_free(a->pac);
	conn_helper_free(a->helper);
	free(a);
}

void conn_asked_free_all(struct conn_round *round)
{
	struct conn_asked *a, *next;

	list_for_each_safe (a, next, &round->asked, link)
		asked_free(a);
}

/* It has nothing more to say; failure NULL: of ports it has not told of, that is one. */
static void end(struct conn_asked *a, const char *failure)
{
	struct conn_result unknown = { .outcome = CONN_UNTESTED };
	struct conn_round *round = a->round;
	bool left_out = false;

	for (unsigned int i = 0; i < a->n; i++)
		left_out = left_out || !round->ports[a->port[i]].known;
	if (!failure && left_out)
		failure = "the test program left ports out";
	snprintf(unknown.why, sizeof(unknown.why), "%s", failure ? failure : "");
	for (unsigned int i = 0; failure && i < a->n; i++)
		conn_round_know(round, a->port[i], &unknown, NULL);
	asked_free(a);
	conn_round_asked_ended(round, failure);
}

/* Whoever hears that it is tested may look at what was done. */
static void know(struct conn_asked *a, const struct conn_report *report)
{
	unsigned int port = a->port[report->port];

	conn_round_know(a->round, port, &report->result, &report->reached);
	if (report->trace)
		conn_round_trace(a->round, port, report->trace);
}

static void on_report(const struct conn_report *report, void *arg)
{
	struct conn_asked *a = arg;

	if (report->kind == CONN_REPORT_PEER)
		conn_round_add_peer(a->round, a->port[report->port], &report->peer);
	else if (report->kind == CONN_REPORT_TRACE)
		conn_round_trace(a->round, a->port[report->port], report->trace);
	else if (report->kind == CONN_REPORT_WARNING)
		conn_round_warn(a->round, a->port[report->port], report->text);
	else
		know(a, report);
}

static void on_helper_ended(const char *failure, void *arg)
{
	struct conn_asked *a = arg;

	a->helper = NULL;
	end(a, failure);
}

static void ask_helper(struct conn_asked *a, const Ew__ConnRequest *request)
{
	static const struct conn_helper_ops ops = { .report = on_report, .ended = on_helper_ended };
	const struct conntest *ct = a->round->ct;
	_cleanup_(freep) char *failure = NULL;
	int r = conn_helper_start(ct->conf.base, ct->program, request,
				  request->deadline_ms + CONN_HELPER_MORE_MS, &ops, a, &a->helper);

	if (r == 0)
		return;
	failure = xasprintf("the test program cannot be started: %s", strerror(-r));
	end(a, failure);
}

static void on_pac(Ew__ConnRequest *request, const struct conn_result *failure, const char *trace,
		   void *arg)
{
	struct conn_asked *a = arg;

	a->pac = NULL;
	if (request) {
		ask_helper(a, request);
		ew__conn_request__free_unpacked(request, NULL);
		return;
	}
	conn_round_know(a->round, a->port[0], failure, NULL);
	conn_round_trace(a->round, a->port[0], trace);
	end(a, failure->outcome == CONN_UNTESTED ? failure->why : NULL);
}

static Ew__ConnRequest *copy_of(const Ew__ConnRequest *request)
{
	size_t len = protobuf_c_message_get_packed_size(&request->base);
	_cleanup_(freep) uint8_t *packed = xcalloc(1, len + 1);
	Ew__ConnRequest *copy;

	protobuf_c_message_pack(&request->base, packed);
	copy = ew__conn_request__unpack(NULL, len, packed);
	if (!copy)
		abort();
	return copy;
}

void conn_asked_start(struct conn_round *round, const unsigned int *port, unsigned int n,
		      const struct Ew__ConnRequest *request)
{
	struct conn_asked *a = xcalloc(1, sizeof(*a));

	a->round = round;
	a->n = n;
	memcpy(a->port, port, n * sizeof(port[0]));
	list_append(&round->asked, &a->link);
	if (request->ports[0]->pac)
		/* What is found of a candidate's file is not that of the port. */
		a->pac = pac_run_start(round->ct->pacs,
				       round->kept ? round->ports[port[0]].label : "",
				       copy_of(request), on_pac, a);
	else
		ask_helper(a, request);
}
