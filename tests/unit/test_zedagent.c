/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The agent with a real file, a real bus and a subscriber to all it says, in one loop: whatever
 * the file holds, the bus holds one whole configuration.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <event2/event.h>

#include "api/topics.h"
#include "base/daemon.h"
#include "base/file.h"
#include "base/log.h"
#include "tests/unit/za_config.h"
#include "tests/unit/za_mutate.h"
#include "zedagent/zedagent.h"

#define TOPICS 5

static const struct ps_topic *const topics[TOPICS] = {
	&ps_topic_global_config, &ps_topic_device_port_config, &ps_topic_network_instance_config,
	&ps_topic_app_config,	 &ps_topic_config_status,
};

struct node {
	char dir[64], run[80], state[80], file[96], last[112];
	struct daemon *daemon;
	struct zedagent *agent;
	struct ps *ps;
	struct ps_sub *subs[TOPICS];
	unsigned int events; /* changes seen, but of the status */
};

static void on_bus(const char *key, const ProtobufCMessage *was, const ProtobufCMessage *now,
		   void *arg)
{
	(void)key;
	/* The status tells the time of each file that was applied, a millisecond apart or not. */
	if ((now ?: was)->descriptor != &ew__config_status__descriptor)
		((struct node *)arg)->events++;
}

static const struct ps_sub_ops ops = { .changed = on_bus };

/* Everything that is ready now, and what it makes ready: all is in this process. */
static void settle(struct node *n)
{
	for (int i = 0; i < 12; i++)
		event_base_loop(daemon_base(n->daemon), EVLOOP_NONBLOCK);
}

static void node_start(struct node *n)
{
	static const struct daemon_conf conf = { .name = "zedagent", .summary = "test" };
	char *argv[] = { (char[]){ "zedagent" },
			 (char[]){ "--run-dir" },
			 n->run,
			 (char[]){ "--state-dir" },
			 n->state,
			 (char[]){ "--log-level" },
			 (char[]){ "error" },
			 NULL };
	struct ps_conf bus = { .agent = "tester", .run_dir = n->run, .state_dir = n->state };
	struct zedagent_options options = { .config = n->file, .config_dir = n->dir };

	assert_int_equal(daemon_new(&conf, ARRAY_SIZE(argv) - 1, argv, &n->daemon), 0);
	assert_int_equal(zedagent_new(n->daemon, &options, &n->agent), 0);
	assert_int_equal(ps_connect(daemon_base(n->daemon), &bus, &n->ps), 0);
	for (size_t i = 0; i < TOPICS; i++)
		assert_int_equal(ps_subscribe(n->ps, topics[i], &ops, n, &n->subs[i]), 0);
	for (int i = 0; i < 1000 && !ps_synced(n->subs[TOPICS - 1]); i++)
		settle(n);
	for (size_t i = 0; i < TOPICS; i++)
		assert_true(ps_synced(n->subs[i]));
}

static void node_stop(struct node *n)
{
	ps_free(n->ps);
	n->agent = zedagent_free(n->agent);
	n->daemon = daemon_free(n->daemon);
}

static int setup(void **state)
{
	struct node *n = xcalloc(1, sizeof(*n));

	strcpy(n->dir, "/tmp/test_zedagent.XXXXXX");
	if (!mkdtemp(n->dir))
		return -1;
	snprintf(n->run, sizeof(n->run), "%s/run", n->dir);
	snprintf(n->state, sizeof(n->state), "%s/state", n->dir);
	snprintf(n->file, sizeof(n->file), "%s/etc/config.json", n->dir);
	snprintf(n->last, sizeof(n->last), "%s/zedagent/lastconfig", n->state);
	*state = n;
	return 0;
}

static int teardown(void **state)
{
	struct node *n = *state;
	int r;

	if (n->daemon)
		node_stop(n);
	r = dir_remove(n->dir);
	free(n);
	return r;
}

static void put(struct node *n, const void *data, size_t len)
{
	assert_int_equal(file_replace_volatile(n->file, data, len, 0644), 0);
}

static void put_text(struct node *n, const char *text)
{
	put(n, text, strlen(text));
}

static void put_version(struct node *n, int version)
{
	_cleanup_(freep) char *text = xasprintf("{\"id\":{\"version\":\"%d\"}}", version);

	put_text(n, text);
}

static const Ew__ConfigStatus *status_of(const struct node *n)
{
	return ps_get_config_status(n->subs[TOPICS - 1], "global");
}

static void version_is(struct node *n, const char *version)
{
	settle(n);
	assert_string_equal(status_of(n)->version, version);
}

