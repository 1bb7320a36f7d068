/* SPDX-License-Identifier: Apache-2.0 */
#include "nim/proxy/pac_eval.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "nim/conn/framed.h"
#include "paceval.pb-c.h"

#define LEFT_BYTES 40 /* of a result that are told of */

struct pac_eval {
	pac_eval_fn *done;
	void *arg;
	struct framed *helper;
	unsigned int nurls;
	bool replied;
	char why[PAC_WHY]; /* "": none so far */
	struct pac_ways ways[HTTP_URLS];
};

/* ---- Its reply ---- */

static void make_printable(char *text)
{
	for (; *text; text++)
		if (*text < ' ' || *text > '~' || *text == '"')
			*text = '?';
}

static int read_results(const Ew__PacReply *reply, unsigned int n, struct pac_ways *ret,
			char why[PAC_WHY])
{
	if (reply->error[0]) {
		snprintf(why, PAC_WHY, "%s", reply->error);
		make_printable(why);
		return -EINVAL;
	}
	if (reply->n_results != n)
		return -EBADMSG;
	for (unsigned int i = 0; i < n; i++) {
		if (pac_result_parse(reply->results[i], ret[i].way, &ret[i].n) == 0)
			continue;
		snprintf(why, PAC_WHY, "no proxy is in its answer '%.*s'", LEFT_BYTES,
			 reply->results[i]);
		make_printable(why);
		return -EINVAL;
	}
	return 0;
}

int pac_reply_read(const uint8_t *msg, size_t len, unsigned int n, struct pac_ways *ret,
		   char why[PAC_WHY])
{
	Ew__PacReply *reply = ew__pac_reply__unpack(NULL, len, msg);
	int r = reply ? read_results(reply, n, ret, why) : -EBADMSG;

	if (reply)
		ew__pac_reply__free_unpacked(reply, NULL);
	return r;
}

static int on_frame(const uint8_t *msg, size_t len, void *arg)
{
	struct pac_eval *e = arg;
	int r = pac_reply_read(msg, len, e->nurls, e->ways, e->why);

	e->replied = r == 0;
	return r == -EBADMSG ? r : 0;
}

/* ---- Its end ---- */

/* What it died of tells what the file tried. */
static const char *why_it_died(int status)
{
	switch (-status) {
	case SIGXCPU:
		return "took more than 1 s of CPU";
	case SIGSYS:
		return "tried what no PAC file may do";
	case SIGSEGV:
	case SIGABRT:
	case SIGTRAP:
		return "crashed the engine, or took more memory than there is";
	}
	return NULL;
}

static void on_ended(const char *failure, int status, void *arg)
{
	struct pac_eval *e = arg;
	const char *why = e->why[0] ? e->why : NULL;

	if (!why && failure) /* be it after a reply: who dies of what it said is not believed */
		why = why_it_died(status) ?: failure;
	if (!why && !e->replied)
		why = "was not answered for";
	e->helper = NULL;
	e->done(why ? NULL : e->ways, why, e->arg);
	free(e);
}

int pac_eval_start(struct event_base *base, const char *path, const struct Ew__PacRequest *request,
		   pac_eval_fn *done, void *arg, struct pac_eval **ret)
{
	static const struct framed_ops ops = { .frame = on_frame, .ended = on_ended };
	const struct framed_conf conf = { .path = path,
					  .name = "pac-eval",
					  .request = &request->base,
					  .limit_ms = PAC_EVAL_LIMIT_MS,
					  .frames = 1 };
	struct pac_eval *e = xcalloc(1, sizeof(*e));
	int r;

	e->done = done;
	e->arg = arg;
	e->nurls = (unsigned int)request->n_urls;
	r = framed_start(base, &conf, &ops, e, &e->helper);
	if (r < 0)
		free(e);
	else
		*ret = e;
	return r;
}

struct pac_eval *pac_eval_free(struct pac_eval *e)
{
	if (!e)
		return NULL;
	framed_free(e->helper);
	free(e);
	return NULL;
}
