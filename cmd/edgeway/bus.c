/* SPDX-License-Identifier: Apache-2.0 */
/* edgeway bus ls | get TOPIC [KEY] | watch TOPIC… */
#include <errno.h>
#include <event2/event.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/pbjson.h"
#include "base/strbuf.h"
#include "cmd/edgeway/commands.h"
#include "cmd/edgeway/table.h"

static void add_value(const struct ps_topic *topic, const void *data, size_t len,
		      unsigned int flags, struct strbuf *out)
{
	ProtobufCMessage *msg = protobuf_c_message_unpack(topic->desc, NULL, len, data);

	if (msg)
		pbjson_format(msg, flags, out);
	else
		strbuf_add(out, "null");
	protobuf_c_message_free_unpacked(msg, NULL);
}

/* ---- ls ---- */

static int bus_ls(void)
{
	for (const struct ps_topic *const *t = ps_topics; *t; t++)
		printf("%-10s %-22s %-6s %-9s %s\n", (*t)->agent, (*t)->name,
		       (*t)->kind == PS_STREAM ? "stream" : "state",
		       (*t)->persist ? "persist" : "volatile",
		       cli_daemon_running((*t)->agent) ? "published" : "publisher does not run");
	return 0;
}

/* ---- get ---- */

struct get {
	const char *key; /* NULL: all */
	struct strbuf out;
	bool any;
};

static void get_value(const struct ps_topic *topic, const char *key, const void *data, size_t len,
		      void *arg)
{
	struct get *get = arg;

	if (get->key && strcmp(get->key, key) != 0)
		return;
	if (!get->key) {
		strbuf_add(&get->out, get->any ? ",\n" : "");
		pbjson_format_string(key, &get->out);
		strbuf_add(&get->out, ": ");
	}
	get->any = true;
	add_value(topic, data, len, PBJSON_PRETTY | PBJSON_DEFAULTS | PBJSON_STARS, &get->out);
}

static int bus_get(const char *name, const char *key)
{
	struct table_topic topics[2] = { { .topic = ps_topic_find(name) } };
	struct get get = { .key = key };
	int r;

	if (!topics[0].topic)
		return cli_fail("there is no topic %s; see edgeway bus ls", name);
	r = table_read(topics, get_value, &get);
	if (r < 0)
		return cli_fail("%s", strerror(-r));
	if (!topics[0].synced) {
		strbuf_fini(&get.out);
		return cli_fail("%s: %s %s", name, topics[0].topic->agent,
				table_why_not(topics[0].topic));
	}
	if (key && !get.any)
		r = cli_fail("%s has no key %s", name, key);
	else
		printf(key ? "%s\n" : "{\n%s\n}\n", strbuf_str(&get.out));
	strbuf_fini(&get.out);
	return r;
}

/* ---- watch: one JSON object a line ---- */

static void watch_line(const struct ps_topic *topic, const char *event, struct strbuf *rest)
{
	struct strbuf line = STRBUF_INIT;

	strbuf_addf(&line, "{\"topic\":\"%s\",\"event\":\"%s\"%s}\n", topic->name, event,
		    strbuf_str(rest));
	fwrite(line.str, 1, line.len, stdout);
	fflush(stdout);
	strbuf_fini(&line);
	strbuf_fini(rest);
}

static void watch_raw(const char *key, const void *now, size_t len, void *arg)
{
	const struct ps_topic *topic = arg;
	struct strbuf rest = STRBUF_INIT;

	strbuf_add(&rest, ",\"key\":");
	pbjson_format_string(key, &rest);
	strbuf_add(&rest, ",\"value\":");
	if (now)
		add_value(topic, now, len, PBJSON_DEFAULTS | PBJSON_STARS, &rest);
	else
		strbuf_add(&rest, "null");
	watch_line(topic, now ? "changed" : "deleted", &rest);
}

static void watch_record(uint64_t seq, uint64_t lost_before, const ProtobufCMessage *msg, void *arg)
{
	struct strbuf rest = STRBUF_INIT;

	strbuf_addf(&rest, ",\"seq\":%" PRIu64 ",\"lost\":%" PRIu64 ",\"value\":", seq,
		    lost_before);
	pbjson_format(msg, PBJSON_DEFAULTS | PBJSON_STARS, &rest);
	watch_line(arg, "record", &rest);
}

static void watch_synced(void *arg)
{
	struct strbuf rest = STRBUF_INIT;

	watch_line(arg, "synced", &rest);
}

static void watch_lost(void *arg)
{
	struct strbuf rest = STRBUF_INIT;

	watch_line(arg, "lost", &rest);
}

static void watch_refused(const char *why, void *arg)
{
	struct strbuf rest = STRBUF_INIT;

	strbuf_add(&rest, ",\"why\":");
	pbjson_format_string(why, &rest);
	watch_line(arg, "refused", &rest);
}

static int bus_watch(int n, char *names[])
{
	static const struct ps_sub_ops ops = {
		.raw = watch_raw,
		.record = watch_record,
		.synced = watch_synced,
		.lost = watch_lost,
		.refused = watch_refused,
	};
	const struct ps_conf conf = { .agent = "edgeway",
				      .run_dir = cli_run_dir(),
				      .state_dir = cli_state_dir() };
	struct event_base *base = event_base_new();
	struct ps *ps = NULL;
	int r = base ? ps_connect(base, &conf, &ps) : -ENOMEM;

	for (int i = 0; r == 0 && i < n; i++) {
		const struct ps_topic *topic = ps_topic_find(names[i]);
		struct ps_sub *sub; /* ps frees it */

		if (!topic)
			return cli_fail("there is no topic %s; see edgeway bus ls", names[i]);
		r = topic->kind == PS_STREAM
			    ? ps_subscribe(ps, topic, &ops, (void *)topic, &sub)
			    : ps_subscribe_raw(ps, topic, &ops, (void *)topic, &sub);
	}
	if (r < 0)
		return cli_fail("%s", strerror(-r));
	event_base_dispatch(base); /* until interrupted */
	return 0;
}

int cmd_bus(int argc, char *argv[])
{
	const char *verb = argc > 1 ? argv[1] : "";

	if (strcmp(verb, "ls") == 0 && argc == 2)
		return bus_ls();
	if (strcmp(verb, "get") == 0 && (argc == 3 || argc == 4))
		return bus_get(argv[2], argc == 4 ? argv[3] : NULL);
	if (strcmp(verb, "watch") == 0 && argc > 2)
		return bus_watch(argc - 2, argv + 2);
	return cli_usage("bus");
}