/* ---- What is on the bus, and what should be ---- */

struct lines {
	char **line;
	size_t n;
};

static void lines_add(const char *topic, const char *key, const ProtobufCMessage *msg,
		      struct lines *lines)
{
	struct strbuf text = STRBUF_INIT;

	strbuf_addf(&text, "%s %s ", topic, key);
	pbjson_format(msg, 0, &text);
	lines->line = xrealloc(lines->line, lines->n + 1, sizeof(*lines->line));
	lines->line[lines->n++] = strbuf_take(&text);
}

static int compare_lines(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static char *lines_join(struct lines *lines)
{
	struct strbuf all = STRBUF_INIT;

	if (lines->n)
		qsort(lines->line, lines->n, sizeof(*lines->line), compare_lines);
	for (size_t i = 0; i < lines->n; i++) {
		strbuf_addf(&all, "%s\n", lines->line[i]);
		free(lines->line[i]);
	}
	free(lines->line);
	return strbuf_take(&all);
}

struct table {
	const char *topic;
	struct lines *lines;
};

static void on_row(const char *key, const ProtobufCMessage *msg, void *arg)
{
	const struct table *t = arg;

	lines_add(t->topic, key, msg, t->lines);
}

static char *published(const struct node *n)
{
	struct lines lines = { 0 };

	for (size_t i = 0; i < TOPICS - 1; i++) {
		struct table t = { topics[i]->name, &lines };

		ps_each(n->subs[i], on_row, &t);
	}
	return lines_join(&lines);
}

static char *wanted(const struct za_config *c)
{
	struct lines lines = { 0 };

	lines_add("GlobalConfig", "global", &c->global->base, &lines);
	lines_add("DevicePortConfig", "zedagent", &c->ports->base, &lines);
	for (size_t i = 0; i < c->n_instances; i++)
		lines_add("NetworkInstanceConfig", c->instances[i]->uuid, &c->instances[i]->base,
			  &lines);
	for (size_t i = 0; i < c->n_apps; i++)
		lines_add("AppConfig", c->apps[i]->uuid, &c->apps[i]->base, &lines);
	return lines_join(&lines);
}

/* ---- Tests ---- */

static void no_configuration_is_synced_and_empty(void **state)
{
	struct node *n = *state;
	_cleanup_(freep) char *now = NULL;

	node_start(n);
	now = published(n);
	assert_string_equal(now, "");
	assert_string_equal(status_of(n)->error, "");
	assert_string_equal(status_of(n)->source, "");
}

static void a_bad_file_leaves_the_last_good_one_until_it_heals(void **state)
{
	struct node *n = *state;
	_cleanup_(freep) char *before = NULL, *after = NULL;

	put_text(n, "{\"id\":{\"version\":\"1\"},\"configItems\":[{\"key\":\"a\"}]}");
	node_start(n);
	before = published(n);
	put_text(n, "{\"id\":{\"version\":\"2\"},\"configItems\":[{\"key\":\"\"}]}");
	version_is(n, "1");
	assert_string_equal(status_of(n)->error_pointer, "/configItems/0/key");
	assert_string_equal(status_of(n)->error, "expected a name of 1 to 128 bytes");
	assert_true(status_of(n)->error_ms >= status_of(n)->applied_ms);
	after = published(n);
	assert_string_equal(before, after);

	put_version(n, 3);
	version_is(n, "3");
	assert_string_equal(status_of(n)->error, "");
	assert_string_equal(status_of(n)->error_pointer, "");
	assert_int_equal(status_of(n)->error_ms, 0);
	assert_string_equal(status_of(n)->source, n->file);
}

static void what_did_not_change_is_not_told_again(void **state)
{
	struct node *n = *state;
	_cleanup_(freep) char *rich = za_test_read("docs/examples/rich.json");
	struct strbuf text = STRBUF_INIT;
	unsigned int before;

	put_text(n, rich);
	node_start(n);
	settle(n);
	before = n->events;
	strbuf_addf(&text, " %s ", rich);
	put_text(n, text.str);
	settle(n);
	strbuf_fini(&text);
	assert_int_equal(n->events, before);
}

static void the_last_good_one_is_used_without_a_good_file(void **state)
{
	static const char *const bad[] = { NULL, "", "{", "\xff\xff", "{\"id\":{\"version\":5}}" };
	struct node *n = *state;
	_cleanup_(freep) char *rich = za_test_read("docs/examples/rich.json"), *before = NULL;

	put_text(n, rich);
	node_start(n);
	before = published(n);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		_cleanup_(freep) char *after = NULL;

		node_stop(n);
		assert_int_equal(
			bad[i] ? file_replace_volatile(n->file, bad[i], strlen(bad[i]), 0644)
			       : unlink(n->file),
			0);
		node_start(n);
		after = published(n);
		assert_string_equal(before, after);
		assert_string_equal(status_of(n)->version, "42");
		assert_string_equal(status_of(n)->source, n->last);
		assert_true(!*status_of(n)->error == !bad[i]);
	}
}

