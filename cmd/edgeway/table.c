/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/edgeway/table.h"

#include <assert.h>
#include <errno.h>
#include <event2/event.h>

#include "base/cleanup.h"
#include "cmd/edgeway/ask.h"
#include "cmd/edgeway/commands.h"

struct reader {
	struct event_base *base;
	struct table_topic *topics;
	table_fn *each;
	void *arg;
};

struct one {
	struct reader *reader;
	struct table_topic *topic;
};

static void end_if_complete(struct reader *r)
{
	for (struct table_topic *t = r->topics; t->topic; t++)
		if (!t->synced && cli_daemon_running(t->topic->agent))
			return;
	event_base_loopbreak(r->base);
}

static void on_raw(const char *key, const void *now, size_t len, void *arg)
{
	struct one *one = arg;

	if (now && !one->topic->synced)
		one->reader->each(one->topic->topic, key, now, len, one->reader->arg);
}

static void on_synced(void *arg)
{
	struct one *one = arg;

	one->topic->synced = true;
	end_if_complete(one->reader);
}

static int subscribe_all(struct reader *r, struct ps *ps, struct one *ones)
{
	static const struct ps_sub_ops ops = { .raw = on_raw, .synced = on_synced };
	struct ps_sub *sub; /* ps frees them */
	size_t i;
	int err = 0;

	for (i = 0; err == 0 && r->topics[i].topic; i++) {
		assert(i < TABLE_TOPICS_MAX);
		ones[i] = (struct one){ .reader = r, .topic = &r->topics[i] };
		err = ps_subscribe_raw(ps, r->topics[i].topic, &ops, &ones[i], &sub);
	}
	return err;
}

static void read_for(const struct reader *r, unsigned int ms)
{
	const struct timeval wait = { .tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000 };

	event_base_loopexit(r->base, &wait);
	event_base_dispatch(r->base);
}

/* One that does not get to run on a busy machine is late at both its doors; when it answers at one, it
 * gets to the other. What it says at neither is not that it waits for its inputs. */
static void read_of_the_late(const struct reader *r)
{
	const char *late[TABLE_TOPICS_MAX];
	bool answers[TABLE_TOPICS_MAX], any = false;
	size_t n = 0;

	for (const struct table_topic *t = r->topics; t->topic; t++)
		if (!t->synced && cli_daemon_running(t->topic->agent))
			late[n++] = t->topic->agent;
	ask_answers(late, n, answers);
	for (size_t i = 0; i < n; i++)
		any = any || answers[i];
	if (any)
		read_for(r, TABLE_MORE_MS);
}

int table_read(struct table_topic *topics, table_fn *each, void *arg)
{
	const struct ps_conf conf = { .agent = "edgeway",
				      .run_dir = cli_run_dir(),
				      .state_dir = cli_state_dir() };
	struct reader r = { .topics = topics, .each = each, .arg = arg };
	struct one ones[TABLE_TOPICS_MAX] = { 0 };
	struct ps *ps = NULL;
	bool any = false;
	int err;

	for (struct table_topic *t = topics; t->topic; t++)
		any = any || cli_daemon_running(t->topic->agent);
	if (!any)
		return 0;
	r.base = event_base_new();
	if (!r.base)
		return -ENOMEM;
	err = ps_connect(r.base, &conf, &ps);
	if (err == 0)
		err = subscribe_all(&r, ps, ones);
	if (err == 0) {
		read_for(&r, TABLE_WAIT_MS);
		read_of_the_late(&r);
	}
	ps_free(ps);
	event_base_free(r.base);
	return err;
}

const char *table_why_not(const struct ps_topic *topic)
{
	bool answers;

	if (!cli_daemon_running(topic->agent))
		return "does not run";
	ask_answers(&topic->agent, 1, &answers);
	return answers ? "waits for its inputs" : "does not answer";
}