static void a_copy_gone_bad_is_no_obstacle(void **state)
{
	struct node *n = *state;

	assert_int_equal(file_replace(n->last, "{", 1, 0600), 0);
	put_version(n, 7);
	node_start(n);
	version_is(n, "7");
	for (int i = 0; i < 1000; i++) { /* the disk takes its time */
		_cleanup_(freep) char *kept = za_test_read(n->last);

		if (strcmp(kept, "{\"id\":{\"version\":\"7\"}}") == 0)
			return;
		event_base_loop(daemon_base(n->daemon), EVLOOP_ONCE);
	}
	fail_msg("not kept");
}

static void an_older_configuration_is_refused_also_after_a_restart(void **state)
{
	struct node *n = *state;

	put_text(n, "{\"id\":{\"version\":\"new\"},\"configTimestamp\":\"2026-01-02T00:00:00Z\"}");
	node_start(n);
	version_is(n, "new");
	put_text(n, "{\"id\":{\"version\":\"old\"},\"configTimestamp\":\"2026-01-01T00:00:00Z\"}");
	version_is(n, "new");
	assert_string_equal(status_of(n)->error_pointer, "/configTimestamp");
	node_stop(n);
	node_start(n);
	version_is(n, "new");
	assert_string_equal(status_of(n)->error_pointer, "/configTimestamp");
	put_text(n, "{\"id\":{\"version\":\"timeless\"}}");
	version_is(n, "timeless");
}

static void files_change_in_many_ways(void **state)
{
	struct node *n = *state;
	_cleanup_(freep) char *dir = xasprintf("%s/etc", n->dir), *away = xasprintf("%s/x", n->dir),
			      *other = xasprintf("%s/etc/other", n->dir),
			      *slow = xasprintf("%s/etc/slow", n->dir);
	FILE *file;

	node_start(n); /* not even the folder is there */
	put_version(n, 1);
	version_is(n, "1"); /* made with its folder, renamed into place */
	file = fopen(n->file, "w");
	settle(n);
	assert_string_equal(status_of(n)->error, ""); /* truncated, not written yet */
	fputs("{\"id\":{\"version\":\"2\"}}", file);
	fflush(file);
	version_is(n, "1");
	fclose(file);
	version_is(n, "2"); /* written in place */
	assert_int_equal(unlink(n->file), 0);
	version_is(n, "2"); /* gone: stays */
	assert_string_equal(status_of(n)->error, "");
	assert_int_equal(file_replace_volatile(other, "{\"id\":{\"version\":\"3\"}}", 22, 0644), 0);
	assert_int_equal(link(other, n->file), 0);
	version_is(n, "3"); /* linked */
	assert_int_equal(unlink(n->file), 0);
	assert_int_equal(symlink("slow", n->file), 0);
	settle(n);
	assert_int_equal(file_replace_volatile(slow, "{\"id\":{\"version\":\"4\"}}", 22, 0644), 0);
	version_is(n, "4"); /* what a link leads to */
	assert_int_equal(rename(dir, away), 0);
	version_is(n, "4");
	put_version(n, 5); /* another folder in its place */
	version_is(n, "5");
}

static void what_is_no_regular_file_is_refused_without_waiting(void **state)
{
	struct node *n = *state;

	put_version(n, 1);
	node_start(n);
	assert_int_equal(unlink(n->file), 0);
	assert_int_equal(mkfifo(n->file, 0644), 0);
	version_is(n, "1");
	assert_string_equal(status_of(n)->error, "cannot be read: not a regular file");
	assert_int_equal(unlink(n->file), 0);
	assert_int_equal(mkdir(n->file, 0755), 0);
	version_is(n, "1");
	assert_string_equal(status_of(n)->error, "cannot be read: Is a directory");
}

/* ---- Malformed files ---- */

struct corpus {
	unsigned int refused, applied;
	char *in_force; /* what was wanted last */
	int64_t timestamp_ms;
};

/* Gives the agent one file: the bus must show all of it, or all of what was there before. */
static void feed(struct node *n, struct corpus *c, const struct strbuf *text, size_t number)
{
	_cleanup_(za_config_freep) struct za_config *config = NULL;
	_cleanup_(freep) char *now = NULL;
	struct pbjson_error err = { "", "" };

	put(n, text->str, text->len);
	settle(n);
	if (za_config_parse(text->str, text->len, &config, &err) == 0 &&
	    (!config->timestamp_ms || config->timestamp_ms >= c->timestamp_ms)) {
		c->applied++;
		c->timestamp_ms = config->timestamp_ms;
		free(c->in_force);
		c->in_force = wanted(config);
		if (*status_of(n)->error)
			fail_msg("mutation %zu is valid: %s", number, status_of(n)->error);
	} else {
		c->refused++;
		if (!*status_of(n)->error)
			fail_msg("mutation %zu is not refused: %s: %s", number, err.pointer,
				 err.why);
		if (!config)
			assert_string_equal(status_of(n)->error_pointer, err.pointer);
	}
	now = published(n);
	if (strcmp(now, c->in_force) != 0)
		fail_msg("mutation %zu: half of it is applied", number);
}

static void restart(struct node *n, const struct corpus *c)
{
	_cleanup_(freep) char *now = NULL;

	node_stop(n);
	node_start(n);
	now = published(n);
	assert_string_equal(now, c->in_force);
}

static void begin_corpus(struct node *n, struct corpus *c, const char *rich)
{
	_cleanup_(za_config_freep) struct za_config *config = NULL;
	struct pbjson_error err;

	assert_int_equal(za_config_parse(rich, strlen(rich), &config, &err), 0);
	c->in_force = wanted(config);
	c->timestamp_ms = config->timestamp_ms;
	put_text(n, rich);
	node_start(n);
}

static void end_corpus(struct node *n, struct corpus *c, const char *rich, unsigned int at_least)
{
	print_message("%u refused, %u applied\n", c->refused, c->applied);
	assert_true(c->refused >= at_least);
	put_text(n, rich);
	version_is(n, "42");
	assert_string_equal(status_of(n)->error, "");
	free(c->in_force);
}

static void malformed_json_never_crashes_and_is_never_half_applied(void **state)
{
	_cleanup_(freep) char *rich = za_test_read("docs/examples/rich.json");
	struct strbuf text = STRBUF_INIT;
	struct node *n = *state;
	struct corpus c = { 0 };

	begin_corpus(n, &c, rich);
	for (size_t i = 0; i < 600; i++) {
		za_mutate_json(rich, i, &text);
		feed(n, &c, &text, i);
		if (i % 60 == 59)
			restart(n, &c);
	}
	end_corpus(n, &c, rich, 300);
	strbuf_fini(&text);
}

static void malformed_binary_never_crashes_and_is_never_half_applied(void **state)
{
	_cleanup_(freep) char *rich = za_test_read("docs/examples/rich.json");
	_cleanup_(freep) uint8_t *bytes = NULL;
	struct strbuf text = STRBUF_INIT;
	EVE(EdgeDevConfig) * eve;
	struct node *n = *state;
	struct pbjson_error err;
	struct corpus c = { 0 };
	size_t len;

	assert_int_equal(za_config_load(rich, strlen(rich), &eve, &err), 0);
	len = protobuf_c_message_get_packed_size(&eve->base);
	bytes = malloc(len);
	protobuf_c_message_pack(&eve->base, bytes);
	protobuf_c_message_free_unpacked(&eve->base, NULL);
	begin_corpus(n, &c, rich);
	for (size_t i = 0; i < 300; i++) {
		za_mutate_binary(bytes, len, i, &text);
		feed(n, &c, &text, i);
		if (i % 60 == 59)
			restart(n, &c);
	}
	end_corpus(n, &c, rich, 150);
	strbuf_fini(&text);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(no_configuration_is_synced_and_empty),
		TEST(a_bad_file_leaves_the_last_good_one_until_it_heals),
		TEST(what_did_not_change_is_not_told_again),
		TEST(the_last_good_one_is_used_without_a_good_file),
		TEST(a_copy_gone_bad_is_no_obstacle),
		TEST(an_older_configuration_is_refused_also_after_a_restart),
		TEST(files_change_in_many_ways),
		TEST(what_is_no_regular_file_is_refused_without_waiting),
		TEST(malformed_json_never_crashes_and_is_never_half_applied),
		TEST(malformed_binary_never_crashes_and_is_never_half_applied),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
